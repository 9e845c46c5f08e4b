#include "benchmarks/stream_memory.h"

#include <unistd.h>

#include <algorithm>

namespace wattline::benchmarks {

int64_t BeyondCachesByte() {
  constexpr int64_t kMost = int64_t{512} << 20;
  const int64_t memory_byte = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  return memory_byte > 0 ? std::min(kMost, memory_byte / 8) : kMost;
}

}  // namespace wattline::benchmarks
