// A results file of `bench`, or any JSON of Google Benchmark, as rows with counters: what the fits,
// the judge and the comparison read.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wattline::roofline {

// A name in wattline's form, fixture/subject/format[/case:value...]/backend.
struct Address {
  std::string fixture;                                     // "gemm"
  std::string subject;                                     // "4096x4096x4096"
  std::string format;                                      // "bf16"
  std::vector<std::pair<std::string, std::string>> cases;  // ("threads", "2")
  std::string backend;                                     // "cpu"

  // The value of a case; empty where the name has none of it.
  std::string_view Case(std::string_view key) const;
  std::optional<double> CaseNumber(std::string_view key) const;
};

// Absent where the name has another form, as those of foreign programs have. Google Benchmark's own
// additions behind it ("/min_time:0.500", "/repeats:3", "/real_time", "/manual_time") do not count.
std::optional<Address> ParseAddress(std::string_view name);

// One iteration row of the file; repetitions of a row have the same name.
struct Row {
  std::string name;                // as Google Benchmark's run_name
  std::optional<Address> address;  // of the name
  std::string aggregate;  // "": a run; else "mean", "median", "stddev" ... of its repetitions
  int repetition = 0;
  double time_s = 0;      // of one iteration
  double iterations = 0;  // 0: the file does not tell
  std::string label;
  std::string source;  // of a published figure: where it stands; else empty
  std::string error;   // why the row has no figures, or was skipped; else empty
  std::map<std::string, double> counters;

  std::optional<double> Counter(std::string_view key) const;
  // From TFLOPS and GB/s, in FLOP/s and byte/s.
  std::optional<double> FlopPerS() const;
  std::optional<double> BytePerS() const;
  // FLOP per byte: the quotient of the two, or the counter AI.
  std::optional<double> Intensity() const;
};

// A meter as the context tells of it.
struct MeterNote {
  std::string name;   // "rapl"
  std::string kind;   // "counter", "sampled" or "modelled"; else empty
  std::string scope;  // "package", "board", "module" ...; of its first domain in the total
  std::vector<std::string> in_total;  // domains that `joules` is the sum of
};

struct CacheNote {
  int level = 0;
  double byte = 0;  // of one cache
};

struct GpuNote {
  std::string name;  // "NVIDIA H200"
  std::optional<double> memory_byte;
  std::optional<double> l2_byte;
};

// What the context of a results file says of the machine. Absent or empty where it does not.
struct Machine {
  std::string chip;
  std::string chip_slug;
  std::optional<int> threads;
  std::optional<double> memory_byte;
  std::string os;
  std::string compiler;
  std::string commit;
  std::map<std::string, std::string> backends;  // name -> what the library chose
  std::vector<MeterNote> meters;
  std::vector<CacheNote> caches;  // data and unified ones
  std::vector<GpuNote> gpus;      // the one whose rows are in the file first
  // MeasuredCeilings of the process: "f32", "bf16", "int8" in operations, "read" in bytes, per s.
  std::map<std::string, double> ceilings;
  std::optional<double> idle_watts;
};

// Median of the rows' counter idle_watts; absent where none has it.
std::optional<double> MedianIdleWatts(const std::vector<Row>& rows);

struct Results {
  std::string path;
  std::string tool = "google benchmark";  // that wrote the file; "bench" where it is ours
  std::string source;      // of published figures: who measured, where it is told; else empty
  bool published = false;  // figures of others that were re-typed
  Machine machine;
  std::vector<Row> rows;
  std::string context;               // the context's JSON text, for who needs more of it
  std::vector<std::string> remarks;  // what was left out of the file, a sentence each
};

struct ReadResult {
  std::optional<Results> results;
  std::string error;  // one sentence with the path, the place and the value
};

// Reads the file at `path`; "-" is standard input.
ReadResult ReadResults(const std::string& path);
// The same from text; `path` only names it in messages.
ReadResult ParseResults(const std::string& text, const std::string& path);

}  // namespace wattline::roofline
