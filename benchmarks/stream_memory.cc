#include "benchmarks/stream_memory.h"

#include <unistd.h>

#include <algorithm>

namespace wattline::benchmarks {

std::optional<int64_t> MostStreamByte() {
  const int64_t memory_byte = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  if (memory_byte <= 0) return std::nullopt;
  return memory_byte / 8;
}

int64_t BeyondCachesByte() {
  constexpr int64_t kMost = int64_t{1} << 30;
  return std::min(kMost, MostStreamByte().value_or(kMost));
}

}  // namespace wattline::benchmarks
