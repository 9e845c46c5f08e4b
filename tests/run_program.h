// Runs a program and keeps what it printed.
#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

namespace wattline {

struct ProgramRun {
  int code = -1;
  std::string out;
  std::string err;
};

// `command` goes to the shell. `err_file` receives stderr on the way.
inline ProgramRun RunProgram(const std::string& command, const std::string& err_file) {
  ProgramRun run;
  FILE* pipe = popen((command + " 2>" + err_file).c_str(), "r");
  if (pipe == nullptr) return run;
  std::array<char, 4096> part;
  for (size_t n; (n = fread(part.data(), 1, part.size(), pipe)) > 0;) {
    run.out.append(part.data(), n);
  }
  const int status = pclose(pipe);
  run.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  std::ifstream err(err_file);
  run.err.assign(std::istreambuf_iterator<char>(err), {});
  return run;
}

}  // namespace wattline
