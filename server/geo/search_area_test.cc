#include "server/geo/search_area.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "server/geo/geohash.h"

namespace holdfast::server {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string Show(GeoPosition p) {
  return absl::StrFormat("%.6f,%.6f", p.longitude, p.latitude);
}

GeoPosition Kept(GeoPosition p) {
  return PositionOf(static_cast<double>(ScoreOf(p)));
}
std::string Apart(GeoPosition a, GeoPosition b, double unit = 1) {
  return FormatGeoDistance(GeoDistance(Kept(a), Kept(b)) / unit);
}

GeoArea Circle(GeoPosition center, double radius, double unit = 1) {
  return {.center = center, .unit_meters = unit, .radius = radius};
}
GeoArea Box(GeoPosition center, double width, double height, double unit = 1) {
  return {.shape = GeoArea::Shape::kBox,
          .center = center,
          .unit_meters = unit,
          .width = width,
          .height = height};
}

bool Covers(const GeoArea::Cells& cells, GeoPosition p) {
  const uint64_t score = ScoreOf(p);
  return std::any_of(cells.begin(), cells.end(), [score](GeoCell cell) {
    const GeoScores scores = ScoresIn(cell);
    return scores.first <= score && score < scores.end;
  });
}

// Of redis-server 7.0.15.
TEST(SearchAreaTest, DistancesAreRedisOnes) {
  const GeoPosition palermo = {13.361389, 38.115556};
  const GeoPosition catania = {15.087269, 37.502669};
  EXPECT_EQ(Apart(palermo, catania), "166274.1516");
  EXPECT_EQ(Apart(palermo, catania, 1609.34), "103.3182");
  EXPECT_EQ(Apart(palermo, catania, 0.3048), "545518.8700");
  EXPECT_EQ(Apart({-180, -85.05112878}, {180, 85.05112878}), "18919844.5891");
  EXPECT_EQ(Apart({0, 0}, {179.999999, 0}), "20020733.3421");
  EXPECT_EQ(Apart({2.3522219, 48.856614}, {151.2069902, -33.8674869}),
            "16965024.7558");
  EXPECT_EQ(Apart({-180, 85.05112878}, {180, 85.05112878}), "0.0257");
  EXPECT_EQ(Apart({-0.000001, -0.000001}, {0, 0}), "0.6599");
  EXPECT_EQ(Apart(palermo, palermo), "0.0000");
}

TEST(SearchAreaTest, DistancesHaveFourDigits) {
  EXPECT_EQ(FormatGeoDistance(0), "0.0000");
  EXPECT_EQ(FormatGeoDistance(0.00004), "0.0000");
  EXPECT_EQ(FormatGeoDistance(0.00005), "0.0000");  // Half to even.
  EXPECT_EQ(FormatGeoDistance(0.00006), "0.0001");
  EXPECT_EQ(FormatGeoDistance(12), "12.0000");
  EXPECT_EQ(FormatGeoDistance(-0.5), "-0.5000");
  EXPECT_EQ(FormatGeoDistance(20020734.12345), "20020734.1234");
  for (const double d : {std::nan(""), kInfinity, -kInfinity, 1e300})
    EXPECT_EQ(FormatGeoDistance(d), "-922337203685477.5808") << d;
}

TEST(SearchAreaTest, NoDistanceIsLongerThanHalfTheWayRound) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> longitude(-180, 180);
  std::uniform_real_distribution<double> latitude(kMinLatitude, kMaxLatitude);
  for (int i = 0; i < 200000; ++i) {
    const GeoPosition p = {longitude(random), latitude(random)};
    const GeoPosition opposite = {
        p.longitude > 0 ? p.longitude - 180 : p.longitude + 180, -p.latitude};
    const double d = GeoDistance(p, opposite);
    ASSERT_TRUE(std::isnan(d) || d <= kFurthestGeoDistance) << Show(p);
  }
}

