// A program that runs beside this one, with what it prints read as it comes.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

namespace wattline::energy {

class ChildProcess {
 public:
  struct Started {
    std::unique_ptr<ChildProcess> child;
    int error = 0;  // errno
  };
  // `arguments[0]` is the program's path; its standard input is empty. It gets a process group of
  // its own, so that Ctrl-C goes to this program alone.
  static Started Start(const std::vector<std::string>& arguments);

  // Ends it with its whole group and collects its exit code. One that may not be signalled (a
  // child of sudo) ends at its next word, because nobody listens any more.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Appends what it has printed since the last call, without waiting. False once it has closed its
  // standard output.
  bool Read(std::string& out, std::string& err);
  // Until it prints something or closes its standard output; true where it did.
  bool WaitForOutput(double at_most_s);
  // "exit code 1", "signal 9": after Read() returned false. Waits for its end for a moment.
  std::string End();

 private:
  ChildProcess(pid_t pid, int out, int err) : pid_(pid), out_(out), err_(err) {}
  bool Reap(double at_most_s);

  pid_t pid_;
  int out_;
  int err_;
  bool reaped_ = false;
  int status_ = 0;
};

}  // namespace wattline::energy
