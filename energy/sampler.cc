#include "energy/sampler.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace wattline::energy {
namespace {

// How long a tick is waited for: past that the counter stands still. The time is for systems whose
// counter is published by a thread that may lose its CPU for a while.
constexpr double kPatience_ticks = 4;
constexpr double kPatience_s = 0.02;
// Edges are kept this long, and in any case since the window's begin, which Trim() is not told: an
// hour of RAPL at 20 edges a second is 5 MB.
constexpr double kKept_s = 3600;

// A slow counter is read this often when its tick is due: a bound of 0.4 ms beside windows of half
// a second, for 2 % of a core while it lasts.
constexpr double kLookApart_s = 0.0002;
constexpr double kLookForStamp_s = 0.01;
constexpr double kGuard_s = 0.002;
constexpr double kLongestWait_s = 1;
constexpr double kSharp = 0.1;

double Patience(const MeterInfo& info) {
  return std::max(kPatience_s, kPatience_ticks * info.behaviour->longest_tick_s);
}

std::optional<Edge> LastEdge(const Track& track, size_t domain) {
  if (track.edges(domain).empty()) return std::nullopt;
  return track.edges(domain).back();
}

}  // namespace

// A counter that moves with every read (IOReport's before macOS 27) was watched with a tick as long
// as its read: it ticks at least as often, and two such ticks are three reads.
bool IsFast(const MeterInfo& info) {
  const std::optional<Behaviour>& b = info.behaviour;
  return info.kind != Kind::kSampled && b && b->tick_s <= kFastTick_s;
}

Sampler::Sampler(MeterSet& meters, Clock& clock, SamplerOptions options)
    : meters_(meters), clock_(clock), options_(std::move(options)) {
  for (const auto& meter : meters_.meters) {
    entries_.emplace_back(*meter, clock_.Now());
    traced_.emplace_back(meter->info().domains.size());
  }
}

Sampler::~Sampler() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Sampler::StartThread() {
  if (entries_.empty() || thread_.joinable()) return;
  thread_ = std::thread([this] { Run(); });
}

void Sampler::Run() {
  while (true) {
    const TimePoint due = Step();
    std::unique_lock<std::mutex> lock(mutex_);
    if (stop_) return;
    if (due <= clock_.Now()) continue;
    changed_.wait_until(lock, std::min(due, Later(clock_.Now(), kLongestWait_s)));
    if (stop_) return;
  }
}

void Sampler::Hold(bool held) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    held_ = held;
  }
  changed_.notify_all();
}

TimePoint Sampler::Step() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (held_) return TimePoint::max();
  TimePoint next = TimePoint::max();
  for (Entry& e : entries_) {
    if (e.due <= clock_.Now()) {
      Read(e);
      Schedule(e);
    }
    next = std::min(next, e.due);
  }
  return next;
}

void Sampler::Read(Entry& e) {
  e.track.Feed(e.meter->Read());
  e.spent_s += SecondsBetween(e.track.last_before(), e.track.last_after());
  e.track.Trim(Later(e.track.last_after(), -kKept_s));
  // Ticks that are caught one by one are put together.
  if (options_.trace) Trace(e, 0.9 * options_.interval_s);
}

void Sampler::Schedule(Entry& e) {
  const MeterInfo& info = e.meter->info();
  const Behaviour& b = *info.behaviour;
  const TimePoint now = clock_.Now();
  const bool hungry = !Reached(e);
  const double pause_s = std::max(options_.interval_s, b.read_cost_s / options_.most_share);
  if (info.kind == Kind::kSampled) {
    e.due = Later(now, hungry ? std::min(pause_s, b.tick_s / 4) : pause_s);
    return;
  }
  const Edge* last = e.track.last();
  if (IsFast(info) || !last || (!hungry && SecondsBetween(last->latest, now) > Patience(info))) {
    e.due = Later(now, pause_s);
    return;
  }
  // Sharp enough to rest on, and to tell when the next ones come: ticks keep their period to a few
  // milliseconds.
  const bool sharp = SecondsBetween(last->earliest, last->latest) <=
                     std::max(kSharp * b.tick_s, 3 * b.read_cost_s);
  // Where no sharp one comes in two ticks, none is looked for in vain all along.
  const bool in_vain = !hungry && SecondsBetween(e.rest_until, now) > 2 * b.longest_tick_s;
  if ((sharp && last->latest > e.rested_on) || in_vain) {
    e.rested_on = last->latest;
    e.rest_until = Later(now, std::max(options_.interval_s, e.spent_s / options_.most_share));
    e.spent_s = 0;
  }
  TimePoint from = hungry ? e.waiting_since : e.rest_until;
  if (sharp) {
    const double guard_s = std::max(kGuard_s, b.longest_tick_s - b.tick_s + 2 * b.read_cost_s);
    // The tick that was just seen is not looked for again.
    const double since_s = std::max(guard_s, SecondsBetween(last->latest, from));
    const double periods = std::ceil((since_s - guard_s) / b.tick_s);
    from = std::max(from, Later(last->earliest, std::max(1.0, periods) * b.tick_s - guard_s));
  }
  // What tells when it was published need not be caught in the act.
  const bool stamped = last->earliest == last->latest;
  e.due = std::max(from, Later(now, stamped ? kLookForStamp_s : kLookApart_s));
}

