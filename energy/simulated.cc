#include "energy/simulated.h"

#include <algorithm>
#include <cmath>

namespace wattline::energy {
namespace {

MeterInfo InfoOf(const std::vector<SimulatedCounter>& counters) {
  MeterInfo info;
  info.name = "simulated";
  info.kind = Kind::kCounter;
  info.note = "no real energy";
  info.lsb_j = 0;
  for (const SimulatedCounter& counter : counters) {
    info.domains.push_back({counter.name, "simulated", counter.parts});
    info.domains.back().may_rest = counter.may_rest;
    info.domains.back().in_total = counter.in_total;
    if (counter.expected_tick_s) info.expected_tick_s = counter.expected_tick_s;
    if (!counter.stamped) info.most_delay_s = std::max(info.most_delay_s, counter.delay_s);
    info.lsb_j = std::max(*info.lsb_j, counter.lsb_j);
  }
  return info;
}

}  // namespace

void SimulatedClock::Advance(double seconds) { now_ = Later(now_, seconds); }

SimulatedMachine::SimulatedMachine(Clock& clock, double watts) : clock_(clock) {
  changes_.push_back({clock_.Now(), 0, watts});
}

void SimulatedMachine::SetPower(double watts) {
  const TimePoint now = clock_.Now();
  changes_.push_back({now, JoulesAt(now), watts});
}

const SimulatedMachine::Change& SimulatedMachine::LatestChange(TimePoint at) const {
  auto change = std::upper_bound(changes_.begin(), changes_.end(), at,
                                 [](TimePoint t, const Change& c) { return t < c.at; });
  if (change != changes_.begin()) --change;
  return *change;
}

double SimulatedMachine::JoulesAt(TimePoint at) const {
  const Change& change = LatestChange(at);
  return change.joules + change.watts * SecondsBetween(change.at, at);
}

double SimulatedMachine::WattsAt(TimePoint at) const { return LatestChange(at).watts; }

SimulatedSensor::Shown SimulatedSensor::Read(TimePoint at) const {
  const double since_s = SecondsBetween(start, at) - phase_s;
  const TimePoint updated = Later(start, std::floor(since_s / update_s) * update_s + phase_s);
  return {machine->WattsAt(updated), updated};
}

SimulatedMeter::SimulatedMeter(std::vector<SimulatedCounter> counters, Clock& clock,
                               SimulatedClock* moved, double read_cost_s)
    : Meter(InfoOf(counters)),
      counters_(std::move(counters)),
      clock_(clock),
      moved_(moved),
      read_cost_s_(read_cost_s),
      start_(clock.Now()) {}

Reading SimulatedMeter::Read() {
  ++reads_;
  Reading reading;
  reading.before = clock_.Now();
  if (moved_) moved_->Advance(read_cost_s_ / 2);
  const TimePoint at = std::min(clock_.Now(), frozen_at_.value_or(TimePoint::max()));
  for (const SimulatedCounter& counter : counters_) {
    // Ticks are at start + phase + k tick, k any integer.
    const double since_s = SecondsBetween(start_, at) - counter.delay_s - counter.phase_s;
    const double tick_s = std::floor(since_s / counter.tick_s) * counter.tick_s + counter.phase_s;
    const TimePoint tick = Later(start_, tick_s);
    const double true_j = counter.machine->JoulesAt(tick);
    std::optional<Value> shown =
        Value{.joules = std::floor(true_j / counter.lsb_j) * counter.lsb_j};
    if (counter.stamped) shown->published = tick;
    if (broken_) shown.reset();
    reading.values.push_back(shown);
  }
  if (moved_) moved_->Advance(read_cost_s_ / 2);
  reading.after = clock_.Now();
  reading.generation = generation_;
  return reading;
}

}  // namespace wattline::energy
