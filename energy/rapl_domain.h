// The domains of RAPL, the same for every way to read them: which are summed, what they cover.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "energy/meter.h"
#include "energy/surroundings.h"

namespace wattline::energy {

// psys contains the packages, which contain core and uncore; dram stands beside the packages.
enum class RaplPart : uint8_t { kPackage, kDram, kCore, kUncore, kPsys };
inline constexpr std::array<RaplPart, 5> kRaplParts = {
    RaplPart::kPackage, RaplPart::kDram, RaplPart::kCore, RaplPart::kUncore, RaplPart::kPsys};

// The domain's name: "cpu", "dram", "core", "uncore", "psys".
std::string_view RaplName(RaplPart part);

// What a domain is the sum of. More counters than packages: one for each die.
struct RaplCount {
  size_t packages = 0;
  size_t counters = 0;
};
Domain RaplDomain(RaplPart part, RaplCount count);

// AMD's core counter (MSR C001_029A) is one core's, and the kernel shows that of one core of each
// package: no sum over the cores, so it is not used.
inline bool RaplCoreIsOfOneCore(const Surroundings& here) { return here.vendor == Vendor::kAmd; }

// AMD counts per package since family 19h, whatever dies there are. Linux 6.9 to 6.11 took each
// core complex of such a CPU for a die and shows the package's counter once for each of them
// (Linux commit 8d72eba1cf8c). First-generation EPYC and Threadripper (17h) count per die.
inline bool RaplDiesShareACounter(const Surroundings& here) {
  return here.vendor == Vendor::kAmd && here.family >= 0x19;
}

// What a reader of the numbers must know, of what is there and what was left out: "memory is not in
// it; core is left out: ...".
class RaplNote {
 public:
  void LeaveOut(RaplPart part, std::string_view why);
  std::string Text(bool has_dram) const;

 private:
  std::string left_out_;
};

}  // namespace wattline::energy