void Sampler::Trace(Entry& e, double least_s) {
  const size_t index = static_cast<size_t>(&e - entries_.data());
  for (size_t d = 0; d < traced_[index].size(); ++d) {
    if (e.meter->info().domains[d].frozen) continue;
    std::optional<Edge>& from = traced_[index][d];
    const std::optional<Edge> to = LastEdge(e.track, d);
    if (!to || !from || to->joules < from->joules) {
      from = to;
      continue;
    }
    const double apart_s = SecondsBetween(from->Middle(), to->Middle());
    if (!(apart_s > least_s)) continue;
    const Segment segment{from->Middle(), to->Middle(), (to->joules - from->joules) / apart_s};
    options_.trace({e.meter->info().name, e.meter->info().domains[d].name, segment, phase_, work_});
    from = to;
  }
}

bool Sampler::Reached(const Entry& e) const {
  if (e.wanted == 0) return true;
  const MeterInfo& info = e.meter->info();
  if (info.kind == Kind::kSampled) {
    // What it shows has been updated since the work began.
    const double old_s = static_cast<double>(e.wanted) * info.behaviour->longest_tick_s;
    return e.track.last_before() >= Later(e.waiting_since, old_s);
  }
  return e.track.TicksAfter(e.waiting_since) >= e.wanted;
}

void Sampler::ExpectSlow() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (Entry& e : entries_) {
      if (IsFast(e.meter->info())) continue;
      e.wanted = 1;
      e.waiting_since = e.due = clock_.Now();
    }
  }
  changed_.notify_all();
}

int64_t Sampler::CatchSlow(const std::function<void()>& work) {
  ExpectSlow();
  const TimePoint start = clock_.Now();
  double patience_s = 0;
  for (const Entry& e : entries_) {
    if (!IsFast(e.meter->info())) patience_s = std::max(patience_s, Patience(e.meter->info()));
  }
  if (patience_s == 0) return 0;
  // While the background thread reads a meter, milliseconds of a dear one, the work goes on:
  // waiting for it made the work of a GPU pause for 2 to 3 ms after each call, and 3.5 % slower
  // over 0.8 s.
  const auto waiting = [this] {
    const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
    return !lock.owns_lock() || std::any_of(entries_.begin(), entries_.end(),
                                            [this](const Entry& e) { return !Reached(e); });
  };
  int64_t calls = 0;
  while (waiting() && SecondsBetween(start, clock_.Now()) < patience_s) {
    work();
    ++calls;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  for (Entry& e : entries_) e.wanted = 0;
  return calls;
}

void Sampler::CatchFast(int ticks) {
  // Held throughout: the background thread would only read in between.
  const std::lock_guard<std::mutex> lock(mutex_);
  for (Entry& e : entries_) {
    if (!IsFast(e.meter->info())) {
      if (!e.track.started()) Read(e);
      continue;
    }
    Read(e);
    const TimePoint start = clock_.Now();
    const double patience_s = Patience(e.meter->info());
    while (e.track.TicksAfter(start) < static_cast<size_t>(ticks) &&
           SecondsBetween(start, clock_.Now()) < patience_s) {
      Read(e);
    }
    Schedule(e);
  }
}

void Sampler::CatchSlowIdle() {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (Entry& e : entries_) {
    if (IsFast(e.meter->info())) continue;
    Read(e);
    const TimePoint start = clock_.Now();
    const double patience_s = Patience(e.meter->info());
    e.waiting_since = start;
    e.wanted = 2;
    while (!Reached(e) && SecondsBetween(start, clock_.Now()) < patience_s) {
      Schedule(e);
      const double pause_s = SecondsBetween(clock_.Now(), e.due);
      if (pause_s > 0) clock_.Sleep(pause_s);
      Read(e);
    }
    e.wanted = 0;
    Schedule(e);
  }
}

void Sampler::SetPhase(std::string phase, std::string work) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (options_.trace) {
    // What the old phase has drawn so far is its own; a slow meter's next tick holds both.
    for (Entry& e : entries_) {
      if (!IsFast(e.meter->info())) continue;
      Read(e);
      Trace(e, 2 * e.meter->info().behaviour->tick_s);
    }
  }
  phase_ = std::move(phase);
  work_ = std::move(work);
}

double Sampler::SlowestTick() const {
  double slowest_s = 0;
  for (const Entry& e : entries_) {
    slowest_s = std::max(slowest_s, e.meter->info().behaviour->tick_s);
  }
  return slowest_s;
}

std::vector<uint32_t> Sampler::Generations() {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<uint32_t> generations;
  for (const Entry& e : entries_) generations.push_back(e.track.generation());
  return generations;
}

std::vector<Track> Sampler::TracksSince(TimePoint since) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<Track> tracks;
  for (Entry& e : entries_) {
    tracks.push_back(e.track.Since(since));
  }
  return tracks;
}

}  // namespace wattline::energy
