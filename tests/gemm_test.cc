// Dense GEMM: every instruction set against the double-precision reference, at every kind of tail,
// however many threads share the work.
#include "kernels/gemm/gemm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "kernels/cpu/cpu_kernels.h"
#include "kernels/float16.h"
#include "kernels/gemm/gemm_blocks.h"
#include "kernels/gemm/gemm_cpu.h"
#include "kernels/gemm/gemm_grid.h"
#include "kernels/random.h"
#if defined(__x86_64__)
#include "kernels/gemm/tile_amx.h"
#include "tests/emulated_tiles.h"
#endif

namespace wattline::kernels::gemm_test {
namespace {

struct Operands {
  std::vector<float> a;
  std::vector<float> bt;
  GemmCase c;
};

Operands MakeOperands(GemmType type, GemmShape s, uint64_t seed) {
  Operands o;
  Random random(seed);
  const auto fill = [&](std::vector<float>& values, int64_t count, bool is_signed) {
    values.resize(static_cast<size_t>(count));
    for (float& value : values) {
      if (type == GemmType::kInt8) {
        value = static_cast<float>(is_signed ? static_cast<int64_t>(random.Next() % 256) - 128
                                             : static_cast<int64_t>(random.Next() % 128));
      } else {
        value = random.Normal();
      }
    }
  };
  fill(o.a, s.m * s.k, false);
  fill(o.bt, s.n * s.k, true);
  o.c = {s, type, o.a.data(), o.bt.data()};
  return o;
}

// A in the type's elements, at its exact size, so that a read past its end is seen.
std::vector<std::byte> Elements(const GemmCase& c) {
  const int64_t count = c.shape.m * c.shape.k;
  const int64_t element_byte = 4 / (c.type == GemmType::kF32    ? 1
                                    : c.type == GemmType::kBF16 ? 2
                                                                : 4);
  std::vector<std::byte> out(static_cast<size_t>(count * element_byte));
  for (int64_t i = 0; i < count; ++i) {
    if (c.type == GemmType::kF32) {
      std::memcpy(out.data() + i * 4, c.a + i, 4);
    } else if (c.type == GemmType::kBF16) {
      const uint16_t bits = Bf16FromFloat(c.a[i]);
      std::memcpy(out.data() + i * 2, &bits, 2);
    } else {
      out[static_cast<size_t>(i)] = static_cast<std::byte>(static_cast<uint8_t>(c.a[i]));
    }
  }
  return out;
}

std::vector<double> RunGemm(const CpuKernels& cpu, const GemmCase& c, int slices) {
  const GemmShape s = c.shape;
  const auto scratch_byte = static_cast<size_t>(cpu.gemm_scratch_byte(c.type, s));
  std::vector<std::byte> packed(static_cast<size_t>(cpu.gemm_packed_byte(c.type, s.n, s.k)));
  for (int i = 0; i < slices; ++i) {
    cpu.gemm_pack(c.type, c.bt, s.n, s.k, packed.data(), {i, slices});
  }
  const std::vector<std::byte> a = Elements(c);
  // Every element of C starts as a value that no sum has: one left unwritten is seen.
  std::vector<uint32_t> out(static_cast<size_t>(s.m * s.n), 0x7fc00123u);
  for (int i = 0; i < slices; ++i) {
    auto scratch = std::make_unique<std::byte[]>(scratch_byte);
    cpu.gemm(c.type, s, a.data(), packed.data(), out.data(), scratch.get(), {i, slices});
  }
  std::vector<double> result(out.size());
  for (size_t i = 0; i < out.size(); ++i) {
    result[i] = c.type == GemmType::kInt8 ? static_cast<double>(static_cast<int32_t>(out[i]))
                                          : std::bit_cast<float>(out[i]);
  }
  return result;
}

#if defined(__x86_64__)
// AMX's blocks, packing and edges on any CPU.
template <class Tile>
void GemmEmulated(GemmType, GemmShape s, const void* a, const std::byte* packed, void* c,
                  std::byte* scratch, Slice slice) {
  blocks::Gemm<Tile>(s, static_cast<const std::byte*>(a), packed,
                     static_cast<typename Tile::Out*>(c), scratch, slice);
}
#endif

// The tables; both ways of bf16 on AVX-512, of which a table takes the one that suits the CPU; AMX
// on emulated tiles.
struct Candidate {
  std::string name;
  CpuKernels cpu;
  GemmType type;
};
void PrintTo(const Candidate& c, std::ostream* out) { *out << c.name; }

std::vector<Candidate> Candidates() {
  std::vector<Candidate> list;
  for (const CpuKernels* table : AllCpuKernels()) {
    for (GemmType type : {GemmType::kF32, GemmType::kBF16, GemmType::kInt8}) {
      list.push_back({std::string(table->isa) + "_" + std::string(Name(type)), *table, type});
    }
#if defined(__x86_64__)
    if (table->isa == "amx") {
      CpuKernels emulated = *table;
      emulated.why_not = [] { return std::string(); };
      emulated.gemm = GemmEmulated<amx::TileBf16<EmulatedTiles>>;
      list.push_back({"amx_emulated_bf16", emulated, GemmType::kBF16});
      emulated.gemm = GemmEmulated<amx::TileInt8<EmulatedTiles>>;
      list.push_back({"amx_emulated_int8", emulated, GemmType::kInt8});
    }
    if (table->isa != "avx512") continue;
    Candidate dot = {"avx512_bf16_dot", *table, GemmType::kBF16};
    dot.cpu.gemm = [](GemmType, GemmShape s, const void* a, const std::byte* packed, void* c,
                      std::byte* scratch, Slice slice) {
      GemmBf16DotAvx512(s, static_cast<const std::byte*>(a), packed, static_cast<float*>(c),
                        scratch, slice);
    };
    list.push_back(dot);
    Candidate widened = {"avx512_bf16_widened", *table, GemmType::kBF16};
    widened.cpu.gemm = [](GemmType, GemmShape s, const void* a, const std::byte* packed, void* c,
                          std::byte* scratch, Slice slice) {
      GemmBf16WidenedAvx512(s, static_cast<const std::byte*>(a), packed, static_cast<float*>(c),
                            scratch, slice);
    };
    list.push_back(widened);
#endif
  }
  return list;
}

class GemmTest : public testing::TestWithParam<Candidate> {
 protected:
  const CpuKernels& cpu() const { return GetParam().cpu; }
  GemmType type() const { return GetParam().type; }
  void SetUp() override {
    if (!cpu().why_not().empty()) GTEST_SKIP() << "skipped: no " << cpu().isa;
  }
  void ExpectReference(GemmShape s, int slices) {
    const Operands o =
        MakeOperands(type(), s, static_cast<uint64_t>(s.m * 1000003 + s.n * 1009 + s.k));
    std::vector<double> expected(static_cast<size_t>(s.m * s.n));
    GemmReference(o.c, expected.data());
    const std::vector<double> got = RunGemm(cpu(), o.c, slices);
    int wrong = 0;
    for (int64_t i = 0; i < s.m; ++i) {
      for (int64_t j = 0; j < s.n; ++j) {
        const auto at = static_cast<size_t>(i * s.n + j);
        // The integers themselves are exact; int8's tolerance is for results kept as f32.
        const double tolerance = type() == GemmType::kInt8 ? 0 : GemmTolerance(o.c, i, j);
        if (!(std::fabs(got[at] - expected[at]) <= tolerance) && ++wrong == 1) {
          ADD_FAILURE() << s.m << "x" << s.n << "x" << s.k << " slices " << slices << " at (" << i
                        << ", " << j << "): " << got[at] << ", reference " << expected[at]
                        << ", tolerance " << tolerance;
        }
      }
    }
    EXPECT_EQ(wrong, 0);
  }
};

TEST_P(GemmTest, EveryTailOfRowsAgreesWithTheReference) {
  for (int64_t m = 1; m <= 30; ++m) ExpectReference({m, 33, 37}, 1);
}

TEST_P(GemmTest, EveryTailOfColumnsAgreesWithTheReference) {
  for (int64_t n = 1; n <= 66; ++n) ExpectReference({7, n, 19}, 1);
}

TEST_P(GemmTest, EveryTailOfTheSumAgreesWithTheReference) {
  for (int64_t k = 1; k <= 70; ++k) ExpectReference({15, 34, k}, 1);
}

// k up to several blocks, m past one block of every instruction set.
TEST_P(GemmTest, BlocksOfRowsAndOfTheSumAgreeWithTheReference) {
  for (int64_t k : {255, 256, 257, 513, 1025, 2049}) ExpectReference({17, 35, k}, 1);
  for (int64_t m : {143, 145, 256, 257, 449, 563}) ExpectReference({m, 33, 70}, 1);
}

TEST_P(GemmTest, ModelShapesAgreeWithTheReference) {
  ExpectReference({64, 256, 2048}, 1);
  ExpectReference({128, 192, 576}, 2);
}

TEST_P(GemmTest, SlicesTogetherWriteEveryElement) {
  for (int slices : {1, 2, 3, 4, 6}) {
    ExpectReference({1, 1, 5}, slices);
    ExpectReference({50, 130, 33}, slices);
    ExpectReference({130, 50, 33}, slices);
  }
}

TEST_P(GemmTest, MoreSlicesThanTilesLeaveSomeWithout) {
  ExpectReference({5, 7, 9}, 16);
  ExpectReference({40, 70, 300}, 16);
}

TEST_P(GemmTest, TheSlicesDoNotChangeTheResult) {
  const Operands o = MakeOperands(type(), {61, 97, 600}, 5);
  EXPECT_EQ(RunGemm(cpu(), o.c, 1), RunGemm(cpu(), o.c, 3));
}

INSTANTIATE_TEST_SUITE_P(AllIsas, GemmTest, testing::ValuesIn(Candidates()),
                         [](const auto& param) { return param.param.name; });

TEST(GemmLawTest, CountsMatchAHandCountedCase) {
  const GemmShape s{2, 3, 64};
  EXPECT_EQ(GemmFlop(s), 768);
  EXPECT_EQ(GemmByte(s, GemmType::kF32), 4 * (128 + 192) + 4 * 6);
  EXPECT_EQ(GemmByte(s, GemmType::kBF16), 2 * (128 + 192) + 4 * 6);
  EXPECT_EQ(GemmByte(s, GemmType::kF16), 2 * (128 + 192) + 4 * 6);
  EXPECT_EQ(GemmByte(s, GemmType::kInt8), 128 + 192 + 4 * 6);
  EXPECT_EQ(GemmByte(s, Format::kQ4_0), 4 * 128 + 3 * 2 * 18 + 4 * 6);
}

TEST(GemmLawTest, NamesAreFoundAgain) {
  for (GemmType type : {GemmType::kF32, GemmType::kBF16, GemmType::kInt8, GemmType::kF16}) {
    EXPECT_EQ(GemmTypeFromName(Name(type)), type);
  }
  EXPECT_EQ(GemmTypeFromName("f64"), std::nullopt);
}

// 1.0003 is 1 in f16, whose steps there are 2^-10: k + k / 64 + 2 roundings of its product. A sum
// kept in f16 lies, near 0, within half of the least step, 2^-24.
TEST(GemmLawTest, TolerancesAreThoseOfTheRoundedOperands) {
  const float a[] = {1.0003f};
  const float bt[] = {4.0f};
  const double nu = 3 * 0x1p-24;
  const auto tolerance = [&](GemmType type) {
    return GemmTolerance({{1, 1, 1}, type, a, bt}, 0, 0);
  };
  EXPECT_DOUBLE_EQ(tolerance(GemmType::kF16), nu / (1 - nu) * 4 + 0x1p-25);
  EXPECT_DOUBLE_EQ(tolerance(GemmType::kF32), nu / (1 - nu) * 4 * static_cast<double>(1.0003f));
}

TEST(GemmLawTest, IntegersAreExactAsLongAsF32HoldsThem) {
  const std::vector<float> a(2000, 127.0f);
  const std::vector<float> bt(2000, -128.0f);
  EXPECT_EQ(GemmTolerance({{1, 1, 1000}, GemmType::kInt8, a.data(), bt.data()}, 0, 0), 0);
  // 127 x 128 x 2000 = 32512000 > 2^24: odd integers round.
  EXPECT_EQ(GemmTolerance({{1, 1, 2000}, GemmType::kInt8, a.data(), bt.data()}, 0, 0),
            32512000 * 0x1p-24);
}

TEST(GemmGridTest, RectanglesCoverCOnce) {
  for (GemmShape s : {GemmShape{1, 1, 8}, {50, 130, 8}, {512, 4096, 8}, {37, 33, 8}}) {
    for (int threads : {1, 2, 3, 4, 6, 8, 16}) {
      std::vector<int> met(static_cast<size_t>(s.m * s.n));
      for (int i = 0; i < threads; ++i) {
        const GemmRectangle r = GemmShare(s, 32, {i, threads});
        for (int64_t row = r.rows.begin; row < r.rows.end; ++row) {
          for (int64_t col = r.cols.begin; col < r.cols.end; ++col) {
            ++met[static_cast<size_t>(row * s.n + col)];
          }
        }
      }
      EXPECT_EQ(met, std::vector<int>(met.size(), 1)) << s.m << "x" << s.n << ", " << threads;
    }
  }
}

// The largest rectangle sets the pace: of the named models' layers with 512 tokens, 16 threads
// stay within 5 % of their even share.
TEST(GemmGridTest, SixteenThreadsShareEvenly) {
  for (GemmShape s : {GemmShape{512, 2048, 8192}, {512, 4096, 4096}, {512, 14336, 4096}}) {
    for (int threads : {2, 4, 8, 16}) {
      int64_t largest = 0;
      for (int i = 0; i < threads; ++i) {
        const GemmRectangle r = GemmShare(s, 32, {i, threads});
        largest = std::max(largest, (r.rows.end - r.rows.begin) * (r.cols.end - r.cols.begin));
      }
      EXPECT_LE(static_cast<double>(largest * threads), 1.05 * static_cast<double>(s.m * s.n));
    }
  }
}

TEST(GemmGridTest, TwoThreadsOfASquareHalveTheRowsTheyPack) {
  const GemmGrid grid = BestGemmGrid({512, 512, 512}, 32, 2);
  EXPECT_EQ(grid.rows, 2);
  EXPECT_EQ(grid.cols, 1);
}

TEST(GemmReferenceTest, MatchesAHandCountedCase) {
  const float a[] = {1, 2, 3, 4};
  const float bt[] = {5, 6, 7, 8, 9, 10};
  double out[6];
  GemmReference({{2, 3, 2}, GemmType::kF32, a, bt}, out);
  const double expected[] = {17, 23, 29, 39, 53, 67};
  for (int i = 0; i < 6; ++i) EXPECT_EQ(out[i], expected[i]);
}

// f16 keeps 11 bits: 2049 lies between 2048 and 2050 and goes to the even one, 2^-25 to 0. bf16
// keeps 8, and 2^-25.
TEST(GemmReferenceTest, OperandsAreRoundedToTheTypeFirst) {
  const float a[] = {2049, 0x1p-25f};
  const float bt[] = {1, 0x1p25f};
  double out = 0;
  GemmReference({{1, 1, 2}, GemmType::kF32, a, bt}, &out);
  EXPECT_EQ(out, 2050);
  GemmReference({{1, 1, 2}, GemmType::kBF16, a, bt}, &out);
  EXPECT_EQ(out, 2049);
  const float no_more[] = {1, 1};
  GemmReference({{1, 1, 2}, GemmType::kF16, a, no_more}, &out);
  EXPECT_EQ(out, 2048);
}

}  // namespace
}  // namespace wattline::kernels::gemm_test
