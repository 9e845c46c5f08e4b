// Bits: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2A, CPUID, and volume
// 1, section 13.2 (XCR0). AMD's manual assigns the same.
#include <cpuid.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "kernels/cpu/amx_permission.h"
#include "kernels/cpu/features.h"

namespace wattline::kernels {
namespace {

struct Registers {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

// All zero where the CPU has no such leaf.
Registers Cpuid(unsigned leaf, unsigned subleaf) {
  Registers r;
  __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
  return r;
}

constexpr bool Bit(unsigned word, int bit) { return ((word >> bit) & 1u) != 0; }

// XCR0: the register states that the system saves on a context switch. A CPU feature whose state is
// not among them faults.
uint64_t SavedStates() {
  if (!Bit(Cpuid(1, 0).ecx, 27)) return 0;  // OSXSAVE
  uint32_t low = 0;
  uint32_t high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

struct Cpu {
  // Leaf 0, EBX: the first four letters of the vendor's name.
  bool is_amd = Cpuid(0, 0).ebx == 0x68747541u;  // "Auth" of AuthenticAMD
  Registers leaf1 = Cpuid(1, 0);
  Registers leaf7 = Cpuid(7, 0);
  Registers leaf7_1 = Cpuid(7, 1);
  bool saves_ymm = (SavedStates() & 0x6) == 0x6;            // XMM, YMM
  bool saves_zmm = (SavedStates() & 0xe6) == 0xe6;          // and opmask, ZMM_Hi256, Hi16_ZMM
  bool saves_tiles = (SavedStates() & 0x60000) == 0x60000;  // TILECFG, TILEDATA
};

const Cpu& ThisCpu() {
  static const Cpu cpu;
  return cpu;
}

// What another set needs, and more.
template <size_t kBase, size_t kMore>
std::array<CpuFeature, kBase + kMore> Extend(std::span<const CpuFeature> base,
                                             const std::array<CpuFeature, kMore>& more) {
  std::array<CpuFeature, kBase + kMore> all;
  std::copy(more.begin(), more.end(), std::copy_n(base.begin(), kBase, all.begin()));
  return all;
}

}  // namespace

std::span<const CpuFeature> Avx2Features() {
  static const Cpu& c = ThisCpu();
  static const std::array<CpuFeature, 4> features = {{
      {"AVX2", c.saves_ymm && Bit(c.leaf7.ebx, 5)},
      {"FMA", c.saves_ymm && Bit(c.leaf1.ecx, 12)},
      {"F16C", c.saves_ymm && Bit(c.leaf1.ecx, 29)},
      {"BMI2", Bit(c.leaf7.ebx, 8)},
  }};
  return features;
}

std::span<const CpuFeature> Avx512Features() {
  static const Cpu& c = ThisCpu();
  static const std::array<CpuFeature, 11> features = {{
      {"AVX2", c.saves_ymm && Bit(c.leaf7.ebx, 5)},
      {"FMA", c.saves_ymm && Bit(c.leaf1.ecx, 12)},
      {"F16C", c.saves_ymm && Bit(c.leaf1.ecx, 29)},
      {"BMI2", Bit(c.leaf7.ebx, 8)},
      {"AVX512F", c.saves_zmm && Bit(c.leaf7.ebx, 16)},
      {"AVX512BW", c.saves_zmm && Bit(c.leaf7.ebx, 30)},
      {"AVX512DQ", c.saves_zmm && Bit(c.leaf7.ebx, 17)},
      {"AVX512VL", c.saves_zmm && Bit(c.leaf7.ebx, 31)},
      {"AVX512_VNNI", c.saves_zmm && Bit(c.leaf7.ecx, 11)},
      {"AVX512_VBMI", c.saves_zmm && Bit(c.leaf7.ecx, 1)},
      {"AVX512_BF16", c.saves_zmm && Bit(c.leaf7_1.eax, 5)},
  }};
  return features;
}

std::span<const CpuFeature> AvxVnniFeatures() {
  static const Cpu& c = ThisCpu();
  static const std::array<CpuFeature, 5> features =
      Extend<4, 1>(Avx2Features(), {{{"AVX_VNNI", c.saves_ymm && Bit(c.leaf7_1.eax, 4)}}});
  return features;
}

std::span<const CpuFeature> AmxFeatures() {
  static const Cpu& c = ThisCpu();
  static const std::array<CpuFeature, 14> features =
      Extend<11, 3>(Avx512Features(), {{{"AMX_TILE", c.saves_tiles && Bit(c.leaf7.edx, 24)},
                                        {"AMX_INT8", c.saves_tiles && Bit(c.leaf7.edx, 25)},
                                        {"AMX_BF16", c.saves_tiles && Bit(c.leaf7.edx, 22)}}});
  return features;
}

bool Bf16DotIsFast() { return ThisCpu().is_amd; }

bool OneStreamNeedsPrefetches() {
  const bool is_zen4_or_later = ThisCpu().is_amd && Bit(ThisCpu().leaf7.ebx, 16);  // AVX512F
  return !is_zen4_or_later;
}

std::string WhyNotAvx2() { return WhyNot("avx2", Avx2Features()); }
std::string WhyNotAvxVnni() { return WhyNot("avxvnni", AvxVnniFeatures()); }
std::string WhyNotAvx512() { return WhyNot("avx512", Avx512Features()); }

std::string WhyNotAmx() {
  std::string missing = WhyNot("amx", AmxFeatures());
  return missing.empty() ? WhyNoAmxPermission() : missing;
}

}  // namespace wattline::kernels
