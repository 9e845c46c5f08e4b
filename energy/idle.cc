#include "energy/idle.h"

#include <algorithm>
#include <functional>

#include "energy/window.h"

namespace wattline::energy {

std::optional<IdlePower> MeasureIdle(Sampler& sampler) {
  constexpr double kSettle_s = 0.05;
  constexpr double kLeast_s = 0.2;
  constexpr double kMost_s = 4;
  constexpr double kStep_s = 0.005;
  Clock& clock = sampler.clock();
  clock.Sleep(kSettle_s);
  const std::function<void()> sleep = [&clock] { clock.Sleep(kStep_s); };
  const double wanted_s = std::min(kMost_s, std::max(kLeast_s, 3 * sampler.SlowestTick()));
  Window window(&sampler, clock);
  window.Begin(&sleep);
  const TimePoint begin = clock.Now();
  while (SecondsBetween(begin, clock.Now()) < wanted_s) sleep();
  int64_t calls = 0;
  const WindowEnergy energy = window.End(sleep, {.error = 1, .longest_s = wanted_s}, &calls);
  if (!energy.total || !(energy.elapsed_s > 0)) return std::nullopt;
  return IdlePower{energy.total->joules / energy.elapsed_s, energy.total->err_j / energy.elapsed_s};
}

}  // namespace wattline::energy
