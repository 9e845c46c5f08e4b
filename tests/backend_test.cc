// The list of backends and the tables of CPU kernels: names, reasons, choice, and that each
// operation of each usable backend agrees with its reference.
#include "kernels/backend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/cpu/features.h"
#include "kernels/dequant/dequant.h"
#include "kernels/gemm/gemm_blas.h"
#include "kernels/gemm/openblas_core.h"
#include "tests/cpu_tables.h"
#include "tests/packed_rows.h"

namespace wattline::kernels::backend_test {
namespace {

TEST(CpuFeaturesTest, AReasonNamesExactlyWhatIsMissing) {
  const std::array<CpuFeature, 3> needs = {{{"ONE", true}, {"TWO", false}, {"THREE", false}}};
  EXPECT_EQ(WhyNot("fast", needs),
            "this CPU, or the system on it, lacks TWO, THREE, which the fast kernels need");
  const std::array<CpuFeature, 1> present = {{{"ONE", true}}};
  EXPECT_EQ(WhyNot("fast", present), "");
}

TEST(CpuKernelsTest, TheBestTableIsTheFirstUsableOne) {
  const CpuKernels* first = nullptr;
  for (const CpuKernels* table : AllCpuKernels()) {
    if (first == nullptr && table->why_not().empty()) first = table;
  }
  EXPECT_EQ(BestCpuKernels(), first);
}

// What other tests leave out of the first table of a pair runs with the second.
TEST(CpuKernelsTest, TablesThatShareFunctionsAreFoundOnce) {
  std::set<std::pair<std::string_view, std::string_view>> attention;
  for (const CpuKernels* table : AllCpuKernels()) {
    const CpuKernels* other = SameIn(*table, &CpuKernels::attention, &CpuKernels::attention_merge);
    if (other != nullptr) attention.insert({table->isa, other->isa});
    EXPECT_EQ(SameIn(*table, &CpuKernels::attention, &CpuKernels::gemm), nullptr) << table->isa;
    const CpuKernels* all = SameButGemm(*table);
    if (all == nullptr) continue;
    EXPECT_EQ(table->linear, all->linear);
    EXPECT_EQ(table->step, all->step);
    EXPECT_NE(table->gemm, all->gemm);
  }
#if defined(__x86_64__)
  EXPECT_EQ(attention, (decltype(attention){{"amx", "avx512"}, {"avxvnni", "avx2"}}));
#else
  EXPECT_EQ(attention, (decltype(attention){{"neon_i8mm", "neon"}}));
  EXPECT_EQ(SameButGemm(*AllCpuKernels()[0]), AllCpuKernels()[1]);
#endif
}

TEST(OpenBlasCoreTest, AnOldCoreOnANewCpuHasABetterOne) {
  EXPECT_EQ(BetterOpenBlasCoreThan("Haswell", true, true), "SkylakeX");
  EXPECT_EQ(BetterOpenBlasCoreThan("Zen", true, true), "SkylakeX");
  EXPECT_EQ(BetterOpenBlasCoreThan("Prescott", true, true), "SkylakeX");
  EXPECT_EQ(BetterOpenBlasCoreThan("Prescott", true, false), "Haswell");
  EXPECT_EQ(BetterOpenBlasCoreThan("Prescott", false, false), std::nullopt);
  EXPECT_EQ(BetterOpenBlasCoreThan("Haswell", true, false), std::nullopt);
  for (const char* core : {"SkylakeX", "Cooperlake", "SapphireRapids", "NEOVERSEN1"}) {
    EXPECT_EQ(BetterOpenBlasCoreThan(core, true, true), std::nullopt) << core;
  }
}

TEST(OpenBlasCoreTest, ACoreThatTheUserChoseStays) {
  setenv("OPENBLAS_CORETYPE", "Haswell", 1);
  EXPECT_EQ(BetterOpenBlasCore(), std::nullopt);
  unsetenv("OPENBLAS_CORETYPE");
}

TEST(BackendTest, NamesAreUniqueAndFound) {
  std::set<std::string_view> names;
  for (const Backend& backend : AllBackends()) {
    EXPECT_TRUE(names.insert(backend.name).second) << backend.name;
    EXPECT_EQ(FindBackend(backend.name), &backend);
  }
  EXPECT_EQ(FindBackend("no such backend"), nullptr);
}

TEST(BackendTest, EveryCpuTableIsABackendInTheSameOrder) {
  std::vector<const CpuKernels*> tables;
  for (const Backend& backend : AllBackends()) {
    if (backend.cpu == nullptr) continue;
    tables.push_back(backend.cpu);
    EXPECT_EQ(backend.name, "cpu_" + std::string(backend.cpu->isa));
    EXPECT_EQ(backend.why_not(), backend.cpu->why_not());
  }
  const auto all = AllCpuKernels();
  EXPECT_EQ(tables, std::vector<const CpuKernels*>(all.begin(), all.end()));
}

TEST(BackendTest, EachDescribesItselfOrSaysWhyNot) {
  for (const Backend& backend : AllBackends()) {
    EXPECT_FALSE(backend.describe().empty()) << backend.name;
    const std::string why_not = backend.why_not();
    if (!why_not.empty()) {
      EXPECT_GT(why_not.size(), 20u) << backend.name;
    }
  }
}

// A pool of each size, every backend that can be used here and keeps f32 or exact integers between
// its operands and its result. GPUs round to narrower types in between: mlx_test.cc.
void ForEachUsable(const std::function<void(const Backend&, ThreadPool&)>& check) {
  for (int threads : {1, 2, 3}) {
    ThreadPool pool(threads);
    for (const Backend& backend : AllBackends()) {
      if (!backend.why_not().empty() || backend.on_gpu != nullptr) continue;
      SCOPED_TRACE(std::string(backend.name) + ", threads " + std::to_string(threads));
      check(backend, pool);
    }
  }
}

std::vector<float> Normal(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = random.Normal();
  return values;
}

TEST(BackendTest, EveryGemmAgreesWithTheReferenceEachTimeItRuns) {
  for (GemmType type : {GemmType::kF32, GemmType::kBF16, GemmType::kF16, GemmType::kInt8}) {
    for (GemmShape s : {GemmShape{45, 67, 600}, GemmShape{64, 96, 256}, GemmShape{1, 1, 1}}) {
      std::vector<float> a = Normal(s.m * s.k, 1);
      std::vector<float> bt = Normal(s.n * s.k, 2);
      if (type == GemmType::kInt8) {
        for (float& x : a) x = std::min(127.0f, std::floor(std::fabs(40 * x)));
        for (float& x : bt) x = std::clamp(std::floor(50 * x), -128.0f, 127.0f);
      }
      const GemmCase c{s, type, a.data(), bt.data()};
      std::vector<double> expected(static_cast<size_t>(s.m * s.n));
      GemmReference(c, expected.data());
      ForEachUsable([&](const Backend& backend, ThreadPool& pool) {
        if (backend.gemm == nullptr) return;
        const MadeWork made = backend.gemm(backend, c, pool);
        if (made.work == nullptr) {
          EXPECT_GT(made.why_not.size(), 20u);
          EXPECT_TRUE(backend.cpu == nullptr || type == GemmType::kF16) << made.why_not;
          return;
        }
        for (int run = 0; run < 2; ++run) made.work->Run();
        const std::vector<float> got = made.work->Result();
        ASSERT_EQ(got.size(), expected.size());
        for (size_t i = 0; i < got.size(); ++i) {
          const auto at = static_cast<int64_t>(i);
          ASSERT_NEAR(got[i], expected[i], GemmTolerance(c, at / s.n, at % s.n))
              << Name(type) << " " << i;
        }
      });
    }
  }
}

TEST(BackendTest, EveryLinearLayerAgreesWithTheReference) {
  const int64_t rows = 70, cols = 512;
  for (Format format : {Format::kBF16, Format::kQ4_0, Format::kQ6_K}) {
    const std::vector<std::byte> data = PackedRows(format, rows, cols, 3);
    for (int64_t tokens : {1, 8, 9, 40}) {
      const std::vector<float> x = Normal(tokens * cols, 4);
      const LinearCase c{{format, rows, cols, data.data()}, x.data(), tokens};
      std::vector<double> expected(static_cast<size_t>(tokens * rows));
      LinearReference(c, expected.data());
      ForEachUsable([&](const Backend& backend, ThreadPool& pool) {
        if (backend.linear == nullptr) return;
        const MadeWork made = backend.linear(backend, c, pool);
        ASSERT_NE(made.work, nullptr) << made.why_not;
        made.work->Run();
        const std::vector<float> got = made.work->Result();
        ASSERT_EQ(got.size(), expected.size());
        for (size_t i = 0; i < got.size(); ++i) {
          const auto at = static_cast<int64_t>(i);
          ASSERT_NEAR(got[i], expected[i], LinearTolerance(c, at / rows, at % rows)) << i;
        }
      });
    }
  }
}

TEST(BackendTest, EveryAttentionAgreesWithTheReference) {
  for (AttentionShape s :
       {AttentionShape{1, 299, 8, 2, 64, true}, AttentionShape{33, 20, 8, 2, 64, true},
        AttentionShape{17, 0, 4, 4, 32, false}}) {
    const int64_t capacity = s.start + s.tokens + 5;
    std::vector<uint16_t> k, v;
    for (float x : Normal(s.kv_heads * capacity * s.head_dim, 5)) k.push_back(F16FromFloat(x));
    for (float x : Normal(s.kv_heads * capacity * s.head_dim, 6)) v.push_back(F16FromFloat(x));
    const std::vector<float> q = Normal(s.tokens * s.heads * s.head_dim, 7);
    const AttentionArgs args{
        .shape = s, .q = q.data(), .k = k.data(), .v = v.data(), .capacity = capacity};
    std::vector<double> expected(q.size());
    AttentionReference(args, expected.data());
    ForEachUsable([&](const Backend& backend, ThreadPool& pool) {
      if (backend.attention == nullptr) return;
      const MadeWork made = backend.attention(backend, args, pool);
      ASSERT_NE(made.work, nullptr) << made.why_not;
      for (int run = 0; run < 2; ++run) made.work->Run();
      const std::vector<float> got = made.work->Result();
      ASSERT_EQ(got.size(), expected.size());
      const double tolerance = AttentionTolerance(args);
      for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], tolerance) << i;
    });
  }
}

