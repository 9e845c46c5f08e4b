// The clock that windows and meters read: steady time, replaceable by a simulated one.
#pragma once

#include <chrono>

namespace wattline::energy {

using TimePoint = std::chrono::steady_clock::time_point;

// b - a.
inline double SecondsBetween(TimePoint a, TimePoint b) {
  return std::chrono::duration<double>(b - a).count();
}

inline TimePoint Later(TimePoint at, double by_s) {
  return at + std::chrono::duration_cast<TimePoint::duration>(std::chrono::duration<double>(by_s));
}

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint Now() = 0;
  virtual void Sleep(double seconds) = 0;
};

// std::chrono::steady_clock. Lives as long as the program.
Clock& RealClock();

}  // namespace wattline::energy
