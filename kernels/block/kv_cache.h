// Which rows a pass works on, where K and V of a layer lie, and seeded values for a cache.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "kernels/float16.h"
#include "kernels/random.h"

namespace wattline::kernels {

// `sequences` sequences get `count` tokens each, at positions start .. start + count - 1. Row
// s * count + i of a tensor is token i of sequence s.
struct TokenRows {
  int64_t sequences = 1;
  int64_t count = 0;
  int64_t start = 0;

  int64_t Rows() const { return sequences * count; }
};

// One layer's K (and V, the same shape): [sequences, kv_heads, capacity, head_dim].
struct KvLayout {
  int64_t kv_heads = 0;
  int64_t capacity = 0;
  int64_t head_dim = 0;

  int64_t SequenceElements() const { return kv_heads * capacity * head_dim; }
  int64_t Offset(int64_t sequence, int64_t kv_head, int64_t position) const {
    return ((sequence * kv_heads + kv_head) * capacity + position) * head_dim;
  }
};

enum class KvKind : uint8_t { kK, kV };

// Which vector of a cache: the same address gives the same values in every backend.
struct KvAddress {
  int64_t layer = 0;
  int64_t sequence = 0;
  int64_t kv_head = 0;
  int64_t position = 0;
  KvKind kind = KvKind::kK;
};

// Calls put(i, f16 bits) for each element of one head's vector: mean 0, variance 1, the size of
// normalised activations, rounded to f16 so that a double cache holds exactly the same numbers.
template <typename Put>
void RandomKv(uint64_t seed, KvAddress a, int64_t head_dim, Put put) {
  // Address and seed through one generator step each, so that neighbours share no stream.
  uint64_t state = Random(seed).Next();
  for (int64_t part : {a.layer, a.sequence, a.kv_head, a.position, static_cast<int64_t>(a.kind)}) {
    state = Random(state ^ static_cast<uint64_t>(part)).Next();
  }
  Random random(state);
  for (int64_t i = 0; i < head_dim; ++i) put(i, F16FromFloat(random.Normal()));
}

}  // namespace wattline::kernels
