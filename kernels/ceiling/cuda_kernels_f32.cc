// Multiply-adds of the vector units, and streams.
#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

#include "kernels/ceiling/cuda_lists.h"
#include "kernels/ceiling/cuda_text.h"

namespace wattline::kernels {
namespace {

// Signs and 23 bits of mantissa at random: +-[1, 2).
constexpr uint32_t kF32Keep = 0x807fffff;
constexpr uint32_t kF32Set = 0x3f800000;

// A step turns the point (a, b) by two multiply-adds, a -= e b and b += e a: numbers neither grow
// nor settle, power is that of changing bits, and no compiler may shorten the chain.
constexpr float kAngle = 0.37f;

void Turn(float& a, float& b) {
  a = std::fma(-kAngle, b, a);
  b = std::fma(kAngle, a, b);
}

void AddTurn(PtxText& text, const std::string& a, const std::string& b) {
  text.Add("fma.rn.f32 {0}, %back, {1}, {0}", a, b);
  text.Add("fma.rn.f32 {0}, %forth, {1}, {0}", b, a);
}

// %forth and %back, from the operand.
void AddAngle(PtxText& text) {
  text.Add("mov.b32 %forth, %operand");
  text.Add("neg.f32 %back, %forth");
}

std::string ConstantText(float value) {
  return fmt::format("0f{:08X}", std::bit_cast<uint32_t>(value));
}

// Peak: 8 chains of pairs keep the pipes full with few warps, and 16 steps leave 1 % of the
// instructions to the loop.
constexpr int kChains = 8;
constexpr int kSteps = 16;
constexpr float kSlopeA = 1.3e-6f;
constexpr float kSlopeB = -2.7e-6f;
float StartA(int chain) { return 1.0f + 0.173f * static_cast<float>(chain); }
float StartB(int chain) { return -0.7f * StartA(chain); }

uint32_t PeakResult(uint32_t thread, uint32_t turns) {
  uint32_t sum = 0;
  for (int i = 0; i < kChains; ++i) {
    float a = std::fma(static_cast<float>(thread), kSlopeA, StartA(i));
    float b = std::fma(static_cast<float>(thread), kSlopeB, StartB(i));
    for (uint32_t step = 0; step < turns * kSteps; ++step) Turn(a, b);
    sum += std::bit_cast<uint32_t>(a) + std::bit_cast<uint32_t>(b);
  }
  return sum;
}

CudaKernel PeakF32() {
  CudaKernel kernel;
  kernel.block_threads = 256;
  kernel.blocks_per_multiprocessor = 4;
  kernel.thread_op = 2.0 * 2 * kChains * kSteps;
  kernel.operand = kernel.check_operand = std::bit_cast<uint32_t>(kAngle);
  kernel.name = fmt::format("fma.rn.f32 x{}, {}", 2 * kChains, LaunchName(kernel));
  PtxText before;
  AddAngle(before);
  before.Add("cvt.rn.f32.u32 %number, %thread");
  for (int i = 0; i < kChains; ++i) {
    before.Add("fma.rn.f32 %a{}, %number, {}, {}", i, ConstantText(kSlopeA),
               ConstantText(StartA(i)));
    before.Add("fma.rn.f32 %b{}, %number, {}, {}", i, ConstantText(kSlopeB),
               ConstantText(StartB(i)));
  }
  PtxText turn;
  for (int step = 0; step < kSteps; ++step) {
    for (int i = 0; i < kChains; ++i) turn.Add("fma.rn.f32 %a{0}, %back, %b{0}, %a{0}", i);
    for (int i = 0; i < kChains; ++i) turn.Add("fma.rn.f32 %b{0}, %forth, %a{0}, %b{0}", i);
  }
  PtxText after;
  after.Add("add.u32 %result, %a0, %b0");
  for (int i = 1; i < kChains; ++i) {
    after.Add("add.u32 %result, %result, %a{}", i);
    after.Add("add.u32 %result, %result, %b{}", i);
  }
  kernel.ptx =
      WorkPtx(kernel, kAnyGpu,
              fmt::format("  .reg .b32 %a<{0}>, %b<{0}>, %forth, %back, %number;\n", kChains),
              before, turn, after);
  kernel.results = [](const CudaArgs& args, CudaLaunch, uint32_t warp) {
    WarpWords words{};
    for (uint32_t lane = 0; lane < kWarp; ++lane) {
      words[lane] = PeakResult(warp * kWarp + lane, args.turns);
    }
    return words;
  };
  return kernel;
}

// What a thread does in a turn with `loads` lines: of their words, taken as pairs, the first
// `pairs` are turned `steps` times, in `inner` rounds where it is above 0.
struct Reading {
  int loads = 4;
  int pairs = 0;
  int steps = 0;  // of one round
  uint32_t inner = 0;
  bool through_first_level = false;

