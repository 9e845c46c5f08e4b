// Names of rows as addresses, and what a row tells of itself.
#include <cstdlib>

#include "roofline/result.h"

namespace wattline::roofline {
namespace {

std::vector<std::string> SplitAt(std::string_view text, char at) {
  std::vector<std::string> parts;
  for (;;) {
    const size_t end = text.find(at);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// What Google Benchmark puts behind a name (BenchmarkName, benchmark.h): their order is fixed.
bool IsHarnessPart(const std::string& part) {
  for (const char* prefix : {"min_time:", "min_warmup_time:", "iterations:", "repeats:"}) {
    if (part.rfind(prefix, 0) == 0) return true;
  }
  return part == "real_time" || part == "manual_time" || part == "process_time";
}

}  // namespace

std::string_view Address::Case(std::string_view key) const {
  for (const auto& [name, value] : cases) {
    if (name == key) return value;
  }
  return {};
}

std::optional<double> Address::CaseNumber(std::string_view key) const {
  const std::string text(Case(key));
  if (text.empty()) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (*end != '\0') return std::nullopt;
  return value;
}

std::optional<Address> ParseAddress(std::string_view name) {
  std::vector<std::string> parts = SplitAt(name, '/');
  while (!parts.empty() && IsHarnessPart(parts.back())) parts.pop_back();
  if (parts.size() < 4) return std::nullopt;
  Address address{parts[0], parts[1], parts[2], {}, parts.back()};
  for (size_t i = 3; i + 1 < parts.size(); ++i) {
    const size_t colon = parts[i].find(':');
    if (colon == std::string::npos || colon == 0) return std::nullopt;
    address.cases.emplace_back(parts[i].substr(0, colon), parts[i].substr(colon + 1));
  }
  for (const std::string* part :
       {&address.fixture, &address.subject, &address.format, &address.backend}) {
    if (part->empty() || part->find(':') != std::string::npos) return std::nullopt;
  }
  return address;
}

std::optional<double> Row::Counter(std::string_view key) const {
  const auto found = counters.find(std::string(key));
  if (found == counters.end()) return std::nullopt;
  return found->second;
}

std::optional<double> Row::FlopPerS() const {
  const std::optional<double> tera = Counter("TFLOPS");
  if (!tera) return std::nullopt;
  return *tera * 1e12;
}

std::optional<double> Row::BytePerS() const {
  const std::optional<double> giga = Counter("GB/s");
  if (!giga) return std::nullopt;
  return *giga * 1e9;
}

std::optional<double> Row::Intensity() const {
  const std::optional<double> flop = FlopPerS();
  const std::optional<double> byte = BytePerS();
  if (flop && byte && *flop > 0 && *byte > 0) return *flop / *byte;
  return Counter("AI");
}

}  // namespace wattline::roofline
