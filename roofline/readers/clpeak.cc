// clpeak's peaks and bandwidths as rows of our fixture `ceiling`, one Results per device: peaks are
// ceiling/peak/FORMAT/kernel:TEST.METRIC/clpeak-BACKEND, reads are ceiling/read/f32/level:L/...
#include "roofline/readers/clpeak.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "roofline/readers/clpeak_entries.h"
#include "roofline/readers/foreign.h"

namespace wattline::roofline {
namespace {

constexpr const char* kClpeakName = "clpeak";
// Beyond these a file is hostile: each entry is looked for among them.
constexpr size_t kMostDevices = 100;

bool Holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// "float MT" -> "float" and all threads.
struct MetricParts {
  std::string name;
  bool one_thread = false;
  bool all_threads = false;
};

MetricParts SplitMetric(const std::string& metric) {
  MetricParts parts{metric, metric.ends_with(" ST"), metric.ends_with(" MT")};
  if (parts.one_thread || parts.all_threads) parts.name = metric.substr(0, metric.size() - 3);
  return parts;
}

// Of the operands; accumulation may be wider, the kernel's name tells. Empty: not known.
std::string FormatOf(const ClpeakEntry& entry) {
  // Metrics of these are vectors: "int4" is four values of 32 bits.
  if (entry.test.rfind("integer_compute", 0) == 0) {
    for (const auto& [word, format] : {std::pair{"int8", "int8"}, std::pair{"char", "int8"},
                                       std::pair{"short", "int16"}, std::pair{"fast", "int24"}}) {
      if (Holds(entry.test, word)) return format;
    }
    return "int32";
  }
  const std::string words = Lower(entry.test + " " + entry.metric);
  for (const auto& [word, format] :
       {std::pair{"bf16", "bf16"},    std::pair{"bfloat16", "bf16"}, std::pair{"tf32", "tf32"},
        std::pair{"e4m3", "f8_e4m3"}, std::pair{"e5m2", "f8_e5m2"},  std::pair{"fp8", "f8"},
        std::pair{"nvf4", "nvf4"},    std::pair{"mxf4", "mxfp4"},    std::pair{"fp4", "f4"},
        std::pair{"fp16", "f16"},     std::pair{"half", "f16"},      std::pair{"mixed", "f16"},
        std::pair{"fp64", "f64"},     std::pair{"double", "f64"},    std::pair{"dgemm", "f64"},
        std::pair{"int8", "int8"},    std::pair{"int4", "int4"},     std::pair{"int16", "int16"},
        std::pair{"fp32", "f32"},     std::pair{"single", "f32"},    std::pair{"sgemm", "f32"}}) {
    if (Holds(words, word)) return format;
  }
  return {};
}

// TFLOPS of one unit; absent for other units.
std::optional<double> TeraOf(const std::string& unit) {
  if (unit == "gflops" || unit == "gops") return 1e-3;
  if (unit == "tflops" || unit == "tops") return 1.0;
  return std::nullopt;
}

// "10 threads / 10 cores (8P+2E)"
std::optional<int> ThreadsOf(const std::string& cores) {
  int threads = 0;
  if (std::sscanf(cores.c_str(), "%9d threads", &threads) != 1 || threads < 1) return std::nullopt;
  return threads;
}

class ClpeakReading {
 public:
  explicit ClpeakReading(std::string path) : path_(std::move(path)) {}
  ReadMany Read(const ClpeakEntries& read);

 private:
  size_t MachineOf(const ClpeakEntry& entry, const ClpeakEntries& read);
  // Absent, with a reason in left_out_, for what has no row of ours.
  std::optional<Address> AddressOf(const ClpeakEntry& entry);
  std::optional<Address> PeakOf(const ClpeakEntry& entry);
  std::optional<Address> AttentionOf(const ClpeakEntry& entry);
  std::optional<Address> StreamOf(const ClpeakEntry& entry);
  void AddRow(const ClpeakEntry& entry, Results& results);

