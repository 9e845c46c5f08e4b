// A window of time and the energy spent in it, with the half-width of its bound.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "energy/clock.h"
#include "energy/meter.h"

namespace wattline::energy {

// A counter's value is the true energy, up to its step, at some instant in this interval. It is as
// short as the detection of a tick where one was caught, and a whole tick where the counter was
// merely read. In seconds after the work began.
struct Edge {
  double earliest_s = 0;
  double latest_s = 0;
};

struct Bounded {
  double joules = 0;
  double err_j = 0;  // the true value lies within joules +- err_j
};

// The energy of work that ran from 0 to `work_s`, from what a counter gained between two edges.
// Pieces that the edges add to the work, or cut from it, are corrected. Their power is taken to lie
//   outside the work: between that of the work and `after_w`, the mean power watched right after it
//     (0 where it was not watched): power settles from the one to the other;
//   inside the work, in a cut piece, which is one tick long at most: the work's mean.
Bounded WorkEnergy(double gained_j, Edge begin, Edge end, double work_s, double lsb_j,
                   std::optional<double> after_w);

struct DomainEnergy {
  std::string name;
  Bounded energy;
};

struct WindowEnergy {
  double elapsed_s = 0;  // of the work, by the steady clock; there without any meter too
  // Sum over the domains; absent as soon as one of them is, since a part is not the whole.
  std::optional<Bounded> total;
  std::vector<DomainEnergy> domains;  // those that were readable throughout
  // Shorter than kFewTicks ticks of the slowest meter: too short to be trusted.
  bool short_window = false;
};
inline constexpr double kFewTicks = 20;

// A tick is waited for where it comes at least this often; 5 ms and then 10 ms beside a window of
// half a second would be 3 % of the time, RAPL's 1 ms is 0.6 %.
inline constexpr double kAlignableTick_s = 0.005;

// The meters that are in use, none of whose domains overlaps another's.
struct MeterSet {
  std::vector<std::unique_ptr<Meter>> meters;  // each with its behaviour set

  // "cpu", "dram" ...: the domains of all meters, in order.
  std::vector<std::string> DomainNames() const;
};

// Begin(), then the work, then End(); again as often as wanted. Without meters it is a stopwatch.
class Window {
 public:
  // `meters` may be null. Both outlive the window.
  explicit Window(const MeterSet* meters, Clock& clock = RealClock());

  // Returns right after a tick of the first meter that ticks often enough: the work starts now.
  void Begin();
  // The work has ended: takes the time first, then waits for two more ticks of that meter.
  WindowEnergy End();

  // A counter's value and the interval in which it was the true energy.
  struct Caught {
    double joules = 0;
    TimePoint earliest;
    TimePoint latest;
  };
  // What is known of one meter at one end of the window, one entry per domain.
  struct Catch {
    std::vector<std::optional<Caught>> edges;
    std::vector<std::optional<double>> after_w;
    uint32_t generation = 0;
  };

 private:
  const MeterSet* meters_;
  Clock& clock_;
  size_t aligned_;  // index of the meter that is waited for; the number of meters where none is
  TimePoint begin_;
  std::vector<Catch> starts_;
};

}  // namespace wattline::energy
