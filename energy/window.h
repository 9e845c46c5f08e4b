// A window of time around some work, and the energy spent in it, with the half-width of its bound.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "energy/bound.h"
#include "energy/clock.h"
#include "energy/sampler.h"

namespace wattline::energy {

struct DomainEnergy {
  std::string name;
  bool in_total = true;
  Bounded energy;
};

struct WindowEnergy {
  double elapsed_s = 0;  // of the work, by the steady clock; there without any meter too
  // Sum over the domains of the total; absent as soon as one of them is: a part is not the whole.
  std::optional<Bounded> total;
  std::vector<DomainEnergy> domains;  // those that were readable throughout
  // Highest mean power of the total's domains over a stretch between two readings (about 50 ms, a
  // tick where that is longer).
  std::optional<double> peak_w;
  // Shorter than kFewTicks ticks of the slowest meter. How much that matters, the bound tells:
  // ticks that were caught bound a window of few of them narrowly.
  bool short_window = false;
  double paused_s = 0;  // between Pause() and Resume()
};
inline constexpr double kFewTicks = 20;

// How narrow the bound of the total is to be, and how long the window may become for that.
struct Goal {
  double error = 0.02;  // joules_err over joules
  double longest_s = 10;
};

// Begin(), then the work, then End(); again as often as wanted. Without a sampler it is a
// stopwatch.
class Window {
 public:
  // `sampler` may be null. It outlives the window.
  explicit Window(Sampler* sampler, Clock& clock = RealClock());

  // Returns right after a tick of the fast meters: the work starts now. `work`, where it is given,
  // is called again and again until slow ones have ticked too, so that the work's power has settled
  // and its edge is known.
  void Begin(const std::function<void()>* work = nullptr);
  // Begins without waiting for anything: for work that has started already.
  void BeginNow();

  // Time and energy from Pause() to Resume() are left out. A pause that is shorter than a meter's
  // tick widens the bound.
  void Pause();
  void Resume();

  // The work has ended. Waits for two more ticks of fast meters, and of slow ones if the window was
  // a few ticks long: then it is known what the idle tail up to the tick has cost.
  WindowEnergy End();
  // Goes on with `work`, which belongs to the window, until slow meters have ticked and the bound
  // is as narrow as `goal` asks. Sets how often it was called.
  WindowEnergy End(const std::function<void()>& work, const Goal& goal, int64_t* calls);

 private:
  struct Piece {
    TimePoint begin;
    TimePoint end;
  };
  WindowEnergy Evaluate();

  Sampler* sampler_;
  Clock& clock_;
  std::vector<Piece> pieces_;      // the last one has no end yet
  std::optional<TimePoint> warm_;  // since when the same work has been running before Begin()
  std::vector<uint32_t> generations_;
};

}  // namespace wattline::energy
