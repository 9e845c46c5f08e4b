// The ends of samples that arrive late by unknown times.
#include "energy/sample_times.h"

#include <gtest/gtest.h>

#include <random>

#include "energy/simulated.h"

namespace wattline::energy::sample_times_test {
namespace {

using std::chrono::nanoseconds;

TEST(SampleTimesTest, TheTrueEndLiesWithinTheDoubtBeforeTheStamp) {
  std::mt19937_64 random(3);
  for (int run = 0; run < 200; ++run) {
    SimulatedClock clock;
    const TimePoint started = clock.Now();
    SampleTimes times(started);
    TimePoint end = started + nanoseconds(random() % 300'000'000);  // until the first one begins
    for (int sample = 0; sample < 200; ++sample) {
      const uint64_t elapsed_ns = 250'000'000 + random() % 20'000'000;
      end += nanoseconds(elapsed_ns);
      const TimePoint stamp = times.Next(elapsed_ns, end + nanoseconds(random() % 60'000'000));
      EXPECT_GE(stamp, end);
      EXPECT_LE(SecondsBetween(end, stamp), times.doubt_s() + 1e-9);
    }
  }
}

TEST(SampleTimesTest, OnePromptArrivalDatesTheSamplesAfterIt) {
  SimulatedClock clock;
  SampleTimes times(clock.Now());
  TimePoint end = clock.Now() + std::chrono::milliseconds(40);
  for (int sample = 0; sample < 30; ++sample) {
    end += std::chrono::milliseconds(250);
    const bool prompt = sample == 5;
    const TimePoint stamp =
        times.Next(250'000'000, end + std::chrono::milliseconds(prompt ? 1 : 45));
    EXPECT_NEAR(SecondsBetween(end, stamp), sample < 5 ? 0.045 : 0.001, 1e-9);
  }
  EXPECT_NEAR(times.doubt_s(), 0.041, 1e-9);
}

TEST(SampleTimesTest, GapsBetweenSamplesDoNotAddUpForEver) {
  SimulatedClock clock;
  SampleTimes times(clock.Now());
  TimePoint end = clock.Now();
  for (int sample = 0; sample < 5000; ++sample) {
    end += std::chrono::milliseconds(251);  // of which a millisecond is in no sample
    const TimePoint stamp = times.Next(250'000'000, end);
    EXPECT_GE(SecondsBetween(stamp, end), -1e-9);
    EXPECT_LE(SecondsBetween(stamp, end), 0.064);
  }
  EXPECT_GT(times.doubt_s(), 4.5);  // shows it
}

}  // namespace
}  // namespace wattline::energy::sample_times_test
