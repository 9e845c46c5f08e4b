#include "energy/file_text.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

namespace wattline::energy {

FileText ReadFileText(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return {"", errno};
  char bytes[kFileTextLimit_byte];
  const ssize_t count_byte = ::read(descriptor, bytes, sizeof(bytes));
  const int error = count_byte < 0 ? errno : 0;
  ::close(descriptor);
  if (error != 0) return {"", error};
  std::string text(bytes, static_cast<size_t>(count_byte));
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return {text, 0};
}

std::optional<uint64_t> ParseCount(const std::string& text) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, value);
  if (fault != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace wattline::energy
