// Apple's powermetrics as a meter: the fallback on macOS where IOReport cannot be read.
#pragma once

#include <optional>
#include <string>

#include "energy/meter.h"
#include "energy/meter_options.h"

namespace wattline::energy {

// Runs <root>/usr/bin/powermetrics beside this program as long as the meter lives, with a sample
// every 250 ms. On this machine it is run as root or through `sudo -n`, which never asks for a
// password. Domains: "cpu", "gpu", "ane", and "dram" up to macOS 12, as its first sample has them.
//
// `published` is the latest possible end of the sample; the true one lies at most
// MeterInfo::most_delay_s earlier, as far as is known at the start; LatestDoubt_s() is that of now.
Opened OpenPowermetrics(const MeterOptions& options);

class PowermetricsMeter : public Meter {
 public:
  using Meter::Meter;
  // Of the latest sample: "Nominal", "Moderate", "Heavy", "Trapping", "Sleeping".
  virtual std::optional<std::string> ThermalPressure() const = 0;
  // "Mac16,10"; "25G229", the build of macOS.
  virtual std::optional<std::string> Model() const = 0;
  virtual std::optional<std::string> SystemVersion() const = 0;
  virtual double LatestDoubt_s() const = 0;
  // Why its values are absent, with what the program said; empty while they are there.
  virtual std::string WhyLost() const = 0;
};

}  // namespace wattline::energy