TEST(BackendTest, CpusHoldEveryFormatButThoseOfMlxAlone) {
  const std::set<std::string_view> only_mlx = {"mlx4_g128", "mlx8_g32", "mlx8",
                                               "mlx8_g128", "mxfp4",    "nvfp4"};
  ThreadPool pool(1);
  for (const Backend& backend : AllBackends()) {
    if (backend.cpu == nullptr) continue;
    for (const FormatInfo& info : AllFormats()) {
      EXPECT_EQ(Holds(backend, info.name), !only_mlx.contains(info.name)) << info.name;
    }
    EXPECT_TRUE(Holds(backend, "q4_k_m"));
    EXPECT_FALSE(Holds(backend, "q3_k"));
    const std::vector<float> x(128, 1.0f);
    const std::vector<std::byte> data = PackedRows(Format::kMlx8, 1, 128, 8);
    const Matrix w{Format::kMlx8, 1, 128, data.data()};
    const std::string why_not =
        "the weights are mlx8, which the CPU kernels do not hold; the backend mlx does";
    EXPECT_EQ(backend.linear(backend, {w, x.data(), 1}, pool).why_not, why_not);
    EXPECT_EQ(backend.dequant(backend, w, Format::kF32, pool).why_not, why_not);
  }
}

// Rows of small matrices reach neither.
TEST(BackendTest, EveryInstructionSetStreamsAndQuantises) {
  for (const CpuKernels* cpu : AllCpuKernels()) {
    EXPECT_NE(cpu->stream_f32, nullptr) << cpu->isa;
    EXPECT_NE(cpu->stream_bf16, nullptr) << cpu->isa;
    EXPECT_NE(cpu->quantise_q8, nullptr) << cpu->isa;
  }
}

