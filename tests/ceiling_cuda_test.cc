// The rows of an NVIDIA GPU in real runs of Google Benchmark, on a fake driver: which there are,
// what they count, and that a row that cannot be measured has no figures.
#include <benchmark/benchmark.h>
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "benchmarks/selection.h"
#include "benchmarks/suite.h"
#include "tests/fakes/cuda_answers.h"

namespace wattline::benchmarks::ceiling_cuda_test {
namespace {

using kernels::CudaFormat;

// What Google Benchmark wrote of a row.
struct Ran {
  nlohmann::json json;
  // Versions differ in the words.
  std::string Error() const {
    for (const char* key : {"error_message", "skip_message"}) {
      if (json.contains(key)) return json[key];
    }
    return {};
  }
  bool Has(const std::string& counter) const { return json.contains(counter); }
  double Counter(const std::string& counter) const { return json.at(counter); }
  std::string Label() const { return json.value("label", std::string()); }
};

class CeilingCudaTest : public testing::Test {
 protected:
  CeilingCudaTest() : handle_(dlopen(WATTLINE_FAKE_CUDA, RTLD_NOW | RTLD_LOCAL)) {
    cuda_ = reinterpret_cast<FakeCudaFunction>(dlsym(handle_, "fake_cuda"))();
    *cuda_ = FakeCuda{};
    cuda_->gpus.push_back({});
    cuda_->on_launch = kernels::Answer;
    cuda_->turn_s = 20e-6;
    kernels::AnsweredKernels().clear();
    options_.cuda_library = WATTLINE_FAKE_CUDA;
  }
  ~CeilingCudaTest() override { dlclose(handle_); }

  std::vector<std::string> Names() {
    Suite suite(options_);
    RegisterCeilingCuda(suite);
    std::vector<std::string> names;
    for (const Row& row : suite.rows()) names.push_back(row.name);
    return names;
  }

  Ran RunRow(const std::string& name) {
    Suite suite(options_);
    RegisterCeilingCuda(suite);
    const auto row = std::find_if(suite.rows().begin(), suite.rows().end(),
                                  [&name](const Row& r) { return r.name == name; });
    if (row == suite.rows().end()) return Failed("there is no row " + name);
    benchmark::ClearRegisteredBenchmarks();
    benchmark::RegisterBenchmark(name.c_str(), [&](benchmark::State& state) {
      suite.BeginRow(*row);
      row->run(state);
    })->MinTime(0.02);
    std::ostringstream text;
    std::ostringstream errors;
    benchmark::JSONReporter reporter;
    reporter.SetOutputStream(&text);
    reporter.SetErrorStream(&errors);
    benchmark::RunSpecifiedBenchmarks(&reporter, nullptr, ".");
    return {nlohmann::json::parse(text.str()).at("benchmarks").at(0)};
  }
  static Ran Failed(const std::string& why) { return {{{"error_message", why}}}; }

