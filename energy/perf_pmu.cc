#include "energy/perf_pmu.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <set>

namespace wattline::energy {
namespace {

namespace fs = std::filesystem;

// "0,18", "0-1,4": the CPUs; empty for other texts.
std::vector<int> ParseCpus(std::string_view text) {
  std::vector<int> cpus;
  const char* at = text.data();
  const char* end = at + text.size();
  const auto number = [&at, end](int& value) {
    const auto [stop, fault] = std::from_chars(at, end, value);
    const bool good = fault == std::errc() && value >= 0;
    at = stop;
    return good;
  };
  while (true) {
    int first = 0;
    if (!number(first)) return {};
    int last = first;
    if (at != end && *at == '-' && (++at, !number(last))) return {};
    constexpr int kMostCpus = 65536;
    if (last < first || last >= kMostCpus) return {};
    for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    if (at == end) return cpus;
    if (*at++ != ',') return {};
  }
}

// "event=0x02" -> 2.
std::optional<uint64_t> ParseEvent(std::string_view text) {
  constexpr std::string_view kKey = "event=0x";
  if (!text.starts_with(kKey)) return std::nullopt;
  text.remove_prefix(kKey.size());
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, value, 16);
  if (fault != std::errc() || stop != end) return std::nullopt;
  return value;
}

// "2.3283064365386962890625e-10", which is 2^-32.
std::optional<double> ParseScale(const std::string& text) {
  char* stop = nullptr;
  const double value = std::strtod(text.c_str(), &stop);
  if (text.empty() || *stop != '\0' || !std::isfinite(value) || value <= 0) return std::nullopt;
  return value;
}

}  // namespace

std::string_view PerfEventName(RaplPart part) {
  switch (part) {
    case RaplPart::kPackage:
      return "energy-pkg";
    case RaplPart::kDram:
      return "energy-ram";
    case RaplPart::kCore:
      return "energy-cores";
    case RaplPart::kUncore:
      return "energy-gpu";
    case RaplPart::kPsys:
      return "energy-psys";
  }
  return "";
}

PerfPlaces FindPerfPlaces(const fs::path& pmu, const MeterOptions& options,
                          const Surroundings& here) {
  PerfPlaces places;
  const fs::path mask = pmu / "cpumask";
  const FileText text = options.read(mask);
  const std::vector<int> cpus = text.error == 0 ? ParseCpus(text.text) : std::vector<int>();
  if (cpus.empty()) {
    places.why_not =
        text.error != 0
            ? fmt::format("{}: {}", mask.string(), std::strerror(text.error))
            : fmt::format("{} holds '{}', which is no list of CPUs", mask.string(), text.text);
    return places;
  }
  std::set<std::string> packages;
  for (const int cpu : cpus) {
    const fs::path file = options.root / fmt::format("sys/devices/system/cpu/cpu{}", cpu) /
                          "topology/physical_package_id";
    const FileText package = options.read(file);
    if (package.error != 0 && RaplDiesShareACounter(here) && cpus.size() > 1) {
      places.why_not = fmt::format(
          "{}: {}: so it is unknown which of the CPUs {} show the same "
          "package",
          file.string(), std::strerror(package.error), text.text);
      return places;
    }
    // Where the kernel tells no package, each CPU of the mask is taken for one.
    const bool first =
        packages.insert(package.error == 0 ? package.text : fmt::format("cpu{}", cpu)).second;
    if (first || !RaplDiesShareACounter(here)) places.cpus.push_back(cpu);
  }
  places.packages = packages.size();
  return places;
}

PerfEventText ReadPerfEvent(const fs::path& file, const MeterOptions& options) {
  const FileText text = options.read(file);
  const std::optional<uint64_t> config = ParseEvent(text.text);
  if (!config) {
    return {0, 0, fmt::format("{} holds '{}', which is no event", file.string(), text.text)};
  }
  const std::string scale = options.read(file.string() + ".scale").text;
  const std::string unit = options.read(file.string() + ".unit").text;
  const std::optional<double> scale_j = ParseScale(scale);
  if (!scale_j || unit != "Joules") {
    return {0, 0,
            fmt::format("{}.scale and .unit hold '{}' and '{}', which is no count of Joules",
                        file.string(), scale, unit)};
  }
  return {*config, *scale_j, ""};
}

}  // namespace wattline::energy
