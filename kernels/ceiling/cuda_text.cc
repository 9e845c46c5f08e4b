#include "kernels/ceiling/cuda_text.h"

namespace wattline::kernels {

const char* Name(CudaFormat format) {
  switch (format) {
    case CudaFormat::kF32:
      return "f32";
    case CudaFormat::kBF16:
      return "bf16";
    case CudaFormat::kF16:
      return "f16";
    case CudaFormat::kInt8:
      return "int8";
  }
  return "";
}

void AddMix(PtxText& text, const std::string& to, const std::string& from) {
  text.Add("shr.u32 %mix0, {}, 16", from);
  text.Add("xor.b32 {}, {}, %mix0", to, from);
  text.Add("mul.lo.u32 {0}, {0}, 2146121005", to);
  text.Add("shr.u32 %mix0, {}, 15", to);
  text.Add("xor.b32 {0}, {0}, %mix0", to);
  text.Add("mul.lo.u32 {0}, {0}, 2221713035", to);
  text.Add("shr.u32 %mix0, {}, 16", to);
  text.Add("xor.b32 {0}, {0}, %mix0", to);
}

uint32_t Mixed(uint32_t index) {
  uint32_t bits = index ^ (index >> 16);
  bits *= 2146121005u;
  bits ^= bits >> 15;
  bits *= 2221713035u;
  return bits ^ (bits >> 16);
}

uint32_t FilledWord(const CudaKernel& kernel, uint32_t index) {
  return (Mixed(index) & kernel.keep_bits) | kernel.set_bits;
}

uint32_t FirstLine(const CudaArgs& args, CudaLaunch launch, uint32_t thread) {
  if (launch.joint) return thread % args.lines;
  const uint32_t block = thread / launch.block_threads;
  return (args.lines / launch.blocks * block + thread % launch.block_threads) % args.lines;
}

uint32_t NextLine(const CudaArgs& args, CudaLaunch launch, uint32_t line) {
  const uint32_t step = launch.joint ? launch.threads() : launch.block_threads;
  return (line + step % args.lines) % args.lines;
}

std::string FillPtx() {
  PtxText loop;
  loop.Add("setp.ge.u64 %p0, %index, %words");
  loop.Add("@%p0 bra $done");
  loop.Add("cvt.u32.u64 %r0, %index");
  AddMix(loop, "%r1", "%r0");
  loop.Add("and.b32 %r1, %r1, %keep");
  loop.Add("or.b32 %r1, %r1, %set");
  loop.Add("shl.b64 %offset, %index, 2");
  loop.Add("add.u64 %offset, %at, %offset");
  loop.Add("st.global.u32 [%offset], %r1");
  loop.Add("add.u64 %index, %index, %threads");
  loop.Add("bra $next");
  return fmt::format(R"(.version {}
.target {}
.address_size 64
.visible .entry fill(
  .param .u64 at, .param .u64 words, .param .u32 keep_bits, .param .u32 set_bits)
{{
  .reg .pred %p0;
  .reg .b32 %r<2>, %mix0, %keep, %set, %block, %width, %place, %blocks;
  .reg .b64 %at, %words, %index, %threads, %offset, %first;
  ld.param.u64 %at, [at];
  ld.param.u64 %words, [words];
  ld.param.u32 %keep, [keep_bits];
  ld.param.u32 %set, [set_bits];
  cvta.to.global.u64 %at, %at;
  mov.u32 %block, %ctaid.x;
  mov.u32 %width, %ntid.x;
  mov.u32 %place, %tid.x;
  mov.u32 %blocks, %nctaid.x;
  cvt.u64.u32 %first, %place;
  mad.wide.u32 %index, %block, %width, %first;
  mul.wide.u32 %threads, %blocks, %width;
$next:
{}$done:
  ret;
}}
)",
                     kAnyGpu.version, kAnyGpu.target, loop.text());
}

namespace {

constexpr const char* kJointWalk = R"(  mov.u32 %line, %thread;
  mul.lo.u32 %step, %blocks, %width;
)";
constexpr const char* kOwnWalk = R"(  div.u32 %line, %lines, %blocks;
  mad.lo.u32 %line, %line, %block, %place;
  mov.u32 %step, %width;
)";

}  // namespace

