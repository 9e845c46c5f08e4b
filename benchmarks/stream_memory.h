// How much memory a stream must walk so that no cache holds it.
#pragma once

#include <cstdint>
#include <optional>

namespace wattline::benchmarks {

// Bytes for all threads together: 512 MiB, or an eighth of the machine's memory where that is less.
// Larger than the share of a last-level cache that any machine we know gives to a few cores; caches
// are not asked, since in virtual machines they tell the host's size.
int64_t BeyondCachesByte();

// The most that a benchmark's streams may take: an eighth of the machine's memory. Absent where the
// system does not tell its memory.
std::optional<int64_t> MostStreamByte();

}  // namespace wattline::benchmarks
