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

}  // namespace wattline::kernels
