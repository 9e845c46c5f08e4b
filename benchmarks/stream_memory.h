// How much memory a stream must walk so that no cache holds it.
#pragma once

#include <cstdint>

namespace wattline::benchmarks {

// Bytes for all threads together: 512 MiB, or an eighth of the machine's memory where that is less.
// Larger than the share of a last-level cache that any machine we know gives to a few cores; caches
// are not asked, since in virtual machines they tell the host's size.
int64_t BeyondCachesByte();

}  // namespace wattline::benchmarks
