#include "server/geo/geohash.h"

#include <algorithm>

namespace holdfast::server {
namespace {

constexpr uint64_t kEvenBits = 0x5555555555555555;
constexpr int kScoreBits = 2 * kGeoSteps;
constexpr double kTwoTo63 = 9223372036854775808.0;

// Bit i of the argument becomes bit 2i. Halves, then quarters, ... move apart.
uint64_t Spread(uint32_t bits) {
  uint64_t spread = bits;
  spread = (spread | spread << 16) & 0x0000FFFF0000FFFF;
  spread = (spread | spread << 8) & 0x00FF00FF00FF00FF;
  spread = (spread | spread << 4) & 0x0F0F0F0F0F0F0F0F;
  spread = (spread | spread << 2) & 0x3333333333333333;
  return (spread | spread << 1) & kEvenBits;
}

// The reverse; odd bits are not looked at.
uint32_t Gather(uint64_t bits) {
  bits &= kEvenBits;
  bits = (bits | bits >> 1) & 0x3333333333333333;
  bits = (bits | bits >> 2) & 0x0F0F0F0F0F0F0F0F;
  bits = (bits | bits >> 4) & 0x00FF00FF00FF00FF;
  bits = (bits | bits >> 8) & 0x0000FFFF0000FFFF;
  return static_cast<uint32_t>(bits | bits >> 16);
}

// The number of the row or column that `value` is in.
uint32_t Index(double value, double min, double max, int steps) {
  double offset = (value - min) / (max - min);
  offset *= static_cast<double>(uint64_t{1} << steps);
  return static_cast<uint32_t>(offset);
}

uint64_t CellNumber(GeoPosition position, double min_latitude,
                    double max_latitude, int steps) {
  const uint32_t row =
      Index(position.latitude, min_latitude, max_latitude, steps);
  const uint32_t column =
      Index(position.longitude, kMinLongitude, kMaxLongitude, steps);
  return Spread(row) | Spread(column) << 1;
}

// Where the row or column with this number begins.
double Edge(uint32_t index, double min, double max, int steps) {
  return min + (index * 1.0 / static_cast<double>(uint64_t{1} << steps)) *
                   (max - min);
}

// What a conversion to uint64_t does with it on x86-64: C++ leaves all that is
// no uint64_t undefined.
uint64_t NumberOfScore(double score) {
  if (score >= kTwoTo63) {
    if (score >= 2 * kTwoTo63) return 0;
    return static_cast<uint64_t>(static_cast<int64_t>(score - kTwoTo63)) ^
           uint64_t { 1 } << 63;
  }
  if (!(score >= -kTwoTo63)) return uint64_t{1} << 63;
  return static_cast<uint64_t>(static_cast<int64_t>(score));
}

}  // namespace

bool IsOnGrid(GeoPosition position) {
  return position.longitude >= kMinLongitude &&
         position.longitude <= kMaxLongitude &&
         position.latitude >= kMinLatitude && position.latitude <= kMaxLatitude;
}

GeoCell CellAt(GeoPosition position, int steps) {
  return {CellNumber(position, kMinLatitude, kMaxLatitude, steps), steps};
}

GeoBounds BoundsOf(GeoCell cell) {
  const uint32_t row = Gather(cell.number);
  const uint32_t column = Gather(cell.number >> 1);
  const auto longitude = [&](uint32_t index) {
    return Edge(index, kMinLongitude, kMaxLongitude, cell.steps);
  };
  const auto latitude = [&](uint32_t index) {
    return Edge(index, kMinLatitude, kMaxLatitude, cell.steps);
  };
  return {{longitude(column), latitude(row)},
          {longitude(column + 1), latitude(row + 1)}};
}

GeoCell Neighbour(GeoCell cell, int east, int north) {
  const uint64_t wrap = (uint64_t{1} << cell.steps) - 1;
  uint64_t row = Gather(cell.number);
  uint64_t column = Gather(cell.number >> 1);
  // Only what moves is brought back onto the grid.
  if (north != 0) row = (row + static_cast<uint64_t>(north)) & wrap;
  if (east != 0) column = (column + static_cast<uint64_t>(east)) & wrap;
  return {Spread(static_cast<uint32_t>(row)) |
              Spread(static_cast<uint32_t>(column)) << 1,
          cell.steps};
}

GeoScores ScoresIn(GeoCell cell) {
  const int shift = kScoreBits - 2 * cell.steps;
  return {cell.number << shift, (cell.number + 1) << shift};
}

GeoPosition PositionOf(double score) {
  const GeoBounds bounds = BoundsOf({NumberOfScore(score), kGeoSteps});
  const GeoPosition middle = {
      (bounds.south_west.longitude + bounds.north_east.longitude) / 2,
      (bounds.south_west.latitude + bounds.north_east.latitude) / 2};
  return {std::clamp(middle.longitude, kMinLongitude, kMaxLongitude),
          std::clamp(middle.latitude, kMinLatitude, kMaxLatitude)};
}

std::string GeohashText(GeoPosition position) {
  constexpr char kAlphabet[] = "0123456789bcdefghjkmnpqrstuvwxyz";
  constexpr int kCharacterBits = 5;
  constexpr int kCharacters = 11;
  const uint64_t number = CellNumber(position, -90, 90, kGeoSteps);
  std::string text;
  for (int shift = kScoreBits - kCharacterBits; shift >= 0;
       shift -= kCharacterBits)
    text.push_back(kAlphabet[number >> shift & 0x1f]);
  text.resize(kCharacters, '0');
  return text;
}

}  // namespace holdfast::server
