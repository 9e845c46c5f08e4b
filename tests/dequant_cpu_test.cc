// Dequantisation on every instruction set equals the reference rounded once to f32, or from there
// to bf16: no tolerance, for f16 scales times small integers are exact in f32 (at most 24 bits) and
// the offset is added in one rounding.
#include "kernels/dequant/dequant_cpu.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "kernels/buffer.h"
#include "kernels/cpu/features.h"
#include "kernels/dequant/dequant.h"
#include "tests/cpu_tables.h"
#include "tests/packed_rows.h"

namespace wattline::kernels::dequant_cpu_test {
namespace {

struct Isa {
  std::string name;
  std::string (*why_not)();
  void (*f32)(Format, const std::byte*, int64_t, float*);
  void (*bf16)(Format, const std::byte*, int64_t, uint16_t*);
  void (*stream_f32)(Format, const std::byte*, int64_t, float*);
  void (*stream_bf16)(Format, const std::byte*, int64_t, uint16_t*);
};

const std::vector<Isa>& Isas() {
#if defined(__x86_64__)
  static const std::vector<Isa> isas = {
      {"avx2", WhyNotAvx2, DequantF32Avx2, DequantBf16Avx2, StreamF32Avx2, StreamBf16Avx2},
      {"avx512", WhyNotAvx512, DequantF32Avx512, DequantBf16Avx512, StreamF32Avx512,
       StreamBf16Avx512},
  };
#else
  static const std::vector<Isa> isas = {
      {"neon", WhyNotNeon, DequantF32Neon, DequantBf16Neon, StreamF32Neon, StreamBf16Neon}};
#endif
  return isas;
}

class DequantCpuTest : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (!GetParam().why_not().empty()) GTEST_SKIP() << "skipped: no " << GetParam().name;
  }
};

std::vector<int64_t> Columns(const FormatInfo& info) {
  if (info.block_elements == 1) return {1, 3, 4, 7, 8, 15, 16, 17, 31, 33, 64, 100, 4096};
  std::vector<int64_t> cols;
  for (int64_t blocks : {1, 2, 7, 8, 9, 18}) cols.push_back(blocks * info.block_elements);
  return cols;
}

TEST_P(DequantCpuTest, EveryFormatIsTheReferenceRoundedOnce) {
  for (const FormatInfo& info : CpuFormats()) {
    for (int64_t cols : Columns(info)) {
      SCOPED_TRACE(std::string(info.name) + " cols " + std::to_string(cols));
      for (uint64_t seed = 0; seed < 20; ++seed) {
        const std::vector<std::byte> row =
            PackedRows(info.format, 1, cols, seed * 1000 + static_cast<uint64_t>(cols));
        std::vector<double> exact(static_cast<size_t>(cols));
        std::vector<float> f32(exact.size());
        std::vector<uint16_t> bf16(exact.size());
        DequantReference(info.format, row.data(), cols, exact.data());
        GetParam().f32(info.format, row.data(), cols, f32.data());
        GetParam().bf16(info.format, row.data(), cols, bf16.data());
        for (size_t i = 0; i < exact.size(); ++i) {
          const auto value = static_cast<float>(exact[i]);
          ASSERT_EQ(f32[i], value) << "element " << i;
          // As numbers: the sign of a zero may differ.
          ASSERT_EQ(FloatFromBf16(bf16[i]), FloatFromBf16(Bf16FromFloat(value))) << "element " << i;
        }
      }
    }
  }
}

// Element for element, and nothing behind the last: `out` begins with a line, or within one.
template <class Out>
void ExpectStreamsTheSame(Format format, int64_t cols, int64_t shift,
                          void (*stream)(Format, const std::byte*, int64_t, Out*),
                          void (*plain)(Format, const std::byte*, int64_t, Out*)) {
  const std::vector<std::byte> row = PackedRows(format, 1, cols, 5);
  Buffer<Out> streamed(shift + cols + 1);
  streamed[shift + cols] = 77;
  std::vector<Out> expected(static_cast<size_t>(cols));
  plain(format, row.data(), cols, expected.data());
  stream(format, row.data(), cols, streamed.data() + shift);
  EXPECT_EQ(std::memcmp(streamed.data() + shift, expected.data(), expected.size() * sizeof(Out)),
            0);
  EXPECT_EQ(streamed[shift + cols], Out{77});
}

TEST_P(DequantCpuTest, StoresPastTheCachesWriteTheSame) {
  for (const FormatInfo& info : CpuFormats()) {
    for (int64_t blocks : {1, 2, 17, 40}) {
      for (int64_t shift : {0, 16, 1}) {
        const int64_t cols = blocks * (info.block_elements == 1 ? 33 : info.block_elements);
        SCOPED_TRACE(std::string(info.name) + " cols " + std::to_string(cols) + " shift " +
                     std::to_string(shift));
        const Isa& isa = GetParam();
        ExpectStreamsTheSame(info.format, cols, shift, isa.stream_f32, isa.f32);
        ExpectStreamsTheSame(info.format, cols, shift, isa.stream_bf16, isa.bf16);
      }
    }
  }
}

TEST_P(DequantCpuTest, F32TiesGoToTheEvenBf16) {
  const std::vector<float> x = {1.0f + 0x1p-8f, 1.0f + 0x3p-8f, -1.0f - 0x1p-8f,
                                1.0f + 0x1p-8f + 0x1p-20f};
  std::vector<uint16_t> bf16(x.size());
  GetParam().bf16(Format::kF32, reinterpret_cast<const std::byte*>(x.data()), 4, bf16.data());
  EXPECT_EQ(bf16, (std::vector<uint16_t>{0x3f80, 0x3f82, 0xbf80, 0x3f81}));
}

INSTANTIATE_TEST_SUITE_P(Isas, DequantCpuTest, testing::ValuesIn(Isas()),
                         [](const auto& isa) { return isa.param.name; });

}  // namespace
}  // namespace wattline::kernels::dequant_cpu_test
