// Where labels go, so that none covers another, a point or, if it can be helped, a line.
// Deterministic and greedy: the first label takes the best of its places, the next what is left.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace wattline::roofline {

// Pixels; y grows downwards.
struct Box {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;
};
struct Spot {
  double x = 0;
  double y = 0;
};
bool Overlap(const Box& a, const Box& b);  // touching is none
bool Crosses(const Box& box, Spot from, Spot to);
double Distance(const Box& box, Spot spot);  // 0 inside

// A place that a label may take. A turned text is covered by several boxes.
struct Place {
  std::vector<Box> boxes;
  double cost = 0;  // of the place itself; the cheapest free one is taken
};

// What crossing one line costs.
inline constexpr double kLineCost = 12;

class LabelPlacer {
 public:
  explicit LabelPlacer(const Box& frame) : frame_(frame) {}

  void AddObstacle(const Box& box) { taken_.push_back(box); }
  void AddLine(Spot from, Spot to) { lines_.push_back({from, to}); }

  // Index of the place, whose boxes are taken from now on; absent where none is free.
  std::optional<size_t> Put(std::span<const Place> places);

 private:
  struct Line {
    Spot from;
    Spot to;
  };
  bool Free(const Place& place) const;

  Box frame_;  // places lie inside
  std::vector<Box> taken_;
  std::vector<Line> lines_;
};

inline constexpr double kFarthestPx = 54;

// Places round a marker for a text of this size, the near ones first. A place that is nearer to
// one of `others` than to the marker costs more.
// None is further away than `most_px`.
std::vector<Place> PlacesRound(Spot marker, double radius, double width, double height,
                               std::span<const Spot> others, double most_px = kFarthestPx);
// Further than this from its marker a label needs a leader.
inline constexpr double kLeaderPx = 11;

// Places along a line that rises by `slope` (px up per px right): the text's middle at each of
// `anchors`, `gap` above or below the line.
std::vector<Place> PlacesAlong(std::span<const Spot> anchors, double slope, double width,
                               double height, double gap);

// Spots that lie within `radius` of the first of their group, in order of the first.
std::vector<std::vector<size_t>> Groups(std::span<const Spot> spots, double radius);

// "3", "3-5" (with an en dash), "3,5,7-9" of ascending numbers.
std::string NumberRanges(std::span<const int> numbers);

}  // namespace wattline::roofline
