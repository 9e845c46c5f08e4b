#include "roofline/readers/foreign.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

namespace wattline::roofline {
namespace {

constexpr size_t kSlugLength = 64;

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
char LowerOf(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Length of the well-formed UTF-8 character that begins at `at`; 0 where there is none.
size_t CharacterLength(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || at + length > text.size()) return 0;
  for (size_t i = at + 1; i < at + length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const unsigned char second = byte(at + 1);
  // Overlong forms, surrogates, beyond U+10FFFF.
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
      (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) {
    return 0;
  }
  return length;
}

}  // namespace

std::string Slug(std::string_view text) {
  std::string slug;
  for (const char c : text) {
    if (IsLetter(c) || IsDigit(c) || c == '.' || c == '_') {
      slug += LowerOf(c);
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
    if (slug.size() == kSlugLength) break;
  }
  while (!slug.empty() && slug.back() == '-') slug.pop_back();
  return slug.empty() ? "unknown" : slug;
}

std::string PlainText(std::string_view text, size_t most) {
  std::string plain;
  for (size_t at = 0; at < text.size();) {
    const size_t length = CharacterLength(text, at);
    if (plain.size() + length > most) return plain + "...";
    if (length == 0) {
      plain += '?';
    } else if (length == 1 && (text[at] < ' ' || text[at] == 127)) {
      plain += ' ';
    } else {
      plain += text.substr(at, length);
    }
    at += length == 0 ? 1 : length;
  }
  return std::string(Trimmed(plain));
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = LowerOf(c);
  return lower;
}

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::optional<double> NumberOf(std::string_view text) {
  const std::string copy(Trimmed(text));
  if (copy.empty() || copy.find_first_not_of("0123456789+-.eE") != std::string::npos) {
    return std::nullopt;
  }
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  if (*end != '\0' || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<int> CountOf(double number) {
  if (!(number >= 0) || number > std::numeric_limits<int>::max()) return std::nullopt;
  return static_cast<int>(number);
}

std::string NumberText(double number) {
  if (std::abs(number) < 1e15 && number == std::floor(number)) return fmt::format("{:.0f}", number);
  return fmt::format("{:.7g}", number);
}

std::string WithoutFolders(std::string_view path) {
  const size_t slash = path.find_last_of("/\\");
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

std::string WithoutEnding(const std::string& file) {
  const size_t dot = file.rfind('.');
  return dot == std::string::npos || dot == 0 ? file : file.substr(0, dot);
}

std::vector<std::string_view> LinesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

bool HasKey(std::string_view text, std::string_view key, char opener) {
  const std::string quoted = fmt::format("\"{}\"", key);
  for (size_t at = 0; (at = text.find(quoted, at)) != std::string_view::npos;) {
    at += quoted.size();
    size_t next = text.find_first_not_of(" \t\r\n", at);
    if (next == std::string_view::npos || text[next] != ':') continue;
    if (opener == 0) return true;
    next = text.find_first_not_of(" \t\r\n", next + 1);
    if (next != std::string_view::npos && text[next] == opener) return true;
  }
  return false;
}

std::string NameText(const Address& address) {
  std::string name =
      fmt::format("{}/{}/{}", Slug(address.fixture), Slug(address.subject), Slug(address.format));
  for (const auto& [key, value] : address.cases) {
    name += fmt::format("/{}:{}", Slug(key), Slug(value));
  }
  return name + "/" + Slug(address.backend);
}

Row RowNamed(const Address& address) {
  Row row;
  row.name = NameText(address);
  row.address = ParseAddress(row.name);
  return row;
}

void NumberRepetitions(std::vector<Row>& rows) {
  std::map<std::string, int> counts;
  for (Row& row : rows) {
    if (row.aggregate.empty()) row.repetition = counts[row.name]++;
  }
}

void FinishRows(std::vector<Row>& rows) {
  NumberRepetitions(rows);
  for (Row& row : rows) {
    if (!std::isfinite(row.time_s)) row.time_s = 0;
    std::erase_if(row.counters, [](const auto& counter) { return !std::isfinite(counter.second); });
  }
}

void SetChip(Machine& machine, std::string_view chip) {
  machine.chip = PlainText(chip);
  if (!machine.chip.empty()) machine.chip_slug = Slug(machine.chip);
}

std::string Counted(size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

void TellZeros(Results& results) {
  std::map<std::string, size_t> zeros;
  for (const Row& row : results.rows) {
    for (const auto& [counter, value] : row.counters) {
      if (value == 0 && counter != "idle_devices") ++zeros[counter];
    }
  }
  std::map<size_t, std::string> by_count;
  for (const auto& [counter, count] : zeros) {
    std::string& counters = by_count[count];
    counters += (counters.empty() ? "" : ", ") + counter;
  }
  for (const auto& [count, counters] : by_count) {
    results.remarks.push_back(fmt::format(
        "{}: 0 of {} in {} stands for what was not measured; it is kept as the file has it",
        results.path, counters, Counted(count, "row")));
  }
}

void LeftOutRows::Tell(const std::string& path, std::vector<std::string>& remarks) const {
  for (const auto& [reason, count] : counts_) {
    remarks.push_back(fmt::format("{}: {} {} left out: {}", path, Counted(count, "row"),
                                  count == 1 ? "was" : "were", reason));
  }
}

}  // namespace wattline::roofline
