// A logarithmic axis: where a value lies, and where its ticks are.
#pragma once

#include <string>
#include <vector>

namespace wattline::roofline {

// From `low` at `low_px` to `high` at `high_px`; 0 < low < high.
struct LogAxis {
  double low = 1;
  double high = 10;
  double low_px = 0;
  double high_px = 1;

  double Px(double value) const;
  double Value(double px) const;
  double DecadePx() const;  // > 0
};

// The nearest of ... 0.5, 1, 2, 5, 10 ... that is not above or not below; `value` > 0.
double TickBelow(double value);
double TickAbove(double value);

struct Tick {
  double value = 0;
  bool decade = false;  // a power of ten
  std::string text;     // empty where there is no room for it
};

// Every 1, 2 and 5 from low to high. Texts are at least `least_px` apart: where 1, 2 and 5 have no
// room the powers of ten have texts, where those have none every second, third ... of them.
std::vector<Tick> Ticks(const LogAxis& axis, double least_px);

}  // namespace wattline::roofline
