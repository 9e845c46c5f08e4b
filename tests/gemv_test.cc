// The linear layer for few tokens, on every instruction set and format, against the double
// reference; the 8-bit form of activations.
#include "kernels/linear/gemv_cpu.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include "kernels/cpu/features.h"
#include "kernels/dequant/dequant.h"
#include "tests/cpu_tables.h"
#include "tests/packed_rows.h"

namespace wattline::kernels::gemv_test {
namespace {

struct Isa {
  std::string name;
  std::string (*why_not)();
  void (*prepare)(Format, Activations&, Slice);
  void (*gemv)(const LinearArgs&, Slice);
};

const std::vector<Isa>& Isas() {
#if defined(__x86_64__)
  static const std::vector<Isa> isas = {
      {"avx2", WhyNotAvx2, PrepareGemvAvx2, GemvAvx2},
      {"avxvnni", WhyNotAvxVnni, PrepareGemvAvx2, GemvAvxVnni},
      {"avx512", WhyNotAvx512, PrepareGemvAvx512, GemvAvx512},
  };
#else
  static const std::vector<Isa> isas = {{"neon", WhyNotNeon, PrepareGemvNeon, GemvNeon}};
#endif
  return isas;
}

std::vector<float> RandomActivations(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> x(static_cast<size_t>(count));
  for (float& value : x) value = random.Normal();
  return x;
}

// The forms on the heap, each exactly as large as it must be, so that a sanitizer sees over-reads.
struct Forms {
  Forms(const std::vector<float>& x, int64_t tokens, int64_t cols)
      : f32(x.begin(), x.begin() + tokens * cols),
        q8(f32.size()),
        scale(f32.size() / 32),
        block_sum(f32.size() / 32),
        lanes(static_cast<size_t>(LanesByte(tokens, cols))) {
    view.tokens = tokens;
    view.cols = cols;
    view.f32 = f32.data();
    view.q8 = q8.data();
    view.q8_scale = scale.data();
    view.q8_block_sum = block_sum.data();
    view.lanes = lanes.data();
  }
  std::vector<float> f32;
  std::vector<int8_t> q8;
  std::vector<float> scale, block_sum;
  std::vector<std::byte> lanes;
  Activations view;
};

std::vector<float> Gemv(const Isa& isa, const Matrix& w, const std::vector<float>& x,
                        int64_t tokens, int slices) {
  Forms forms(x, tokens, w.cols);
  std::vector<float> y(static_cast<size_t>(tokens * w.rows), NAN);
  for (int i = 0; i < slices; ++i) isa.prepare(w.format, forms.view, {i, slices});
  for (int i = 0; i < slices; ++i) {
    isa.gemv({.w = w, .x = &forms.view, .y = y.data(), .y_stride = w.rows}, {i, slices});
  }
  return y;
}

class GemvTest : public testing::TestWithParam<std::tuple<Isa, FormatInfo>> {
 protected:
  void SetUp() override {
    const Isa& isa = std::get<0>(GetParam());
    if (!isa.why_not().empty()) GTEST_SKIP() << "skipped: no " << isa.name;
  }

