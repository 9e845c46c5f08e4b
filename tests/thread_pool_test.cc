// The thread pool: every thread runs, barriers order memory, a parked pool wakes.
#include "kernels/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#include "kernels/cpu/pin.h"

namespace wattline::kernels::thread_pool_test {
namespace {

class ThreadPoolTest : public testing::TestWithParam<int> {};

TEST_P(ThreadPoolTest, EveryThreadRunsOncePerCall) {
  ThreadPool pool(GetParam());
  std::vector<int> calls(static_cast<size_t>(GetParam()), 0);
  for (int round = 0; round < 300; ++round) {
    pool.Run([&](Worker& w) { ++calls[static_cast<size_t>(w.slice().index)]; });
  }
  for (int count : calls) EXPECT_EQ(count, 300);
}

TEST_P(ThreadPoolTest, WhatWasWrittenBeforeABarrierIsSeenAfterIt) {
  ThreadPool pool(GetParam());
  const auto size = static_cast<size_t>(GetParam());
  std::vector<int64_t> cells(size, 0);
  std::atomic<int> wrong{0};
  pool.Run([&](Worker& w) {
    const auto self = static_cast<size_t>(w.slice().index);
    for (int64_t round = 1; round <= 4000 / GetParam(); ++round) {
      cells[self] = round;
      w.Barrier();
      if (std::accumulate(cells.begin(), cells.end(), int64_t{0}) !=
          round * static_cast<int64_t>(size)) {
        ++wrong;
      }
      w.Barrier();
    }
  });
  EXPECT_EQ(wrong, 0);
}

TEST_P(ThreadPoolTest, AParkedPoolWakes) {
  ThreadPool pool(GetParam());
  std::atomic<int> ran{0};
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    pool.Run([&](Worker&) { ++ran; });
  }
  EXPECT_EQ(ran, 3 * GetParam());
}

// One thread comes late in turn, so that others spin, yield or park at every round of the barrier.
TEST_P(ThreadPoolTest, NobodyPassesABarrierBeforeTheLastHasCome) {
  ThreadPool pool(GetParam());
  std::atomic<int64_t> come{0};
  std::atomic<int> wrong{0};
  pool.Run([&](Worker& w) {
    for (int64_t round = 0; round < 60; ++round) {
      if (round % w.slice().count == w.slice().index) {
        std::this_thread::sleep_for(std::chrono::microseconds(round % 12 == 0  ? 12000
                                                              : round % 3 == 0 ? 400
                                                                               : 20));
      }
      ++come;
      w.Barrier();
      const int64_t now = come;
      // Of the next round, all but this thread may have come.
      if (now < (round + 1) * w.slice().count || now >= (round + 2) * w.slice().count) ++wrong;
    }
  });
  EXPECT_EQ(wrong, 0);
}

TEST_P(ThreadPoolTest, MeetingsCountsBarriersAndTheEndOfARun) {
  ThreadPool pool(GetParam());
  const uint32_t before = pool.meetings();
  pool.Run([&](Worker& w) {
    for (int i = 0; i < 5; ++i) w.Barrier();
  });
  EXPECT_EQ(pool.meetings() - before, GetParam() == 1 ? 0u : 6u);
}

INSTANTIATE_TEST_SUITE_P(Sizes, ThreadPoolTest, testing::Values(1, 2, 3, 7, 16));

TEST(ShareTest, SharesCoverEveryItemOnce) {
  for (int64_t items : {0, 1, 7, 64, 1000}) {
    for (int64_t grain : {1, 4, 32}) {
      for (int count : {1, 2, 3, 16}) {
        int64_t next = 0;
        for (int i = 0; i < count; ++i) {
          const Range range = Share(items, grain, {i, count});
          EXPECT_EQ(range.begin, next);
          EXPECT_LE(range.begin, range.end);
          if (range.end != items) {
            EXPECT_EQ(range.end % grain, 0);
          }
          next = range.end;
        }
        EXPECT_EQ(next, items);
      }
    }
  }
}

// A system with classes of threads, which new threads do not inherit by themselves.
thread_local ThreadClass of_this_thread = ThreadClass::kUnset;
constexpr ThreadClasses kClasses = {[](ThreadClass wanted) {
                                      of_this_thread = wanted;
                                      return true;
                                    },
                                    [] { return of_this_thread; }};

TEST(ThreadPoolClassTest, ThreadsTakeTheClassOfTheirPoolsMaker) {
  kClasses.set(ThreadClass::kEfficient);
  ReplaceThreadClasses(&kClasses);
  ThreadPool pool(3);
  ReplaceThreadClasses(nullptr);
  std::atomic<int> efficient{0};
  pool.Run([&efficient](Worker&) {
    if (of_this_thread == ThreadClass::kEfficient) ++efficient;
  });
  EXPECT_EQ(efficient, 3);
  kClasses.set(ThreadClass::kUnset);
}

TEST(ThreadPoolPinTest, APinThatTheSystemRefusesIsReported) {
  EXPECT_FALSE(ThreadPool(2, {100000}).pinned());
  EXPECT_FALSE(ThreadPool(2).pinned());
}

TEST(ThreadPoolPinTest, APoolThatIsPinnedRunsAndCanBeLetGo) {
  ThreadPool pool(2);
  pool.Pin({0});
  std::atomic<int> ran{0};
  pool.Run([&](Worker&) { ++ran; });
  pool.Unpin({0, 1});
  EXPECT_FALSE(pool.pinned());
  pool.Run([&](Worker&) { ++ran; });
  EXPECT_EQ(ran, 4);
}

}  // namespace
}  // namespace wattline::kernels::thread_pool_test
