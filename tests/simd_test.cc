// The vector wrappers: conversions are those of float16.h bit by bit, the exponential keeps its
// error.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/cpu/cpu_kernels.h"
#include "kernels/float16.h"
#include "kernels/random.h"
#include "kernels/simd/simd_rows.h"

namespace wattline::kernels::simd_test {
namespace {

const SimdRows& RowsOf(std::string_view isa) {
#if defined(__x86_64__)
  return isa == "avx2" || isa == "avxvnni" ? kSimdRowsAvx2 : kSimdRowsAvx512;
#else
  (void)isa;
  return kSimdRowsNeon;
#endif
}

class SimdTest : public testing::TestWithParam<const CpuKernels*> {
 protected:
  void SetUp() override {
    const std::string why_not = GetParam()->why_not();
    if (!why_not.empty()) GTEST_SKIP() << "skipped: no " << GetParam()->isa << ": " << why_not;
  }
  const SimdRows& rows() const { return RowsOf(GetParam()->isa); }
};

std::vector<uint16_t> AllPatterns() {
  std::vector<uint16_t> bits(0x10000 + 3);  // 3 more: a tail on every instruction set
  for (size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<uint16_t>(i);
  return bits;
}

TEST_P(SimdTest, EveryHalfBecomesItsFloat) {
  const std::vector<uint16_t> bits = AllPatterns();
  std::vector<float> out(bits.size());
  rows().f32_from_f16(bits.data(), static_cast<int64_t>(bits.size()), out.data());
  for (size_t i = 0; i < bits.size(); ++i) {
    const float want = FloatFromF16(bits[i]);
    if (!std::isnan(want)) {
      ASSERT_EQ(std::bit_cast<uint32_t>(out[i]), std::bit_cast<uint32_t>(want)) << i;
    } else {
      ASSERT_TRUE(std::isnan(out[i])) << i;
    }
  }
}

TEST_P(SimdTest, EveryBf16BecomesItsFloat) {
  const std::vector<uint16_t> bits = AllPatterns();
  std::vector<float> out(bits.size());
  rows().f32_from_bf16(bits.data(), static_cast<int64_t>(bits.size()), out.data());
  for (size_t i = 0; i < bits.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(out[i]) >> 16, bits[i]);
  }
}

// Floats of every exponent and sign, ties among them, the special values in front.
std::vector<float> SpreadFloats(int64_t count) {
  const float inf = std::numeric_limits<float>::infinity();
  std::vector<float> x = {0.0f, -0.0f, inf, -inf, 0x1p-149f, 0x1.fep-127f, 0x1.ffffp+127f, NAN};
  Random random(7);
  while (static_cast<int64_t>(x.size()) < count) {
    const auto bits = static_cast<uint32_t>(random.Next());
    x.push_back(std::bit_cast<float>(bits));
    x.push_back(std::bit_cast<float>((bits & 0xffff0000u) | 0x8000u));
  }
  return x;
}

TEST_P(SimdTest, FloatsRoundToBf16AsTheScalarCodeDoes) {
  const std::vector<float> x = SpreadFloats(200001);
  std::vector<uint16_t> out(x.size());
  rows().bf16_from_f32(x.data(), static_cast<int64_t>(x.size()), out.data());
  for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(out[i], Bf16FromFloat(x[i])) << x[i];
}

TEST_P(SimdTest, FloatsRoundToF16AsTheScalarCodeDoes) {
  const std::vector<float> x = SpreadFloats(200001);
  std::vector<uint16_t> out(x.size());
  GetParam()->f16_from_f32(x.data(), static_cast<int64_t>(x.size()), out.data());
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i])) {
      ASSERT_TRUE(std::isnan(FloatFromF16(out[i])));
    } else {
      ASSERT_EQ(out[i], F16FromFloat(x[i])) << x[i];
    }
  }
}

// Every `step`-th float whose size lies in [2^-30, limit], both signs.
template <typename Check>
void ForFloats(float limit, uint32_t step, Check check) {
  std::vector<float> x;
  for (uint32_t bits = std::bit_cast<uint32_t>(0x1p-30f); bits <= std::bit_cast<uint32_t>(limit);
       bits += step) {
    x.push_back(std::bit_cast<float>(bits));
    x.push_back(-x.back());
    if (x.size() > 4096) {
      check(x);
      x.clear();
    }
  }
  check(x);
}

void CheckRelative(void (*got)(const float*, int64_t, float*), double (*want)(double),
                   const std::vector<float>& x, double bound, double* worst) {
  std::vector<float> out(x.size());
  got(x.data(), static_cast<int64_t>(x.size()), out.data());
  for (size_t i = 0; i < x.size(); ++i) {
    const double reference = want(x[i]);
    const double error = std::abs(out[i] - reference) / reference;
    *worst = std::max(*worst, error);
    ASSERT_LE(error, bound) << x[i];
  }
}

TEST_P(SimdTest, ExpAndExp2KeepTheirRelativeError) {
  double worst = 0;
  double worst2 = 0;
  ForFloats(87.29f, 199, [&](const std::vector<float>& x) {
    CheckRelative(rows().exp, std::exp, x, 0x1p-23, &worst);
  });
  ForFloats(126.0f, 199, [&](const std::vector<float>& x) {
    CheckRelative(rows().exp2, std::exp2, x, 0x1p-23, &worst2);
  });
  std::printf("worst relative error: exp %.3g, exp2 %.3g\n", worst, worst2);
}

TEST_P(SimdTest, ExponentialsEndInZeroAndStayFinite) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> x = {0.0f, -0.0f,  -127, -1e9f, -std::numeric_limits<float>::max(),
                                -inf, 127.6f, 1e9f, inf};
  std::vector<float> out(x.size());
  for (auto* row : {rows().exp, rows().exp2}) {
    row(x.data(), static_cast<int64_t>(x.size()), out.data());
    EXPECT_EQ(out[0], 1.0f);
    EXPECT_EQ(out[1], 1.0f);
    for (size_t i = 2; i < 6; ++i) EXPECT_EQ(out[i], 0.0f) << x[i];
    for (size_t i = 6; i < 9; ++i) EXPECT_TRUE(out[i] > 1e38f && std::isfinite(out[i])) << x[i];
  }
}

TEST_P(SimdTest, SumAndMaxTakeEveryElement) {
  for (int64_t n : {1, 3, 4, 15, 16, 17, 64, 65}) {
    std::vector<float> x(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) x[static_cast<size_t>(i)] = static_cast<float>(-i - 1);
    EXPECT_EQ(rows().sum(x.data(), n), static_cast<float>(-n * (n + 1) / 2));
    for (float& element : x) {
      const float kept = element;
      element = 1;  // every other element is negative
      EXPECT_EQ(rows().max(x.data(), n), 1.0f);
      element = kept;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, SimdTest,
                         testing::ValuesIn(AllCpuKernels().begin(), AllCpuKernels().end()),
                         [](const auto& table) { return std::string(table.param->isa); });

}  // namespace
}  // namespace wattline::kernels::simd_test
