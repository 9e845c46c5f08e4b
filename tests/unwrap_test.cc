// Counters of limited range: hours over many wraps, being set back, resting, too long a pause.
#include "energy/unwrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "energy/simulated.h"

namespace wattline::energy::unwrap_test {
namespace {

// What the kernel shows of a 32-bit register: range = (2^32 - 1) steps, cut to microjoules.
struct Register {
  uint64_t range_uj;
  double step_uj;
  uint64_t modulus_uj() const { return range_uj + range_uj / 0xffffffffu; }
  uint64_t Show(double true_uj) const {
    const double steps = std::fmod(std::floor(true_uj / step_uj), 4294967296.0);
    return static_cast<uint64_t>(steps * step_uj);
  }
};
constexpr Register kClient = {262143328850, 61.035};  // Intel client chips
constexpr Register kServer = {65532610987, 15.258};   // AMD, and DRAM of Intel servers
constexpr double kHighest_uw = 1e9;

// Power that wanders between 20 and 980 W, for `hours`, read every `apart_s`. Returns the error.
double ErrorAfterHours_uj(const Register& reg, double hours, double apart_s) {
  SimulatedClock clock;
  Unwrapper unwrapper(reg.modulus_uj(), kHighest_uw);
  const double start_uj = 0.9 * static_cast<double>(reg.range_uj);
  double true_uj = start_uj;
  unwrapper.Next(reg.Show(true_uj), clock.Now());
  Unwrapper::Gained gained;
  int wraps = 0;
  uint64_t last = reg.Show(true_uj);
  for (double t_s = 0; t_s < hours * 3600; t_s += apart_s) {
    true_uj += (500 + 480 * std::sin(t_s / 97)) * 1e6 * apart_s;
    clock.Advance(apart_s);
    const uint64_t shown = reg.Show(true_uj);
    wraps += shown < last;
    last = shown;
    gained = unwrapper.Next(shown, clock.Now());
    if (!gained.known) return std::nan("");
  }
  EXPECT_GT(wraps, hours * 3600 * 400e6 / static_cast<double>(reg.range_uj) - 1);
  // The modulus is short by less than 1 uJ at each wrap, and both ends are cut to a step.
  EXPECT_LT(std::abs(static_cast<double>(gained.total) - (true_uj - start_uj)),
            wraps + 2 * (reg.step_uj + 1));
  return static_cast<double>(gained.total) - (true_uj - start_uj);
}

TEST(UnwrapperTest, CountIsKeptForHoursOverManyWraps) {
  for (const Register& reg : {kClient, kServer}) {
    // 0.05 s: a background thread. 5 s: one that is held up again and again.
    EXPECT_FALSE(std::isnan(ErrorAfterHours_uj(reg, 6, 0.05)));
    EXPECT_FALSE(std::isnan(ErrorAfterHours_uj(reg, 48, 5)));
    EXPECT_FALSE(std::isnan(ErrorAfterHours_uj(reg, 48, 60)));
  }
}

TEST(UnwrapperTest, AWrapAddsTheModulus) {
  SimulatedClock clock;
  Unwrapper unwrapper(kClient.modulus_uj(), kHighest_uw);
  unwrapper.Next(kClient.range_uj - 1'000'000, clock.Now());
  clock.Advance(0.05);
  const Unwrapper::Gained gained = unwrapper.Next(2'000'000, clock.Now());
  EXPECT_TRUE(gained.known);
  EXPECT_EQ(gained.total, 3'000'061u);
}

TEST(UnwrapperTest, ADecreaseThatNoPowerExplainsIsNoWrap) {
  for (const Register& reg : {kClient, kServer}) {
    for (const double level : {1e-6, 0.01, 0.5, 0.9, 0.98}) {
      SimulatedClock clock;
      Unwrapper unwrapper(reg.modulus_uj(), kHighest_uw);
      const auto last = static_cast<uint64_t>(level * static_cast<double>(reg.range_uj));
      unwrapper.Next(last, clock.Now());
      clock.Advance(0.05);
      EXPECT_TRUE(unwrapper.Next(last + 5'000'000, clock.Now()).known);
      clock.Advance(0.05);
      const Unwrapper::Gained set_back = unwrapper.Next(0, clock.Now());
      EXPECT_FALSE(set_back.known) << level;
      EXPECT_EQ(set_back.total, 5'000'000u);
      // From there on it counts again.
      clock.Advance(0.05);
      const Unwrapper::Gained after = unwrapper.Next(4'000'000, clock.Now());
      EXPECT_TRUE(after.known);
      EXPECT_EQ(after.total, 9'000'000u);
    }
  }
}

TEST(UnwrapperTest, ACounterSetBackAfterALongRestIsNoWrap) {
  SimulatedClock clock;
  Unwrapper unwrapper(kServer.modulus_uj(), kHighest_uw);
  for (int read = 0; read < 10'000; ++read) {
    EXPECT_TRUE(unwrapper.Next(30'000'000'000, clock.Now()).known);
    clock.Advance(0.05);
  }
  EXPECT_FALSE(unwrapper.Next(0, clock.Now()).known);
}

TEST(UnwrapperTest, ALongRestUnderWatchLosesNothing) {
  // Graphics that is switched off for ten minutes, while the range is one of 65 s.
  SimulatedClock clock;
  Unwrapper unwrapper(kServer.modulus_uj(), kHighest_uw);
  for (int read = 0; read < 12'000; ++read) {
    EXPECT_TRUE(unwrapper.Next(1'000'000, clock.Now()).known);
    clock.Advance(0.05);
  }
  const Unwrapper::Gained gained = unwrapper.Next(1'500'000, clock.Now());
  EXPECT_TRUE(gained.known);
  EXPECT_EQ(gained.total, 500'000u);
}

TEST(UnwrapperTest, WithoutAModulusADecreaseIsUnknownAndAPauseIsNot) {
  SimulatedClock clock;
  Unwrapper unwrapper(std::nullopt, kHighest_uw);
  unwrapper.Next(5'000'000, clock.Now());
  clock.Advance(3600);
  const Unwrapper::Gained gained = unwrapper.Next(100'000'000'000, clock.Now());
  EXPECT_TRUE(gained.known);
  EXPECT_EQ(gained.total, 99'995'000'000u);
  clock.Advance(0.05);
  EXPECT_FALSE(unwrapper.Next(0, clock.Now()).known);
}

TEST(UnwrapperTest, ALastValueBeyondTheRangeIsNoStartOfAWrap) {
  SimulatedClock clock;
  Unwrapper unwrapper(1000, 1e9);
  unwrapper.Next(5000, clock.Now());
  clock.Advance(0.05);
  EXPECT_FALSE(unwrapper.Next(1, clock.Now()).known);
}

TEST(UnwrapperTest, APauseInWhichTheCounterMayHaveWrappedTwiceIsUnknown) {
  // 262 kJ at up to 1000 W: one more round takes 262 s.
  SimulatedClock clock;
  Unwrapper unwrapper(kClient.modulus_uj(), kHighest_uw);
  EXPECT_TRUE(unwrapper.Next(0, clock.Now()).known);
  clock.Advance(250);
  const Unwrapper::Gained near = unwrapper.Next(1'000'000, clock.Now());
  EXPECT_TRUE(near.known);
  EXPECT_EQ(near.total, 1'000'000u);
  clock.Advance(300);
  const Unwrapper::Gained far = unwrapper.Next(2'000'000, clock.Now());
  EXPECT_FALSE(far.known);
  EXPECT_EQ(far.total, 1'000'000u);
}

TEST(UnwrapperTest, AnAbsurdGainIsUnknown) {
  SimulatedClock clock;
  Unwrapper unwrapper(kClient.modulus_uj(), kHighest_uw);
  unwrapper.Next(0, clock.Now());
  clock.Advance(0.1);
  EXPECT_FALSE(unwrapper.Next(5'000'000'000, clock.Now()).known);
}

TEST(UnwrapperTest, ASlowTickMayGainInOneReadWhatTheTimeSinceTheLastTickAllows) {
  SimulatedClock clock;
  Unwrapper unwrapper(kClient.modulus_uj(), kHighest_uw);
  unwrapper.Next(0, clock.Now());
  for (int read = 0; read < 1000; ++read) {
    clock.Advance(0.01);
    EXPECT_TRUE(unwrapper.Next(0, clock.Now()).known);
  }
  // 8 kJ after 10 s without a tick, read 10 ms after the read before.
  EXPECT_TRUE(unwrapper.Next(8'000'000'000, clock.Now()).known);
}

}  // namespace
}  // namespace wattline::energy::unwrap_test
