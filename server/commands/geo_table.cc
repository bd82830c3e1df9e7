// The geo family's commands as data.

#include <vector>

#include "server/commands/geo.h"
#include "server/commands/geo_handlers.h"

namespace holdfast::server {
namespace {

constexpr absl::string_view kGroup = "geo";
constexpr uint32_t kReads = kKeyRO | kKeyAccess;
constexpr uint32_t kStores = kKeyOW | kKeyUpdate;
constexpr absl::string_view kLogEach =
    "O(log(N)) for each member, N being the number of members in the set";
constexpr absl::string_view kSearchCost =
    "O(N+log(M)), N being the number of members in the cells of the grid that "
    "cover the area and M the number of members in the set";

std::vector<HistoryNote> UnitsInCapitals() {
  return {{"7.0.0", "Units may be in upper case."}};
}

KeySpec After(absl::string_view keyword, int from) {
  KeySpec spec = OneKey(kStores, from);
  spec.begin = KeySpec::Begin::kKeyword;
  spec.keyword = keyword;
  return spec;
}

// GEORADIUS and its three forms, which GEOSEARCH stands in for now.
CommandSpec OldSearch(absl::string_view name, int arity, bool stores,
                      absl::string_view syntax, absl::string_view replaced_by,
                      CommandHandler handler) {
  CommandSpec spec = {
      .name = name,
      .arity = arity,
      .flags = stores ? kWrite | kDenyOom : kReadonly,
      .keys = {OneKey(kReads)},
      .acl = kAclGeo,
      .since = stores ? "3.2.0" : "3.2.10",
      .group = kGroup,
      .complexity = kSearchCost,
      .summary = stores ? "Find or store the members within a circle"
                        : "Find the members within a circle",
      .syntax = syntax,
      .handler = handler,
      .deprecated_since = "6.2.0",
      .replaced_by = replaced_by};
  if (stores) {
    spec.keys.push_back(After("STORE", -arity));
    spec.keys.push_back(After("STOREDIST", -arity));
  }
  return spec;
}

std::vector<CommandSpec> OldSearches() {
  std::vector<CommandSpec> commands = {
      OldSearch("georadius", -6, true,
                "key longitude latitude radius:double unit:<M | KM | FT | MI> "
                "[WITHCOORD] [WITHDIST] [WITHHASH] count:[COUNT count "
                "[ANY@6.2.0]] order:[ASC | DESC] [STORE key] [STOREDIST key]",
                "`GEOSEARCH` and `GEOSEARCHSTORE` with `BYRADIUS`",
                GeoRadiusCommand),
      OldSearch("georadius_ro", -6, false,
                "key longitude latitude radius:double unit:<M | KM | FT | MI> "
                "[WITHCOORD] [WITHDIST] [WITHHASH] count:[COUNT count "
                "[ANY@6.2.0]] order:[ASC | DESC]",
                "`GEOSEARCH` with `BYRADIUS`", GeoRadiusRoCommand),
      OldSearch("georadiusbymember", -5, true,
                "key member radius:double unit:<M | KM | FT | MI> [WITHCOORD] "
                "[WITHDIST] [WITHHASH] count:[COUNT count [ANY]] order:[ASC | "
                "DESC] [STORE key] [STOREDIST key]",
                "`GEOSEARCH` and `GEOSEARCHSTORE` with `BYRADIUS` and "
                "`FROMMEMBER`",
                GeoRadiusByMemberCommand),
      OldSearch("georadiusbymember_ro", -5, false,
                "key member radius:double unit:<M | KM | FT | MI> [WITHCOORD] "
                "[WITHDIST] [WITHHASH] count:[COUNT count [ANY]] order:[ASC | "
                "DESC]",
                "`GEOSEARCH` with `BYRADIUS` and `FROMMEMBER`",
                GeoRadiusByMemberRoCommand),
  };
  const HistoryNote any = {"6.2.0", "Added `ANY` to `COUNT`."};
  commands[0].history = {any, UnitsInCapitals()[0]};
  commands[1].history = {any};
  commands[2].history = UnitsInCapitals();
  return commands;
}

std::vector<CommandSpec> MakeCommands() {
  std::vector<CommandSpec> commands = {
      {.name = "geoadd",
       .arity = -5,
       .flags = kWrite | kDenyOom,
       .keys = {OneKey(kKeyRW | kKeyUpdate)},
       .acl = kAclGeo,
       .since = "3.2.0",
       .group = kGroup,
       .complexity = kLogEach,
       .summary = "Add members with their positions, or move some",
       .syntax = "key condition:[NX | XX]@6.2.0 [change:CH@6.2.0] "
                 "longitude_latitude_member:<longitude latitude member> ...",
       .handler = GeoAddCommand,
       .history = {{"6.2.0", "Added `CH`, `NX` and `XX`."}}},
      {.name = "geodist",
       .arity = -4,
       .flags = kReadonly,
       .keys = {OneKey(kReads)},
       .acl = kAclGeo,
       .since = "3.2.0",
       .group = kGroup,
       .complexity = "O(log(N)), N being the number of members in the set",
       .summary = "Tell how far two members are from each other",
       .syntax = "key member1 member2 unit:[M | KM | FT | MI]",
       .handler = GeoDistCommand},
      {.name = "geohash",
       .arity = -2,
       .flags = kReadonly,
       .keys = {OneKey(kReads)},
       .acl = kAclGeo,
       .since = "3.2.0",
       .group = kGroup,
       .complexity = kLogEach,
       .summary = "Read the positions of members as geohash texts",
       .syntax = "key member ...",
       .handler = GeoHashCommand},
      {.name = "geopos",
       .arity = -2,
       .flags = kReadonly,
       .keys = {OneKey(kReads)},
       .acl = kAclGeo,
       .since = "3.2.0",
       .group = kGroup,
       .complexity = kLogEach,
       .summary = "Read the positions of members in degrees",
       .syntax = "key member ...",
       .handler = GeoPosCommand},
      {.name = "geosearch",
       .arity = -7,
       .flags = kReadonly,
       .keys = {OneKey(kReads)},
       .acl = kAclGeo,
       .since = "6.2.0",
       .group = kGroup,
       .complexity = kSearchCost,
       .summary = "Find the members within a circle or a box",
       .syntax =
           "key from:<FROMMEMBER member | FROMLONLAT "
           "longitude_latitude:<longitude latitude>> by:<circle:<BYRADIUS "
           "radius:double unit:<M | KM | FT | MI>> | box:<BYBOX width:double "
           "height:double unit:<M | KM | FT | MI>>> order:[ASC | DESC] "
           "count:[COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]",
       .handler = GeoSearchCommand,
       .history = UnitsInCapitals()},
      {.name = "geosearchstore",
       .arity = -8,
       .flags = kWrite | kDenyOom,
       .keys = {OneKey(kStores), OneKey(kReads, 2)},
       .acl = kAclGeo,
       .since = "6.2.0",
       .group = kGroup,
       .complexity = kSearchCost,
       .summary = "Store the members within a circle or a box",
       .syntax =
           "destination source from:<FROMMEMBER member | FROMLONLAT "
           "longitude_latitude:<longitude latitude>> by:<circle:<BYRADIUS "
           "radius:double unit:<M | KM | FT | MI>> | box:<BYBOX width:double "
           "height:double unit:<M | KM | FT | MI>>> order:[ASC | DESC] "
           "count:[COUNT count [ANY]] [STOREDIST]",
       .handler = GeoSearchStoreCommand,
       .history = UnitsInCapitals()},
  };
  for (const CommandSpec& command : OldSearches()) commands.push_back(command);
  return commands;
}

}  // namespace

absl::Span<const CommandSpec> GeoCommands() {
  static const auto* const commands =
      new std::vector<CommandSpec>(MakeCommands());  // Never destroyed.
  return *commands;
}

}  // namespace holdfast::server