  void* handle_;
  FakeCuda* cuda_;
  SuiteOptions options_;
};

testing::AssertionResult Says(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << text << "' lacks '" << part << "'";
}

TEST_F(CeilingCudaTest, RowsHaveTheNamesOfTheCpusRows) {
  const std::vector<std::string> names = Names();
  for (const std::string& name : names) EXPECT_EQ(NameFault(name), "");
  const auto has = [&names](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const char* name :
       {"ceiling/peak/f32/threads:1/cuda", "ceiling/peak/bf16/threads:1/cuda",
        "ceiling/peak/f16/threads:1/cuda", "ceiling/peak/int8/threads:1/cuda",
        // A quarter of 8 MiB of second-level cache, a quarter of 64 MiB of memory.
        "ceiling/read/f32/kb:2048/threads:1/cuda", "ceiling/triad/f32/kb:16384/threads:1/cuda",
        "ceiling/levels/f32/per_octave:2/threads:1/cuda",
        "ceiling/intensity/f32/kb:2048/flop_per_byte:0.0625/threads:1/cuda",
        "ceiling/intensity/f32/kb:16384/flop_per_byte:1024/threads:1/cuda",
        "ceiling/intensity/bf16/kb:16384/flop_per_byte:192/threads:1/cuda"}) {
    EXPECT_TRUE(has(name)) << name;
  }
  EXPECT_FALSE(has("ceiling/read/f32/kb:32768/threads:1/cuda")) << "half of the memory";
}

TEST_F(CeilingCudaTest, AGpuWithoutTensorCoresHasNoRowsOfThem) {
  cuda_->gpus[0].capability_major = 7;
  for (const std::string& name : Names()) {
    EXPECT_NE(name.find("/f32/"), std::string::npos) << name;
  }
}

TEST_F(CeilingCudaTest, WithoutDriverOrGpuThereAreNoRows) {
  options_.device = 1;
  EXPECT_TRUE(Names().empty());
  options_.device = 0;
  options_.cuda_library = "libcuda_of_nobody.so.1";
  EXPECT_TRUE(Names().empty());
}

TEST_F(CeilingCudaTest, RatesAreTheCountsOfTheLaunchesOverTheirTime) {
  kernels::AnsweredKernels() = {kernels::CudaIntensityKernel(CudaFormat::kF32, 4)};
  const Ran run = RunRow("ceiling/intensity/f32/kb:2048/flop_per_byte:4/threads:1/cuda");
  ASSERT_EQ(run.Error(), "");
  const FakeLaunch& launch = cuda_->launches.back();
  const kernels::CudaArgs args = kernels::ArgsOf(launch);
  EXPECT_EQ(args.lines, 2048u * 1024 / 16);
  const kernels::CudaKernel& kernel = kernels::AnsweredKernels()[0];
  const double threads = 1.0 * launch.blocks * launch.block_threads;
  EXPECT_EQ(launch.blocks, 4 * kernel.blocks_per_multiprocessor);
  const double time_s = run.Counter("real_time") * 1e-9;
  // Google Benchmark's clock is read inside ours.
  EXPECT_NEAR(run.Counter("TFLOPS") * 1e12 * time_s / (kernel.thread_op * threads * args.turns), 1,
              0.02);
  EXPECT_NEAR(run.Counter("GB/s") * 1e9 * time_s / (kernel.thread_byte * threads * args.turns), 1,
              0.02);
  EXPECT_DOUBLE_EQ(run.Counter("AI"), 4);
  EXPECT_NEAR(run.Counter("clock_GHz"), 1.98, 1e-6);
  for (const char* gate : {"doubling", "spread", "drift"}) EXPECT_TRUE(run.Has(gate));
  EXPECT_TRUE(Says(run.Label(), "fma.rn.f32"));
}

TEST_F(CeilingCudaTest, FactsOfTheCpuAreNotTheGpus) {
  kernels::AnsweredKernels() = kernels::CudaPeakKernels(CudaFormat::kBF16, 90);
  const Ran run = RunRow("ceiling/peak/bf16/threads:1/cuda");
  ASSERT_EQ(run.Error(), "");
  EXPECT_TRUE(Says(run.Label(), "mma"));
  for (const char* counter : {"ground_GB/s", "ground_end_GB/s", "round_trip_ns", "unsteady",
                              "steal", "peak_GB", "MFU", "MBU", "joules", "power_cap_watts"}) {
    EXPECT_FALSE(run.Has(counter)) << counter;
  }
}

TEST_F(CeilingCudaTest, WorkWhoseTimeDoesNotDoubleIsMarked) {
  cuda_->turn_s = 0;
  kernels::AnsweredKernels() = {kernels::CudaIntensityKernel(CudaFormat::kF32, 0.5)};
  const Ran run = RunRow("ceiling/intensity/f32/kb:2048/flop_per_byte:0.5/threads:1/cuda");
  ASSERT_EQ(run.Error(), "");
  EXPECT_LT(run.Counter("doubling"), 1.9);
  EXPECT_TRUE(Says(run.Label(), "not used: doubl"));
}

TEST_F(CeilingCudaTest, AWrongResultHasNoSpeed) {
  cuda_->on_launch = nullptr;
  const Ran run = RunRow("ceiling/peak/f32/threads:1/cuda");
  EXPECT_TRUE(Says(run.Error(), "wrong result of fma.rn.f32"));
}

TEST_F(CeilingCudaTest, MemoryThatDoesNotFitSkipsTheRow) {
  cuda_->free_byte = 1 << 20;
  const Ran run = RunRow("ceiling/copy/f32/kb:16384/threads:1/cuda");
  EXPECT_EQ(run.Error(), "skipped: the GPU's memory has no room for 16384 KiB, 1024 KiB are free");
}

TEST_F(CeilingCudaTest, AFaultOfTheDriverEndsTheRow) {
  cuda_->launch_status = 719;
  const Ran run = RunRow("ceiling/peak/int8/threads:1/cuda");
  EXPECT_EQ(run.Error(), "cuLaunchKernel: CUDA error 719, some error");
}

TEST_F(CeilingCudaTest, TheSweepHasAPointForEachFootprint) {
  kernels::AnsweredKernels() = kernels::CudaStreamKernels(kernels::StreamKind::kRead);
  kernels::AnsweredKernels().push_back(kernels::CudaLevelKernel());
  const Ran run = RunRow("ceiling/levels/f32/per_octave:2/threads:1/cuda");
  ASSERT_EQ(run.Error(), "");
  // 16 KiB to 64 KiB of first-level cache, from 16 times that on to 16 MiB.
  EXPECT_TRUE(run.Has("GB/s@byte:16384"));
  EXPECT_TRUE(run.Has("GB/s@byte:23168")) << "whole lines of 16 byte";
  EXPECT_TRUE(run.Has("GB/s@byte:65536"));
  EXPECT_FALSE(run.Has("GB/s@byte:92672"));
  EXPECT_FALSE(run.Has("GB/s@byte:524288"));
  EXPECT_TRUE(run.Has("GB/s@byte:1048576"));
  EXPECT_TRUE(run.Has("GB/s@byte:16777216"));
}

}  // namespace
}  // namespace wattline::benchmarks::ceiling_cuda_test
