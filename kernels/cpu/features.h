// What this CPU and its system can run, instruction set by instruction set, asked at run time.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace wattline::kernels {

struct CpuFeature {
  std::string_view name;  // as the vendor's manual writes it: "AVX512_VNNI"
  bool present = false;   // the CPU has it and the system saves its registers
};

// What the kernels of an instruction set need, each with its presence here. A function exists only
// on the architecture that it names.
std::span<const CpuFeature> Avx2Features();
std::span<const CpuFeature> AvxVnniFeatures();
std::span<const CpuFeature> Avx512Features();
std::span<const CpuFeature> AmxFeatures();
std::span<const CpuFeature> NeonFeatures();
std::span<const CpuFeature> NeonI8mmFeatures();

// Empty where all are present, else one sentence that names the missing ones.
std::string WhyNot(std::string_view isa, std::span<const CpuFeature> needs);

// The same for the features above, in the form that tables take.
std::string WhyNotAvx2();
std::string WhyNotAvxVnni();
std::string WhyNotAvx512();
std::string WhyNotAmx();  // asks for the permission (amx_permission.h) where the CPU has it
std::string WhyNotNeon();
std::string WhyNotNeonI8mm();

// x86 only: true where a vdpbf16ps does more multiply-adds per second than an f32 multiply-add.
// Measured on Emerald Rapids, 2026-11-21: 1.75e9 a second against 7.0e9 of vfmadd231ps, so half the
// work per second of f32; on Zen 5 it keeps the rate of f32 and does twice the work. AMD has it.
bool Bf16DotIsFast();

// x86 only: true where one sequential stream of dense weights is read faster with software
// prefetches (kernels/simd/packed_x86.h has Emerald Rapids'). On Zen 4 the hardware's prefetcher
// does it, and any of ours disturbs it: one thread, bf16 rows of 4096 columns, cold, 2026-11-22,
// medians of 9 interleaved turns, GB/s: plain read loop 28, rows without prefetches 28, 2 KiB
// ahead into the first level 13, 16 KiB ahead into the second 22, both 21. Packed rows gain or
// lose at most 6 %, several rows together lose up to 25 % without. Zen 5 without any read all that
// its plain loop does, 43. Zen 3 was not tried.
bool OneStreamNeedsPrefetches();

}  // namespace wattline::kernels
