#include "energy/ioreport_channels.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace wattline::energy {
namespace {

// How a name continues after a rail's own name. The forms of one rail are never summed together: a
// shorter one would be the sum of the longer ones.
enum class Form : uint8_t { kBare, kNumber, kNumberNumber };
constexpr std::array kForms = {Form::kBare, Form::kNumber, Form::kNumberNumber};

// Cuts `prefix` off; false where the text does not begin with it.
bool Cut(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// Cuts decimal digits off; false where there are none.
bool CutNumber(std::string_view& text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  text.remove_prefix(digits);
  return digits > 0;
}

// `name` is `rail`, `rail`<n> or `rail`<n>_<m>.
std::optional<Form> NumberedForm(std::string_view name, std::string_view rail) {
  if (!Cut(name, rail)) return std::nullopt;
  if (name.empty()) return Form::kBare;
  if (!CutNumber(name)) return std::nullopt;
  if (name.empty()) return Form::kNumber;
  if (!Cut(name, "_") || !CutNumber(name) || !name.empty()) return std::nullopt;
  return Form::kNumberNumber;
}

// `name` without DIE_<n>_, where it has that.
std::string_view WithoutDie(std::string_view name) {
  std::string_view rest = name;
  return Cut(rest, "DIE_") && CutNumber(rest) && Cut(rest, "_") ? rest : name;
}

std::optional<Form> CpuForm(std::string_view name) {
  if (name == "CPU Energy") return Form::kBare;
  if (WithoutDie(name) == "CPU Energy") return Form::kNumber;
  return std::nullopt;
}

// "GPU Energy" counts nJ, the rail's other channels mJ; a bare "GPU" is on no known chip.
std::optional<Form> GpuForm(std::string_view name) {
  if (name == "GPU Energy") return Form::kBare;
  const std::optional<Form> form = NumberedForm(name, "GPU");
  return form == Form::kBare ? std::nullopt : form;
}

std::optional<Form> AneForm(std::string_view name) { return NumberedForm(name, "ANE"); }
std::optional<Form> DramForm(std::string_view name) { return NumberedForm(name, "DRAM"); }
std::optional<Form> GpuSramForm(std::string_view name) { return NumberedForm(name, "GPU SRAM"); }

// A cluster's total: `cluster`, or `complex`, perhaps its number, and _CPU.
std::optional<Form> ClusterForm(std::string_view name, std::string_view cluster,
                                std::string_view complex) {
  name = WithoutDie(name);
  if (name == cluster) return Form::kBare;
  if (!Cut(name, complex)) return std::nullopt;
  CutNumber(name);
  return name == "_CPU" ? std::optional(Form::kNumber) : std::nullopt;
}

std::optional<Form> EcpuForm(std::string_view name) { return ClusterForm(name, "ECPU", "EACC"); }
std::optional<Form> PcpuForm(std::string_view name) { return ClusterForm(name, "PCPU", "PACC"); }
std::optional<Form> McpuForm(std::string_view name) {
  const std::optional<Form> form = NumberedForm(name, "MCPU");
  return form == Form::kNumberNumber ? std::nullopt : form;
}

struct IoReportRail {
  const char* name;
  const char* scope;
  Parts parts;
  bool in_total;
  bool may_rest;
  std::optional<Form> (*form)(std::string_view name);
};

// Apple's package power is CPU + GPU + ANE. DRAM is none of them, so that all four can be summed.
constexpr std::array<IoReportRail, 8> kRails = {{
    {"cpu", "all CPU clusters", kCpuPart, true, false, CpuForm},
    {"gpu", "GPU", kGpuPart, true, true, GpuForm},
    {"ane", "neural engine", kAnePart, true, true, AneForm},
    {"dram", "memory, outside Apple's package power", kDramPart, true, false, DramForm},
    {"ecpu", "efficiency clusters, part of cpu", kCpuPart, false, true, EcpuForm},
    {"mcpu", "middle clusters, part of cpu", kCpuPart, false, true, McpuForm},
    {"pcpu", "performance clusters, part of cpu", kCpuPart, false, true, PcpuForm},
    {"gpu_sram", "memory inside the GPU", kGpuPart, false, true, GpuSramForm},
}};

// The rail's channels in the shortest form that is listed, each name once.
std::vector<size_t> ChannelsOf(const IoReportRail& rail,
                               std::span<const IoReportChannel> channels) {
  for (const Form form : kForms) {
    std::vector<size_t> found;
    for (size_t i = 0; i < channels.size(); ++i) {
      if (channels[i].group != kIoReportEnergyGroup) continue;
      if (rail.form(channels[i].name) != form) continue;
      if (std::none_of(found.begin(), found.end(),
                       [&](size_t other) { return channels[other].name == channels[i].name; })) {
        found.push_back(i);
      }
    }
    if (!found.empty()) return found;
  }
  return {};
}

// Why the channel cannot be used; empty where it can.
std::string Fault(const IoReportChannel& channel) {
  if (!channel.simple) return fmt::format("'{}' is no plain counter", channel.name);
  if (!JoulesPerCount(channel.unit)) {
    return fmt::format("'{}' counts in '{}', not in mJ, uJ or nJ", channel.name, channel.unit);
  }
  return "";
}

}  // namespace

std::optional<double> JoulesPerCount(std::string_view unit_label) {
  unit_label = unit_label.substr(0, unit_label.find_last_not_of(" \t") + 1);
  if (unit_label == "mJ") return 1e-3;
  if (unit_label == "uJ") return 1e-6;
  if (unit_label == "nJ") return 1e-9;
  return std::nullopt;
}

EnergyDomains ChooseEnergyChannels(std::span<const IoReportChannel> channels) {
  EnergyDomains chosen;
  for (const IoReportRail& rail : kRails) {
    const std::vector<size_t> found = ChannelsOf(rail, channels);
    if (found.empty()) continue;
    EnergyDomain domain;
    domain.domain = {rail.name, rail.scope, rail.parts, rail.in_total, rail.may_rest};
    if (found.size() > 1) domain.domain.scope += fmt::format(" ({} counters)", found.size());
    bool whole = true;
    for (const size_t index : found) {
      if (const std::string fault = Fault(channels[index]); !fault.empty()) {
        chosen.refused += (chosen.refused.empty() ? "" : "; ") + fault;
        whole = false;
        continue;
      }
      domain.channels.push_back({index, *JoulesPerCount(channels[index].unit)});
    }
    if (whole) chosen.domains.push_back(std::move(domain));
  }
  return chosen;
}

}  // namespace wattline::energy
