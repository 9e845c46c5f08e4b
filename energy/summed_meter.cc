#include "energy/summed_meter.h"

#include <utility>

namespace wattline::energy {
namespace {

class SummedMeter : public Meter {
 public:
  SummedMeter(MeterInfo info, std::vector<Sources> domains, Clock& clock)
      : Meter(std::move(info)), domains_(std::move(domains)), clock_(clock) {
    const std::vector<Domain>& all = this->info().domains;
    while (leading_ < all.size() && !all[leading_].in_total) ++leading_;
    if (this->info().expected_tick_s) leading_ = all.size();
  }

  Reading Read() override {
    Reading reading;
    reading.values.resize(domains_.size());
    reading.before = clock_.Now();
    for (size_t d = 0; d < domains_.size(); ++d) {
      Value sum;
      bool whole = true;
      for (const std::unique_ptr<EnergySource>& source : domains_[d]) {
        const std::optional<Value> value = source->Read(clock_);
        reading.generation += source->generation();
        whole = whole && value;
        if (!value) continue;
        sum.joules += value->joules;
        sum.missed_j += value->missed_j;
        sum.missed_j2 += value->missed_j2;
        if (d == leading_ && source == domains_[d].front()) sum.published = value->published;
      }
      if (whole) reading.values[d] = sum;
    }
    reading.after = clock_.Now();
    return reading;
  }

 private:
  std::vector<Sources> domains_;
  Clock& clock_;
  size_t leading_ = 0;  // the domain whose first source tells of its updates
};

}  // namespace

std::optional<Value> PowerSource::Read(Clock& clock) {
  const TimePoint before = clock.Now();
  const std::optional<double> watts = Watts();
  integral_.Add(before + (clock.Now() - before) / 2, watts);
  return integral_.value();
}

std::unique_ptr<Meter> MakeSummedMeter(MeterInfo info, std::vector<Sources> domains, Clock& clock) {
  return std::make_unique<SummedMeter>(std::move(info), std::move(domains), clock);
}

}  // namespace wattline::energy
