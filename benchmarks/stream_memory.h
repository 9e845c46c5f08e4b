// How much memory a stream must walk so that no cache holds it.
#pragma once

#include <cstdint>
#include <optional>

namespace wattline::benchmarks {

// Bytes for all threads together: 1 GiB, or an eighth of the machine's memory where that is less.
// Four times the largest last-level cache that we know (260 MiB, Emerald Rapids, all of which a
// virtual machine of 16 cores may get): with 512 MiB its rows of cold weights ran at 1.2 times the
// bandwidth of memory. Caches are not asked, since virtual machines tell the host's size.
int64_t BeyondCachesByte();

// The most that a benchmark's streams may take: an eighth of the machine's memory. Absent where the
// system does not tell its memory.
std::optional<int64_t> MostStreamByte();

}  // namespace wattline::benchmarks
