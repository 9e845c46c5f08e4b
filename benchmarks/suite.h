// The list of rows and what they share: threads, backends, probes, ceilings.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/ceilings.h"
#include "benchmarks/ground.h"
#include "energy/idle.h"
#include "energy/sampler.h"
#include "kernels/backend.h"
#include "kernels/ceiling/cuda_driver.h"
#include "kernels/thread_pool.h"

namespace wattline::benchmarks {

struct SuiteOptions {
  int threads = 1;
  bool threads_given = false;  // by the user, for every row
  std::string isa;  // "": the best one, shown as `cpu`; "all"; or a name, shown as `cpu_NAME`
  std::shared_ptr<kernels::Model> model;  // from --model: replaces the named models of decode rows
  double min_time_s = 0.5;                // of Google Benchmark; a row may ask for less
  int device = 0;                         // the NVIDIA GPU, as CUDA counts them
  std::string cuda_library = kernels::kCudaLibrary;
  std::vector<int> cpus;  // the pool's threads are pinned to these, in turn; empty: nowhere
  std::vector<std::string> core_kinds;  // names of the kinds of cores that the threads run on
  // Efficiency cores were asked for: there are no rows of libraries, whose threads may run
  // anywhere, nor of GPUs, and each row says so.
  bool efficiency_cores = false;
  std::optional<MeasuredCeilings> ceilings = std::nullopt;      // absent: measured
  std::optional<MeasuredCeilings> gpu_ceilings = std::nullopt;  // absent: measured
  double energy_error = 0.02;  // a run is lengthened until joules_err over joules is below this
};

// A backend under the name that rows carry.
struct ShownBackend {
  const kernels::Backend* backend = nullptr;
  std::string name;
};

using RowFunction = std::function<void(benchmark::State&)>;

struct Row {
  std::string name;  // fixture/subject/format[/case:value...]/backend
  // What sets a row outside the default list apart from those in it: "llama-3-8b", "batch:4". Such
  // a row runs with --sweep=full, or where the filter holds every one of these words. Empty: the
  // row is in the default list.
  std::vector<std::string> words;
  RowFunction run;
  // Where its samples need less than the least time that was asked for: rows of long sweeps.
  std::optional<double> min_time_s = std::nullopt;
};

// What is known of the row that runs now, between its calls.
struct RowState {
  std::string name;
  double min_time_s = 0;         // a call that takes longer is final
  std::optional<Ground> ground;  // the latest probe
  std::optional<energy::IdlePower>
      idle;                           // before its first call, and after each one that may be last
  std::optional<double> iteration_s;  // of the latest call
  std::optional<int64_t> final_iterations;  // of a call that was long enough to be the row's last
};

class Suite {
 public:
  // `backends` outlive the suite.
  explicit Suite(SuiteOptions options,
                 std::span<const kernels::Backend> backends = kernels::AllBackends());
  ~Suite();
  Suite(const Suite&) = delete;
  Suite& operator=(const Suite&) = delete;

  const SuiteOptions& options() const { return options_; }
  kernels::ThreadPool& pool() { return pool_; }
  // CPU backends as --isa selects them, best first, then the usable libraries.
  const std::vector<ShownBackend>& backends() const { return backends_; }
  const std::vector<ShownBackend>& cpu_backends() const { return cpu_backends_; }

  // Pins the pool where the options say so, or lets it go: libraries start threads of their own,
  // which would inherit the CPU of the caller. BeginRow calls it for its row.
  void PinPool(bool pin);

  const std::shared_ptr<kernels::Model>& model() const { return options_.model; }

  void Add(Row row) { rows_.push_back(std::move(row)); }
  double MinTimeOf(const Row& row) const;
  const std::vector<Row>& rows() const { return rows_; }

  // Null where energy is off or no meter can be used. It outlives the suite.
  energy::Sampler* sampler() const { return sampler_; }
  void UseSampler(energy::Sampler* sampler) { sampler_ = sampler; }

  // The row's state, a fresh one where another row begins.
  RowState& BeginRow(const Row& row);
  RowState& row_state() { return row_state_; }

  // Made at first use: it costs a second and its buffer.
  GroundProbe& ground();
  // What the process held once that buffer stood: not counted as a row's memory.
  double baseline_byte() const { return baseline_byte_; }
  // Measured at first use, 3 to 6 s, in the ground's memory.
  const MeasuredCeilings& ceilings() {
    return options_.ceilings ? *options_.ceilings : CeilingsOf(pool_, ground().Memory());
  }

  // The backend that runs on a GPU and measures its ceilings; null where there is none.
  const ShownBackend* gpu_backend() const;
  // Of that backend's GPU; measured at first use.
  const MeasuredCeilings& gpu_ceilings();

  // What the calls of one row share (its operands, the outcome of its check). Made when a row first
  // asks, kept until another key asks, so that only one row's or model's memory is held at a time.
  void Forget() { kept_.reset(); }
  template <typename T>
  T& Keep(const std::string& key, const std::function<std::shared_ptr<T>()>& make) {
    if (key != kept_key_ || !kept_) {
      kept_.reset();
      kept_key_ = key;
      kept_ = make();
    }
    return *static_cast<T*>(kept_.get());
  }

 private:
  SuiteOptions options_;
  std::vector<int> allowed_cpus_;  // before anything was pinned
  bool asked_to_pin_ = false;
  kernels::ThreadPool pool_;
  std::vector<ShownBackend> backends_;
  std::vector<ShownBackend> cpu_backends_;
  std::vector<Row> rows_;
  energy::Sampler* sampler_ = nullptr;
  RowState row_state_;
  std::unique_ptr<GroundProbe> ground_;
  double baseline_byte_ = 0;
  std::string kept_key_;
  std::shared_ptr<void> kept_;
};

inline void Register(Suite& suite, std::string name, RowFunction run,
                     std::vector<std::string> words = {}) {
  suite.Add({std::move(name), std::move(words), std::move(run)});
}

// Called from the one list in fixtures.cc; there is no static registration.
void RegisterCeiling(Suite& suite);
void RegisterCeilingCuda(Suite& suite);
void RegisterCeilingGpu(Suite& suite);
void RegisterGemm(Suite& suite);
void RegisterAttention(Suite& suite);
void RegisterDequant(Suite& suite);
void RegisterNorm(Suite& suite);
void RegisterBlock(Suite& suite);
void RegisterBlockStep(Suite& suite);
void RegisterEncode(Suite& suite);
void RegisterDecode(Suite& suite);
void RegisterProbeCost(Suite& suite);

}  // namespace wattline::benchmarks
