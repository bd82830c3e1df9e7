#ifndef HOLDFAST_SERVER_COMMANDS_GEO_HANDLERS_H_
#define HOLDFAST_SERVER_COMMANDS_GEO_HANDLERS_H_

#include <cstddef>

#include "server/command/context.h"
#include "server/geo/geohash.h"

// Private to the geo family: what its files share.
namespace holdfast::server {

// geo.cc: single members.
void GeoAddCommand(CommandContext& ctx);
void GeoDistCommand(CommandContext& ctx);
void GeoHashCommand(CommandContext& ctx);
void GeoPosCommand(CommandContext& ctx);

// geo_search.cc: all within an area.
void GeoRadiusCommand(CommandContext& ctx);
void GeoRadiusRoCommand(CommandContext& ctx);
void GeoRadiusByMemberCommand(CommandContext& ctx);
void GeoRadiusByMemberRoCommand(CommandContext& ctx);
void GeoSearchCommand(CommandContext& ctx);
void GeoSearchStoreCommand(CommandContext& ctx);

// What they share, in geo.cc. Those that return false have replied.

// Arguments `first` and the next as a position that can be encoded.
bool GeoPositionArgs(CommandContext& ctx, size_t first, GeoPosition* position);
// A unit of length: how many meters one has.
bool GeoUnitArg(CommandContext& ctx, size_t arg, double* meters);
// [longitude, latitude]
void ReplyWithPosition(CommandContext& ctx, GeoPosition position);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_GEO_HANDLERS_H_
