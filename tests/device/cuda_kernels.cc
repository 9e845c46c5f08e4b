#include "tests/device/cuda_kernels.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cmath>

namespace wattline::device {
namespace {

// Where each chain begins, in thread `index`: fma(index, kSlopeX, StartX(chain)).
constexpr float kSlopeX = 1.3e-6f;
constexpr float kSlopeY = -2.7e-6f;
float StartX(int chain) { return 1.0f + 0.173f * static_cast<float>(chain); }
float StartY(int chain) { return -0.7f * StartX(chain); }

std::string Constant(float value) {
  return fmt::format("0f{:08X}", std::bit_cast<uint32_t>(value));
}

constexpr const char* kThreadIndex = R"(
  mov.u32 %r1, %ctaid.x;
  mov.u32 %r2, %ntid.x;
  mov.u32 %r3, %tid.x;
  mad.lo.u32 %r4, %r1, %r2, %r3;
)";

std::string ComputePtx() {
  std::string text = R"(
.visible .entry compute_load(
  .param .u64 out_at, .param .u32 turn_count, .param .f32 angle_of)
{
  .reg .pred %p<2>;
  .reg .b32 %r<8>;
  .reg .b64 %d<4>;
  .reg .f32 %x<8>;
  .reg .f32 %y<8>;
  .reg .f32 %e<4>;
  ld.param.u64 %d0, [out_at];
  ld.param.u32 %r0, [turn_count];
  ld.param.f32 %e0, [angle_of];
  neg.f32 %e1, %e0;
)";
  text += kThreadIndex;
  text += "  cvt.rn.f32.u32 %e2, %r4;\n";
  for (int i = 0; i < kChains; ++i) {
    text +=
        fmt::format("  fma.rn.f32 %x{}, %e2, {}, {};\n", i, Constant(kSlopeX), Constant(StartX(i)));
    text +=
        fmt::format("  fma.rn.f32 %y{}, %e2, {}, {};\n", i, Constant(kSlopeY), Constant(StartY(i)));
  }
  text += "$compute_loop:\n";
  for (int step = 0; step < kSteps; ++step) {
    for (int i = 0; i < kChains; ++i)
      text += fmt::format("  fma.rn.f32 %x{0}, %e1, %y{0}, %x{0};\n", i);
    for (int i = 0; i < kChains; ++i)
      text += fmt::format("  fma.rn.f32 %y{0}, %e0, %x{0}, %y{0};\n", i);
  }
  text += R"(  sub.u32 %r0, %r0, 1;
  setp.ne.u32 %p0, %r0, 0;
  @%p0 bra $compute_loop;
  mov.f32 %e3, %x0;
)";
  for (int i = 0; i < kChains; ++i) {
    if (i > 0) text += fmt::format("  add.rn.f32 %e3, %e3, %x{};\n", i);
    text += fmt::format("  add.rn.f32 %e3, %e3, %y{};\n", i);
  }
  return text + R"(  cvta.to.global.u64 %d0, %d0;
  mul.wide.u32 %d1, %r4, 4;
  add.u64 %d0, %d0, %d1;
  st.global.f32 [%d0], %e3;
  ret;
}
)";
}

// Reads the buffer `pass_count` times: each pass has `row_count` rows of kReads times `row_step`
// bytes, where `row_step` is kRead_byte for every thread.
std::string MemoryPtx() {
  std::string text = R"(
.visible .entry memory_load(
  .param .u64 data_at, .param .u64 out_at, .param .u32 pass_count, .param .u32 row_count,
  .param .u64 row_step)
{
  .reg .pred %p<2>;
  .reg .b32 %r<12>;
  .reg .b32 %v<16>;
  .reg .b64 %d<8>;
  ld.param.u64 %d0, [data_at];
  ld.param.u64 %d1, [out_at];
  ld.param.u32 %r0, [pass_count];
  ld.param.u32 %r5, [row_count];
  ld.param.u64 %d2, [row_step];
  cvta.to.global.u64 %d0, %d0;
  cvta.to.global.u64 %d1, %d1;
)";
  text += kThreadIndex;
  text += R"(  mul.wide.u32 %d3, %r4, 16;
  add.u64 %d0, %d0, %d3;
  mov.u32 %r7, 0;
  mov.u32 %r8, 0;
  mov.u32 %r9, 0;
  mov.u32 %r10, 0;
$memory_pass:
  mov.u64 %d4, %d0;
  mov.u32 %r6, %r5;
$memory_row:
)";
  for (unsigned i = 0; i < kReads; ++i) {
    text += fmt::format("  ld.global.v4.u32 {{%v{}, %v{}, %v{}, %v{}}}, [%d4];\n", 4 * i, 4 * i + 1,
                        4 * i + 2, 4 * i + 3);
    text += "  add.u64 %d4, %d4, %d2;\n";
  }
  for (unsigned i = 0; i < 4 * kReads; ++i) {
    text += fmt::format("  add.u32 %r{0}, %r{0}, %v{1};\n", 7 + i % 4, i);
  }
  return text + R"(  sub.u32 %r6, %r6, 1;
  setp.ne.u32 %p0, %r6, 0;
  @%p0 bra $memory_row;
  sub.u32 %r0, %r0, 1;
  setp.ne.u32 %p1, %r0, 0;
  @%p1 bra $memory_pass;
  add.u32 %r7, %r7, %r8;
  add.u32 %r9, %r9, %r10;
  xor.b32 %r7, %r7, %r9;
  mul.wide.u32 %d5, %r4, 4;
  add.u64 %d1, %d1, %d5;
  st.global.u32 [%d1], %r7;
  ret;
}
)";
}

