#include "energy/jetson.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include "energy/number_file.h"
#include "energy/summed_meter.h"

namespace wattline::energy {
namespace {

namespace fs = std::filesystem;

struct JetsonRail {
  std::string label;
  // Power in watts is `to_w` times the value of the first file, times that of the second if any.
  std::vector<fs::path> files;
  double to_w = 1;
  std::optional<double> update_s;
};

// What feeds what, told by the words of a label. A rail's words are its units of the module.
constexpr std::array<std::string_view, 5> kInputs = {"VDD_IN", "POM_5V_IN", "5V_IN", "VIN",
                                                     "VDD_5V_IN"};
struct Unit {
  std::string_view word;
  int bit;
  Parts parts;
};
constexpr int kSystem = 16;
constexpr std::array<Unit, 11> kUnits = {{
    {"CPU", 1, kCpuPart},
    {"GPU", 2, kGpuPart},
    {"SOC", 4, kRestPart},
    {"CV", 8, kAnePart},
    {"5V0", kSystem, kRestPart | kDramPart},
    {"SYS5V", kSystem, kRestPart | kDramPart},
    {"DDR", 32, kDramPart},
    {"VDDRQ", 32, kDramPart},
    {"MSS", 64, kDramPart},
    {"VDDQ", kSystem, kDramPart},
    {"VDD2", kSystem, kDramPart},
}};
// Words that say nothing about the unit. A label with any other word is a carrier board's.
constexpr std::array<std::string_view, 6> kFiller = {"VDD", "VIN", "SYS", "POM", "5V", "1V8AO"};

struct Meaning {
  int units = 0;  // bits of kUnits; 0 where the label is not one of the module's
  Parts parts = 0;
};
Meaning MeaningOf(std::string_view label) {
  Meaning meaning;
  while (!label.empty()) {
    const size_t end = std::min(label.find('_'), label.size());
    const std::string_view word = label.substr(0, end);
    label.remove_prefix(std::min(end + 1, label.size()));
    if (std::find(kFiller.begin(), kFiller.end(), word) != kFiller.end()) continue;
    const auto* unit = std::find_if(kUnits.begin(), kUnits.end(),
                                    [word](const Unit& u) { return u.word == word; });
    if (unit == kUnits.end()) return {};
    meaning.units |= unit->bit;
    meaning.parts = static_cast<Parts>(meaning.parts | unit->parts);
  }
  return meaning;
}

bool IsInput(std::string_view label) {
  return std::find(kInputs.begin(), kInputs.end(), label) != kInputs.end();
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

// "VDD_GPU_SOC" -> "gpu_soc", "POM_5V_CPU" -> "cpu".
std::string NameOf(std::string_view label) {
  for (const std::string_view prefix : {"POM_5V_", "VDD_SYS_", "VDD_", "VIN_"}) {
    if (label.starts_with(prefix)) return Lower(label.substr(prefix.size()));
  }
  return Lower(label);
}

// Sorted, so that the order of the domains is the same every time.
std::vector<fs::path> Folders(const fs::path& parent, std::string_view begin = "") {
  std::vector<fs::path> folders;
  std::error_code fault;
  for (fs::directory_iterator it(parent, fault), end; !fault && it != end; it.increment(fault)) {
    if (!it->path().filename().string().starts_with(begin)) continue;
    if (fs::is_directory(it->path(), fault)) folders.push_back(it->path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

void AddHwmonRails(const fs::path& folder, const FileReader& read, std::vector<JetsonRail>& rails) {
  std::optional<double> update_s;
  if (const auto update_ms = ReadNumber(folder / "update_interval", read).value) {
    if (*update_ms > 0) update_s = static_cast<double>(*update_ms) * 1e-3;
  }
  // in4 ... in7 are voltages of the shunts, not rails.
  for (int n = 1; n <= 3; ++n) {
    const auto file = [&](std::string_view begin, std::string_view end) {
      return folder / fmt::format("{}{}_{}", begin, n, end);
    };
    const std::optional<std::string> label = ReadWord(file("in", "label"), read);
    if (!label || ReadNumber(file("in", "enable"), read).value == 0) continue;
    if (ReadNumber(file("power", "input"), read).value) {
      rails.push_back({*label, {file("power", "input")}, 1e-6, update_s});
    } else {
      rails.push_back({*label, {file("in", "input"), file("curr", "input")}, 1e-6, update_s});
    }
  }
}

void AddIioRails(const fs::path& folder, const FileReader& read, std::vector<JetsonRail>& rails) {
  for (int n = 0; n <= 2; ++n) {
    const std::optional<std::string> label =
        ReadWord(folder / fmt::format("rail_name_{}", n), read);
    if (!label) continue;
    rails.push_back({*label, {folder / fmt::format("in_power{}_input", n)}, 1e-3, std::nullopt});
  }
}

std::vector<JetsonRail> FindRails(const fs::path& drivers, const FileReader& read) {
  std::vector<JetsonRail> rails;
  for (const fs::path& monitor : Folders(drivers / "ina3221")) {
    for (const fs::path& folder : Folders(monitor / "hwmon", "hwmon")) {
      AddHwmonRails(folder, read, rails);
    }
  }
  for (const fs::path& monitor : Folders(drivers / "ina3221x")) {
    // Some releases have both names for one device.
    std::vector<fs::path> folders = Folders(monitor, "iio:device");
    if (folders.empty()) folders = Folders(monitor, "iio_device");
    for (const fs::path& folder : folders) AddIioRails(folder, read, rails);
  }
  return rails;
}

class RailSource : public PowerSource {
 public:
  RailSource(const JetsonRail& rail, const FileReader& read)
      : PowerSource(rail.update_s), to_w_(rail.to_w) {
    for (const fs::path& file : rail.files) files_.emplace_back(file, read);
  }

 private:
  std::optional<double> Watts() override {
    double watts = to_w_;
    for (NumberFile& file : files_) {
      const std::optional<int64_t> value = file.Read().value;
      if (!value) return std::nullopt;
      watts *= static_cast<double>(*value);
    }
    return watts;
  }

  double to_w_;
  std::vector<NumberFile> files_;
};

// Empty where the rail can be read.
std::string WhyRailUnreadable(const JetsonRail& rail, const FileReader& read) {
  for (const fs::path& file : rail.files) {
    const FileNumber number = ReadNumber(file, read);
    if (!number.value) return number.WhyNot(file);
  }
  return "";
}

struct ChosenRail {
  Domain domain;
  JetsonRail rail;
};

std::vector<ChosenRail> ChooseRails(const std::vector<JetsonRail>& rails,
                                    std::vector<std::string>& others) {
  std::vector<ChosenRail> chosen;
  const auto input = std::find_if(rails.begin(), rails.end(),
                                  [](const JetsonRail& r) { return IsInput(r.label); });
  if (input != rails.end()) {
    chosen.push_back({{"module", "input of the module, " + input->label,
                       kCpuPart | kGpuPart | kDramPart | kAnePart},
                      *input});
  }
  int counted = 0;
  for (const JetsonRail& rail : rails) {
    const Meaning meaning = MeaningOf(rail.label);
    if (meaning.units == 0 || IsInput(rail.label)) {
      // "NC": not connected.
      if (&rail != (input == rails.end() ? nullptr : &*input) && rail.label != "NC") {
        others.push_back(rail.label);
      }
      continue;
    }
    Domain domain{NameOf(rail.label), "rail " + rail.label, meaning.parts};
    // The memory's supply VDDQ_VDD2_1V8AO of AGX Orin is fed from VIN_SYS_5V0.
    domain.in_total =
        input == rails.end() && (counted & meaning.units) == 0 && !rail.label.starts_with("VDDQ_");
    if (domain.in_total) counted |= meaning.units;
    chosen.push_back({domain, rail});
  }
  return chosen;
}

}  // namespace

Opened OpenJetson(const MeterOptions& options) {
  const fs::path drivers = options.root / "sys/bus/i2c/drivers";
  std::error_code fault;
  if (!fs::is_directory(drivers / "ina3221", fault) &&
      !fs::is_directory(drivers / "ina3221x", fault)) {
    return {nullptr, fmt::format("{} has neither ina3221 nor ina3221x: this is no Jetson, or its "
                                 "power monitors are hidden (containers do that)",
                                 drivers.string())};
  }
  const std::vector<JetsonRail> rails = FindRails(drivers, options.read);
  std::vector<std::string> others;
  const std::vector<ChosenRail> chosen = ChooseRails(rails, others);

  MeterInfo info;
  info.name = "jetson";
  info.kind = Kind::kSampled;
  std::vector<Sources> domains;
  bool total = false;
  for (const ChosenRail& c : chosen) {
    if (std::string why_not = WhyRailUnreadable(c.rail, options.read); !why_not.empty()) {
      if (c.domain.in_total) return {nullptr, why_not, true};
      continue;  // what is shown only can be missed
    }
    total = total || c.domain.in_total;
    if (c.rail.update_s) {
      info.expected_tick_s = std::max(info.expected_tick_s.value_or(0), *c.rail.update_s);
    }
    Sources sources;
    sources.push_back(std::make_unique<RailSource>(c.rail, options.read));
    info.domains.push_back(c.domain);
    domains.push_back(std::move(sources));
  }
  if (!total) {
    return {nullptr, fmt::format("{}: none of its rails is known ({})", drivers.string(),
                                 others.empty() ? "it shows none"
                                                : fmt::format("{}", fmt::join(others, ", ")))};
  }
  info.note = chosen.front().domain.name == "module"
                  ? "the carrier board is not in it"
                  : "sum of rails: the losses of their regulators are not in it";
  if (!others.empty()) info.note += fmt::format("; not counted: {}", fmt::join(others, ", "));
  return {MakeSummedMeter(std::move(info), std::move(domains), *options.clock), ""};
}

}  // namespace wattline::energy