TEST(BackendTest, EveryDequantRoundsTheExactValue) {
  const int64_t rows = 13, cols = 512;
  for (const FormatInfo& info : AllFormats()) {
    const std::vector<std::byte> data = PackedRows(info.format, rows, cols, 8);
    const Matrix w{info.format, rows, cols, data.data()};
    std::vector<double> exact(static_cast<size_t>(rows * cols));
    for (int64_t r = 0; r < rows; ++r) {
      DequantReference(info.format, w.Row(r), cols, exact.data() + r * cols);
    }
    ForEachUsable([&](const Backend& backend, ThreadPool& pool) {
      if (backend.dequant == nullptr) return;
      if (!Holds(backend, info.name)) {
        EXPECT_EQ(backend.dequant(backend, w, Format::kF32, pool).work, nullptr) << info.name;
        return;
      }
      for (Format to : {Format::kF32, Format::kBF16}) {
        const MadeWork made = backend.dequant(backend, w, to, pool);
        ASSERT_NE(made.work, nullptr) << made.why_not;
        made.work->Run();
        const std::vector<float> got = made.work->Result();
        // One rounding to f32's 24 bits; to bf16's 8 bits after it. Subnormals may become 0.
        const double relative = to == Format::kF32 ? 0x1p-24 : 0x1p-8 + 0x1p-24;
        for (size_t i = 0; i < got.size(); ++i) {
          ASSERT_NEAR(got[i], exact[i], relative * std::fabs(exact[i]) + 0x1p-126) << info.name;
        }
      }
      EXPECT_GT(backend.dequant(backend, w, Format::kQ8_0, pool).why_not.size(), 20u);
    });
  }
}

}  // namespace
}  // namespace wattline::kernels::backend_test
