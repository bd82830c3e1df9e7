#include "server/geo/search_area.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include "absl/strings/str_format.h"

namespace holdfast::server {
namespace {

// All of these are Redis's, digit for digit.
constexpr double kEarthRadius = 6372797.560856;  // Meters.
constexpr double kMercatorHalf = 20037726.37;    // Meters: half the equator.
constexpr double kRadiansPerDegree = M_PI / 180.0;

double Radians(double degrees) { return degrees * kRadiansPerDegree; }
double Degrees(double radians) { return radians / kRadiansPerDegree; }

double AlongMeridian(double latitude_1, double latitude_2) {
  return kEarthRadius * std::fabs(Radians(latitude_2) - Radians(latitude_1));
}

// How fine a grid may be so that a cell and its neighbours hold what is within
// `meters` of a point: twice the distance doubles the cell. Near the poles,
// where cells are narrow, they have to be larger.
int StepsFor(double meters, double latitude) {
  if (meters == 0) return kGeoSteps;
  int steps = -1;
  for (; meters < kMercatorHalf; meters *= 2) ++steps;
  if (std::fabs(latitude) > 66) --steps;
  if (std::fabs(latitude) > 80) --steps;
  return std::clamp(steps, 1, kGeoSteps);
}

struct Direction {
  int east;
  int north;
};
// The center first.
constexpr std::array<Direction, 9> kDirections = {{{0, 0},
                                                   {0, 1},
                                                   {0, -1},
                                                   {1, 0},
                                                   {-1, 0},
                                                   {1, 1},
                                                   {-1, 1},
                                                   {1, -1},
                                                   {-1, -1}}};

// Whether the neighbours reach as far as the box does. (A neighbour on the
// other edge of the world does not.)
bool NeighboursReach(GeoCell center, const GeoBounds& box) {
  return !(BoundsOf(Neighbour(center, 0, 1)).north_east.latitude <
               box.north_east.latitude ||
           BoundsOf(Neighbour(center, 0, -1)).south_west.latitude >
               box.south_west.latitude ||
           BoundsOf(Neighbour(center, 1, 0)).north_east.longitude <
               box.north_east.longitude ||
           BoundsOf(Neighbour(center, -1, 0)).south_west.longitude >
               box.south_west.longitude);
}

// Whether the box ends inside of the center's cell on that side.
bool IsBeyond(Direction d, const GeoBounds& cell, const GeoBounds& box) {
  return (d.north < 0 && cell.south_west.latitude < box.south_west.latitude) ||
         (d.north > 0 && cell.north_east.latitude > box.north_east.latitude) ||
         (d.east < 0 && cell.south_west.longitude < box.south_west.longitude) ||
         (d.east > 0 && cell.north_east.longitude > box.north_east.longitude);
}

}  // namespace

double GeoDistance(GeoPosition from, GeoPosition to) {
  const double v =
      std::sin((Radians(to.longitude) - Radians(from.longitude)) / 2);
  if (v == 0.0) return AlongMeridian(from.latitude, to.latitude);
  const double from_latitude = Radians(from.latitude);
  const double to_latitude = Radians(to.latitude);
  const double u = std::sin((to_latitude - from_latitude) / 2);
  const double a =
      u * u + std::cos(from_latitude) * std::cos(to_latitude) * v * v;
  return 2.0 * kEarthRadius * std::asin(std::sqrt(a));
}

std::string FormatGeoDistance(double distance) {
  constexpr int64_t kScale = 10000;
  const double scaled = distance * static_cast<double>(kScale);
  int64_t rounded = std::numeric_limits<int64_t>::min();
  if (std::fabs(scaled) < 9223372036854775808.0) rounded = std::llrint(scaled);
  const uint64_t magnitude = rounded < 0 ? -static_cast<uint64_t>(rounded)
                                         : static_cast<uint64_t>(rounded);
  return absl::StrFormat("%s%d.%04d", rounded < 0 ? "-" : "",
                         magnitude / kScale, magnitude % kScale);
}

bool GeoArea::Contains(GeoPosition position, double* distance) const {
  if (shape == Shape::kBox) {
    if (AlongMeridian(position.latitude, center.latitude) >
        height * unit_meters / 2)
      return false;
    const GeoPosition below_center = {center.longitude, position.latitude};
    if (GeoDistance(position, below_center) > width * unit_meters / 2)
      return false;
    *distance = GeoDistance(center, position);
    return true;
  }
  *distance = GeoDistance(center, position);
  return !(*distance > radius * unit_meters);
}

// A parallel is shorter the further it is from the equator, so the side there
// spans more degrees; Redis goes by the other one in the south.
GeoBounds GeoArea::BoundingBox() const {
  const bool circle = shape == Shape::kCircle;
  const double up = unit_meters * (circle ? radius : height / 2);
  const double aside = unit_meters * (circle ? radius : width / 2);
  const double rows = Degrees(up / kEarthRadius);
  const double side =
      center.latitude < 0 ? center.latitude - rows : center.latitude + rows;
  const double columns =
      Degrees(aside / kEarthRadius / std::cos(Radians(side)));
  return {{center.longitude - columns, center.latitude - rows},
          {center.longitude + columns, center.latitude + rows}};
}

GeoArea::Cells GeoArea::Cover() const {
  const GeoBounds box = BoundingBox();
  const double reach =
      shape == Shape::kCircle
          ? radius
          : std::sqrt((width / 2) * (width / 2) + (height / 2) * (height / 2));
  int steps = StepsFor(reach * unit_meters, center.latitude);
  GeoCell home = CellAt(center, steps);
  if (steps > 1 && !NeighboursReach(home, box)) home = CellAt(center, --steps);
  const GeoBounds bounds = BoundsOf(home);
  Cells cells;
  for (const Direction d : kDirections) {
    // Cells of the coarsest grid are all needed.
    if (steps >= 2 && IsBeyond(d, bounds, box)) continue;
    const GeoCell cell = Neighbour(home, d.east, d.north);
    // On a coarse grid the neighbours on both sides are the same. The first
    // cell is not compared with.
    if (cells.size() > 1 && cell == cells.back()) continue;
    cells.push_back(cell);
  }
  return cells;
}

}  // namespace holdfast::server