// word[i] = mixed bits of i: memory full of zeros would take less power than weights do.
std::string FillPtx() {
  std::string text = R"(
.visible .entry fill_words(
  .param .u64 data_at, .param .u32 word_count, .param .u32 thread_count)
{
  .reg .pred %p<2>;
  .reg .b32 %r<12>;
  .reg .b64 %d<4>;
  ld.param.u64 %d0, [data_at];
  ld.param.u32 %r5, [word_count];
  ld.param.u32 %r6, [thread_count];
  cvta.to.global.u64 %d0, %d0;
)";
  text += kThreadIndex;
  return text + R"($fill_loop:
  setp.ge.u32 %p0, %r4, %r5;
  @%p0 bra $fill_done;
  shr.u32 %r7, %r4, 16;
  xor.b32 %r8, %r4, %r7;
  mul.lo.u32 %r8, %r8, 2146121005;
  shr.u32 %r7, %r8, 15;
  xor.b32 %r8, %r8, %r7;
  mul.lo.u32 %r8, %r8, 2221713035;
  shr.u32 %r7, %r8, 16;
  xor.b32 %r8, %r8, %r7;
  mul.wide.u32 %d1, %r4, 4;
  add.u64 %d2, %d0, %d1;
  st.global.u32 [%d2], %r8;
  add.u32 %r4, %r4, %r6;
  bra $fill_loop;
$fill_done:
  ret;
}
)";
}

uint32_t FilledWord(uint32_t index) {
  uint32_t bits = index ^ (index >> 16);
  bits *= 2146121005u;
  bits ^= bits >> 15;
  bits *= 2221713035u;
  return bits ^ (bits >> 16);
}

}  // namespace

std::string LoadPtx() {
  return ".version 6.3\n.target sm_70\n.address_size 64\n" + ComputePtx() + MemoryPtx() + FillPtx();
}

float ComputeResult(uint32_t thread, uint32_t turns) {
  std::array<float, kChains> x;
  std::array<float, kChains> y;
  for (int i = 0; i < kChains; ++i) {
    x[i] = std::fma(static_cast<float>(thread), kSlopeX, StartX(i));
    y[i] = std::fma(static_cast<float>(thread), kSlopeY, StartY(i));
  }
  for (uint32_t step = 0; step < turns * kSteps; ++step) {
    for (int i = 0; i < kChains; ++i) {
      x[i] = std::fma(-kAngle, y[i], x[i]);
      y[i] = std::fma(kAngle, x[i], y[i]);
    }
  }
  float sum = x[0];
  for (int i = 0; i < kChains; ++i) {
    if (i > 0) sum += x[i];
    sum += y[i];
  }
  return sum;
}

uint32_t MemoryResult(uint32_t thread, uint32_t rows, uint64_t row_step_byte) {
  std::array<uint32_t, 4> sums{};
  for (uint64_t read = 0; read < uint64_t{rows} * kReads; ++read) {
    const uint64_t at_byte = uint64_t{thread} * kRead_byte + read * row_step_byte;
    for (uint32_t i = 0; i < 4; ++i) sums[i] += FilledWord(static_cast<uint32_t>(at_byte / 4) + i);
  }
  return (sums[0] + sums[1]) ^ (sums[2] + sums[3]);
}

}  // namespace wattline::device
