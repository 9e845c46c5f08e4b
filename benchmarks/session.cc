#include "benchmarks/session.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <new>
#include <optional>
#include <set>
#include <utility>

#include "benchmarks/context.h"
#include "benchmarks/core_choice.h"
#include "benchmarks/fixtures.h"
#include "benchmarks/progress.h"
#include "benchmarks/reporter.h"
#include "benchmarks/selection.h"
#include "benchmarks/session_context.h"
#include "benchmarks/suite.h"
#include "benchmarks/table.h"
#include "benchmarks/trace.h"
#include "energy/meters.h"
#include "energy/sampler.h"
#include "kernels/cpu/pin.h"
#include "kernels/model/load.h"

namespace wattline::benchmarks {
namespace {

constexpr int kDone = 0;
constexpr int kFailure = 1;
constexpr int kUsage = 2;
// Who asks for the time series wants each tick of a GPU, though a read takes milliseconds.
constexpr double kTraceShare = 0.1;

int Fail(int code, const std::string& sentence) {
  fmt::print(stderr, "bench: {}\n", sentence);
  return code;
}

// Relative to the working directory where that is shorter: what a reader would type.
std::string ShownPath(const std::string& path) {
  std::error_code error;
  const std::string relative = std::filesystem::proximate(path, error).string();
  return error || relative.size() >= path.size() ? path : relative;
}

// Gives Google Benchmark its flags; what it leaves over it does not know.
std::string InitializeGoogle(const Flags& flags) {
  // Google Benchmark keeps the pointer to the program's name and prints it into each context.
  static char program[] = "bench";
  std::vector<std::string> words = flags.google;
  std::vector<char*> argv = {program};
  for (std::string& word : words) argv.push_back(word.data());
  int argc = static_cast<int>(argv.size());
  benchmark::Initialize(&argc, argv.data());
  if (argc > 1) return fmt::format("Google Benchmark does not take '{}'", argv[1]);
  return {};
}

void RegisterWithGoogle(const std::vector<const Row*>& rows, Suite& suite, Progress& progress) {
  for (const Row* row : rows) {
    const auto run = [row, &suite, &progress](benchmark::State& state) {
      progress.Begin(row->name);
      suite.BeginRow(*row);
      try {
        row->run(state);
      } catch (const std::bad_alloc&) {
        suite.Forget();
        state.SkipWithError("skipped: there is not enough memory");
      }
    };
    auto* const registered = benchmark::RegisterBenchmark(row->name.c_str(), run);
    // Else Google Benchmark's own flag holds.
    if (row->min_time_s) registered->MinTime(suite.MinTimeOf(*row));
  }
}

// The rows of a resumed file that stand, and those of `selected` that it lacks.
struct Resumed {
  Json context;
  std::vector<Json> kept;
  std::string error;
};
Resumed Resume(const Flags& flags, const Json& context, std::vector<const Row*>& selected) {
  if (flags.resume_file.empty()) return {};
  LoadedResults loaded = LoadResults(flags.resume_file);
  if (!loaded.error.empty()) return {{}, {}, loaded.error};
  std::string why_not = WhyNotTogether(loaded.document["context"], context);
  if (why_not.empty()) why_not = WhyOtherJoules(loaded.document, context);
  if (!why_not.empty()) {
    return {{}, {}, fmt::format("cannot resume {}: {}", flags.resume_file, why_not)};
  }
  Resumed resumed;
  resumed.context = loaded.document["context"];
  std::set<std::string> done;
  for (const Json& row : loaded.document["benchmarks"]) {
    if (row.value("error_occurred", false)) continue;  // runs again
    resumed.kept.push_back(row);
    // Of repetitions and aggregates, run_name is the row's own name.
    done.insert(row.value("run_name", row.value("name", std::string())));
  }
  std::erase_if(selected, [&done](const Row* row) { return done.contains(row->name); });
  return resumed;
}

std::map<std::string, size_t> NameWidths(const std::vector<const Row*>& rows,
                                         const std::vector<Json>& kept, const Flags& flags) {
  // The longest suffix that repetitions add.
  const bool repeats = std::any_of(flags.google.begin(), flags.google.end(), [](const auto& flag) {
    return flag.rfind("--benchmark_repetitions", 0) == 0;
  });
  const size_t suffix = repeats ? std::string_view("_median").size() : 0;
  std::map<std::string, size_t> widths;
  const auto add = [&widths, suffix](const std::string& name) {
    size_t& width = widths[name.substr(0, name.find('/'))];
    width = std::max(width, name.size() + suffix);
  };
  for (const Row* row : rows) add(row->name);
  for (const Json& row : kept) add(row.value("name", std::string()));
  return widths;
}

// Whether a row's work runs on the GPU of the suite's gpu_backend().
bool NeedGpu(const Suite& suite, const std::vector<const Row*>& rows) {
  const ShownBackend* const gpu = suite.gpu_backend();
  return gpu != nullptr && std::any_of(rows.begin(), rows.end(), [&](const Row* row) {
           return row->name.ends_with("/" + gpu->name);
         });
}

// Probe and ceilings, before the first row: their time is not a row's.
void MeasureGround(Suite& suite, bool with_gpu, Progress& progress) {
  progress.Note("measuring the ceilings");
  suite.PinPool(true);
  suite.ground();
  suite.ceilings();
  if (with_gpu) {
    progress.Note("measuring the GPU's ceilings");
    suite.gpu_ceilings();
  }
  progress.Clear();
}

std::string WhyNoCpuBackend(const std::string& isa) {
  std::string known;
  for (const kernels::Backend& backend : kernels::AllBackends()) {
    if (backend.cpu == nullptr) continue;
    if (backend.cpu->isa == isa) return fmt::format("--isa={}: {}", isa, backend.why_not());
    known += (known.empty() ? "" : ", ") + std::string(backend.cpu->isa);
  }
  return fmt::format("--isa={} is unknown; use all, {}", isa, known);
}

std::string WhyNoDevice(int device, const kernels::FoundGpus& found) {
  if (!found.why_not.empty()) return fmt::format("--device={}: {}", device, found.why_not);
  std::string names;
  for (const kernels::CudaFacts& gpu : found.gpus) names += (names.empty() ? "" : ", ") + gpu.name;
  return fmt::format("--device={}: CUDA shows {} GPU{}, counted from 0: {}", device,
                     found.gpus.size(), found.gpus.size() == 1 ? "" : "s", names);
}

// Efficiency cores are another machine to whoever fits or compares: their own name of the chip, and
// results of their own.
std::string SlugOf(const SystemFacts& facts, Cores cores) {
  return facts.chip_slug + (cores == Cores::kEfficiency ? "-efficiency" : "");
}

// One logical CPU of each core, so that two threads never share one.
std::vector<int> CpusFor(Pin pin, int threads, const std::vector<int>& cores) {
  const bool enough = static_cast<size_t>(threads) <= cores.size();
  return pin == Pin::kOn || (pin == Pin::kAuto && enough) ? cores : std::vector<int>{};
}

// What follows the rows, and the exit code.
int Conclude(const Reporter& reporter, const std::string& results_file,
             const energy::Chosen& meters) {
  if (!reporter.failed()) fmt::print(stderr, "results: {}\n", ShownPath(results_file));
  fmt::print(stderr, "{}\n", energy::Summary(meters));
  if (reporter.errors() > 0) {
    return Fail(kFailure, fmt::format("{} row{} ended in an error", reporter.errors(),
                                      reporter.errors() == 1 ? "" : "s"));
  }
  return reporter.failed() ? kFailure : kDone;
}

// Everything from the selected rows on.
int RunRows(const Flags& flags, const std::string& root, const SystemFacts& facts,
            const energy::Chosen& meters, Suite& suite, std::vector<const Row*> rows) {
  Json context = SessionContext(facts, suite, meters);
  Resumed resumed = Resume(flags, context, rows);
  if (!resumed.error.empty()) return Fail(kFailure, resumed.error);
  const std::string results_file = !flags.out.empty() ? flags.out
                                   : !flags.resume_file.empty()
                                       ? flags.resume_file
                                       : DefaultResultsPath(root, facts.chip_slug);

  Progress progress(TerminalOrNull(), rows.size());
  if (rows.empty()) {
    // Nothing is left to run: the ceilings of the kept rows stay beside them.
    for (const char* key : {"ground_read_kernel", "ceilings", "gpu_ceilings"}) {
      if (resumed.context.contains(key)) context[key] = resumed.context[key];
    }
  } else {
    const bool with_gpu = NeedGpu(suite, rows);
    MeasureGround(suite, with_gpu, progress);
    AddMeasuredContext(context, suite, with_gpu);
  }
  ReportOptions options;
  options.output = flags.output;
  options.output_file = flags.output_file;
  options.results_file = results_file;
  options.results_format = flags.out_format;
  options.has_energy = suite.sampler() != nullptr;
  options.google_console = flags.google_console && flags.output == Output::kTable;
  options.console_tabular = flags.counters_tabular;
  options.console_color = flags.color == "yes" || (flags.color == "auto" && IsTerminal(stdout));
  options.name_width = NameWidths(rows, resumed.kept, flags);
  options.context = std::move(context);
  options.kept_rows = std::move(resumed.kept);
  Reporter reporter(std::move(options), progress);
  RegisterWithGoogle(rows, suite, progress);
  if (rows.empty()) {
    // Google Benchmark does not run without rows; the kept ones are still reported.
    if (reporter.ReportContext(benchmark::BenchmarkReporter::Context())) reporter.Finalize();
  } else {
    benchmark::RunSpecifiedBenchmarks(&reporter, nullptr, ".");
  }
  progress.Clear();
  return Conclude(reporter, results_file, meters);
}

}  // namespace

energy::MeterOptions MeterOptionsOf(const Flags& flags) {
  energy::MeterOptions options;
  options.root = flags.meter_root;
  // The joules of the GPU that works, not those of its neighbours.
  const kernels::FoundGpus found = kernels::FindCudaGpus();
  const auto device = static_cast<size_t>(flags.device.value_or(0));
  if (device < found.gpus.size()) options.gpu_uuid = found.gpus[device].uuid;
  return options;
}

int RunSession(const Flags& flags, const std::string& root) {
  const kernels::FoundGpus found = kernels::FindCudaGpus();
  if (flags.device && static_cast<size_t>(*flags.device) >= found.gpus.size()) {
    return Fail(kUsage, WhyNoDevice(*flags.device, found));
  }
  const std::string unknown = InitializeGoogle(flags);
  if (!unknown.empty()) return Fail(kUsage, unknown);

  SystemFacts facts = FindSystemFacts();
  facts.chip_slug = SlugOf(facts, flags.cores);
  const CoreChoice choice = ChooseCores(facts, flags.cores);
  if (!choice.why_not.empty()) return Fail(kUsage, "--cores=E: " + choice.why_not);
  SuiteOptions options;
  options.efficiency_cores = flags.cores == Cores::kEfficiency;
  if (options.efficiency_cores) {
    const std::string refused = ConfineToEfficiency(choice);
    if (!refused.empty()) return Fail(kFailure, "--cores=E: " + refused);
  } else if (flags.pin != Pin::kOff) {
    kernels::UsedThreadClasses().set(choice.thread_class);
  }
  options.core_kinds = choice.kinds;
  options.threads = flags.threads.value_or(choice.threads);
  options.threads_given = flags.threads.has_value();
  options.cpus = CpusFor(flags.pin, options.threads, choice.cpus);
  options.isa = flags.isa;
  options.device = flags.device.value_or(0);
  options.min_time_s = flags.min_time_s;
  options.energy_error = flags.energy_error;
  if (!flags.model_file.empty()) {
    kernels::LoadedModel loaded = kernels::LoadModel(flags.model_file);
    if (!loaded.model) return Fail(kFailure, loaded.error);
    if (!loaded.note.empty()) fmt::print(stderr, "bench: {}\n", loaded.note);
    options.model = loaded.model;
  }
  Suite suite(std::move(options));
  if (!flags.isa.empty() && suite.cpu_backends().empty()) {
    return Fail(kUsage, WhyNoCpuBackend(flags.isa));
  }
  RegisterAll(suite);
  const std::vector<const Row*> rows = SelectRows(suite.rows(), flags.filter, flags.full_sweep);
  if (rows.empty()) {
    return Fail(kFailure, fmt::format("no benchmark matches --benchmark_filter={}", flags.filter));
  }
  if (flags.list_tests) {
    for (const Row* row : rows) fmt::print("{}\n", row->name);
    return kDone;
  }

  energy::Chosen meters = energy::ChooseMeters(flags.energy, MeterOptionsOf(flags));
  if (!meters.usage_error.empty()) return Fail(kUsage, meters.usage_error);
  if (!meters.error.empty()) return Fail(kFailure, meters.error);
  std::optional<EnergyTrace> trace;
  if (!flags.energy_trace.empty()) {
    if (meters.set.meters.empty()) {
      return Fail(kFailure, "--energy_trace: " + energy::Summary(meters));
    }
    trace.emplace(flags.energy_trace, energy::RealClock());
    if (!trace->error().empty()) return Fail(kFailure, trace->error());
  }
  energy::SamplerOptions sampling;
  if (trace) {
    sampling.trace = [&trace](const energy::TraceRow& row) { trace->Write(row); };
    sampling.most_share = kTraceShare;
  }
  energy::Sampler sampler(meters.set, energy::RealClock(), std::move(sampling));
  if (!meters.set.meters.empty()) {
    sampler.StartThread();
    suite.UseSampler(&sampler);
  }
  return RunRows(flags, root, facts, meters, suite, rows);
}

}  // namespace wattline::benchmarks
