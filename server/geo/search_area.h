#ifndef HOLDFAST_SERVER_GEO_SEARCH_AREA_H_
#define HOLDFAST_SERVER_GEO_SEARCH_AREA_H_

#include <string>

#include "absl/container/inlined_vector.h"
#include "server/geo/geohash.h"

namespace holdfast::server {

// Meters along the great circle, by the haversine formula on a sphere of
// Redis's radius. The same double as Redis computes. NaN, in place of half the
// circumference, where rounding asks for the arc of more than 1.
double GeoDistance(GeoPosition from, GeoPosition to);

// Half the circumference: from a place to the one opposite.
inline constexpr double kFurthestGeoDistance = 20020734.0000002;

// "%.4f", rounded half to even; a NaN is -922337203685477.5808, as Redis on
// x86-64 has it.
std::string FormatGeoDistance(double distance);

// What GEOSEARCH looks in: a circle, or a box with sides along the meridians
// and parallels, around a position. Pure values; thread-compatible.
//
// Sizes are kept in the unit in which they were given, of which one has
// `unit_meters`: what they are in meters is computed where it is needed, in the
// order in which Redis does, and may be infinite.
struct GeoArea {
  enum class Shape { kCircle, kBox };
  Shape shape = Shape::kCircle;
  GeoPosition center = {};
  double unit_meters = 1;
  double radius = 0;  // Of a circle.
  double width = 0;   // Of a box.
  double height = 0;

  // Whether the position is inside; sets *distance, in meters from the center,
  // if it is.
  bool Contains(GeoPosition position, double* distance) const;

  // At most nine cells, side by side, that cover the area, in the order in
  // which Redis looks through them: the center's, then its neighbours N, S, E,
  // W, NE, NW, SE, SW. No more of the world than needed, but for very large
  // areas not all that they reach. REQUIRES: IsOnGrid(center).
  using Cells = absl::InlinedVector<GeoCell, 9>;
  Cells Cover() const;

 private:
  GeoBounds BoundingBox() const;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_GEO_SEARCH_AREA_H_
