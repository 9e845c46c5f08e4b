// GEMM on unpacked operands agrees with the reference, however its operands lie.
#include "kernels/gemm/gemm_strided.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/block/step_kernels.h"
#include "kernels/cpu/cpu_kernels.h"
#include "kernels/float16.h"
#include "kernels/gemm/gemm_elements.h"
#include "kernels/random.h"
#include "tests/cpu_tables.h"
#include "tests/sanitized.h"
#if defined(__x86_64__)
#include "kernels/gemm/gemm_strided_blocks.h"
#include "kernels/gemm/tile_amx.h"
#include "tests/emulated_tiles.h"
#endif

namespace wattline::kernels::gemm_strided_test {
namespace {

struct Candidate {
  std::string name;
  const CpuKernels* table;
  GemmType type;
  void (*gemm)(const StridedGemm& g, Slice slice);
  int64_t (*scratch_byte)();
};

#if defined(__x86_64__)
// AMX's way on any CPU.
struct EmulatedTile : amx::TileBf16<EmulatedTiles> {
  static void Turn(const std::byte* src, int64_t stride_byte, uint32_t* out) {
    for (int64_t r = 0; r < 16; ++r) {
      for (int64_t w = 0; w < 16; ++w) {
        std::memcpy(out + w * 16 + r, src + r * stride_byte + w * 4, 4);
      }
    }
  }
};
using Emulated = blocks::Strided<EmulatedTile>;
#endif

std::vector<Candidate> Candidates() {
  std::vector<Candidate> list;
  for (const CpuKernels* table : AllCpuKernels()) {
    if (table->step == nullptr || SameIn(*table, &CpuKernels::step)) continue;
    const std::string isa(table->isa);
    const auto scratch_byte = table->step->gemm_scratch_byte;
    list.push_back({isa + "_f32", table, GemmType::kF32, table->step->gemm, scratch_byte});
    list.push_back({isa + "_bf16", table, GemmType::kBF16, table->step->gemm, scratch_byte});
#if defined(__x86_64__)
    if (isa != "avx512") continue;
    list.push_back(
        {"avx512_bf16_dot", table, GemmType::kBF16, GemmStridedBf16DotAvx512, scratch_byte});
    list.push_back({"avx512_bf16_widened", table, GemmType::kBF16, GemmStridedBf16WidenedAvx512,
                    scratch_byte});
#endif
  }
#if defined(__x86_64__)
  list.push_back({"amx_emulated", AllCpuKernels().back(), GemmType::kBF16, Emulated::Run,
                  Emulated::ScratchByte});
#endif
  return list;
}

// x[rows, cols] turned.
std::vector<float> Turned(const std::vector<float>& x, int64_t rows, int64_t cols) {
  std::vector<float> out(x.size());
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < cols; ++c) {
      out[static_cast<size_t>(c * rows + r)] = x[static_cast<size_t>(r * cols + c)];
    }
  }
  return out;
}

class GemmStridedTest : public testing::TestWithParam<Candidate> {
 protected:
  void SetUp() override {
    const CpuKernels& table = *GetParam().table;
    if (!table.why_not().empty()) GTEST_SKIP() << "skipped: no " << table.isa;
  }

  std::vector<float> Random01(int64_t count) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& v : values) {
      v = random_.Normal();
      if (GetParam().type == GemmType::kBF16) v = FloatFromBf16(Bf16FromFloat(v));
    }
    return values;
  }

  // C from `slices` slices; C starts as `c`, which is added to where `add`.
  std::vector<float> Run(GemmShape s, const std::vector<float>& a, bool a_by_k,
                         const std::vector<float>& bt, bool b_by_k, bool add, std::vector<float> c,
                         int slices) {
    const std::vector<float> a_lies = a_by_k ? Turned(a, s.m, s.k) : a;
    const std::vector<float> b_lies = b_by_k ? Turned(bt, s.n, s.k) : bt;
    const Buffer<std::byte> a_elements = GemmElements(GetParam().type, a_lies.data(), s.m * s.k);
    const Buffer<std::byte> b_elements = GemmElements(GetParam().type, b_lies.data(), s.n * s.k);
    const Buffer<std::byte> scratch(GetParam().scratch_byte());
    StridedGemm g;
    g.type = GetParam().type;
    g.shape = s;
    g.a = a_elements.data();
    g.b = b_elements.data();
    g.a_by_k = a_by_k;
    g.b_by_k = b_by_k;
    g.add = add;
    g.c = c.data();
    g.scratch = scratch.data();
    for (int i = 0; i < slices; ++i) GetParam().gemm(g, {i, slices});
    return c;
  }

  void ExpectReference(GemmShape s) {
    const std::vector<float> a = Random01(s.m * s.k);
    const std::vector<float> bt = Random01(s.n * s.k);
    const std::vector<float> before = Random01(s.m * s.n);
    const GemmCase reference = {s, GetParam().type, a.data(), bt.data()};
    std::vector<double> want(before.size());
    GemmReference(reference, want.data());
    for (const bool a_by_k : {false, true}) {
      for (const bool b_by_k : {false, true}) {
        const std::vector<float> got = Run(s, a, a_by_k, bt, b_by_k, false, before, 1);
        const std::vector<float> added = Run(s, a, a_by_k, bt, b_by_k, true, before, 1);
        for (size_t i = 0; i < got.size(); ++i) {
          const auto at = static_cast<int64_t>(i);
          const double bound = GemmTolerance(reference, at / s.n, at % s.n);
          ASSERT_NEAR(got[i], want[i], bound) << s.m << " " << s.n << " " << s.k << " at " << i;
          // One more rounding, of a sum that is at most 8 larger.
          ASSERT_NEAR(added[i], want[i] + static_cast<double>(before[i]),
                      2 * bound + 0x1p-23 * (8 + std::abs(want[i])));
        }
        for (const int slices : {2, 3, 8}) {
          ASSERT_EQ(Run(s, a, a_by_k, bt, b_by_k, false, before, slices), got) << slices;
        }
      }
    }
  }

 private:
  Random random_{17};
};

TEST_P(GemmStridedTest, AgreesAtEveryEdgeOfATile) {
  for (const int64_t m : {1, 6, 13, 14, 15, 29}) {
    for (const int64_t n : {1, 12, 16, 31, 33, 64}) ExpectReference({m, n, 37});
  }
}

TEST_P(GemmStridedTest, AgreesForEveryRemainderOfDepth) {
  for (const int64_t k : {1, 2, 3, 4, 5, 15, 16, 17, 255, 256, 257, 512, 513, 1027}) {
    ExpectReference({19, 35, k});
  }
}

TEST_P(GemmStridedTest, AgreesWhereABlockOfRowsIsFull) {
  if (kSanitized && GetParam().name == "amx_emulated") {
    GTEST_SKIP() << "skipped under sanitizers: tiles in plain code take minutes";
  }
  ExpectReference({1000, 33, 259});
}

INSTANTIATE_TEST_SUITE_P(All, GemmStridedTest, testing::ValuesIn(Candidates()),
                         [](const auto& p) { return p.param.name; });

}  // namespace
}  // namespace wattline::kernels::gemm_strided_test