  std::string path_;
  std::vector<Results> machines_;
  LeftOutRows left_out_;
};

std::optional<Address> ClpeakReading::AttentionOf(const ClpeakEntry& entry) {
  int heads = 0, tokens = 0, dim = 0;
  const size_t at = entry.display.find("(H");
  if (at == std::string::npos ||
      std::sscanf(entry.display.c_str() + at, "(H%9d S%9d D%9d)", &heads, &tokens, &dim) != 3) {
    left_out_.Add("an attention test does not tell its shape");
    return std::nullopt;
  }
  return Address{"attention",
                 "full",
                 FormatOf(entry),
                 {{"heads", NumberText(heads)},
                  {"kv_heads", NumberText(heads)},
                  {"head_dim", NumberText(dim)},
                  {"tokens", NumberText(tokens)}},
                 ""};
}

std::optional<Address> ClpeakReading::PeakOf(const ClpeakEntry& entry) {
  for (const char* other : {"divide", "sqrt", "smt_scaling"}) {
    if (!Holds(entry.test, other)) continue;
    left_out_.Add("divisions, roots and the scaling of threads are no peaks");
    return std::nullopt;
  }
  if (Holds(entry.test, "sparse")) {
    left_out_.Add("peaks of sparse operands count operations that are not done");
    return std::nullopt;
  }
  const std::string format = FormatOf(entry);
  if (format.empty()) {
    left_out_.Add(fmt::format("the format of {} is not known", PlainText(entry.test, 40)));
    return std::nullopt;
  }
  if (Holds(entry.test, "attention")) return AttentionOf(entry);
  return Address{"ceiling",
                 "peak",
                 format,
                 {{"kernel", entry.test + "." + SplitMetric(entry.metric).name}},
                 ""};
}

std::optional<Address> ClpeakReading::StreamOf(const ClpeakEntry& entry) {
  const std::string name = Lower(SplitMetric(entry.metric).name);
  const bool is_kind = name == "read" || name == "write" || name == "copy" || name == "triad";
  if (entry.test == "global_memory_bandwidth") {
    Address address{"ceiling", is_kind ? name : "read", "f32", {{"level", "dram"}}, ""};
    // Kernels of a GPU read, and differ in how many values at once.
    if (!is_kind) address.cases.emplace_back("kernel", name);
    return address;
  }
  if (entry.test == "cache_bandwidth")
    return Address{"ceiling", "read", "f32", {{"level", name}}, ""};
  if (entry.test == "l1_write_bandwidth" && is_kind) {
    return Address{"ceiling", name, "f32", {{"level", "l1"}}, ""};
  }
  left_out_.Add("bandwidths of local memory, images, textures and transfers");
  return std::nullopt;
}

std::optional<Address> ClpeakReading::AddressOf(const ClpeakEntry& entry) {
  std::optional<Address> address;
  if (TeraOf(entry.unit)) {
    address = PeakOf(entry);
  } else if (entry.category == "bandwidth" && entry.unit == "gbps") {
    address = StreamOf(entry);
  } else {
    left_out_.Add(entry.category == "bandwidth"
                      ? "bandwidths of local memory, images, textures and transfers"
                      : "latencies, encryption and text are not measured by us");
  }
  if (!address) return address;
  address->backend = "clpeak-" + Slug(entry.backend);
  return address;
}

size_t ClpeakReading::MachineOf(const ClpeakEntry& entry, const ClpeakEntries& read) {
  size_t at = 0;
  while (at < machines_.size() && machines_[at].machine.chip != PlainText(entry.device)) ++at;
  if (at == machines_.size()) {
    Results results;
    results.path = path_;
    results.tool = kClpeakName;
    results.source = read.version.empty() ? kClpeakName : "clpeak " + PlainText(read.version, 40);
    SetChip(results.machine, entry.device);
    results.machine.os = PlainText(read.os, 60);
    machines_.push_back(std::move(results));
  }
  const std::string driver = PlainText(entry.driver, 60);
  machines_[at].machine.backends["clpeak-" + Slug(entry.backend)] =
      PlainText(entry.platform, 60) + (driver.empty() ? "" : ", driver " + driver);
  const auto cores = read.cores.find(entry.device);
  if (cores != read.cores.end()) machines_[at].machine.threads = ThreadsOf(cores->second);
  return at;
}

void ClpeakReading::AddRow(const ClpeakEntry& entry, Results& results) {
  std::optional<Address> address = AddressOf(entry);
  if (!address) return;
  const MetricParts parts = SplitMetric(entry.metric);
  const std::optional<int> threads = results.machine.threads;
  if (parts.one_thread) address->cases.emplace_back("threads", "1");
  if (parts.all_threads) {
    address->cases.emplace_back("threads", threads ? NumberText(*threads) : "all");
  }
  Row row = RowNamed(*address);
  row.source = results.source;
  if (!entry.reason.empty()) {
    row.error = PlainText(entry.reason, 100);
  } else if (const auto tera = TeraOf(entry.unit)) {
    row.counters["TFLOPS"] = entry.value * *tera;
  } else {
    row.counters["GB/s"] = entry.value;
  }
  results.rows.push_back(std::move(row));
}

void FinishClpeak(Results& results) {
  FinishRows(results.rows);
  nlohmann::json context = {{"tool", kClpeakName}, {"source", results.source}};
  const Machine& machine = results.machine;
  if (!machine.chip.empty()) context["chip"] = machine.chip;
  if (!machine.os.empty()) context["os"] = machine.os;
  if (machine.threads) context["threads"] = *machine.threads;
  for (const auto& [name, told] : machine.backends) context["backends"][name] = told;
  results.context = context.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

ReadMany ClpeakReading::Read(const ClpeakEntries& read) {
  for (const ClpeakEntry& entry : read.entries) {
    if (machines_.size() > kMostDevices) {
      return {
          {},
          fmt::format("{} has more than {} devices: it is none of clpeak", path_, kMostDevices)};
    }
    AddRow(entry, machines_[MachineOf(entry, read)]);
  }
  if (machines_.empty()) return {{}, fmt::format("{} has no measurement of clpeak", path_)};
  left_out_.Tell(path_, machines_[0].remarks);
  for (Results& results : machines_) {
    const auto failed = std::count_if(results.rows.begin(), results.rows.end(),
                                      [](const Row& row) { return !row.error.empty(); });
    if (failed > 0) {
      results.remarks.push_back(fmt::format("{}: {} of {} rows of {} have an error and no figures",
                                            path_, failed, results.rows.size(),
                                            results.machine.chip));
    }
    FinishClpeak(results);
  }
  return {std::move(machines_), {}};
}

bool RecognisesClpeak(const std::string& text) {
  return IsClpeakJson(text) || IsClpeakCsv(text) || IsClpeakXml(text);
}

ReadMany ReadClpeak(const std::string& text, const std::string& path) {
  const ClpeakEntries read = IsClpeakJson(text)  ? ParseClpeakJson(text, path)
                             : IsClpeakCsv(text) ? ParseClpeakCsv(text, path)
                                                 : ParseClpeakXml(text, path);
  if (!read.error.empty()) return {{}, read.error};
  return ClpeakReading(path).Read(read);
}

}  // namespace

const Reader kClpeak = {kClpeakName, "clpeak's JSON, CSV or XML of version 2", RecognisesClpeak,
                        ReadClpeak};

}  // namespace wattline::roofline
