// The linear layer for many tokens, on every instruction set and format, against the double
// reference; the switch from GEMV to panels.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "kernels/cpu/cpu_kernels.h"
#include "kernels/dequant/dequant.h"
#include "kernels/float16.h"
#include "kernels/linear/linear_cpu.h"
#include "tests/cpu_tables.h"
#include "tests/packed_rows.h"
#include "tests/sanitized.h"
#if defined(__x86_64__)
#include "kernels/gemm/tile_amx.h"
#include "kernels/linear/panel_blocks.h"
#include "tests/emulated_tiles.h"
#endif

namespace wattline::kernels::linear_panel_test {
namespace {

struct Candidate {
  std::string name;
  CpuKernels cpu;
};
void PrintTo(const Candidate& c, std::ostream* out) { *out << c.name; }

#if defined(__x86_64__)
// AMX's way of panels on any CPU: emulated tiles, and plain code round them.
struct EmulatedTile : amx::TileBf16<EmulatedTiles> {
  static void Round(const float* from, int64_t count, uint16_t* to) {
    for (int64_t i = 0; i < count; ++i) to[i] = Bf16FromFloat(from[i]);
  }
  static void Turn(const std::byte* src, int64_t stride_byte, uint32_t* out) {
    for (int64_t r = 0; r < 16; ++r) {
      for (int64_t w = 0; w < 16; ++w)
        std::memcpy(out + w * 16 + r, src + r * stride_byte + w * 4, 4);
    }
  }
};

// As LinearAmx divides the work; the rest is the best usable table's.
bool OnEmulatedTiles(Format format, int64_t tokens, int64_t cols) {
  return tokens > kGemvTokens && format != Format::kF32 && format != Format::kF16 &&
         blocks::FitsPanel<EmulatedTile>(cols);
}
Candidate AmxEmulated() {
  static const CpuKernels& best = *BestCpuKernels();
  Candidate c = {"amx_emulated", best};
  c.cpu.form = [](Format format, int64_t tokens, int64_t cols) {
    return OnEmulatedTiles(format, tokens, cols) ? ActivationForm::kPanelTiles
                                                 : best.form(format, tokens, cols);
  };
  c.cpu.prepare = [](Format format, Activations& x, Slice slice) {
    if (!OnEmulatedTiles(format, x.tokens, x.cols)) return best.prepare(format, x, slice);
    blocks::PrepareTokens<EmulatedTile>(x, slice);
  };
  c.cpu.linear = [](const LinearArgs& args, Slice slice) {
    if (!OnEmulatedTiles(args.w.format, args.x->tokens, args.w.cols)) {
      return best.linear(args, slice);
    }
    blocks::Linear<EmulatedTile>(args, slice, best.dequant_bf16);
  };
  c.cpu.linear_scratch_byte = [](Format format, int64_t tokens, int64_t cols) {
    return OnEmulatedTiles(format, tokens, cols) ? blocks::LinearScratchByte<EmulatedTile>()
                                                 : best.linear_scratch_byte(format, tokens, cols);
  };
  return c;
}
#endif

// The tables; both ways of panels of dense weights on AVX-512, of which a table takes the one that
// suits the CPU; and AMX on emulated tiles.
std::vector<Candidate> Candidates() {
  std::vector<Candidate> list;
#if defined(__x86_64__)
  if (BestCpuKernels() != nullptr) list.push_back(AmxEmulated());
#endif
  for (const CpuKernels* table : AllCpuKernels()) {
    if (SameIn(*table, &CpuKernels::form, &CpuKernels::prepare, &CpuKernels::linear,
               &CpuKernels::linear_scratch_byte))
      continue;
    list.push_back({std::string(table->isa), *table});
#if defined(__x86_64__)
    if (table->isa != "avx512") continue;
    Candidate dot = {"avx512_bf16_dot", *table};
    dot.cpu.prepare = PreparePanelBf16DotAvx512;
    dot.cpu.linear = LinearPanelBf16DotAvx512;
    list.push_back(dot);
    Candidate f32 = {"avx512_f32", *table};
    f32.cpu.prepare = PreparePanelF32Avx512;
    f32.cpu.linear = LinearPanelF32Avx512;
    list.push_back(f32);
#endif
  }
  return list;
}

std::vector<float> RandomActivations(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> x(static_cast<size_t>(count));
  for (float& value : x) value = random.Normal();
  return x;
}

// Outputs lie between columns that must stay as they are.
constexpr int64_t kGap = 3;
constexpr float kUntouched = 12345.0f;

// Activations prepared for weights of `prepared_for`.
std::vector<float> RunLinear(const CpuKernels& cpu, const LinearCase& c, int slices,
                             Format prepared_for) {
  const Matrix& w = c.w;
  // Every form on the heap at its exact size, so that a sanitizer sees over-reads.
  const std::vector<float> f32(c.x, c.x + c.tokens * w.cols);
  std::vector<std::byte> panel(static_cast<size_t>(PanelByte(c.tokens, w.cols)));
  std::vector<int8_t> q8(f32.size());
  std::vector<float> scale(f32.size() / 32 + 1), block_sum(f32.size() / 32 + 1);
  std::vector<std::byte> lanes(static_cast<size_t>(LanesByte(c.tokens, w.cols)));
  Activations x{c.tokens,  w.cols,       f32.data(),       panel.data(),
                q8.data(), scale.data(), block_sum.data(), lanes.data()};
  for (int i = 0; i < slices; ++i) cpu.prepare(prepared_for, x, {i, slices});
  const int64_t stride = w.rows + kGap;
  std::vector<float> y(static_cast<size_t>(c.tokens * stride), kUntouched);
  const auto scratch_byte =
      static_cast<size_t>(cpu.linear_scratch_byte(w.format, c.tokens, w.cols));
  for (int i = 0; i < slices; ++i) {
    auto scratch = std::make_unique<std::byte[]>(scratch_byte);
    cpu.linear({w, &x, y.data(), stride, scratch.get()}, {i, slices});
  }
  return y;
}
std::vector<float> RunLinear(const CpuKernels& cpu, const LinearCase& c, int slices) {
  return RunLinear(cpu, c, slices, c.w.format);
}

class LinearPanelTest : public testing::TestWithParam<std::tuple<Candidate, FormatInfo>> {
 protected:
  const CpuKernels& cpu() const { return std::get<0>(GetParam()).cpu; }
  Format format() const { return std::get<1>(GetParam()).format; }
  void SetUp() override {
    const bool dense_only = std::get<0>(GetParam()).name.starts_with("avx512_");
    if (dense_only && IsQuantised(format())) GTEST_SKIP() << "a way of dense weights";
    if (!cpu().why_not().empty()) GTEST_SKIP() << "skipped: no " << cpu().isa;
  }
  void ExpectReference(int64_t tokens, int64_t rows, int64_t cols, int slices) {
    SCOPED_TRACE("tokens " + std::to_string(tokens) + " rows " + std::to_string(rows) + " cols " +
                 std::to_string(cols) + " slices " + std::to_string(slices));
    ExpectReference(RandomActivations(tokens * cols, 11), tokens, rows, cols, slices);
  }
  void ExpectReference(const std::vector<float>& x, int64_t tokens, int64_t rows, int64_t cols,
                       int slices) {
    const std::vector<std::byte> data = PackedRows(format(), rows, cols, 7);
    const LinearCase c{{format(), rows, cols, data.data()}, x.data(), tokens};
    std::vector<double> expected(static_cast<size_t>(tokens * rows));
    LinearReference(c, expected.data());
    const std::vector<float> y = RunLinear(cpu(), c, slices);
    for (int64_t t = 0; t < tokens; ++t) {
      const float* row = y.data() + t * (rows + kGap);
      for (int64_t r = 0; r < rows; ++r) {
        ASSERT_NEAR(row[r], expected[static_cast<size_t>(t * rows + r)], LinearTolerance(c, t, r))
            << "token " << t << " row " << r;
      }
      for (int64_t r = rows; r < rows + kGap; ++r) ASSERT_EQ(row[r], kUntouched);
    }
  }
  int64_t Block() const { return std::get<1>(GetParam()).block_elements; }
};

TEST_P(LinearPanelTest, EveryTailOfTokensAgreesWithTheReference) {
  for (int64_t tokens = kGemvTokens + 1; tokens <= 30; ++tokens) {
    ExpectReference(tokens, 5, 256, 1);
  }
  for (int64_t tokens : {63, 64, 65, 67, 128, 130}) ExpectReference(tokens, 33, 256, 1);
}

TEST_P(LinearPanelTest, EveryTailOfRowsAgreesWithTheReference) {
  for (int64_t rows = 1; rows <= 34; ++rows) ExpectReference(9, rows, 256, 1);
}

TEST_P(LinearPanelTest, ColumnsOfModelsAgreeWithTheReference) {
  for (int64_t cols : {256, 512, 768, 2048, 5632}) ExpectReference(15, 33, cols, 2);
  if (Block() <= 32) {
    for (int64_t cols : {32, 96, 544, 576}) ExpectReference(15, 33, cols, 2);
  }
  if (Block() == 1) {
    for (int64_t cols : {1, 2, 7, 255, 257, 513, 1001}) ExpectReference(15, 33, cols, 2);
  }
}

// More rows than are unpacked at a time, and more columns than are turned at a time.
TEST_P(LinearPanelTest, ManyRowsOfManyColumnsAgreeWithTheReference) {
  if (kSanitized && std::get<0>(GetParam()).name == "amx_emulated") {
    GTEST_SKIP() << "skipped under sanitizers: tiles in plain code take minutes";
  }
  ExpectReference(9, 330, 2048, 1);
  ExpectReference(9, 70, 5632, 1);
}

// One element of a block is a thousand times the others, or all are as large; zeros; values whose
// scale would overflow.
TEST_P(LinearPanelTest, OutliersAndExtremesAgreeWithTheReference) {
  const int64_t tokens = 12, cols = 512;
  std::vector<float> x = RandomActivations(tokens * cols, 11);
  for (int64_t t = 0; t < tokens; ++t) {
    float* row = x.data() + t * cols;
    for (int64_t b = 0; b < cols; b += 32) {
      if (t < 3) row[b + (b / 32 + t) % 32] *= 1000.0f;
      for (int64_t i = b; i < b + 32; ++i) {
        if (t == 3) row[i] = 2.0f;
        if (t == 4) row[i] = i % 2 == 0 ? -3.0f : 3.0f;
        if (t == 5 && b >= 64) row[i] = 0.0f;
        if (t == 6) row[i] *= 1e-20f;
        if (t == 7) row[i] = 0.0f;
        if (t == 8) row[i] = -1.0f;
      }
    }
  }
  ExpectReference(x, tokens, 37, cols, 2);
}

// The tolerance bounds the worst case, which no sum of hundreds of terms comes near. The root mean
// square of the results' errors is a part of that of sqrt(sum (w x)^2). Dense weights: if each
// operand is off by a part of at most 2^-8, evenly spread, sqrt(2/3) 2^-8. Quantised ones: an
// activation is off by max|x| / 127 / sqrt(12) of its block of 32, whose largest is 2.4 deviations
// of a normal x: 0.55 %. One term left out of `cols` makes it 1 / sqrt(cols), 3 %.
TEST_P(LinearPanelTest, ErrorsAreNoLargerThanRoundingMakesThem) {
  const int64_t tokens = 20, rows = 40, cols = Block() == 1 ? 1001 : Block() == 32 ? 1056 : 1024;
  const std::vector<std::byte> data = PackedRows(format(), rows, cols, 13);
  const std::vector<float> x = RandomActivations(tokens * cols, 17);
  const LinearCase c{{format(), rows, cols, data.data()}, x.data(), tokens};
  std::vector<double> expected(static_cast<size_t>(tokens * rows));
  LinearReference(c, expected.data());
  const std::vector<float> y = RunLinear(cpu(), c, 1);
  double squares = 0, terms = 0;
  std::vector<double> w(static_cast<size_t>(cols));
  for (int64_t r = 0; r < rows; ++r) {
    DequantReference(format(), c.w.Row(r), cols, w.data());
    for (int64_t t = 0; t < tokens; ++t) {
      squares += std::pow(y[static_cast<size_t>(t * (rows + kGap) + r)] -
                              expected[static_cast<size_t>(t * rows + r)],
                          2);
      for (int64_t i = 0; i < cols; ++i) {
        terms += std::pow(w[static_cast<size_t>(i)] * x[static_cast<size_t>(t * cols + i)], 2);
      }
    }
  }
  EXPECT_LT(std::sqrt(squares / terms), IsQuantised(format()) ? 0.0065 : 0x1p-8);
}

TEST_P(LinearPanelTest, TheNumberOfSlicesChangesNoBit) {
  if (kSanitized) GTEST_SKIP() << "skipped under sanitizers: it compares bits";
  const int64_t rows = 130, cols = 768, tokens = 45;
  const std::vector<std::byte> data = PackedRows(format(), rows, cols, 3);
  const std::vector<float> x = RandomActivations(tokens * cols, 5);
  const LinearCase c{{format(), rows, cols, data.data()}, x.data(), tokens};
  const std::vector<float> whole = RunLinear(cpu(), c, 1);
  for (int slices : {2, 3, 7}) EXPECT_EQ(RunLinear(cpu(), c, slices), whole) << slices;
}

TEST_P(LinearPanelTest, FormatsOfOneFormShareItsPreparation) {
  if (std::get<0>(GetParam()).name.starts_with("avx512_")) GTEST_SKIP() << "a part of a table";
  const int64_t rows = 9, cols = 512;
  const std::vector<std::byte> data = PackedRows(format(), rows, cols, 3);
  for (const int64_t tokens : {1, 4, 8, 9, 20}) {
    const std::vector<float> x = RandomActivations(tokens * cols, 5);
    const LinearCase c{{format(), rows, cols, data.data()}, x.data(), tokens};
    const std::vector<float> own = RunLinear(cpu(), c, 2);
    for (const FormatInfo& other : CpuFormats()) {
      if (cpu().form(other.format, tokens, cols) != cpu().form(format(), tokens, cols)) continue;
      EXPECT_EQ(RunLinear(cpu(), c, 2, other.format), own) << other.name << ", " << tokens;
    }
  }
}

// Tokens and panels of weights are divided where many of both meet; no sum spans two tokens.
TEST_P(LinearPanelTest, OtherTokensChangeNoBit) {
  if (kSanitized) GTEST_SKIP() << "skipped under sanitizers: it compares bits";
  const int64_t rows = 112, cols = 768, tokens = 1030, some = 11;
  const std::vector<std::byte> data = PackedRows(format(), rows, cols, 3);
  const std::vector<float> x = RandomActivations(tokens * cols, 5);
  const Matrix w{format(), rows, cols, data.data()};
  const std::vector<float> all = RunLinear(cpu(), {w, x.data(), tokens}, 1);
  for (int64_t t : {int64_t{0}, tokens / 2, tokens - some}) {
    const std::vector<float> few = RunLinear(cpu(), {w, x.data() + t * cols, some}, 1);
    const auto from = all.begin() + t * (rows + kGap);
    EXPECT_EQ(few, std::vector<float>(from, from + some * (rows + kGap))) << "token " << t;
  }
}

INSTANTIATE_TEST_SUITE_P(AllIsas, LinearPanelTest,
                         testing::Combine(testing::ValuesIn(Candidates()),
                                          testing::ValuesIn(CpuFormats())),
                         [](const auto& param) {
                           return std::get<0>(param.param).name + "_" +
                                  std::string(std::get<1>(param.param).name);
                         });

// One token more than GEMV takes gives the same layer by the other way.
TEST(LinearDispatchTest, BothWaysGiveTheSameLayer) {
  const int64_t rows = 40, cols = 512;
  const std::vector<std::byte> data = PackedRows(Format::kQ8_0, rows, cols, 9);
  const std::vector<float> x = RandomActivations((kGemvTokens + 1) * cols, 5);
  const Matrix w{Format::kQ8_0, rows, cols, data.data()};
  for (const CpuKernels* cpu : AllCpuKernels()) {
    if (!cpu->why_not().empty()) continue;
    const LinearCase few{w, x.data(), kGemvTokens};
    const LinearCase many{w, x.data(), kGemvTokens + 1};
    const std::vector<float> y_few = RunLinear(*cpu, few, 1);
    const std::vector<float> y_many = RunLinear(*cpu, many, 1);
    for (int64_t t = 0; t < kGemvTokens; ++t) {
      for (int64_t r = 0; r < rows; ++r) {
        const auto at = static_cast<size_t>(t * (rows + kGap) + r);
        ASSERT_NEAR(y_few[at], y_many[at],
                    LinearTolerance(few, t, r) + LinearTolerance(many, t, r));
      }
    }
  }
}

}  // namespace
}  // namespace wattline::kernels::linear_panel_test
