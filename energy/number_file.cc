#include "energy/number_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

namespace wattline::energy {

std::optional<int64_t> ParseInteger(const std::string& text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, value);
  if (fault != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::string FileNumber::WhyNot(const std::filesystem::path& file) const {
  if (error == EACCES || error == EPERM) {
    return fmt::format(
        "{0} is there but not readable by this user; to let everyone read it until the next boot: "
        "sudo chmod a+r {0}",
        file.string());
  }
  if (error != 0) return fmt::format("{}: {}", file.string(), std::strerror(error));
  return fmt::format("{} holds '{}', which is no number", file.string(), text);
}

FileNumber NumberFile::Read() {
  FileText text = kept_.Read();
  if (text.error != 0) return {{}, text.error, ""};
  const std::optional<int64_t> value = ParseInteger(text.text);
  if (value) return {value, 0, ""};
  return {{}, 0, std::move(text.text)};
}

FileNumber ReadNumber(const std::filesystem::path& file, const FileReader& read) {
  return NumberFile(file, read).Read();
}

std::optional<std::string> ReadWord(const std::filesystem::path& file, const FileReader& read) {
  const FileText text = read(file);
  if (text.error != 0) return std::nullopt;
  return text.text.substr(0, text.text.find('\n'));
}

}  // namespace wattline::energy
