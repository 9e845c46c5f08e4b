// Labels cover neither each other nor points.
#include "roofline/plot_labels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace wattline::roofline::plot_labels_test {
namespace {

constexpr Box kFrame = {84, 56, 1174, 656};
constexpr double kRadius = 5;

Box Around(Spot spot) {
  return {spot.x - kRadius, spot.y - kRadius, spot.x + kRadius, spot.y + kRadius};
}

TEST(LabelPlacerTest, SixtyRandomPointsHaveLabelsThatCoverNothing) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 engine(seed);
    std::uniform_real_distribution<double> x(kFrame.left + 10, kFrame.right - 10);
    std::uniform_real_distribution<double> y(kFrame.top + 10, kFrame.bottom - 10);
    std::vector<Spot> spots;
    for (int i = 0; i < 60; ++i) spots.push_back({x(engine), y(engine)});
    LabelPlacer placer(kFrame);
    for (const Spot& spot : spots) placer.AddObstacle(Around(spot));
    std::vector<Box> labels;
    for (const Spot& spot : spots) {
      const std::vector<Place> places = PlacesRound(spot, kRadius, 15, 9, spots);
      const std::optional<size_t> taken = placer.Put(places);
      ASSERT_TRUE(taken) << "seed " << seed;
      labels.push_back(places[*taken].boxes[0]);
    }
    for (size_t i = 0; i < labels.size(); ++i) {
      EXPECT_GE(labels[i].left, kFrame.left);
      EXPECT_LE(labels[i].bottom, kFrame.bottom);
      EXPECT_LT(Distance(labels[i], spots[i]), 70) << "seed " << seed;
      for (const Spot& spot : spots) EXPECT_FALSE(Overlap(labels[i], Around(spot)));
      for (size_t j = 0; j < i; ++j) EXPECT_FALSE(Overlap(labels[i], labels[j]));
    }
  }
}

TEST(LabelPlacerTest, TheSameSpotsGiveTheSamePlaces) {
  const std::vector<Place> places = PlacesRound({300, 300}, kRadius, 15, 9, {});
  for (int i = 0; i < 2; ++i) {
    LabelPlacer placer(kFrame);
    placer.AddObstacle(Around({312, 300}));
    EXPECT_EQ(placer.Put(places), 1u);  // right is taken, so above on the right
  }
}

TEST(LabelPlacerTest, ALineIsAvoidedWhereThereIsRoom) {
  const std::vector<Place> places = PlacesRound({300, 300}, kRadius, 15, 9, {});
  LabelPlacer placer(kFrame);
  placer.AddLine({84, 300}, {1174, 300});
  const Box box = places[*placer.Put(places)].boxes[0];
  EXPECT_FALSE(Crosses(box, {84, 300}, {1174, 300}));
}

TEST(LabelPlacerTest, WithoutRoomThereIsNoLabel) {
  LabelPlacer placer(kFrame);
  placer.AddObstacle({0, 0, 2000, 2000});
  EXPECT_EQ(placer.Put(PlacesRound({300, 300}, kRadius, 15, 9, {})), std::nullopt);
}

TEST(PlacesAlongTest, ATurnedTextStaysOnItsSideOfTheLine) {
  const double slope = 0.8;
  const std::vector<Spot> anchors = {{500, 400}};
  const std::vector<Place> places = PlacesAlong(anchors, slope, 90, 11, 4);
  ASSERT_EQ(places.size(), 2u);
  for (size_t side = 0; side < 2; ++side) {
    for (const Box& box : places[side].boxes) {
      EXPECT_FALSE(Crosses(box, {500 - 200, 400 + 200 * slope}, {500 + 200, 400 - 200 * slope}));
      const double middle_y = (box.top + box.bottom) / 2;
      const double line_y = 400 - slope * ((box.left + box.right) / 2 - 500);
      EXPECT_EQ(middle_y < line_y, side == 0);
    }
  }
}

TEST(CrossesTest, LinesThroughBesideAndWithin) {
  const Box box = {10, 10, 20, 20};
  EXPECT_TRUE(Crosses(box, {0, 15}, {30, 15}));
  EXPECT_TRUE(Crosses(box, {0, 0}, {30, 30}));
  EXPECT_TRUE(Crosses(box, {12, 12}, {13, 13}));
  EXPECT_FALSE(Crosses(box, {0, 5}, {30, 5}));
  EXPECT_FALSE(Crosses(box, {0, 15}, {9, 15}));
  EXPECT_FALSE(Crosses(box, {0, 25}, {25, 50}));
  EXPECT_FALSE(Crosses(box, {15, 0}, {30, 14}));
}

TEST(GroupsTest, NearSpotsAreOneGroupButChainsDoNotGrow) {
  const std::vector<Spot> spots = {{0, 0}, {100, 0}, {4, 0}, {8, 0}, {101, 1}};
  EXPECT_EQ(Groups(spots, 6), (std::vector<std::vector<size_t>>{{0, 2}, {1, 4}, {3}}));
}

TEST(NumberRangesTest, RunsOfThreeAreShortened) {
  EXPECT_EQ(NumberRanges(std::vector<int>{3}), "3");
  EXPECT_EQ(NumberRanges(std::vector<int>{3, 4}), "3,4");
  EXPECT_EQ(NumberRanges(std::vector<int>{3, 4, 5}), "3\u20135");
  EXPECT_EQ(NumberRanges(std::vector<int>{1, 3, 4, 5, 9}), "1,3\u20135,9");
}

}  // namespace
}  // namespace wattline::roofline::plot_labels_test
