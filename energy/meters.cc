#include "energy/meters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "energy/powercap.h"

namespace wattline::energy {
namespace {

constexpr std::array<MeterEntry, 1> kMeters = {{
    {"rapl", "energy counters of Intel and AMD CPUs (Linux powercap)", OpenPowercap},
}};

// Opens and watches; a meter that is not to be believed is not opened.
Opened OpenChecked(const MeterEntry& entry, const MeterOptions& options) {
  Opened opened = entry.open(options);
  if (!opened.meter) return opened;
  const Watched watched = Characterise(*opened.meter, *options.clock);
  if (!watched.behaviour) return {nullptr, watched.why_not};
  opened.meter->SetBehaviour(*watched.behaviour);
  return opened;
}

std::vector<std::string> SplitNames(std::string_view list) {
  std::vector<std::string> names;
  while (true) {
    const size_t comma = list.find(',');
    names.emplace_back(list.substr(0, comma));
    if (comma == std::string_view::npos) return names;
    list.remove_prefix(comma + 1);
  }
}

std::string NamesOf(std::span<const MeterEntry> entries) {
  std::string names;
  for (const MeterEntry& entry : entries) names += fmt::format(", {}", entry.name);
  return names;
}

// The first domain of `meter` that `taken` has already.
std::string Overlap(const Meter& meter, const std::vector<std::string>& taken) {
  for (const Domain& domain : meter.info().domains) {
    if (std::find(taken.begin(), taken.end(), domain.name) != taken.end()) return domain.name;
  }
  return "";
}

}  // namespace

std::span<const MeterEntry> AllMeters() { return kMeters; }

Chosen ChooseMeters(std::string_view flag, const MeterOptions& options,
                    std::span<const MeterEntry> entries) {
  Chosen chosen;
  if (flag == "off") return chosen;
  const bool all = flag == "auto";
  const std::vector<std::string> names = all ? std::vector<std::string>{} : SplitNames(flag);
  for (const std::string& name : names) {
    if (std::none_of(entries.begin(), entries.end(),
                     [&name](const MeterEntry& e) { return e.name == name; })) {
      chosen.usage_error =
          fmt::format("--energy: unknown meter '{}'; known: auto, off{}", name, NamesOf(entries));
      return chosen;
    }
  }
  for (const MeterEntry& entry : entries) {
    if (!all && std::find(names.begin(), names.end(), entry.name) == names.end()) continue;
    Opened opened = OpenChecked(entry, options);
    std::string why_not = opened.why_not;
    if (opened.meter) {
      const std::string twice = Overlap(*opened.meter, chosen.set.DomainNames());
      if (twice.empty()) {
        chosen.set.meters.push_back(std::move(opened.meter));
        continue;
      }
      why_not = fmt::format("another meter measures {} already", twice);
    }
    if (!all) {
      chosen.error = fmt::format("--energy: {} cannot be used: {}", entry.name, why_not);
      return chosen;
    }
    chosen.unused.push_back({std::string(entry.name), std::move(why_not)});
  }
  return chosen;
}

std::string Summary(const Chosen& chosen) {
  std::string line = "energy: ";
  if (!chosen.set.meters.empty()) {
    for (const auto& meter : chosen.set.meters) {
      if (meter != chosen.set.meters.front()) line += " | ";
      line += Describe(meter->info());
    }
    return line;
  }
  if (chosen.unused.empty()) return line + "off";
  line += "no meter, so no joules";
  for (const Unused& unused : chosen.unused) {
    line += fmt::format("; {}: {}", unused.name, unused.why_not);
  }
  return line;
}

std::string ListMeters(const MeterOptions& options, std::span<const MeterEntry> entries) {
  std::string text;
  for (const MeterEntry& entry : entries) {
    text += fmt::format("{}: {}\n", entry.name, entry.what);
    Opened opened = OpenChecked(entry, options);
    if (!opened.meter) {
      text += fmt::format("  not usable: {}\n", opened.why_not);
      continue;
    }
    text += fmt::format("  {}\n", Describe(opened.meter->info()));
    // Ten readings over a second.
    constexpr int kShown = 10;
    constexpr double kApart_s = 0.1;
    const Reading first = opened.meter->Read();
    Reading reading = first;
    for (int shown = 0; shown <= kShown; ++shown) {
      while (SecondsBetween(first.after, reading.after) < shown * kApart_s) {
        reading = opened.meter->Read();
      }
      text += fmt::format("  {:6.3f} s", SecondsBetween(first.after, reading.after));
      for (size_t d = 0; d < reading.values.size(); ++d) {
        const std::optional<double> gained_j = Difference(first, reading, d);
        const std::string& name = opened.meter->info().domains[d].name;
        text += gained_j ? fmt::format("  {} {:.6f} J", name, *gained_j)
                         : fmt::format("  {} unreadable", name);
      }
      text += "\n";
    }
  }
  return text;
}

}  // namespace wattline::energy
