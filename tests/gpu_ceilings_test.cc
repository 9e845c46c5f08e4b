// A GPU's ceilings: the best of what a backend offers, and what its rows are held against.
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "benchmarks/ceiling_gpu.h"
#include "benchmarks/ceilings.h"
#include "benchmarks/counters.h"
#include "benchmarks/fixture.h"
#include "benchmarks/measure.h"
#include "benchmarks/suite.h"
#include "kernels/backend.h"
#include "roofline/result.h"
#include "tests/run_row.h"

namespace wattline::benchmarks::gpu_ceilings_test {
namespace {

using kernels::Backend;
using kernels::GpuLimit;

void Spin(double time_s) {
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() < time_s) {
  }
}

// A unit of 1e8 operations takes `unit_s`.
kernels::GpuWork SpinWork(const char* name, double unit_s) {
  return {name, 1e8, [unit_s](int64_t units) { Spin(unit_s * static_cast<double>(units)); }};
}

bool OnTheGpu() { return true; }

kernels::GpuWorks FakeWorks(const Backend&, GpuLimit limit) {
  kernels::GpuWorks made;
  if (limit == GpuLimit::kF16) made.why_not = "f16 kernel: no such type";
  if (limit == GpuLimit::kBF16) {
    made.works.push_back(
        {"broken", 1e8, [](int64_t) { throw std::runtime_error("the GPU was lost"); }});
  }
  if (limit == GpuLimit::kF32 || limit == GpuLimit::kRead) {
    made.works = {SpinWork("slow", 4e-4), SpinWork("fast", 1e-4), SpinWork("slower", 8e-4)};
    made.why_not = "own kernel: no compiler";
  }
  return made;
}

// Our own GEMM, said to run on a GPU.
Backend FakeGpu() {
  for (const Backend& backend : kernels::AllBackends()) {
    if (backend.cpu == nullptr || !backend.why_not().empty()) continue;
    Backend gpu = backend;
    gpu.name = "gpu";
    gpu.cpu = nullptr;
    static const Backend* const own = &backend;
    gpu.gemm = [](const Backend&, const kernels::GemmCase& c, kernels::ThreadPool& pool) {
      return own->gemm(*own, c, pool);
    };
    gpu.on_gpu = OnTheGpu;
    gpu.gpu_works = FakeWorks;
    return gpu;
  }
  return {};
}

const CeilingNote& NoteOf(const MeasuredCeilings& ceilings, const std::string& name) {
  static const CeilingNote kNone;
  for (const CeilingNote& note : ceilings.notes) {
    if (note.name == name) return note;
  }
  return kNone;
}

TEST(GpuCeilingsTest, TheFastestWorkIsTheCeilingAndTheMissingAreNamed) {
  const MeasuredCeilings ceilings = MeasureGpuCeilings(FakeGpu());
  for (const char* name : {"f32", "read"}) {
    const CeilingNote& note = NoteOf(ceilings, name);
    EXPECT_EQ(note.kernel.substr(0, 4), "fast") << name;
    const std::optional<double> rate =
        note.name == "f32" ? ceilings.f32_flop_per_s : ceilings.read_byte_per_s;
    // Absent on a machine too busy to show it; never more than the work can do.
    const std::string& told = rate ? note.kernel : note.why_not;
    EXPECT_NE(told.find("; without own kernel: no compiler"), std::string::npos) << told;
    if (rate) {
      EXPECT_LE(*rate, 1e12);
      EXPECT_GT(*rate, 3e11) << "no other work's rate";
    }
  }
  EXPECT_FALSE(ceilings.int8_op_per_s);
}

TEST(GpuCeilingsTest, WhatCannotBeMeasuredSaysWhy) {
  const MeasuredCeilings ceilings = MeasureGpuCeilings(FakeGpu());
  EXPECT_FALSE(ceilings.f16_flop_per_s);
  EXPECT_NE(NoteOf(ceilings, "f16").why_not.find("no such type"), std::string::npos);
  EXPECT_FALSE(ceilings.bf16_flop_per_s);
  EXPECT_EQ(NoteOf(ceilings, "bf16").why_not, "the GPU was lost");
}

// Runs the suite's row of this name.
roofline::Row TheRow(Suite& suite, const std::string& name) {
  const roofline::Results file = RunRow(suite, name, 0.01);
  return file.rows.size() == 1 ? file.rows.front() : roofline::Row();
}

SuiteOptions WithCeilings() {
  SuiteOptions options;
  options.min_time_s = 0.01;
  options.ceilings.emplace().f32_flop_per_s = 1e15;
  options.gpu_ceilings.emplace().f32_flop_per_s = 8e14;
  return options;
}

TEST(GpuCeilingsTest, ARowOfTheGpuIsAShareOfTheGpusCeiling) {
  const std::vector<Backend> backends = {FakeGpu()};
  Suite suite(WithCeilings(), backends);
  RegisterGemm(suite);
  const roofline::Row row = TheRow(suite, "gemm/512x512x512/f32/gpu");
  ASSERT_EQ(row.error, "");
  ASSERT_TRUE(row.Counter("MFU") && row.Counter("TFLOPS"));
  EXPECT_NEAR(*row.Counter("MFU") * 800, *row.Counter("TFLOPS"), 1e-6 * *row.Counter("TFLOPS"));
  EXPECT_FALSE(row.Counter("ground_GB/s")) << "the ground is the CPU's";
}

TEST(GpuCeilingsTest, ItsCeilingRowsNameTheWorkAndTheReason) {
  const std::vector<Backend> backends = {FakeGpu()};
  Suite suite(WithCeilings(), backends);
  RegisterCeilingGpu(suite);
  ASSERT_EQ(suite.rows().size(), 4u);
  const roofline::Row peak = TheRow(suite, "ceiling/peak/f32/threads:1/gpu");
  ASSERT_EQ(peak.error, "");
  EXPECT_EQ(peak.label.substr(0, 4), "fast") << peak.label;
  EXPECT_TRUE(peak.Counter("doubling"));
  EXPECT_LE(peak.Counter("TFLOPS").value_or(2), 1);
  const roofline::Row read = TheRow(suite, "ceiling/read/f32/kb:1048576/threads:1/gpu");
  EXPECT_LE(read.Counter("GB/s").value_or(2000), 1000);
  EXPECT_NE(TheRow(suite, "ceiling/peak/f16/threads:1/gpu").error.find("no such type"),
            std::string::npos);
  EXPECT_EQ(TheRow(suite, "ceiling/peak/bf16/threads:1/gpu").error, "the GPU was lost");
}

TEST(GpuCeilingsTest, OperandsOnAGpuHaveTheWeightsTypeOrF16) {
  const Backend gpu = FakeGpu();
  EXPECT_EQ(PanelPeak(gpu, kernels::Format::kF32), Peak::kF32);
  EXPECT_EQ(PanelPeak(gpu, kernels::Format::kBF16), Peak::kBF16);
  EXPECT_EQ(PanelPeak(gpu, kernels::Format::kQ8_0), Peak::kF16);
  EXPECT_EQ(PanelPeak(gpu, kernels::Format::kMlx8), Peak::kF16);
  EXPECT_EQ(PanelPeak(gpu, kernels::Format::kMxfp4), Peak::kBF16);
  EXPECT_EQ(PanelPeak(gpu, kernels::Format::kNvfp4), Peak::kBF16);
  EXPECT_EQ(PanelPeak(gpu, std::nullopt), Peak::kF16);
  EXPECT_EQ(RowCounts(gpu, {.peak = Peak::kF32}).runs_on, energy::kGpuPart);
}

}  // namespace
}  // namespace wattline::benchmarks::gpu_ceilings_test
