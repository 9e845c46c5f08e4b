#include "energy/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <thread>

extern char** environ;

namespace wattline::energy {
namespace {

// A pipe whose ends no other child inherits; the reading end does not block.
bool OpenPipe(std::array<int, 2>& ends) {
  if (::pipe(ends.data()) != 0) return false;
  for (const int end : ends) ::fcntl(end, F_SETFD, FD_CLOEXEC);
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return true;
}

// False at the end of the stream.
bool Drain(int descriptor, std::string& text) {
  std::array<char, 16384> bytes;
  while (true) {
    const ssize_t count = ::read(descriptor, bytes.data(), bytes.size());
    if (count > 0) {
      text.append(bytes.data(), static_cast<size_t>(count));
    } else if (count == 0) {
      return false;
    } else if (errno != EINTR) {
      return errno == EAGAIN || errno == EWOULDBLOCK;
    }
  }
}

int Spawn(const std::vector<std::string>& arguments, int out, int err, pid_t& pid) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setpgroup(&attributes, 0);
  // Signals as a program expects them: SIGPIPE is what ends it when this program is gone.
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  for (const int number : {SIGPIPE, SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const int error = ::posix_spawn(&pid, argv[0], &files, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return error;
}

}  // namespace

ChildProcess::Started ChildProcess::Start(const std::vector<std::string>& arguments) {
  std::array<int, 2> out;
  std::array<int, 2> err;
  if (!OpenPipe(out)) return {nullptr, errno};
  if (!OpenPipe(err)) {
    const int error = errno;
    for (const int end : out) ::close(end);
    return {nullptr, error};
  }
  pid_t pid = -1;
  const int error = Spawn(arguments, out[1], err[1], pid);
  ::close(out[1]);
  ::close(err[1]);
  if (error != 0) {
    ::close(out[0]);
    ::close(err[0]);
    return {nullptr, error};
  }
  return {std::unique_ptr<ChildProcess>(new ChildProcess(pid, out[0], err[0])), 0};
}

ChildProcess::~ChildProcess() {
  ::close(out_);
  ::close(err_);
  if (reaped_) return;
  ::kill(-pid_, SIGTERM);
  if (Reap(0.5)) return;
  ::kill(-pid_, SIGKILL);
  Reap(2);
}

bool ChildProcess::Read(std::string& out, std::string& err) {
  const bool open = Drain(out_, out);
  Drain(err_, err);
  return open;
}

bool ChildProcess::WaitForOutput(double at_most_s) {
  pollfd waiting{out_, POLLIN, 0};
  return ::poll(&waiting, 1, static_cast<int>(std::ceil(at_most_s * 1e3))) > 0;
}

std::string ChildProcess::End() {
  if (!Reap(0.5)) return "output closed";
  if (WIFSIGNALED(status_)) return fmt::format("signal {}", WTERMSIG(status_));
  return fmt::format("exit code {}", WEXITSTATUS(status_));
}

bool ChildProcess::Reap(double at_most_s) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(at_most_s);
  while (!reaped_) {
    const pid_t ended = ::waitpid(pid_, &status_, WNOHANG);
    // Where someone else has collected it (SIGCHLD ignored), there is nothing left to wait for.
    reaped_ = ended == pid_ || (ended < 0 && errno == ECHILD);
    if (reaped_ || std::chrono::steady_clock::now() >= until) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return reaped_;
}

}  // namespace wattline::energy
