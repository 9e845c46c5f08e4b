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
std::span<const CpuFeature> Avx512Features();
std::span<const CpuFeature> NeonFeatures();

// Empty where all are present, else one sentence that names the missing ones.
std::string WhyNot(std::string_view isa, std::span<const CpuFeature> needs);

// The same for the features above, in the form that tables take.
std::string WhyNotAvx2();
std::string WhyNotAvx512();
std::string WhyNotNeon();

}  // namespace wattline::kernels
