// Attention: laws and reference against hand-computed cases, kernels against the reference.
#include "kernels/attention/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/attention/attention_plan.h"
#include "kernels/float16.h"

namespace wattline::kernels {
namespace {

TEST(AttentionLawTest, CountsVisiblePairsOnly) {
  // 3 queries after 2 cached positions see 3 + 4 + 5 = 12 positions; 4 heads of 16.
  const AttentionShape causal{.tokens = 3, .start = 2, .heads = 4, .kv_heads = 2, .head_dim = 16};
  EXPECT_EQ(AttentionFlop(causal), 4.0 * 16 * 4 * 12);
  AttentionShape full = causal;
  full.causal = false;
  EXPECT_EQ(AttentionFlop(full), 4.0 * 16 * 4 * 15);
  // K and V: 2 heads x 5 positions x 16 x 2 bytes each; q and out: 3 x 4 x 16 x 4 bytes each.
  EXPECT_EQ(AttentionByte(causal), 2.0 * (2 * 5 * 16 * 2) + 2.0 * (3 * 4 * 16 * 4));
  EXPECT_EQ(AttentionByte(full), AttentionByte(causal));
}

// Two positions, K = e0 and 0, V = 1 and 5 everywhere: weights are sigmoid(q0 / 4) and its rest.
class AttentionReferenceTest : public testing::Test {
 protected:
  AttentionReferenceTest() : k_(2 * 3 * 16), v_(2 * 3 * 16, 0x7e00), q_(2 * 4 * 16) {
    for (size_t head = 0; head < 2; ++head) {
      uint16_t* k = k_.data() + head * 3 * 16;
      uint16_t* v = v_.data() + head * 3 * 16;
      k[0] = F16FromFloat(1);
      for (size_t d = 0; d < 16; ++d) v[d] = F16FromFloat(head == 0 ? 1.0f : 2.0f);
      for (size_t d = 0; d < 16; ++d) v[16 + d] = F16FromFloat(5);
    }
    for (size_t row = 0; row < 8; ++row) q_[row * 16] = 4 * std::log(3.0f);  // 3 to 1
  }
  // Capacity 3: the third position of each head is NaN and must not be read.
  AttentionArgs Args(bool causal) {
    return {.shape = {.tokens = 2, .heads = 4, .kv_heads = 2, .head_dim = 16, .causal = causal},
            .q = q_.data(),
            .k = k_.data(),
            .v = v_.data(),
            .capacity = 3};
  }
  std::vector<uint16_t> k_, v_;
  std::vector<float> q_;
};

TEST_F(AttentionReferenceTest, CausalQueriesSeeNoLaterPosition) {
  std::vector<double> out(2 * 4 * 16);
  AttentionReference(Args(true), out.data());
  for (size_t head = 0; head < 4; ++head) {
    const double first = head < 2 ? 1 : 2;  // heads 0, 1 share KV head 0
    for (size_t d = 0; d < 16; ++d) {
      EXPECT_DOUBLE_EQ(out[head * 16 + d], first);
      EXPECT_NEAR(out[(4 + head) * 16 + d], 0.75 * first + 0.25 * 5, 1e-7);
    }
  }
}

TEST_F(AttentionReferenceTest, FullQueriesSeeAllPositions) {
  std::vector<double> out(2 * 4 * 16);
  AttentionReference(Args(false), out.data());
  for (size_t row = 0; row < 8; ++row) {
    const double first = row % 4 < 2 ? 1 : 2;
    EXPECT_NEAR(out[row * 16 + 15], 0.75 * first + 0.25 * 5, 1e-7);
  }
}

TEST(AttentionPlanTest, SplitPiecesCoverEveryPositionOnceInSlotsOfTheirOwn) {
  for (int64_t kv_heads : {1, 3, 8}) {
    for (int64_t start : {0, 62, 63, 64, 1000}) {
      for (int count : {1, 2, 3, 5, 40}) {
        const AttentionShape s{.tokens = 1,
                               .start = start,
                               .heads = 2 * kv_heads,
                               .kv_heads = kv_heads,
                               .head_dim = 64};
        std::vector<int> used(static_cast<size_t>(kv_heads + count - 1));
        for (int64_t head = 0; head < kv_heads; ++head) {
          int64_t next = 0;
          const Range slices = SplitSlices(s, head, count);
          for (int i = 0; i < count; ++i) {
            const Range p = SplitPositions(s, head, {i, count});
            const Range heads = SplitHeads(s, {i, count});
            if (p.begin == p.end) continue;
            EXPECT_TRUE(slices.begin <= i && i < slices.end);
            EXPECT_TRUE(heads.begin <= head && head < heads.end);
            EXPECT_EQ(p.begin, next);
            next = p.end;
            EXPECT_EQ(++used[static_cast<size_t>(head + i)], 1);
          }
          EXPECT_EQ(next, start + 1);
        }
      }
    }
  }
}

TEST(AttentionPlanTest, TileUnitsCoverEveryQueryOnce) {
  for (int64_t kv_heads : {1, 3, 8}) {
    for (int64_t tokens : {5, 64, 500}) {
      for (int count : {1, 2, 5}) {
        const AttentionShape s{
            .tokens = tokens, .heads = 4 * kv_heads, .kv_heads = kv_heads, .head_dim = 64};
        std::vector<int> seen(static_cast<size_t>(kv_heads * tokens));
        for (int i = 0; i < count; ++i) {
          for (int64_t turn = 0;; ++turn) {
            const TileUnit unit = TileUnitOf(s, turn, {i, count});
            if (unit.tokens.begin == unit.tokens.end) break;
            for (int64_t t = unit.tokens.begin; t < unit.tokens.end; ++t) {
              ++seen[static_cast<size_t>(unit.kv_head * tokens + t)];
            }
          }
        }
        for (int times : seen) ASSERT_EQ(times, 1);
      }
    }
  }
}

}  // namespace
}  // namespace wattline::kernels