  // Rows and columns of models, fewer rows; tails where the format has them.
  static std::vector<std::pair<int64_t, int64_t>> Shapes(const FormatInfo& info) {
    if (info.block_elements == 256) return {{37, 256}, {37, 2048}, {5, 5632}, {3, 14336}};
    std::vector<std::pair<int64_t, int64_t>> shapes = {
        {1, info.block_elements == 64 ? 64 : 32}, {37, 576}, {37, 2048}, {5, 5632}, {3, 14336}};
    if (info.block_elements == 1) {
      for (int64_t cols : {1, 7, 31, 100, 129, 1000}) shapes.push_back({3, cols});
    }
    return shapes;
  }
};

TEST_P(GemvTest, EveryShapeAndTokenCountIsWithinTheToleranceOfTheReference) {
  const auto& [isa, info] = GetParam();
  for (const auto& [rows, cols] : Shapes(info)) {
    const std::vector<std::byte> data = PackedRows(info.format, rows, cols, 7);
    const Matrix w{info.format, rows, cols, data.data()};
    const std::vector<float> x = RandomActivations(kGemvTokens * cols, 11);
    const LinearCase all{w, x.data(), kGemvTokens};
    std::vector<double> expected(static_cast<size_t>(kGemvTokens * rows));
    std::vector<double> tolerance(expected.size());
    LinearReference(all, expected.data());
    for (int64_t t = 0; t < kGemvTokens; ++t) {
      for (int64_t r = 0; r < rows; ++r) {
        tolerance[static_cast<size_t>(t * rows + r)] = LinearTolerance(all, t, r);
      }
    }
    for (int64_t tokens = 1; tokens <= kGemvTokens; ++tokens) {
      SCOPED_TRACE("rows " + std::to_string(rows) + " cols " + std::to_string(cols) + " tokens " +
                   std::to_string(tokens));
      const std::vector<float> y = Gemv(isa, w, x, tokens, 1);
      for (size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], expected[i], tolerance[i]) << i;
    }
  }
}

TEST_P(GemvTest, TheNumberOfSlicesChangesNoBit) {
  const auto& [isa, info] = GetParam();
  const int64_t rows = 37, cols = 768;
  const std::vector<std::byte> data = PackedRows(info.format, rows, cols, 3);
  const Matrix w{info.format, rows, cols, data.data()};
  const std::vector<float> x = RandomActivations(kGemvTokens * cols, 5);
  for (int64_t tokens : {1, 3, 8}) {
    const std::vector<float> whole = Gemv(isa, w, x, tokens, 1);
    for (int slices : {2, 3, 50}) EXPECT_EQ(Gemv(isa, w, x, tokens, slices), whole) << slices;
  }
}

// The standard deviation of one result's error, if every rounding is uniform and by itself. 8 bits:
// half a step s = max|x| / 127 has variance s^2 / 12 and meets each weight. f32: partial sums of
// cols / 4 products grow as random walks, each addition rounds them by up to 2^-24.
double ExpectedDeviation(const Matrix& m, const float* x, int64_t row) {
  std::vector<double> w(static_cast<size_t>(m.cols));
  DequantReference(m.format, m.Row(row), m.cols, w.data());
  double variance = 0.0, products = 0.0;
  for (int64_t b = 0; b < m.cols; b += 32) {
    double largest = 0.0, squares = 0.0;
    for (int64_t i = b; i < b + 32; ++i) {
      const double weight = w[static_cast<size_t>(i)];
      largest = std::max(largest, std::abs(static_cast<double>(x[i])));
      squares += weight * weight;
      products += weight * weight * x[i] * x[i];
    }
    variance += squares * std::pow(largest / 127.0, 2) / 12.0;
  }
  if (IsQuantised(m.format)) return std::sqrt(variance);
  return 0x1p-24 * std::sqrt(products / static_cast<double>(m.cols)) * static_cast<double>(m.cols) /
         4;
}

TEST_P(GemvTest, ErrorsAreNoLargerThanRoundingMakesThem) {
  const auto& [isa, info] = GetParam();
  const int64_t rows = 37, cols = 4096;
  const std::vector<std::byte> data = PackedRows(info.format, rows, cols, 13);
  const Matrix w{info.format, rows, cols, data.data()};
  const std::vector<float> x = RandomActivations(kGemvTokens * cols, 17);
  std::vector<double> expected(static_cast<size_t>(kGemvTokens * rows));
  LinearReference({w, x.data(), kGemvTokens}, expected.data());
  const std::vector<float> y = Gemv(isa, w, x, kGemvTokens, 1);
  double squares = 0.0, model = 0.0;
  for (int64_t t = 0; t < kGemvTokens; ++t) {
    for (int64_t r = 0; r < rows; ++r) {
      const auto i = static_cast<size_t>(t * rows + r);
      squares += std::pow(y[i] - expected[i], 2);
      model += std::pow(ExpectedDeviation(w, x.data() + t * cols, r), 2);
    }
  }
  // 296 results: the ratio of a right kernel scatters by some 5 % of the 8-bit model; the f32 model
  // is an upper bound.
  EXPECT_LT(squares, 1.3 * 1.3 * model);
  if (IsQuantised(info.format)) {
    EXPECT_GT(squares, 0.7 * 0.7 * model);
  }
}

// q of -128 .. -97 against x of 127: the pair sums of AVX2 come within 1 % of saturation.
TEST_P(GemvTest, ExtremeIntegersDoNotSaturate) {
  const auto& [isa, info] = GetParam();
  if (!IsQuantised(info.format)) return;
  for (int byte : {0x80, 0x81, 0x7f, 0xff, 0x00}) {
    std::vector<std::byte> data = PackedRows(info.format, 1, 512, 1);
    const std::vector<std::byte> heads = data;
    std::fill(data.begin(), data.end(), static_cast<std::byte>(byte));
    // Scales back to where the format has them.
    for (size_t at = 0; at < data.size(); at += static_cast<size_t>(info.block_byte)) {
      const size_t head = info.format == Format::kQ6_K ? at + 208 : at;
      const size_t byte_count = info.format == Format::kQ4_1 || info.format == Format::kQ4_K ||
                                        info.format == Format::kQ5_K || info.format == Format::kMlx4
                                    ? 4
                                    : 2;
      std::copy_n(heads.begin() + static_cast<std::ptrdiff_t>(head), byte_count,
                  data.begin() + static_cast<std::ptrdiff_t>(head));
    }
    const Matrix w{info.format, 1, 512, data.data()};
    for (float sign : {1.0f, -1.0f}) {
      const std::vector<float> x(kGemvTokens * 512, sign * 3.0f);
      for (int64_t tokens : {1, 2, 4, 8}) {
        const LinearCase c{w, x.data(), tokens};
        std::vector<double> expected(static_cast<size_t>(tokens));
        LinearReference(c, expected.data());
        const std::vector<float> y = Gemv(isa, w, x, tokens, 1);
        for (size_t t = 0; t < y.size(); ++t) {
          EXPECT_NEAR(y[t], expected[t], LinearTolerance(c, static_cast<int64_t>(t), 0)) << byte;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, GemvTest, testing::Combine(testing::ValuesIn(Isas()), testing::ValuesIn(CpuFormats())),
    [](const auto& param) {
      return std::get<0>(param.param).name + "_" + std::string(std::get<1>(param.param).name);
    });

class PrepareTest : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (!GetParam().why_not().empty()) GTEST_SKIP() << "skipped: no " << GetParam().name;
  }
};

TEST_P(PrepareTest, EightBitsAreTheNearestStepOfTheLargest) {
  std::vector<float> x = RandomActivations(3 * 96, 23);
  std::fill(x.begin() + 32, x.begin() + 64, 0.0f);
  for (size_t i = 64; i < 96; ++i) x[i] *= 0x1p-90f;
  Forms forms(x, 1, 288);
  GetParam().prepare(Format::kQ4_0, forms.view, {});
  for (size_t block = 0; block < 9; ++block) {
    float largest = 0.0f;
    int sum = 0;
    for (size_t i = 0; i < 32; ++i) largest = std::max(largest, std::abs(x[block * 32 + i]));
    EXPECT_FLOAT_EQ(forms.scale[block], largest / 127.0f);
    for (size_t i = block * 32; i < block * 32 + 32; ++i) {
      // 2 roundings in f32 of a quotient of up to 127.
      const double step = forms.scale[block];
      EXPECT_LE(std::abs(step * forms.q8[i] - x[i]), step * (0.5 + 127 * 3 * 0x1p-24));
      EXPECT_GE(forms.q8[i], -127);
      sum += forms.q8[i];
    }
    EXPECT_EQ(forms.block_sum[block], forms.scale[block] * static_cast<float>(sum));
  }
}

// Others read them there: the second 8-bit term is what the first one left.
TEST_P(PrepareTest, UpToHalfTheTokensLieRowByRow) {
  const int64_t cols = 96;
  const std::vector<float> x = RandomActivations(kGemvTokens * cols, 29);
  Forms rows(x, kGemvTokens, cols);
  for (int64_t t = 0; t < kGemvTokens; ++t) {
    Activations row{.tokens = 1, .cols = cols, .f32 = rows.f32.data() + t * cols};
    row.q8 = rows.q8.data() + t * cols;
    row.q8_scale = rows.scale.data() + t * cols / 32;
    row.q8_block_sum = rows.block_sum.data() + t * cols / 32;
    row.lanes = rows.lanes.data();
    GetParam().prepare(Format::kQ4_0, row, {});
  }
  for (int64_t tokens = 1; tokens <= kGemvTokens / 2; ++tokens) {
    Forms forms(x, tokens, cols);
    GetParam().prepare(Format::kQ4_0, forms.view, {});
    for (size_t i = 0; i < forms.q8.size(); ++i) ASSERT_EQ(forms.q8[i], rows.q8[i]) << tokens;
    for (size_t i = 0; i < forms.scale.size(); ++i) {
      ASSERT_EQ(forms.scale[i], rows.scale[i]) << tokens;
      ASSERT_EQ(forms.block_sum[i], rows.block_sum[i]) << tokens;
    }
  }
}

TEST_P(PrepareTest, DenseWeightsNeedNoForm) {
  Activations x{.tokens = 1, .cols = 7};
  GetParam().prepare(Format::kBF16, x, {});  // would fault on its null pointers
}

INSTANTIATE_TEST_SUITE_P(Isas, PrepareTest, testing::ValuesIn(Isas()),
                         [](const auto& isa) { return isa.param.name; });

}  // namespace
}  // namespace wattline::kernels::gemv_test
