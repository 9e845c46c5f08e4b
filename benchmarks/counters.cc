#include "benchmarks/counters.h"

#include <algorithm>
#include <cmath>

namespace wattline::benchmarks {
namespace {

using Value = std::optional<double>;

Value Over(Value a, Value b) {
  if (!a || !b || !(*b > 0)) return std::nullopt;
  return *a / *b;
}

Value Mean(Value a, Value b) {
  if (a && b) return (*a + *b) / 2;
  return a ? a : b;
}

Value Times(Value a, double factor) {
  if (!a) return std::nullopt;
  return *a * factor;
}

Value CeilingOf(Peak peak, const MeasuredCeilings& ceilings) {
  switch (peak) {
    case Peak::kF32:
      return ceilings.f32_flop_per_s;
    case Peak::kF16:
      return ceilings.f16_flop_per_s;
    case Peak::kBF16:
      return ceilings.bf16_flop_per_s;
    case Peak::kInt8:
      return ceilings.int8_op_per_s;
    case Peak::kNone:
      break;
  }
  return std::nullopt;
}

Value ReadOf(const std::optional<Ground>& ground) {
  if (!ground || !(ground->read_byte_per_s > 0)) return std::nullopt;
  return ground->read_byte_per_s;
}

// The rates of a row and the fractions of its ceilings, each absent where it cannot be known.
struct Fractions {
  Value flop_per_s, byte_per_s, mfu, mbu, mbu_ceiling;
};

Fractions FractionsOf(const Counts& counts, const Observed& o, const MeasuredCeilings& ceilings) {
  Fractions f;
  if (o.measured.iterations <= 0 || !(o.measured.elapsed_s > 0)) return f;
  const double time_s = o.measured.elapsed_s / static_cast<double>(o.measured.iterations);
  if (counts.flop > 0) f.flop_per_s = counts.flop / time_s;
  if (counts.byte > 0) f.byte_per_s = counts.byte / time_s;
  f.mfu = Over(f.flop_per_s, CeilingOf(counts.peak, ceilings));
  if (counts.streams) {
    const Value ground = Mean(ReadOf(o.before), ReadOf(o.after));
    f.mbu = Over(f.byte_per_s, ground ? ground : ceilings.read_byte_per_s);
    f.mbu_ceiling = Over(f.byte_per_s, ceilings.read_byte_per_s);
  }
  return f;
}

Value Believed(Value fraction) {
  return fraction && *fraction <= kMostFraction ? fraction : std::nullopt;
}

class Counters {
 public:
  void Put(const char* name, Value value) {
    if (value && std::isfinite(*value)) counters_[name] = *value;
  }
  std::map<std::string, double> Done() { return std::move(counters_); }

 private:
  std::map<std::string, double> counters_;
};

void PutGround(const Observed& o, Counters& counters) {
  counters.Put("ground_GB/s", Times(ReadOf(o.before), 1e-9));
  counters.Put("ground_end_GB/s", Times(ReadOf(o.after), 1e-9));
  const Ground none;
  const Ground& before = o.before ? *o.before : none;
  const Ground& after = o.after ? *o.after : none;
  counters.Put("round_trip_ns", Times(Mean(before.round_trip_s, after.round_trip_s), 1e9));
  counters.Put("barrier_ns", Times(Mean(before.barrier_s, after.barrier_s), 1e9));
  counters.Put("clock_GHz", Times(Mean(before.clock_hz, after.clock_hz), 1e-9));
  counters.Put("steal", after.steal_fraction);
  if (o.before && o.after) counters.Put("unsteady", Unsteady(before, after) ? 1.0 : 0.0);
}

// What is left of the joules without those that the idle machine would have drawn.
void PutNet(const Observed& o, double time_s, Counters& counters) {
  if (!o.idle_before && !o.idle_after) return;
  const energy::IdlePower& before = o.idle_before ? *o.idle_before : *o.idle_after;
  const energy::IdlePower& after = o.idle_after ? *o.idle_after : *o.idle_before;
  const double watts = (before.watts + after.watts) / 2;
  const double err_w =
      std::abs(after.watts - before.watts) / 2 + std::max(before.err_w, after.err_w);
  counters.Put("idle_watts", watts);
  if (!o.measured.joules || !o.measured.joules_err) return;
  counters.Put("net_joules", *o.measured.joules - watts * time_s);
  counters.Put("net_joules_err", *o.measured.joules_err + err_w * time_s);
}

}  // namespace

std::map<std::string, double> CountersOf(const Counts& counts, const Observed& o,
                                         const MeasuredCeilings& ceilings) {
  Counters counters;
  for (const auto& [name, value] : counts.more) counters.Put(name.c_str(), value);
  PutGround(o, counters);
  counters.Put("peak_GB", Times(o.peak_byte, 1e-9));
  counters.Put("huge_share", o.huge_share);
  counters.Put("power_cap_watts", o.power_cap_w);
  if (o.measured.iterations <= 0 || !(o.measured.elapsed_s > 0)) return counters.Done();

  const double time_s = o.measured.elapsed_s / static_cast<double>(o.measured.iterations);
  const Fractions f = FractionsOf(counts, o, ceilings);
  counters.Put("TFLOPS", Times(f.flop_per_s, 1e-12));
  counters.Put("GB/s", Times(f.byte_per_s, 1e-9));
  counters.Put("AI", Over(f.flop_per_s, f.byte_per_s));
  counters.Put("MFU", Believed(f.mfu));
  counters.Put("MBU", Believed(f.mbu));
  counters.Put("MBU_ceiling", Believed(f.mbu_ceiling));
  if (counts.tokens > 0) {
    const auto tokens = static_cast<double>(counts.tokens);
    counters.Put("tok/s", tokens / time_s);
    counters.Put("J/token", Over(o.measured.joules, tokens));
  }
  if (counts.steps > 0) counters.Put("TPOT_ms", 1e3 * time_s / static_cast<double>(counts.steps));
  if (counts.first_token) counters.Put("TTFT_ms", 1e3 * time_s);
  counters.Put("EDP", Times(o.measured.joules, time_s));
  PutNet(o, time_s, counters);
  return counters.Done();
}

std::string AboveCeiling(const Counts& counts, const Observed& o,
                         const MeasuredCeilings& ceilings) {
  const Fractions f = FractionsOf(counts, o, ceilings);
  if (f.mfu && !Believed(f.mfu)) return "above the measured peak of its format";
  if (f.mbu && !Believed(f.mbu)) return "above the read bandwidth of its probes";
  return {};
}

}  // namespace wattline::benchmarks
