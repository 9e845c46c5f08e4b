// The progress line: which row of how many runs, and how long the rest may take.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <set>
#include <string>

namespace wattline::benchmarks {

// "row 3 of 12  decode/llama-3.2-1b/q4_0/ctx:512/cpu  about 40 s left", cut to `columns`.
// `done` rows took `elapsed_s` so far; before the first is done, no time left is claimed.
std::string ProgressText(size_t row, size_t rows, const std::string& name, double elapsed_s,
                         size_t done, size_t columns);

// Writes to `terminal`; a null one makes it silent.
class Progress {
 public:
  Progress(std::FILE* terminal, size_t rows) : terminal_(terminal), rows_(rows) {}
  ~Progress() { Clear(); }

  // A row begins, or the same one continues. `note` stands in its place while it prepares.
  void Begin(const std::string& name);
  void Note(const std::string& note);
  // Takes the line away, before anything else is printed.
  void Clear();

 private:
  void Show(const std::string& text);

  std::FILE* terminal_;
  size_t rows_;
  std::set<std::string> begun_;
  std::chrono::steady_clock::time_point start_;  // of the first row
  std::string shown_;
};

bool IsTerminal(std::FILE* file);
// Standard error where it is a terminal, else null.
std::FILE* TerminalOrNull();

}  // namespace wattline::benchmarks
