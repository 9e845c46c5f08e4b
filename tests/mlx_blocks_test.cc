// Weights as MLX packs them, to blocks and back.
#include "kernels/model/mlx_blocks.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "kernels/dequant/dequant.h"
#include "kernels/float16.h"
#include "kernels/float8.h"
#include "kernels/random.h"

namespace wattline::kernels::mlx_blocks_test {
namespace {

// w = scale q + bias from the 32-bit words themselves, as MLX's documentation has it.
TEST(MlxBlocksTest, BlocksHoldTheValuesOfTheWords) {
  for (const Format format : {Format::kMlx4, Format::kQ4_1, Format::kMlx4G128, Format::kMlx8G32,
                              Format::kMlx8, Format::kMlx8G128}) {
    const MlxPacking packing = *PackingOf(format);
    EXPECT_EQ(FormatOf(packing), format);
    constexpr int64_t kGroups = 6;
    const int64_t cols = kGroups * packing.group;
    Random random(9);
    std::vector<uint32_t> words(static_cast<size_t>(cols * packing.bits / 32));
    for (uint32_t& word : words) word = static_cast<uint32_t>(random.Next());
    for (const bool bf16 : {false, true}) {
      std::vector<uint16_t> scales, biases;
      for (int64_t i = 0; i < kGroups; ++i) {
        const float scale = 0.01f * random.Normal(), bias = 0.1f * random.Normal();
        scales.push_back(bf16 ? Bf16FromFloat(scale) : F16FromFloat(scale));
        biases.push_back(bf16 ? Bf16FromFloat(bias) : F16FromFloat(bias));
      }
      std::vector<std::byte> blocks(static_cast<size_t>(RowByte(format, cols)));
      HalfRounding rounding;
      const auto at = [](const auto& list) {
        return reinterpret_cast<const std::byte*>(list.data());
      };
      ASSERT_EQ(PackBlocks(format, kGroups, {at(words), at(scales), at(biases), bf16},
                           blocks.data(), rounding),
                "");
      EXPECT_EQ(rounding.groups, kGroups);
      EXPECT_EQ(rounding.rounded, 0);
      std::vector<double> got(static_cast<size_t>(cols));
      DequantReference(format, blocks.data(), cols, got.data());
      for (int64_t i = 0; i < cols; ++i) {
        const auto group = static_cast<size_t>(i / packing.group);
        const int64_t per_word = 32 / packing.bits;
        const uint32_t q =
            words[static_cast<size_t>(i / per_word)] >> (i % per_word * packing.bits) &
            ((1u << packing.bits) - 1);
        const auto value = [bf16](uint16_t bits) -> double {
          return bf16 ? FloatFromBf16(bits) : FloatFromF16(bits);
        };
        ASSERT_EQ(got[static_cast<size_t>(i)], value(scales[group]) * q + value(biases[group]))
            << Info(format).name << " " << i;
      }
    }
  }
}

// w = scale q, code for code.
TEST(MlxBlocksTest, BlocksHoldTheValuesOfBytesAndCodes) {
  for (const Format format : {Format::kMxfp4, Format::kNvfp4}) {
    const MlxPacking packing = *PackingOf(format);
    EXPECT_EQ(FormatOf(packing), format);
    EXPECT_EQ(PackingText(packing), Info(format).name);
    constexpr int64_t kGroups = 6;
    const int64_t cols = kGroups * packing.group;
    Random random(9);
    std::vector<uint32_t> words(static_cast<size_t>(cols / 8));
    for (uint32_t& word : words) word = static_cast<uint32_t>(random.Next());
    std::vector<uint8_t> scales(kGroups);
    for (uint8_t& scale : scales) scale = static_cast<uint8_t>(random.Next() % 127);
    const auto at = [](auto& list) { return reinterpret_cast<std::byte*>(list.data()); };
    std::vector<std::byte> blocks(static_cast<size_t>(RowByte(format, cols)));
    HalfRounding rounding;
    ASSERT_EQ(PackBlocks(format, kGroups, {at(words), at(scales), nullptr, false}, blocks.data(),
                         rounding),
              "");
    std::vector<double> got(static_cast<size_t>(cols));
    DequantReference(format, blocks.data(), cols, got.data());
    for (int64_t i = 0; i < cols; ++i) {
      const int code = static_cast<int>(words[static_cast<size_t>(i / 8)] >> (i % 8 * 4) & 15);
      const int scale = scales[static_cast<size_t>(i / packing.group)];
      ASSERT_EQ(got[static_cast<size_t>(i)],
                (format == Format::kMxfp4 ? FromE8M0(scale) : FromE4M3(scale)) * FromE2M1(code))
          << Info(format).name << " " << i;
    }
    std::vector<uint32_t> words_back(words.size());
    std::vector<uint8_t> scales_back(scales.size());
    UnpackBlocks(format, kGroups, blocks.data(), {at(words_back), at(scales_back), nullptr});
    EXPECT_EQ(words_back, words);
    EXPECT_EQ(scales_back, scales);
    for (int code = 0; code < 256; ++code) {
      scales[3] = static_cast<uint8_t>(code);
      const bool good = format == Format::kMxfp4 ? code <= 252 : (code & 127) != 127;
      EXPECT_EQ(PackBlocks(format, kGroups, {at(words), at(scales), nullptr, false}, blocks.data(),
                           rounding)
                    .empty(),
                good)
          << code;
    }
  }
}

}  // namespace
}  // namespace wattline::kernels::mlx_blocks_test
