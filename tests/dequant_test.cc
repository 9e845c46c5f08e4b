// Dequantisation: the reference equals hand-counted blocks and an independent decoder.
#include "kernels/dequant/dequant.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "kernels/float16.h"

namespace wattline::kernels::dequant_test {
namespace {

std::vector<std::byte> Bytes(const std::vector<int>& values) {
  std::vector<std::byte> bytes;
  for (int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

std::vector<double> Reference(Format format, const std::vector<std::byte>& row) {
  const FormatInfo& info = Info(format);
  const auto cols = static_cast<int64_t>(row.size()) / info.block_byte * info.block_elements;
  std::vector<double> out(static_cast<size_t>(cols));
  DequantReference(format, row.data(), cols, out.data());
  return out;
}

TEST(DequantReferenceTest, DenseFormatsAreTheirValues) {
  EXPECT_EQ(Reference(Format::kF32, Bytes({0, 0, 0xc0, 0x3f})), std::vector<double>{1.5});
  EXPECT_EQ(Reference(Format::kF16, Bytes({0x00, 0x3e, 0x01, 0x00})),
            (std::vector<double>{1.5, 0x1p-24}));
  EXPECT_EQ(Reference(Format::kBF16, Bytes({0xc0, 0xbf})), std::vector<double>{-1.5});
}

TEST(DequantReferenceTest, AQ4_0BlockCountedByHand) {
  std::vector<std::byte> block(18, std::byte{0x88});
  block[0] = std::byte{0x00}, block[1] = std::byte{0x38};  // d = 0.5
  block[2] = std::byte{0x0f};                              // element 0: 15, element 16: 0
  std::vector<double> expected(32, 0.0);
  expected[0] = 3.5, expected[16] = -4.0;
  EXPECT_EQ(Reference(Format::kQ4_0, block), expected);
}

TEST(DequantReferenceTest, AQ4_1BlockCountedByHand) {
  std::vector<std::byte> block(20, std::byte{0x10});
  block[0] = std::byte{0x00}, block[1] = std::byte{0x38};  // d = 0.5
  block[2] = std::byte{0x00}, block[3] = std::byte{0xbc};  // minimum = -1
  const std::vector<double> x = Reference(Format::kQ4_1, block);
  for (size_t i = 0; i < 32; ++i) EXPECT_EQ(x[i], i < 16 ? -1.0 : -0.5);
}

TEST(DequantReferenceTest, AnMlx4BlockCountedByHand) {
  std::vector<std::byte> block(36, std::byte{0});
  block[0] = std::byte{0x00}, block[1] = std::byte{0xb8};  // scale = -0.5
  block[2] = std::byte{0x00}, block[3] = std::byte{0x44};  // bias = 4
  // The first word is 0x76543210: elements 0 to 7 have q = 0 to 7. The last is 0xf0000000.
  block[4] = std::byte{0x10}, block[5] = std::byte{0x32};
  block[6] = std::byte{0x54}, block[7] = std::byte{0x76};
  block[35] = std::byte{0xf0};
  std::vector<double> expected(64, 4.0);
  for (size_t i = 0; i < 8; ++i) expected[i] = 4.0 - 0.5 * static_cast<double>(i);
  expected[63] = -3.5;
  EXPECT_EQ(Reference(Format::kMlx4, block), expected);
}

// Head of scale 0.5 and bias -3.
std::vector<std::byte> AffineBlock(size_t byte) {
  std::vector<std::byte> block(byte, std::byte{0});
  block[0] = std::byte{0x00}, block[1] = std::byte{0x38};
  block[2] = std::byte{0x00}, block[3] = std::byte{0xc2};
  return block;
}

TEST(DequantReferenceTest, MlxBlocksOf4BitsCountedByHand) {
  std::vector<std::byte> block = AffineBlock(68);
  block[4] = std::byte{0x21}, block[67] = std::byte{0xf7};
  std::vector<double> expected(128, -3.0);
  expected[0] = -2.5, expected[1] = -2.0, expected[126] = 0.5, expected[127] = 4.5;
  EXPECT_EQ(Reference(Format::kMlx4G128, block), expected);
}

TEST(DequantReferenceTest, MlxBlocksOf8BitsCountedByHand) {
  for (const auto& [format, group] : {std::pair<Format, size_t>{Format::kMlx8G32, 32},
                                      {Format::kMlx8, 64},
                                      {Format::kMlx8G128, 128}}) {
    std::vector<std::byte> block = AffineBlock(4 + group);
    block[4] = std::byte{0x80}, block[5] = std::byte{0x01}, block.back() = std::byte{0xff};
    std::vector<double> expected(group, -3.0);
    expected[0] = 61.0, expected[1] = -2.5, expected[group - 1] = 124.5;
    EXPECT_EQ(Reference(format, block), expected) << Info(format).name;
  }
}

// Elements 0 to 15 have the codes 0 to 15, 16 to 31 the code 1.
TEST(DequantReferenceTest, AnMxfp4BlockCountedByHand) {
  std::vector<std::byte> block(17);
  block[0] = std::byte{126};  // 0.5
  for (size_t i = 0; i < 16; ++i) block[1 + i] = static_cast<std::byte>(16 + i);
  std::vector<double> expected = {0,    0.25,  0.5,  0.75,  1,  1.5,  2,  3,
                                  -0.0, -0.25, -0.5, -0.75, -1, -1.5, -2, -3};
  expected.resize(32, 0.25);
  EXPECT_EQ(Reference(Format::kMxfp4, block), expected);
  block[0] = std::byte{255};
  for (const double x : Reference(Format::kMxfp4, block)) EXPECT_TRUE(std::isnan(x));
}

// Element i has the code i.
TEST(DequantReferenceTest, AnNvfp4BlockCountedByHand) {
  std::vector<std::byte> block(9);
  block[0] = std::byte{0x3c};  // 1.5
  for (size_t i = 0; i < 8; ++i) block[1 + i] = static_cast<std::byte>(0x10 + 0x22 * i);
  const std::vector<double> expected = {0,    0.75,  1.5,  2.25,  3,  4.5,  6,  9,
                                        -0.0, -0.75, -1.5, -2.25, -3, -4.5, -6, -9};
  EXPECT_EQ(Reference(Format::kNvfp4, block), expected);
  for (const int code : {0x7f, 0xff}) {
    block[0] = static_cast<std::byte>(code);
    for (const double x : Reference(Format::kNvfp4, block)) EXPECT_TRUE(std::isnan(x));
  }
}

TEST(DequantReferenceTest, AQ8_0BlockCountedByHand) {
  std::vector<std::byte> block(34, std::byte{0});
  block[1] = std::byte{0x38};  // d = 0.5
  block[2] = std::byte{0x80}, block[33] = std::byte{0x7f};
  const std::vector<double> x = Reference(Format::kQ8_0, block);
  EXPECT_EQ(x[0], -64.0);
  EXPECT_EQ(x[31], 63.5);
}

// Blocks of bytes (7 i^2 + 37 i + 11) mod 251 with d = 0.0123 and dmin (q4_1: the minimum) =
// -0.0457 in f16 (mxfp4: a scale of 2^-6), read by the Python package gguf 0.19.0
// (gguf.quants.dequantize). The two sums, of x_i and of i x_i, cover the elements that are not
// listed.
struct KnownBlock {
  Format format;
  std::vector<std::pair<size_t, double>> elements;
  double sum;
  double weighted_sum;
};

const KnownBlock kKnownBlocks[] = {
    {Format::kQ8_0,
     {{0, 1.38973999}, {15, -1.26675415}, {16, -0.885498047}, {31, 0.860900879}},
     -3.02545166015625,
     -43.61077880859375},
    {Format::kQ4_0,
     {{0, -0.0860900879}, {15, 0.012298584}, {16, -0.012298584}, {31, 0.012298584}},
     -0.282867431640625,
     -4.021636962890625},
    {Format::kQ4_1,
     {{0, 0.00350952148}, {15, 0.0158081055}, {16, -0.0333862305}, {31, 0.126495361}},
     1.526641845703125,
     24.98504638671875},
    {Format::kQ4_K,
     {{0, 2.05914307},
      {33, 7.56903076},
      {95, 5.75930786},
      {127, 6.81521606},
      {128, 0.593902588},
      {200, 2.32278442},
      {255, 1.9151001}},
     930.9805908203125,
     114696.51461791992},
    {Format::kQ5_K,
     {{0, 3.53497314},
      {33, 3.43670654},
      {95, 3.17660522},
      {127, 0.456848145},
      {128, 0.593902588},
      {200, 4.09378052},
      {255, 8.11358643}},
     1683.801513671875,
     212812.99423217773},
    {Format::kQ6_K,
     {{0, 14.4754333},
      {33, -7.74810791},
      {95, -32.6158447},
      {127, 0},
      {128, -5.90332031},
      {200, -2.7671814},
      {255, -13.0610962}},
     -322.72714233398438,
     -36278.891876220703},
    {Format::kMxfp4,
     {{0, 0.09375}, {1, 0.0078125}, {15, 0}, {16, 0.0234375}, {17, 0.09375}, {31, 0}},
     0.09375,
     1.3359375},
};

TEST(DequantReferenceTest, PackedBlocksAgreeWithAnIndependentDecoder) {
  for (const KnownBlock& known : kKnownBlocks) {
    const FormatInfo& info = Info(known.format);
    SCOPED_TRACE(info.name);
    std::vector<std::byte> block(static_cast<size_t>(info.block_byte));
    for (size_t i = 0; i < block.size(); ++i) {
      block[i] = static_cast<std::byte>((7 * i * i + 37 * i + 11) % 251);
    }
    const uint16_t d = F16FromFloat(0.0123f), min = F16FromFloat(-0.0457f);
    if (known.format == Format::kMxfp4) {
      block[0] = std::byte{121};
    } else {
      std::memcpy(block.data() + (known.format == Format::kQ6_K ? 208 : 0), &d, 2);
    }
    if (known.format == Format::kQ4_1 || known.format == Format::kQ4_K ||
        known.format == Format::kQ5_K) {
      std::memcpy(block.data() + 2, &min, 2);
    }
    const std::vector<double> x = Reference(known.format, block);
    // The expected values went through f32: relative error 2^-24, printed with 9 digits.
    double sum = 0.0, weighted_sum = 0.0, magnitude = 0.0;
    for (size_t i = 0; i < x.size(); ++i) {
      sum += x[i];
      weighted_sum += static_cast<double>(i) * x[i];
      magnitude += std::abs(x[i]);
    }
    for (const auto& [i, value] : known.elements) {
      EXPECT_NEAR(x[i], value, 1e-7 * std::abs(value)) << "element " << i;
    }
    EXPECT_NEAR(sum, known.sum, 1e-7 * magnitude);
    EXPECT_NEAR(weighted_sum, known.weighted_sum, 1e-7 * 255 * magnitude);
  }
}

TEST(DequantLawTest, CountsAreThoseOfAHandCountedMatrix) {
  const Matrix w{Format::kQ4_1, 3, 64, nullptr};
  EXPECT_EQ(DequantByte(w, 2), 3 * 40 + 3 * 64 * 2);
  EXPECT_EQ(DequantFlop(w), 3 * 64 * 2);
  EXPECT_EQ(DequantFlop({Format::kQ6_K, 3, 256, nullptr}), 3 * 256);
  EXPECT_EQ(DequantByte({Format::kMlx4, 3, 128, nullptr}, 4), 3 * 2 * 36 + 3 * 128 * 4);
  EXPECT_EQ(DequantFlop({Format::kMlx4, 3, 128, nullptr}), 3 * 128 * 2);
  EXPECT_EQ(DequantByte({Format::kMlx8G128, 3, 256, nullptr}, 4), 3 * 2 * 132 + 3 * 256 * 4);
  EXPECT_EQ(DequantFlop({Format::kMlx8G128, 3, 256, nullptr}), 3 * 256 * 2);
  EXPECT_EQ(DequantByte({Format::kNvfp4, 3, 64, nullptr}, 4), 3 * 4 * 9 + 3 * 64 * 4);
  EXPECT_EQ(DequantFlop({Format::kMxfp4, 3, 64, nullptr}), 3 * 64);
}

}  // namespace
}  // namespace wattline::kernels::dequant_test
