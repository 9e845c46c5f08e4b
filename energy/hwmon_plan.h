// Which hwmon sensors make up which domain: the rules of each driver, see hwmon.h.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "energy/hwmon_files.h"
#include "energy/meter.h"

namespace wattline::energy {

// A domain and the sensors whose sum it is, before they were tried.
struct HwmonPlan {
  Domain domain;
  std::vector<HwmonSensor> sensors;
};

struct HwmonPlans {
  std::vector<HwmonPlan> plans;
  std::set<std::string> counted;  // folders of the devices that are in a plan
};

// `cpu_only`: without GPUs and without Grace's module meter.
HwmonPlans PlanHwmon(const std::vector<HwmonDevice>& devices, bool cpu_only);

}  // namespace wattline::energy
