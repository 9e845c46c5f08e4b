// What a model keeps on its way through a file, whichever file that is.
#pragma once

#include <gtest/gtest.h>

#include "kernels/model/model.h"

namespace wattline::kernels {

inline void ExpectSameSizes(const ModelShape& got, const ModelShape& want) {
  EXPECT_EQ(got.layers, want.layers);
  EXPECT_EQ(got.model_dim, want.model_dim);
  EXPECT_EQ(got.ffn_dim, want.ffn_dim);
  EXPECT_EQ(got.heads, want.heads);
  EXPECT_EQ(got.kv_heads, want.kv_heads);
  EXPECT_EQ(got.head_dim, want.head_dim);
  EXPECT_EQ(got.vocab, want.vocab);
  EXPECT_EQ(got.context, want.context);
  EXPECT_EQ(got.rope_dim, want.rope_dim);
  EXPECT_EQ(got.rope_base, want.rope_base);
}

}  // namespace wattline::kernels
