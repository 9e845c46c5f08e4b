// The small row operations as the CPU backends run them: each table's functions over all rows, by
// all threads.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "kernels/backend.h"
#include "kernels/thread_pool.h"
#include "tests/norm_cases.h"

namespace wattline::kernels::norm_work_test {
namespace {

constexpr NormOperation kAll[] = {NormOperation::kRmsNorm, NormOperation::kLayerNorm,
                                  NormOperation::kRope,    NormOperation::kSwiGlu,
                                  NormOperation::kGelu,    NormOperation::kQuantiseQ8};

TEST(NormCaseTest, BytesAreThoseOfXUpAndTheResult) {
  const auto bytes = [](NormOperation operation) { return NormByte(MakeCase(operation, 3, 64).c); };
  EXPECT_EQ(bytes(NormOperation::kRmsNorm), 3 * 64 * 8);
  EXPECT_EQ(bytes(NormOperation::kRope), 3 * 64 * 8);
  EXPECT_EQ(bytes(NormOperation::kSwiGlu), 3 * 64 * 12);
  EXPECT_EQ(bytes(NormOperation::kQuantiseQ8), 3 * (64 * 5 + 2 * 8));
}

TEST(NormCaseTest, TheReferenceIsThatOfEachRow) {
  const OwnedCase o = MakeCase(NormOperation::kSwiGlu, 2, 3);
  std::vector<double> out(6), want(3);
  NormReference(o.c, out.data());
  const double gate[] = {o.x[3], o.x[4], o.x[5]}, up[] = {o.up[3], o.up[4], o.up[5]};
  SwiGluReference(gate, up, 3, want.data());
  EXPECT_EQ(std::vector<double>(out.begin() + 3, out.end()), want);

  const OwnedCase rope = MakeCase(NormOperation::kRope, 2, 4, RopeLayout::kHalves);
  std::vector<double> turned(8), head(rope.x.begin() + 4, rope.x.end());
  NormReference(rope.c, turned.data());
  RopeReference(head.data(), 4, 100, 10000, nullptr, RopeLayout::kHalves);
  EXPECT_EQ(std::vector<double>(turned.begin() + 4, turned.end()), head);
}

// What the table's function makes of row `row`, `runs` times.
std::vector<float> RowOf(const CpuKernels& cpu, const NormCase& c, int64_t row, int runs) {
  const float* x = c.x + row * c.cols;
  std::vector<float> out(static_cast<size_t>(c.cols));
  switch (c.operation) {
    case NormOperation::kRmsNorm:
      cpu.rms_norm(x, c.weight, c.cols, c.eps, out.data());
      break;
    case NormOperation::kLayerNorm:
      cpu.layer_norm(x, c.weight, c.bias, c.cols, c.eps, out.data());
      break;
    case NormOperation::kRope: {
      std::vector<float> cos_sin(out.size());
      RopeAngles(c.cols, c.position, c.base, nullptr, cos_sin.data());
      out.assign(x, x + c.cols);
      for (int i = 0; i < runs; ++i) cpu.rope(out.data(), c.cols, cos_sin.data(), c.layout);
      break;
    }
    case NormOperation::kSwiGlu:
      cpu.swiglu(x, c.up + row * c.cols, c.cols, out.data());
      break;
    case NormOperation::kGelu:
      cpu.gelu(x, c.cols, out.data());
      break;
    case NormOperation::kQuantiseQ8: {
      std::vector<int8_t> q8(out.size());
      std::vector<float> scale(out.size() / 32), sum(out.size() / 32);
      cpu.quantise_q8(x, c.cols / 32, q8.data(), scale.data(), sum.data());
      for (size_t i = 0; i < out.size(); ++i) out[i] = scale[i / 32] * static_cast<float>(q8[i]);
      break;
    }
  }
  return out;
}

TEST(NormWorkTest, EveryCpuBackendRunsItsTableOverAllRows) {
  for (const int threads : {1, 2, 3}) {
    ThreadPool pool(threads);
    for (const Backend& backend : AllBackends()) {
      if (backend.cpu == nullptr || !backend.why_not().empty()) continue;
      for (const NormOperation operation : kAll) {
        for (const RopeLayout layout : {RopeLayout::kAdjacent, RopeLayout::kHalves}) {
          for (const int64_t rows : {1, 7}) {
            const OwnedCase o = MakeCase(operation, rows, 96, layout);
            const MadeWork made = backend.norm(backend, o.c, pool);
            ASSERT_TRUE(made.work) << made.why_not;
            for (int runs = 1; runs <= 2; ++runs) {
              made.work->Run();
              std::vector<float> want;
              for (int64_t row = 0; row < rows; ++row) {
                const std::vector<float> one = RowOf(*backend.cpu, o.c, row, runs);
                want.insert(want.end(), one.begin(), one.end());
              }
              ASSERT_EQ(made.work->Result(), want)
                  << backend.name << ", " << NameOf(o.c) << ", threads " << threads;
            }
          }
        }
      }
    }
  }
}

// Half a step of a block's largest value / 127, and a rounding of each of the three values.
TEST(NormWorkTest, EightBitValuesAreWithinHalfAStepOfTheReference) {
  ThreadPool pool(1);
  for (const Backend& backend : AllBackends()) {
    if (backend.cpu == nullptr || !backend.why_not().empty()) continue;
    const OwnedCase o = MakeCase(NormOperation::kQuantiseQ8, 3, 64);
    const MadeWork made = backend.norm(backend, o.c, pool);
    ASSERT_TRUE(made.work) << made.why_not;
    made.work->Run();
    std::vector<double> want(o.x.size());
    NormReference(o.c, want.data());
    const std::vector<float> got = made.work->Result();
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < want.size(); ++i) {
      double largest = 0;
      for (size_t j = i / 32 * 32; j < i / 32 * 32 + 32; ++j) {
        largest = std::fmax(largest, std::fabs(want[j]));
      }
      ASSERT_NEAR(got[i], want[i], largest * (0.5 / 127 + 3 * 0x1p-24)) << backend.name << " " << i;
    }
  }
}

}  // namespace
}  // namespace wattline::kernels::norm_work_test
