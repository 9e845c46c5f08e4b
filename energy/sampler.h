// Reads the chosen meters all along: now and then while work runs, without pause where a tick is to
// be caught. One background thread for a process.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "energy/clock.h"
#include "energy/meter.h"
#include "energy/track.h"

namespace wattline::energy {

// Mean power of one domain between two instants at which its counter was known.
struct Segment {
  TimePoint begin;
  TimePoint end;
  double watts = 0;
};

// A row of the time series.
struct TraceRow {
  std::string_view meter;
  std::string_view domain;
  Segment segment;
  std::string_view phase;  // as given to SetPhase()
  std::string_view work;
};

struct SamplerOptions {
  // How often a meter is read while work runs: peaks and the trace are this fine. A read of RAPL
  // costs about 10 us, 0.02 % of one core's time.
  double interval_s = 0.05;
  // A dear meter is read less often: no more than this share of one core's time. Where threads
  // wait for each other, what one core loses all of them lose: with 2 % the 2.4 ms that NVML takes
  // in a virtual machine slowed work on 16 cores by 7 % (quartiles -1 and 18 %).
  double most_share = 0.005;
  std::function<void(const TraceRow&)> trace;
};

// A meter that ticks at least this often is waited for by the caller itself, outside its work: two
// ticks of 5 ms beside a window of half a second are 2 % of the time, RAPL's of 1 ms are 0.4 %.
// Slower ones are watched by the background thread while the work goes on.
inline constexpr double kFastTick_s = 0.005;

class Sampler {
 public:
  // `meters` and `clock` outlive it. No thread yet: a simulation calls Step() itself.
  explicit Sampler(MeterSet& meters, Clock& clock = RealClock(), SamplerOptions options = {});
  ~Sampler();
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  void StartThread();
  // While held, the background thread reads nothing: to see what its reading costs.
  void Hold(bool held);
  // Reads the meters that are due. Returns when the next one is.
  TimePoint Step();

  // Calls `work` again and again until slow meters have ticked, or had time enough. Returns how
  // often. Without slow meters it is not called.
  int64_t CatchSlow(const std::function<void()>& work);
  // The background thread is to catch the next tick of slow meters. Returns at once.
  void ExpectSlow();
  // Reads slow meters until each has ticked twice, or had time enough. The caller does nothing
  // else.
  void CatchSlowIdle();
  // Reads each fast meter until it has ticked `ticks` times, and returns right after that; 0 reads
  // once. Meters that were never read are read.
  void CatchFast(int ticks);

  // What follows is "prefill", "decode" ..., of a work that has a name: the trace's last columns.
  void SetPhase(std::string phase, std::string work);

  Clock& clock() const { return clock_; }
  bool traces() const { return static_cast<bool>(options_.trace); }
  const MeterSet& meters() const { return meters_; }
  // Slowest tick of the meters, 0 without any.
  double SlowestTick() const;
  // Of each meter: changes when a counter was lost.
  std::vector<uint32_t> Generations();
  // A copy of what is known of all meters, those edges since `since` and one before.
  std::vector<Track> TracksSince(TimePoint since);

 private:
  struct Entry {
    Entry(Meter& of, TimePoint now)
        : meter(&of),
          track(of.info()),
          due(now),
          waiting_since(now),
          rest_until(now),
          rested_on(now) {}
    Meter* meter;
    Track track;
    TimePoint due;
    size_t wanted = 0;  // ticks since `waiting_since`; 0: nobody waits
    TimePoint waiting_since;
    TimePoint rest_until;  // a slow counter's ticks are not looked for before
    TimePoint rested_on;   // the tick after which that was decided
    double spent_s = 0;    // in reading since then
  };

  void Read(Entry& entry);  // with the lock held
  void Schedule(Entry& entry);
  // A row for each domain whose stretch since the last row is at least so long.
  void Trace(Entry& entry, double least_s);
  bool Reached(const Entry& entry) const;
  void Run();

  MeterSet& meters_;
  Clock& clock_;
  SamplerOptions options_;
  std::vector<Entry> entries_;
  std::string phase_;
  std::string work_;
  std::vector<std::vector<std::optional<Edge>>> traced_;  // the edge of the last row, per domain
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  bool held_ = false;
  std::thread thread_;
};

// How fast one meter can be caught.
bool IsFast(const MeterInfo& info);

}  // namespace wattline::energy
