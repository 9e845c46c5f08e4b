#include "benchmarks/ceiling_rows.h"

#include <algorithm>
#include <array>
#include <optional>

#include "benchmarks/stream_memory.h"

namespace wattline::benchmarks {
namespace {

constexpr std::array<int64_t, 4> kDefaultKib = {32, 512, 16 << 10, 512 << 10};

}  // namespace

bool IsDefaultKib(int64_t kib) {
  return std::find(kDefaultKib.begin(), kDefaultKib.end(), kib) != kDefaultKib.end();
}

int64_t MostKib(int threads) {
  const std::optional<int64_t> most_byte = MostStreamByte();
  return most_byte ? std::min(kMostKib, *most_byte / threads / 1024) : kMostKib;
}

int64_t BufferKib(int threads, int64_t kib) {
  constexpr int64_t kSmallKib = 32 << 10;
  return kib <= kSmallKib ? kSmallKib : std::max(kib, MostKib(threads));
}

std::string IsaOf(const ShownBackend& shown) {
  return shown.name == "cpu" ? std::string() : std::string(shown.backend->cpu->isa);
}

Threads::Threads(Suite& suite, int count) : pool_(&suite.pool()) {
  if (pool_->size() == count) return;
  own_ = std::make_unique<kernels::ThreadPool>(
      count, suite.pool().pinned() ? suite.options().cpus : std::vector<int>{});
  pool_ = own_.get();
}

}  // namespace wattline::benchmarks
