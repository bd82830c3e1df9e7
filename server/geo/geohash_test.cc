#include "server/geo/geohash.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "absl/strings/str_format.h"
#include "gtest/gtest.h"

namespace holdfast::server {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// With the digits that GEOPOS prints.
std::string Show(GeoPosition p) {
  return absl::StrFormat("%.17f %.17f", p.longitude, p.latitude);
}

// What redis-server 7.0.15 answers to GEOADD and ZSCORE, GEOPOS, GEOHASH.
struct Known {
  GeoPosition position;
  uint64_t score;
  const char* text;
};
constexpr Known kKnown[] = {
    {{13.361389, 38.115556}, 3479099956230698, "sqc8b49rny0"},
    {{15.087269, 37.502669}, 3479447370796909, "sqdtr74hyu0"},
    {{0, 0}, 3377699720527872, "s0000000000"},
    {{180, 85.05112878}, 13510798882111488, "bp05b5048p0"},
    {{-180, -85.05112878}, 0, "00bh0hbj200"},
    {{180, -85.05112878}, 9007199254740992, "00bh0hbj200"},
    {{-180, 85.05112878}, 4503599627370496, "bp05b5048p0"},
    {{-122.4194155, 37.7749295}, 1367859919124776, "9q8yyk8yuv0"},
    {{2.3522219, 48.856614}, 3663832779125286, "u09tvw0f6t0"},
    {{179.999999, 0}, 4128299658422954, "xbpbpbpbpb0"},
    {{-0.000001, -0.000001}, 1125899906842623, "7zzzzzzzzz0"},
    {{151.2069902, -33.8674869}, 3252046221727318, "r3gx2f9ed40"},
};

TEST(GeohashTest, ScoresAndTextsAreRedisOnes) {
  for (const Known& known : kKnown) {
    SCOPED_TRACE(Show(known.position));
    ASSERT_TRUE(IsOnGrid(known.position));
    EXPECT_EQ(ScoreOf(known.position), known.score);
    EXPECT_EQ(GeohashText(PositionOf(static_cast<double>(known.score))),
              known.text);
  }
}

TEST(GeohashTest, PositionsAreThoseThatRedisReadsBack) {
  const struct {
    double score;
    const char* position;
  } kCases[] = {
      {3377699720527872, "0.00000268220901489 0.00000126736058093"},
      {13510798882111488, "180.00000000000000000 85.05112877999999910"},
      {0, "-179.99999731779098511 -85.05112751263942528"},
      {9007199254740992, "180.00000000000000000 -85.05112751263942528"},
      {4503599627370496, "-179.99999731779098511 85.05112877999999910"},
      {3252046221727318, "151.20698779821395874 -33.86748793378102107"},
      // No position has these.
      {-1, "180.00000000000000000 85.05112877999999910"},
      {-kInfinity, "180.00000000000000000 -85.05112751263942528"},
      {kInfinity, "-179.99999731779098511 -85.05112751263942528"},
      {9223372036854775808.0, "180.00000000000000000 -85.05112751263942528"},
      {-9223372036854775808.0, "180.00000000000000000 -85.05112751263942528"},
      {18446744073709551616.0, "-179.99999731779098511 -85.05112751263942528"},
      {1e19, "180.00000000000000000 85.05112877999999910"},
      {-1e300, "180.00000000000000000 -85.05112751263942528"},
      {0.5, "-179.99999731779098511 -85.05112751263942528"},
  };
  for (const auto& c : kCases)
    EXPECT_EQ(Show(PositionOf(c.score)), c.position) << c.score;
}

TEST(GeohashTest, OnlyWhatWebMercatorShowsIsOnTheGrid) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  for (const GeoPosition p : {GeoPosition{180.0001, 0},
                              {-180.0001, 0},
                              {0, 85.0511288},
                              {0, -85.0511288},
                              {kNan, 0},
                              {0, kNan},
                              {kInfinity, 0},
                              {0, -kInfinity}})
    EXPECT_FALSE(IsOnGrid(p)) << Show(p);
}

TEST(GeohashTest, AnyDoubleIsAPositionOnTheGrid) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 100000; ++i) {
    const uint64_t bits = random();
    double score;
    static_assert(sizeof(score) == sizeof(bits));
    memcpy(&score, &bits, sizeof(score));
    ASSERT_TRUE(IsOnGrid(PositionOf(score))) << score;
  }
  EXPECT_TRUE(IsOnGrid(PositionOf(std::nan(""))));
}

TEST(GeohashTest, APositionLiesInItsCellAndTheCellInThoseOfCoarserGrids) {
  std::mt19937_64 random(8);
  std::uniform_real_distribution<double> longitude(-180, 180);
  std::uniform_real_distribution<double> latitude(kMinLatitude, kMaxLatitude);
  for (int i = 0; i < 20000; ++i) {
    const GeoPosition p = {longitude(random), latitude(random)};
    const uint64_t score = ScoreOf(p);
    for (int steps = 1; steps <= kGeoSteps; ++steps) {
      const GeoCell cell = CellAt(p, steps);
      const GeoScores scores = ScoresIn(cell);
      ASSERT_TRUE(scores.first <= score && score < scores.end) << Show(p);
      const GeoBounds bounds = BoundsOf(cell);
      // Of a cell's size, by rounding.
      const double off = 1e-12 * 360;
      ASSERT_TRUE(bounds.south_west.longitude <= p.longitude + off &&
                  p.longitude <= bounds.north_east.longitude + off &&
                  bounds.south_west.latitude <= p.latitude + off &&
                  p.latitude <= bounds.north_east.latitude + off)
          << Show(p) << " at " << steps;
    }
    // What is read back has the same score.
    ASSERT_EQ(ScoreOf(PositionOf(static_cast<double>(score))), score);
  }
}

TEST(GeohashTest, NeighboursTouchAndTheWorldIsRound) {
  for (const int steps : {1, 2, 5, 26}) {
    const GeoCell cell = CellAt({13.3, 38.1}, steps);
    const GeoBounds bounds = BoundsOf(cell);
    EXPECT_EQ(Neighbour(cell, 0, 0), cell);
    for (int east = -1; east <= 1; ++east) {
      for (int north = -1; north <= 1; ++north) {
        EXPECT_EQ(Neighbour(Neighbour(cell, east, north), -east, -north), cell);
      }
    }
    if (steps < 5) continue;
    EXPECT_DOUBLE_EQ(BoundsOf(Neighbour(cell, 1, 0)).south_west.longitude,
                     bounds.north_east.longitude);
    EXPECT_DOUBLE_EQ(BoundsOf(Neighbour(cell, 0, -1)).north_east.latitude,
                     bounds.south_west.latitude);
  }
  const GeoCell corner = CellAt({179.99, 85.05}, 10);
  EXPECT_LT(BoundsOf(Neighbour(corner, 1, 0)).north_east.longitude, -179);
  EXPECT_LT(BoundsOf(Neighbour(corner, 0, 1)).north_east.latitude, -84);
  EXPECT_EQ(Neighbour(corner, 1, 1), CellAt({-179.99, -85.05}, 10));
}

}  // namespace
}  // namespace holdfast::server
