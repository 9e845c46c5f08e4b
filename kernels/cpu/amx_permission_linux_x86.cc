// Linux gives a process no room for the 8 KiB of tile data until it asks (since version 5.16;
// Documentation/arch/x86/xstate.rst). The first tile instruction of one that has not is SIGILL.
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "kernels/cpu/amx_permission.h"

namespace wattline::kernels {
namespace {

// asm/prctl.h of Linux 5.16; older headers lack it.
constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
constexpr long kTileData = 18;               // the state's bit in XCR0

std::string Ask() {
  if (syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0) return {};
  std::string sentence = "the system refuses this process AMX's tile registers (";
  return sentence.append(std::strerror(errno))
      .append(
          "); Linux 5.16 or later grants them to a process whose signal stacks are large enough");
}

}  // namespace

std::string WhyNoAmxPermission() {
  static const std::string why_not = Ask();
  return why_not;
}

}  // namespace wattline::kernels