std::string WorkPtx(const CudaKernel& kernel, PtxTarget target, const std::string& registers,
                    const PtxText& before, const PtxText& turn, const PtxText& after) {
  // Cycles and ns are those of one thread's loop; both clocks are read outside it.
  return fmt::format(R"(.version {}
.target {}
.address_size 64
.visible .entry work(
  .param .u64 x_at, .param .u64 y_at, .param .u64 out_at, .param .u64 results_at,
  .param .u64 clocks_at, .param .u32 line_count, .param .u32 turn_count, .param .u32 inner_count,
  .param .u32 period_turns, .param .u32 operand_bits)
.maxntid {}, 1, 1
.minnctapersm {}
{{
  .reg .pred %turn_p, %first_p;
  .reg .b32 %lines, %turns, %inner, %period, %operand, %thread, %place, %width, %block, %blocks;
  .reg .b32 %line, %step, %wrapped, %result, %mix0;
  .reg .b64 %x, %y, %out, %results, %clocks, %at, %offset;
  .reg .b64 %cycle0, %cycle1, %ns0, %ns1;
{}  ld.param.u64 %x, [x_at];
  ld.param.u64 %y, [y_at];
  ld.param.u64 %out, [out_at];
  ld.param.u64 %results, [results_at];
  ld.param.u64 %clocks, [clocks_at];
  ld.param.u32 %lines, [line_count];
  ld.param.u32 %turns, [turn_count];
  ld.param.u32 %inner, [inner_count];
  ld.param.u32 %period, [period_turns];
  ld.param.u32 %operand, [operand_bits];
  cvta.to.global.u64 %x, %x;
  cvta.to.global.u64 %y, %y;
  cvta.to.global.u64 %out, %out;
  cvta.to.global.u64 %results, %results;
  cvta.to.global.u64 %clocks, %clocks;
  mov.u32 %block, %ctaid.x;
  mov.u32 %width, %ntid.x;
  mov.u32 %place, %tid.x;
  mov.u32 %blocks, %nctaid.x;
  mad.lo.u32 %thread, %block, %width, %place;
{}  rem.u32 %line, %line, %lines;
  rem.u32 %step, %step, %lines;
{}  mov.u64 %cycle0, %clock64;
  mov.u64 %ns0, %globaltimer;
$turn:
{}{}  sub.u32 %turns, %turns, 1;
  setp.ne.u32 %turn_p, %turns, 0;
  @%turn_p bra $turn;
  mov.u64 %cycle1, %clock64;
  mov.u64 %ns1, %globaltimer;
{}  mul.wide.u32 %offset, %thread, 4;
  add.u64 %at, %results, %offset;
  st.global.u32 [%at], %result;
  setp.ne.u32 %first_p, %thread, 0;
  @%first_p bra $done;
  sub.u64 %cycle1, %cycle1, %cycle0;
  sub.u64 %ns1, %ns1, %ns0;
  red.global.add.u64 [%clocks], %cycle1;
  red.global.add.u64 [%clocks+8], %ns1;
$done:
  ret;
}}
)",
                     target.version, target.target, kernel.block_threads,
                     kernel.blocks_per_multiprocessor, registers,
                     kernel.joint ? kJointWalk : kOwnWalk, before.text(),
                     kernel.unrolled ? "" : "  .pragma \"nounroll\";\n", turn.text(), after.text());
}

void AddNextLine(PtxText& text) {
  // Below `lines`, the difference wraps to a number that is larger than any line.
  text.Add("add.u32 %line, %line, %step");
  text.Add("sub.u32 %wrapped, %line, %lines");
  text.Add("min.u32 %line, %line, %wrapped");
}

void AddLineAddress(PtxText& text, const char* base, const char* at) {
  text.Add("mul.wide.u32 %offset, %line, 16");
  text.Add("add.u64 {}, {}, %offset", at, base);
}

std::string LaunchName(const CudaKernel& kernel) {
  return fmt::format("{} block{} of {} threads", kernel.blocks_per_multiprocessor,
                     kernel.blocks_per_multiprocessor == 1 ? "" : "s", kernel.block_threads);
}

const char* WalkName(const CudaKernel& kernel) {
  return kernel.joint ? "walked jointly" : "walked by block";
}

}  // namespace wattline::kernels
