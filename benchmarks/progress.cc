#include "benchmarks/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

namespace wattline::benchmarks {
namespace {

std::string About(double left_s) {
  if (left_s < 90) return fmt::format("about {:.0f} s left", std::max(1.0, left_s));
  if (left_s < 5400) return fmt::format("about {:.0f} min left", left_s / 60);
  return fmt::format("about {:.1f} h left", left_s / 3600);
}

size_t TerminalColumns(std::FILE* terminal) {
  winsize size{};
  const bool known = ioctl(fileno(terminal), TIOCGWINSZ, &size) == 0 && size.ws_col > 20;
  return known ? size.ws_col : 80;
}

}  // namespace

std::string ProgressText(size_t row, size_t rows, const std::string& name, double elapsed_s,
                         size_t done, size_t columns) {
  std::string text = fmt::format("row {} of {}  {}", std::min(row, rows), rows, name);
  if (done > 0 && rows > done) {
    const double per_row_s = elapsed_s / static_cast<double>(done);
    text += "  " + About(per_row_s * static_cast<double>(rows - done));
  }
  // One column stays free: a line that fills the last one wraps on some terminals.
  return text.substr(0, columns - 1);
}

void Progress::Begin(const std::string& name) {
  if (terminal_ == nullptr) return;
  const auto now = std::chrono::steady_clock::now();
  if (begun_.empty()) start_ = now;
  begun_.insert(name);
  const std::chrono::duration<double> elapsed = now - start_;
  const size_t row = begun_.size();
  Show(ProgressText(row, rows_, name, elapsed.count(), row - 1, TerminalColumns(terminal_)));
}

void Progress::Note(const std::string& note) {
  if (terminal_ != nullptr) Show(note.substr(0, TerminalColumns(terminal_) - 1));
}

void Progress::Clear() { Show({}); }

void Progress::Show(const std::string& text) {
  if (terminal_ == nullptr || text == shown_) return;
  // Carriage return, erase to the end of the line.
  fmt::print(terminal_, "\r\033[K{}", text);
  std::fflush(terminal_);
  shown_ = text;
}

bool IsTerminal(std::FILE* file) { return isatty(fileno(file)) != 0; }

std::FILE* TerminalOrNull() { return IsTerminal(stderr) ? stderr : nullptr; }

}  // namespace wattline::benchmarks
