// The list of meters, and the choice among them: --energy=auto|off|NAME[,NAME], --list-meters.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "energy/meter.h"
#include "energy/meter_options.h"

namespace wattline::energy {

struct MeterEntry {
  std::string_view name;  // as in --energy=NAME
  std::string_view what;  // one phrase for --list-meters
  Opened (*open)(const MeterOptions& options);
  // Parts that it measures if it works at all: under auto it is not even opened where another meter
  // has one of them already, since opening may start a program or take seconds.
  Parts parts = 0;
};

// Best first: where two meters measure the same part of the machine, the first one is used.
std::span<const MeterEntry> AllMeters();

struct Unused {
  std::string name;
  std::string why_not;
  bool present = false;  // as in Opened, and no other meter stands in for it
};

struct Chosen {
  MeterSet set;                // opened, watched, no part of the machine twice
  std::vector<Unused> unused;  // the others that were considered
  std::string usage_error;     // an unknown name: exit code 2
  std::string error;           // a named meter cannot be used: exit code 1
};

// `flag` is "auto" (every meter that works; the others are only reported), "off", or names. Opens
// and watches: tens of milliseconds for a meter that works, a second for one whose counter is
// stuck.
Chosen ChooseMeters(std::string_view flag, const MeterOptions& options = {},
                    std::span<const MeterEntry> entries = AllMeters());

// One line, for the start of a run: which meters measure, or why none does.
std::string Summary(const Chosen& chosen);

// Every meter, usable or why not and what would help; a usable one with its readings over a second.
std::string ListMeters(const MeterOptions& options = {},
                       std::span<const MeterEntry> entries = AllMeters());

}  // namespace wattline::energy
