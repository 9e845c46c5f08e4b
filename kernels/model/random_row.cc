#include "kernels/model/random_row.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "kernels/float16.h"
#include "kernels/float8.h"
#include "kernels/random.h"

namespace wattline::kernels {
namespace {

static_assert(std::endian::native == std::endian::little);

// Quanta are random bits, so uniform: an integer uniform in 0 .. n - 1 has the standard deviation
// sqrt((n^2 - 1) / 12), n = 16: 4.61, 32: 9.23, 64: 18.47, 255: 73.61, 256: 73.90.
constexpr float kSd16 = 4.6098f;
constexpr float kSd32 = 9.2331f;
constexpr float kSd64 = 18.4730f;
constexpr float kSd255 = 73.6116f;
constexpr float kSd256 = 73.9003f;
// Root mean square of 0, 0.5, 1, 1.5, 2, 3, 4, 6, which all come as often, with either sign.
constexpr float kRmsE2M1 = 2.92617f;
// Root mean square of the jitter, uniform in 0.75 .. 1.25.
constexpr float kJitterRms = 1.01036f;
// Root mean square of the integer scales of K-quants: uniform in 32 .. 63 and in 64 .. 127.
constexpr float kScale6Rms = 48.385f;
constexpr float kScale8Rms = 97.265f;

float Jitter(uint64_t bits) {
  return 0.75f + 0.5f * static_cast<float>(bits & 0xffffu) * (1.0f / 65535.0f);
}

// +1 or -1: the quanta of q4_0, q6_k and mlx* are off centre by half a step, and signs that differ
// from block to block cancel that.
float Sign(uint64_t bits) { return (bits >> 16) & 1u ? -1.0f : 1.0f; }

void PutF16(float value, std::byte* to) {
  const uint16_t bits = F16FromFloat(value);
  std::memcpy(to, &bits, sizeof(bits));
}

void PutBits(Random& random, int64_t byte, std::byte* to) {
  for (int64_t i = 0; i < byte; i += 8) {
    const uint64_t bits = random.Next();
    std::memcpy(to + i, &bits, sizeof(bits));
  }
}

// Two uniform 16-bit parts summed: a triangle of mean 65535, standard deviation 26754.5.
template <typename T, typename Convert>
void FloatRow(int64_t cols, float sd, Random& random, std::byte* row, Convert convert) {
  const float scale = sd / 26754.5f;
  for (int64_t i = 0; i < cols; i += 2) {
    const uint64_t bits = random.Next();
    const auto low = static_cast<int32_t>((bits & 0xffffu) + ((bits >> 16) & 0xffffu)) - 65535;
    const auto high = static_cast<int32_t>(((bits >> 32) & 0xffffu) + (bits >> 48)) - 65535;
    const T pair[2] = {convert(static_cast<float>(low) * scale),
                       convert(static_cast<float>(high) * scale)};
    const size_t count = i + 1 < cols ? 2 : 1;
    std::memcpy(row + i * static_cast<int64_t>(sizeof(T)), pair, count * sizeof(T));
  }
}

// f16 d, 32 signed bytes; x = d q. The quantiser of the format never writes -128, nor does this.
void Q8_0Block(float sd, Random& random, std::byte* block) {
  const uint64_t bits = random.Next();
  PutF16(sd / (kSd255 * kJitterRms) * Jitter(bits), block);
  for (int i = 0; i < 32; i += 8) {
    int8_t q[8];
    const uint64_t draw = random.Next();
    std::memcpy(q, &draw, sizeof(q));
    for (int8_t& value : q) value = value < -127 ? int8_t{-127} : value;
    std::memcpy(block + 2 + i, q, sizeof(q));
  }
}

// f16 d, 16 bytes of nibbles; x = d (q - 8).
void Q4_0Block(float sd, Random& random, std::byte* block) {
  const uint64_t bits = random.Next();
  PutF16(sd / (kSd16 * kJitterRms) * Jitter(bits) * Sign(bits), block);
  PutBits(random, 16, block + 2);
}

// f16 d, f16 m, 16 bytes of nibbles; x = d q + m, m within half a step of -7.5 d.
void Q4_1Block(float sd, Random& random, std::byte* block) {
  const uint64_t bits = random.Next();
  const float d = sd / (kSd16 * kJitterRms) * Jitter(bits);
  PutF16(d, block);
  PutF16(-d * (6.5f + Jitter(bits >> 17)), block + 2);
  PutBits(random, 16, block + 4);
}

// f16 scale, f16 bias, integers of 4 or 8 bits; x = scale q + bias. MLX's quantiser makes q = 0 the
// group's value of largest magnitude and 0 representable: the scale takes the sign that this needs,
// and bias = -scale times the whole number nearest to that value over (max - min) / 15 (or 255),
// which is 8 (or 128) where both signs reach equally far.
void AffineBlock(float sd, float quanta_sd, float centre, int64_t quanta_byte, Random& random,
                 std::byte* block) {
  const uint64_t bits = random.Next();
  const float scale = sd / (quanta_sd * kJitterRms) * Jitter(bits) * Sign(bits);
  PutF16(scale, block);
  PutF16(-centre * scale, block + 2);
  PutBits(random, quanta_byte, block + 4);
}

// Of two neighbouring scales with `wanted` between them the upper one so often that the mean square
// is that of `wanted`.
bool TakesUpper(double wanted, double lower, double upper, uint64_t bits) {
  const double share = (wanted * wanted - lower * lower) / (upper * upper - lower * lower);
  return static_cast<double>(bits >> 40) * 0x1p-24 < share;
}

float WantedScale(float sd, uint64_t bits) { return sd / (kRmsE2M1 * kJitterRms) * Jitter(bits); }

// E8M0 scale, 16 bytes of nibbles. Scales from 253 on do not go into f32 with all values.
void Mxfp4Block(float sd, Random& random, std::byte* block) {
  const uint64_t bits = random.Next();
  const float wanted = WantedScale(sd, bits);
  const int lower = std::clamp(std::ilogb(wanted) + 127, 0, 251);
  const bool up = TakesUpper(wanted, FromE8M0(lower), FromE8M0(lower + 1), bits);
  block[0] = static_cast<std::byte>(lower + (up ? 1 : 0));
  PutBits(random, 16, block + 1);
}

// The largest code up to 125 whose number is at most `value`, which is not negative.
int E4M3AtMost(float value) {
  if (value < 0x1p-6f) return static_cast<int>(value * 0x1p9f);  // subnormal
  // Exponent and upper fraction bits in one; E4M3's exponent is 120 less.
  return std::min(static_cast<int>(std::bit_cast<uint32_t>(value) >> 20) - 120 * 8, 125);
}

// E4M3 scale, 8 bytes of nibbles. The scale is positive and below the NaN, 127.
void Nvfp4Block(float sd, Random& random, std::byte* block) {
  const uint64_t bits = random.Next();
  const float wanted = WantedScale(sd, bits);
  const int lower = E4M3AtMost(wanted);
  const bool up = TakesUpper(wanted, FromE4M3(lower), FromE4M3(lower + 1), bits);
  block[0] = static_cast<std::byte>(lower + (up ? 1 : 0));
  PutBits(random, 8, block + 1);
}

// The 8 scales and 8 minimums of 6 bits in the 12 bytes of q4_k and q5_k (ggml-quants.c).
void PutScales(const uint8_t scale[8], const uint8_t minimum[8], std::byte* to) {
  for (int j = 0; j < 4; ++j) {
    to[j] = static_cast<std::byte>(scale[j] | (scale[j + 4] >> 4) << 6);
    to[j + 4] = static_cast<std::byte>(minimum[j] | (minimum[j + 4] >> 4) << 6);
    to[j + 8] = static_cast<std::byte>((scale[j + 4] & 15) | (minimum[j + 4] & 15) << 4);
  }
}

// f16 d, f16 dmin, 12 bytes of scales, the quanta; x = d scale q - dmin minimum. With dmin / d the
// centre of the quanta and minimum = scale or one off, sub-blocks are centred within 3 %.
void Q45KBlock(float sd, float quanta_sd, float centre, int64_t quanta_byte, Random& random,
               std::byte* block) {
  const uint64_t bits = random.Next();
  const float d = sd / (quanta_sd * kJitterRms * kScale6Rms) * Jitter(bits);
  PutF16(d, block);
  PutF16(d * centre, block + 2);
  uint8_t scale[8];
  uint8_t minimum[8];
  uint64_t draw = random.Next();
  for (int j = 0; j < 8; ++j, draw >>= 8) {
    scale[j] = static_cast<uint8_t>(32 + (draw & 31));
    const int off = static_cast<int>((draw >> 5) & 1) - static_cast<int>((draw >> 6) & 1);
    const int wanted = scale[j] + off;
    minimum[j] = static_cast<uint8_t>(wanted > 63 ? 63 : wanted);
  }
  PutScales(scale, minimum, block + 4);
  PutBits(random, quanta_byte, block + 16);
}

// 128 bytes of low nibbles, 64 bytes of high pairs, 16 int8 scales, f16 d; x = d scale (q - 32).
void Q6KBlock(float sd, Random& random, std::byte* block) {
  PutBits(random, 192, block);
  for (int j = 0; j < 16; j += 8) {
    uint64_t draw = random.Next();
    for (int i = 0; i < 8; ++i, draw >>= 8) {
      const int magnitude = static_cast<int>(64 + (draw & 63));
      block[192 + j + i] = static_cast<std::byte>((draw & 64) != 0 ? -magnitude : magnitude);
    }
  }
  PutF16(sd / (kSd64 * kJitterRms * kScale8Rms) * Jitter(random.Next()), block + 208);
}

void QuantBlock(Format format, float sd, Random& random, std::byte* block) {
  switch (format) {
    case Format::kQ8_0:
      return Q8_0Block(sd, random, block);
    case Format::kQ4_0:
      return Q4_0Block(sd, random, block);
    case Format::kQ4_1:
      return Q4_1Block(sd, random, block);
    case Format::kQ4_K:
      return Q45KBlock(sd, kSd16, 7.5f, 128, random, block);
    case Format::kQ5_K:
      return Q45KBlock(sd, kSd32, 15.5f, 160, random, block);
    case Format::kQ6_K:
      return Q6KBlock(sd, random, block);
    case Format::kMlx4:
      return AffineBlock(sd, kSd16, 8, 32, random, block);
    case Format::kMlx4G128:
      return AffineBlock(sd, kSd16, 8, 64, random, block);
    case Format::kMlx8G32:
      return AffineBlock(sd, kSd256, 128, 32, random, block);
    case Format::kMlx8:
      return AffineBlock(sd, kSd256, 128, 64, random, block);
    case Format::kMlx8G128:
      return AffineBlock(sd, kSd256, 128, 128, random, block);
    case Format::kMxfp4:
      return Mxfp4Block(sd, random, block);
    case Format::kNvfp4:
      return Nvfp4Block(sd, random, block);
    case Format::kF32:
    case Format::kF16:
    case Format::kBF16:
      return;
  }
}

}  // namespace

void RandomRow(Format format, int64_t cols, double sd, uint64_t seed, std::byte* row) {
  Random random(seed);
  const auto sd32 = static_cast<float>(sd);
  switch (format) {
    case Format::kF32:
      return FloatRow<float>(cols, sd32, random, row, [](float value) { return value; });
    case Format::kF16:
      return FloatRow<uint16_t>(cols, sd32, random, row, F16FromFloat);
    case Format::kBF16:
      return FloatRow<uint16_t>(cols, sd32, random, row, Bf16FromFloat);
    default:
      break;
  }
  const FormatInfo& info = Info(format);
  for (int64_t i = 0; i < cols / info.block_elements; ++i) {
    QuantBlock(format, sd32, random, row + i * info.block_byte);
  }
}

}  // namespace wattline::kernels
