// Which points of an intensity sweep an energy fit may use: those that ran at the chip's full clock
// and under no power cap.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "roofline/fit.h"

namespace wattline::roofline {

// A clock further from the sweep's typical highest one than this has moved: a core's energy per
// operation goes with the square of its voltage, which follows the clock.
inline constexpr double kMostClockShare = 0.03;
// Power is flat where it stays within this share of the sweep's top ...
inline constexpr double kFlatShare = 0.02;
// ... over at least this factor of intensity and so many points. Two neighbouring powers of two
// around the ridge draw nearly the same on any chip.
inline constexpr double kFlatSpan = 3;
inline constexpr int kFlatPoints = 3;
// Power within this share at every intensity: nothing but time is in the joules.
inline constexpr double kSamePowerShare = 0.05;

// Intensity, speed and power are there and positive.
bool HasFigures(const IntensityPoint& point);

// For each point why it is left out, "1635 MHz is 6 % off the sweep's 1740 MHz"; empty where it may
// be used.
std::vector<std::string> WhyLeftOut(std::span<const IntensityPoint> points);

// One sentence where the power of all points is the same; else empty.
std::string WhySamePower(std::span<const IntensityPoint> points);

}  // namespace wattline::roofline
