// attention: softmax(Q K^T / sqrt(head_dim)) V over a cache in f16, bf16 or q8_0; one query
// (decode), or the causal attention of a prompt (prefill).
#include "kernels/attention/attention.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "benchmarks/check.h"
#include "benchmarks/fixture.h"
#include "benchmarks/measure.h"
#include "benchmarks/operands.h"
#include "benchmarks/stream_memory.h"
#include "benchmarks/suite.h"

namespace wattline::benchmarks {
namespace {

using kernels::AttentionShape;
using kernels::Format;

// Heads of llama-3.2-1b (32, 8, 64), llama-3-8b (32, 8, 128) and llama-2-7b (32, 32, 128).
struct Heads {
  int64_t heads;
  int64_t kv_heads;
  int64_t head_dim;
  bool in_default;
};
constexpr Heads kHeads[] = {{32, 8, 64, true}, {32, 8, 128, true}, {32, 32, 128, false}};

// Positions.
constexpr Choice<int64_t> kContexts[] = {
    {512, true}, {4096, true}, {16384, false}, {32768, false}, {131072, false}};
constexpr Choice<int64_t> kPrompts[] = {{128, false}, {512, true}, {2048, false}, {8192, false}};

constexpr Choice<Format> kCacheFormats[] = {
    {Format::kF16, true}, {Format::kBF16, false}, {Format::kQ8_0, false}};

struct AttentionRow {
  kernels::Buffer<float> q;
  struct Cache {
    kernels::RawBuffer k;
    kernels::RawBuffer v;
    std::unique_ptr<kernels::Work> work;
  };
  std::vector<Cache> caches;
  size_t next = 0;
  Checked checked;
};

std::shared_ptr<AttentionRow> Prepare(Suite& suite, const kernels::Backend& backend,
                                      const AttentionShape& shape, Format format) {
  auto row = std::make_shared<AttentionRow>();
  const int64_t capacity = shape.start + shape.tokens;
  const int64_t rows = shape.kv_heads * capacity;
  row->q = NormalValues(shape.tokens * shape.heads * shape.head_dim, 1, 5, suite.pool());
  const double cache_byte =
      2 * static_cast<double>(rows * kernels::RowByte(format, shape.head_dim));
  // Taken in turn, as the layers of a model are, so that the cache is cold.
  const auto cold_byte = static_cast<double>(BeyondCachesByte());
  const size_t caches = shape.tokens == 1 ? static_cast<size_t>(cold_byte / cache_byte) + 1 : 1;
  for (size_t i = 0; i < caches; ++i) {
    AttentionRow::Cache cache{CacheRows(format, rows, shape.head_dim, 2 * i + 1, suite.pool()),
                              CacheRows(format, rows, shape.head_dim, 2 * i + 2, suite.pool()),
                              nullptr};
    kernels::AttentionArgs c;
    c.shape = shape;
    c.q = row->q.data();
    c.k = cache.k.data();
    c.v = cache.v.data();
    c.format = format;
    c.capacity = capacity;
    kernels::MadeWork made = backend.attention(backend, c, suite.pool());
    row->checked.error = made.why_not;
    if (!made.work) return row;
    cache.work = std::move(made.work);
    if (i == 0) {
      cache.work->Run();
      row->checked = CheckAttention(c, cache.work->Result(), cache.work->RoundsTo());
      if (!row->checked.error.empty()) return row;
    }
    row->caches.push_back(std::move(cache));
  }
  return row;
}

void Run(benchmark::State& state, Suite& suite, const std::string& name,
         const kernels::Backend& backend, const AttentionShape& shape, Format format) {
  AttentionRow& row =
      suite.Keep<AttentionRow>(name, [&] { return Prepare(suite, backend, shape, format); });
  if (!row.checked.error.empty()) return Skip(state, row.checked.error);
  Measure(
      state, suite,
      RowCounts(backend, {.flop = kernels::AttentionFlop(shape),
                          .byte = kernels::AttentionByte(shape, format),
                          .peak = shape.tokens == 1 ? Peak::kNone
                                  : OnGpu(backend)  ? GpuPeak(format)
                                                    : Peak::kF32,
                          .streams = shape.tokens == 1,
                          .more = CountersOf(row.checked)}),
      [&row] {
        row.caches[row.next].work->Run();
        row.next = row.next + 1 < row.caches.size() ? row.next + 1 : 0;
      },
      row.caches[0].work->Kernel());
}

// Whether the backend takes such a cache, asked with a small one.
bool MakesFormat(const kernels::Backend& backend, Format format, kernels::ThreadPool& pool) {
  if (backend.attention == nullptr) return false;
  constexpr int64_t kDim = 64;
  const std::vector<float> q(kDim);
  const kernels::RawBuffer cache(static_cast<size_t>(kernels::RowByte(format, kDim)));
  kernels::AttentionArgs c;
  c.shape = {1, 0, 1, 1, kDim, true};
  c.q = q.data();
  c.k = c.v = cache.data();
  c.format = format;
  c.capacity = 1;
  return backend.attention(backend, c, pool).work != nullptr;
}

void RegisterShape(Suite& suite, const std::string& subject, const std::string& length,
                   const Heads& heads, Choice<Format> cache, AttentionShape shape,
                   std::vector<std::string> words) {
  const std::string format(kernels::Info(cache.value).name);
  if (!cache.in_default) words.push_back(format);
  shape.heads = heads.heads;
  shape.kv_heads = heads.kv_heads;
  shape.head_dim = heads.head_dim;
  if (!heads.in_default) words.push_back(fmt::format("kv_heads:{}", heads.kv_heads));
  for (const ShownBackend& shown : suite.backends()) {
    if (!MakesFormat(*shown.backend, cache.value, suite.pool())) continue;
    const std::string name =
        fmt::format("attention/{}/{}/heads:{}/kv_heads:{}/head_dim:{}/{}/{}", subject, format,
                    heads.heads, heads.kv_heads, heads.head_dim, length, shown.name);
    Register(
        suite, name,
        [&suite, name, &backend = *shown.backend, shape, cache](benchmark::State& state) {
          Run(state, suite, name, backend, shape, cache.value);
        },
        words);
  }
}

}  // namespace

void RegisterAttention(Suite& suite) {
  for (const Heads& heads : kHeads) {
    for (const Choice<Format>& cache : kCacheFormats) {
      for (const Choice<int64_t>& context : kContexts) {
        AttentionShape shape;
        shape.tokens = 1;
        shape.start = context.value - 1;
        const std::string length = fmt::format("ctx:{}", context.value);
        std::vector<std::string> words;
        if (!context.in_default) words.push_back(length);
        RegisterShape(suite, "single_query", length, heads, cache, shape, words);
      }
      for (const Choice<int64_t>& prompt : kPrompts) {
        AttentionShape shape;
        shape.tokens = prompt.value;
        const std::string length = fmt::format("tokens:{}", prompt.value);
        std::vector<std::string> words;
        if (!prompt.in_default) words.push_back(length);
        RegisterShape(suite, "causal", length, heads, cache, shape, words);
      }
    }
  }
}

}  // namespace wattline::benchmarks
