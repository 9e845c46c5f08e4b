// Whether this build's memory accesses are checked, which makes kernels ten to twenty times slower.
#pragma once

namespace wattline {

// Tests that compare bits, count statistics or repeat with a model's whole shapes what small and
// odd shapes have shown are left to the other builds: they touch no memory in another way.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace wattline