  int all_steps() const { return inner > 0 ? steps * static_cast<int>(inner) : steps; }
};

// A turned pair counts by its second number, which depends on all that was done; words that are
// only read count by themselves.
uint32_t ReadingResult(const CudaKernel& kernel, const Reading& reading, const CudaArgs& args,
                       CudaLaunch launch, uint32_t thread) {
  uint32_t sum = 0;
  uint32_t line = FirstLine(args, launch, thread);
  for (uint32_t turn = 0; turn < args.turns; ++turn) {
    for (int load = 0; load < reading.loads; ++load, line = NextLine(args, launch, line)) {
      for (uint32_t half = 0; half < 2; ++half) {
        const uint32_t first = FilledWord(kernel, 4 * line + 2 * half);
        const uint32_t second = FilledWord(kernel, 4 * line + 2 * half + 1);
        if (2 * load + static_cast<int>(half) >= reading.pairs) {
          sum += first + second;
          continue;
        }
        auto a = std::bit_cast<float>(first);
        auto b = std::bit_cast<float>(second);
        for (int step = 0; step < reading.all_steps(); ++step) Turn(a, b);
        sum += std::bit_cast<uint32_t>(b);
      }
    }
  }
  return sum;
}

void SetReading(CudaKernel& kernel, const Reading& reading) {
  const int words = 4 * reading.loads;
  kernel.arrays = 1;
  kernel.thread_byte = 4.0 * words;
  kernel.thread_op = 2.0 * 2 * reading.pairs * reading.all_steps();
  kernel.inner = reading.inner;
  kernel.operand = kernel.check_operand = std::bit_cast<uint32_t>(kAngle);
  kernel.keep_bits = kF32Keep;
  kernel.set_bits = kF32Set;
  PtxText before;
  AddAngle(before);
  for (int i = 0; i < 4; ++i) before.Add("mov.u32 %sum{}, 0", i);
  PtxText turn;
  for (int load = 0; load < reading.loads; ++load) {
    const int w = 4 * load;
    AddLineAddress(turn, "%x", "%at");
    turn.Add("ld.global{}.v4.u32 {{%w{}, %w{}, %w{}, %w{}}}, [%at]",
             reading.through_first_level ? "" : ".L1::no_allocate", w, w + 1, w + 2, w + 3);
    AddNextLine(turn);
  }
  if (reading.inner > 0) {
    turn.Add("mov.u32 %rounds, %inner");
    turn.Label("round");
  }
  for (int step = 0; step < reading.steps; ++step) {
    for (int pair = 0; pair < reading.pairs; ++pair) {
      AddTurn(turn, fmt::format("%w{}", 2 * pair), fmt::format("%w{}", 2 * pair + 1));
    }
  }
  if (reading.inner > 0) {
    turn.Add("sub.u32 %rounds, %rounds, 1");
    turn.Add("setp.ne.u32 %round_p, %rounds, 0");
    turn.Add("@%round_p bra $round");
  }
  for (int word = 0; word < words; ++word) {
    const bool turned = word / 2 < reading.pairs;
    if (turned && word % 2 == 0) continue;
    turn.Add("add.u32 %sum{0}, %sum{0}, %w{1}", turned ? word / 2 % 4 : word % 4, word);
  }
  PtxText after;
  after.Add("add.u32 %sum0, %sum0, %sum1");
  after.Add("add.u32 %sum2, %sum2, %sum3");
  after.Add("add.u32 %result, %sum0, %sum2");
  kernel.ptx = WorkPtx(
      kernel, kAnyGpu,
      fmt::format("  .reg .pred %round_p;\n  .reg .b32 %w<{}>, %sum<4>, %rounds, %forth, %back;\n",
                  words),
      before, turn, after);
  // Without its text, which is long.
  CudaKernel facts = kernel;
  facts.ptx.clear();
  kernel.results = [facts, reading](const CudaArgs& args, CudaLaunch launch, uint32_t warp) {
    WarpWords results{};
    for (uint32_t lane = 0; lane < kWarp; ++lane) {
      results[lane] = ReadingResult(facts, reading, args, launch, warp * kWarp + lane);
    }
    return results;
  };
}

// Words that write leaves in a line: mixed enough that they are no pattern to a memory that
// compresses, cheap enough to be made.
std::array<uint32_t, 4> WrittenLine(uint32_t line) {
  const uint32_t bits = line * 2654435761u;
  return {bits, ~bits, bits ^ 0x5bd1e995u, ~bits ^ 0x1b873593u};
}

void AddWrittenLine(PtxText& text, int w) {
  text.Add("mul.lo.u32 %w{}, %line, 2654435761", w);
  text.Add("not.b32 %w{}, %w{}", w + 1, w);
  text.Add("xor.b32 %w{}, %w{}, 0x5bd1e995", w + 2, w);
  text.Add("xor.b32 %w{}, %w{}, 0x1b873593", w + 3, w + 1);
}

void SetWriting(CudaKernel& kernel, StreamKind kind, int loads) {
  constexpr float kScale = 0.75f;
  kernel.arrays = StreamArrays(kind);
  kernel.thread_byte = 16.0 * loads * StreamArrays(kind);
  kernel.operand = kernel.check_operand = std::bit_cast<uint32_t>(kScale);
  kernel.keep_bits = kF32Keep;
  kernel.set_bits = kF32Set;
  PtxText turn;
  for (int load = 0; load < loads; ++load) {
    const int w = 4 * load;
    turn.Add("mul.wide.u32 %line_byte{}, %line, 16", load);
    if (kind == StreamKind::kWrite) {
      AddWrittenLine(turn, w);
    } else {
      turn.Add("add.u64 %at, %x, %line_byte{}", load);
      turn.Add("ld.global.L1::no_allocate.v4.u32 {{%w{}, %w{}, %w{}, %w{}}}, [%at]", w, w + 1,
               w + 2, w + 3);
    }
    if (kind == StreamKind::kTriad) {
      turn.Add("add.u64 %at, %y, %line_byte{}", load);
      turn.Add("ld.global.L1::no_allocate.v4.u32 {{%v{}, %v{}, %v{}, %v{}}}, [%at]", w, w + 1,
               w + 2, w + 3);
    }
    AddNextLine(turn);
  }
  for (int load = 0; load < loads; ++load) {
    const int w = 4 * load;
    if (kind == StreamKind::kTriad) {
      for (int i = 0; i < 4; ++i) turn.Add("fma.rn.f32 %w{0}, %operand, %v{0}, %w{0}", w + i);
    }
    turn.Add("add.u64 %at, %out, %line_byte{}", load);
    turn.Add("st.global.v4.u32 [%at], {{%w{}, %w{}, %w{}, %w{}}}", w, w + 1, w + 2, w + 3);
  }
  PtxText after;
  after.Add("mov.u32 %result, 0");
  kernel.ptx = WorkPtx(kernel, kAnyGpu,
                       fmt::format("  .reg .b32 %w<{0}>, %v<{0}>;\n  .reg .b64 %line_byte<{1}>;\n",
                                   4 * loads, loads),
                       {}, turn, after);
  CudaKernel facts = kernel;
  facts.ptx.clear();
  // y goes on where x ends: its words are those of the lines behind it.
  kernel.written = [facts, kind](const CudaArgs& args, uint32_t index) {
    if (kind == StreamKind::kWrite) return WrittenLine(index);
    std::array<uint32_t, 4> words{};
    for (uint32_t i = 0; i < 4; ++i) {
      words[i] = FilledWord(facts, 4 * index + i);
      if (kind != StreamKind::kTriad) continue;
      const auto x = std::bit_cast<float>(words[i]);
      const auto y = std::bit_cast<float>(FilledWord(facts, 4 * (args.lines + index) + i));
      words[i] = std::bit_cast<uint32_t>(std::fma(kScale, y, x));
    }
    return words;
  };
}

}  // namespace

CudaKernel CudaF32PeakKernel() { return PeakF32(); }

// 64 or 128 KiB of loads under way in each multiprocessor: an H200's memory, 4.6 TB/s after 0.7
// us, asks for 25.
std::vector<CudaKernel> CudaStreamKernels(StreamKind kind) {
  std::vector<CudaKernel> kernels;
  for (const int loads : {4, 8}) {
    for (const bool joint : {false, true}) {
      CudaKernel kernel;
      kernel.joint = joint;
      kernel.block_threads = 512;
      kernel.blocks_per_multiprocessor = 2;
      if (kind == StreamKind::kRead) {
        SetReading(kernel, {.loads = loads});
      } else {
        SetWriting(kernel, kind, loads);
      }
      kernel.name = fmt::format("16 byte x{}, {}, {}", loads, WalkName(kernel), LaunchName(kernel));
      kernels.push_back(std::move(kernel));
    }
  }
  return kernels;
}

CudaKernel CudaLevelKernel() {
  CudaKernel kernel;
  kernel.block_threads = 1024;
  SetReading(kernel, {.loads = 4, .through_first_level = true});
  kernel.name = fmt::format("16 byte x4, {}", LaunchName(kernel));
  return kernel;
}

// 16 words a turn are 64 byte, so that 32 X multiply-adds are X operations a byte.
CudaKernel CudaF32IntensityKernel(double flop_per_byte, bool joint) {
  constexpr int kPairs = 8;
  constexpr int kMostSteps = 16;  // in one round
  const double multiply_adds = 32 * flop_per_byte;
  const int pair_steps = static_cast<int>(std::lround(multiply_adds / 2));
  assert(2.0 * pair_steps == multiply_adds && pair_steps > 0);
  Reading reading;
  reading.pairs = std::min(kPairs, pair_steps);
  assert(pair_steps % reading.pairs == 0);
  const int steps = pair_steps / reading.pairs;
  reading.steps = steps;
  if (steps > kMostSteps) {
    reading.steps = kMostSteps;
    while (steps % reading.steps != 0) --reading.steps;
    reading.inner = static_cast<uint32_t>(steps / reading.steps);
  }
  CudaKernel kernel;
  kernel.block_threads = 512;
  // All the threads that there are, 32 registers each, while memory or the multiply-adds are waited
  // for: 2 blocks read 9 % less from the second-level cache (H200, 2026-11).
  kernel.blocks_per_multiprocessor = 4;
  kernel.unrolled = false;
  kernel.joint = joint;
  SetReading(kernel, reading);
  kernel.name = fmt::format("fma.rn.f32 x{}, 16 byte x4, {}, {}", 2 * reading.pairs,
                            WalkName(kernel), LaunchName(kernel));
  return kernel;
}

}  // namespace wattline::kernels
