#include "tools/roofline/png_file.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>

extern char** environ;

namespace wattline::tools {
namespace {

bool WriteAll(int descriptor, const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    const ssize_t written = write(descriptor, text.data() + at, text.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    at += static_cast<size_t>(written);
  }
  return true;
}

}  // namespace

std::string WritePng(const std::string& svg, const std::string& path) {
  // The picture takes its place when it is whole.
  const std::string partial = path + ".partial";
  int ends[2];
  if (pipe(ends) != 0) return fmt::format("no pipe to rsvg-convert: {}", std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  posix_spawn_file_actions_addclose(&actions, ends[1]);
  std::string name = "rsvg-convert";
  std::string format = "--format=png";
  std::string out = "--output=" + partial;
  char* arguments[] = {name.data(), format.data(), out.data(), nullptr};
  pid_t child = 0;
  const int failed = posix_spawnp(&child, name.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[0]);
  if (failed != 0) {
    close(ends[1]);
    return failed == ENOENT
               ? std::string(
                     "PNG needs the program rsvg-convert (Debian package librsvg2-bin, "
                     "Homebrew librsvg); -o FILE.svg needs nothing")
               : fmt::format("rsvg-convert does not start: {}", std::strerror(failed));
  }
  // A child that ends early must not end this program.
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  const bool sent = WriteAll(ends[1], svg);
  std::signal(SIGPIPE, before);
  close(ends[1]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  std::error_code error;
  if (!sent || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    std::filesystem::remove(partial, error);
    return fmt::format("rsvg-convert did not make {}", path);
  }
  std::filesystem::rename(partial, path, error);
  return error ? fmt::format("{} cannot be written: {}", path, error.message()) : "";
}

}  // namespace wattline::tools
