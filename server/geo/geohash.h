#ifndef HOLDFAST_SERVER_GEO_GEOHASH_H_
#define HOLDFAST_SERVER_GEO_GEOHASH_H_

#include <cstdint>
#include <string>

namespace holdfast::server {

// Positions on the earth as scores of a sorted set, the way Redis keeps them
// (redis.io/commands/geoadd: "How does it work?"; geohash.org for the text).
//
// A grid of 2^steps columns, west to east, by 2^steps rows, south to north, is
// laid over the part of the world that the Web Mercator projection shows. The
// number of a cell has the bits of its column and its row by turns, the
// column's first: a cell is a run of the numbers of a finer grid. A position's
// score is the number of its cell at 26 steps, 52 bits, which a double holds
// exactly; read back, it is the middle of that cell.
//
// Scores replicate and are dumped, so they are equal to Redis's bit for bit,
// and so are the coordinates: the order of the operations on doubles below is
// part of the format (the library is built without fused multiply-add). The
// upper edges of the world belong to a row and a column of their own, one
// beyond the grid, and the latter's numbers have more than 52 bits; these are
// kept as they are, too. Pure functions, any thread.

// In degrees.
struct GeoPosition {
  double longitude;
  double latitude;
};

inline constexpr double kMinLongitude = -180;
inline constexpr double kMaxLongitude = 180;
// Where Web Mercator (EPSG:3857) cuts the world into a square.
inline constexpr double kMinLatitude = -85.05112878;
inline constexpr double kMaxLatitude = 85.05112878;

// Whether it lies in the part of the world that can be encoded, edges included.
// False for NaN.
bool IsOnGrid(GeoPosition position);

inline constexpr int kGeoSteps = 26;

// A cell of the grid of so many steps, 1 to kGeoSteps.
struct GeoCell {
  uint64_t number;
  int steps;

  friend bool operator==(const GeoCell&, const GeoCell&) = default;
};

// REQUIRES: IsOnGrid(position).
GeoCell CellAt(GeoPosition position, int steps);

struct GeoBounds {
  GeoPosition south_west;
  GeoPosition north_east;
};
GeoBounds BoundsOf(GeoCell cell);

// The cell so many columns to the east and rows to the north, each -1, 0 or 1.
// Around the world where it ends, in both directions.
GeoCell Neighbour(GeoCell cell, int east, int north);

// The scores of what lies in a cell: from `first` on, before `end`.
struct GeoScores {
  uint64_t first;
  uint64_t end;
};
GeoScores ScoresIn(GeoCell cell);

// REQUIRES: IsOnGrid(position).
inline uint64_t ScoreOf(GeoPosition position) {
  return ScoresIn(CellAt(position, kGeoSteps)).first;
}

// Any double: scores that no position has (ZADD takes them all) mean what they
// mean to Redis on x86-64. The result IsOnGrid().
GeoPosition PositionOf(double score);

// GEOHASH's answer: eleven characters of the standard geohash, whose grid has
// the poles as its edges, of which the last one is always "0". REQUIRES:
// IsOnGrid(position).
std::string GeohashText(GeoPosition position);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_GEO_GEOHASH_H_