TEST(SearchAreaTest, ACircleHasWhatIsNear) {
  const GeoArea area = Circle({15, 37}, 200, 1000);
  double distance = 0;
  EXPECT_TRUE(area.Contains({13.361389, 38.115556}, &distance));
  EXPECT_NEAR(distance, 190442, 2);
  EXPECT_TRUE(area.Contains({15, 37}, &distance));
  EXPECT_EQ(distance, 0);
  EXPECT_FALSE(
      Circle({15, 37}, 190, 1000).Contains({13.361389, 38.115556}, &distance));
  EXPECT_TRUE(Circle({15, 37}, 0).Contains({15, 37}, &distance));
  EXPECT_TRUE(Circle({15, 37}, kInfinity).Contains({-165, -37}, &distance));
}

TEST(SearchAreaTest, ABoxIsMeasuredAlongParallelAndMeridian) {
  const GeoArea area = Box({15, 37}, 400, 400, 1000);
  double distance = 0;
  EXPECT_TRUE(area.Contains({13.361389, 38.115556}, &distance));
  EXPECT_TRUE(area.Contains({17.241510, 38.788135}, &distance));
  EXPECT_NEAR(distance, 279740, 10);  // The corner is further than a side.
  EXPECT_FALSE(area.Contains({12.758489, 38.999}, &distance));
  EXPECT_FALSE(area.Contains({15, 39}, &distance));
  EXPECT_TRUE(Box({15, 37}, 0, 0).Contains({15, 37}, &distance));
}

// Where an area is small beside the world, all that is inside is looked
// through, wherever it is.
TEST(SearchAreaTest, TheCellsCoverTheArea) {
  std::mt19937_64 random(4);
  std::uniform_real_distribution<double> longitude(-170, 170);
  std::uniform_real_distribution<double> latitude(-75, 75);
  std::uniform_real_distribution<double> exponent(0, 5.5);
  std::uniform_real_distribution<double> part(-1, 1);
  int inside = 0;
  for (int i = 0; i < 20000; ++i) {
    const GeoPosition center = {longitude(random), latitude(random)};
    const double size = std::pow(10, exponent(random));
    const GeoArea area =
        i % 2 == 0 ? Circle(center, size) : Box(center, size, 2 * size);
    const GeoArea::Cells cells = area.Cover();
    ASSERT_LE(cells.size(), 9u);
    ASSERT_TRUE(Covers(cells, center));
    const double degrees = size / 111000;
    for (int j = 0; j < 10; ++j) {
      const GeoPosition p = {
          center.longitude +
              part(random) * degrees / std::cos(center.latitude * M_PI / 180),
          center.latitude + part(random) * degrees};
      double distance = 0;
      if (!IsOnGrid(p) || !area.Contains(p, &distance)) continue;
      ++inside;
      ASSERT_TRUE(Covers(cells, p))
          << Show(p) << " in " << size << " of " << Show(center);
    }
  }
  EXPECT_GT(inside, 50000);
}

TEST(SearchAreaTest, NoCellIsLookedThroughTwice) {
  for (const GeoPosition center : {GeoPosition{0, 0},
                                   {180, 85.05112878},
                                   {-180, -85.05112878},
                                   {13, 38},
                                   {-1, -1},
                                   {90, 0},
                                   {179.9, -84}}) {
    for (const double radius :
         {0.0, 1.0, 1e3, 1e6, 5e6, 1e7, 2.1e7, 1e30, kInfinity}) {
      const GeoArea::Cells cells = Circle(center, radius).Cover();
      for (size_t i = 0; i < cells.size(); ++i) {
        EXPECT_EQ(std::count(cells.begin(), cells.end(), cells[i]), 1)
            << Show(center) << " " << radius;
      }
    }
  }
}

TEST(SearchAreaTest, TheWholeWorldIsFourCells) {
  EXPECT_EQ(Circle({1, 1}, 3e7).Cover().size(), 4u);
  EXPECT_EQ(Box({1, 1}, kInfinity, kInfinity).Cover().size(), 4u);
  EXPECT_EQ(Circle({1, 1}, 1e308, 1609.34).Cover().size(), 4u);
}

}  // namespace
}  // namespace holdfast::server
