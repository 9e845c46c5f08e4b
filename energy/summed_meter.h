// A meter whose domains are sums of sources: sensors of power, or counters of energy.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "energy/clock.h"
#include "energy/meter.h"
#include "energy/power_integral.h"

namespace wattline::energy {

// One sensor or counter. It is read once per Read() of its meter.
class EnergySource {
 public:
  virtual ~EnergySource() = default;
  // Energy so far; absent where it cannot be read.
  virtual std::optional<Value> Read(Clock& clock) = 0;
  // How often it lost count.
  virtual uint32_t generation() const = 0;
};

// Integrates a sensor of power.
class PowerSource : public EnergySource {
 public:
  explicit PowerSource(std::optional<double> update_s) : integral_(update_s) {}
  std::optional<Value> Read(Clock& clock) override;
  uint32_t generation() const override { return integral_.generation(); }

 protected:
  // Reads the sensor; absent where it cannot be read.
  virtual std::optional<double> Watts() = 0;

 private:
  PowerIntegral integral_;
};

using Sources = std::vector<std::unique_ptr<EnergySource>>;

// The sum of `domains[d]` is the domain d of `info`: absent where one of its sources is. Where no
// period is documented in `info`, the updates of the first source of the total stand for those of
// all: those of several sensors together would look like ones of a shorter period.
std::unique_ptr<Meter> MakeSummedMeter(MeterInfo info, std::vector<Sources> domains, Clock& clock);

}  // namespace wattline::energy
