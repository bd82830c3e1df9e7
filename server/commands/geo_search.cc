// GEOSEARCH, GEORADIUS and their kin: one reading of the options, one walk over
// the cells that cover the area.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/geo_handlers.h"
#include "server/commands/redis_order.h"
#include "server/engine/engine.h"
#include "server/geo/geohash.h"
#include "server/geo/search_area.h"
#include "server/text/double.h"
#include "server/types/object.h"
#include "server/types/zset.h"

namespace holdfast::server {
namespace {

// How a command says where to look.
enum class Form : uint8_t {
  kRadius,          // key longitude latitude radius unit
  kRadiusByMember,  // key member radius unit
  kSearch,          // key, and options
  kSearchStore,     // destination key, and options
};

enum class Order : uint8_t { kNone, kNearestFirst, kFarthestFirst };

struct Query {
  Form form;
  bool read_only = false;  // STORE and STOREDIST are no options.

  GeoArea area = {};
  bool with_position = false;
  bool with_distance = false;
  bool with_hash = false;
  Order order = Order::kNone;
  int64_t count = 0;  // 0: all.
  bool any = false;   // The first `count` that are found.
  size_t store_arg = 0;
  bool store_distance = false;
  // Of the search forms.
  bool from_member = false;
  bool from_position = false;
  bool by_radius = false;
  bool by_box = false;

  bool searches() const {
    return form == Form::kSearch || form == Form::kSearchStore;
  }
};

struct Match {
  std::string member;
  GeoPosition position;
  double distance;  // Meters.
  double score;
};
using Matches = std::vector<Match>;
// In the order of the answer.
using Chosen = std::vector<const Match*>;

bool NumberArg(CommandContext& ctx, size_t arg, absl::string_view error,
               double* value) {
  if (ParseDouble(ctx.arg(arg), value)) return true;
  ctx.Error(error);
  return false;
}

// "radius unit" from argument `first` on.
bool CircleArgs(CommandContext& ctx, size_t first, GeoArea* area) {
  area->shape = GeoArea::Shape::kCircle;
  if (!NumberArg(ctx, first, "ERR need numeric radius", &area->radius))
    return false;
  if (area->radius < 0) {
    ctx.Error("ERR radius cannot be negative");
    return false;
  }
  return GeoUnitArg(ctx, first + 1, &area->unit_meters);
}

// "width height unit".
bool BoxArgs(CommandContext& ctx, size_t first, GeoArea* area) {
  area->shape = GeoArea::Shape::kBox;
  if (!NumberArg(ctx, first, "ERR need numeric width", &area->width) ||
      !NumberArg(ctx, first + 1, "ERR need numeric height", &area->height))
    return false;
  if (area->width < 0 || area->height < 0) {
    ctx.Error("ERR height or width cannot be negative");
    return false;
  }
  return GeoUnitArg(ctx, first + 2, &area->unit_meters);
}

// A member's position as the center. There is none in a set that is not there,
// where nothing will be found anyhow.
bool MemberArg(CommandContext& ctx, size_t arg, const Zset* zset,
               GeoArea* area) {
  if (zset == nullptr) return true;
  double score = 0;
  if (!zset->Score(ctx.arg(arg), &score)) {
    ctx.Error("ERR could not decode requested zset member");
    return false;
  }
  area->center = PositionOf(score);
  return true;
}

// What stands before the options; *first is where these begin.
bool ParseFixedPart(CommandContext& ctx, const Zset* zset, Query* query,
                    size_t* first) {
  switch (query->form) {
    case Form::kRadius:
      *first = 6;
      return GeoPositionArgs(ctx, 2, &query->area.center) &&
             CircleArgs(ctx, 4, &query->area);
    case Form::kRadiusByMember:
      *first = 5;
      // Redis does not look at the radius if it has no set to look into.
      return zset == nullptr || (MemberArg(ctx, 2, zset, &query->area) &&
                                 CircleArgs(ctx, 3, &query->area));
    case Form::kSearch:
      *first = 2;
      return true;
    case Form::kSearchStore:
      *first = 3;
      query->store_arg = 1;
      return true;
  }
  return true;
}

bool CountArg(CommandContext& ctx, size_t arg, Query* query) {
  if (!ctx.IntArg(arg, &query->count)) return false;
  if (query->count > 0) return true;
  ctx.Error("ERR COUNT must be > 0");
  return false;
}

// Options that say what to do with what is found, of one word or two. Moves *i
// to the option's last word; *known tells whether it is one.
bool ParseAnswerOption(CommandContext& ctx, Query* query, size_t* i,
                       bool* known) {
  const bool has_value = *i + 1 < ctx.argc();
  const bool may_store = has_value && !query->searches() && !query->read_only;
  *known = true;
  if (ctx.ArgIs(*i, "WITHDIST")) {
    query->with_distance = true;
  } else if (ctx.ArgIs(*i, "WITHHASH")) {
    query->with_hash = true;
  } else if (ctx.ArgIs(*i, "WITHCOORD")) {
    query->with_position = true;
  } else if (ctx.ArgIs(*i, "ANY")) {
    query->any = true;
  } else if (ctx.ArgIs(*i, "ASC")) {
    query->order = Order::kNearestFirst;
  } else if (ctx.ArgIs(*i, "DESC")) {
    query->order = Order::kFarthestFirst;
  } else if (has_value && ctx.ArgIs(*i, "COUNT")) {
    return CountArg(ctx, ++*i, query);
  } else if (may_store &&
             (ctx.ArgIs(*i, "STORE") || ctx.ArgIs(*i, "STOREDIST"))) {
    query->store_distance = ctx.ArgIs(*i, "STOREDIST");
    query->store_arg = ++*i;
  } else if (query->form == Form::kSearchStore && ctx.ArgIs(*i, "STOREDIST")) {
    query->store_distance = true;
  } else {
    *known = false;
  }
  return true;
}

// Options of the search forms that say where to look, likewise.
bool ParseAreaOption(CommandContext& ctx, const Zset* zset, Query* query,
                     size_t* i, bool* known) {
  const size_t following = ctx.argc() - *i - 1;
  const size_t first = *i + 1;
  GeoArea& area = query->area;
  *known = true;
  if (following >= 1 && !query->from_position && ctx.ArgIs(*i, "FROMMEMBER")) {
    query->from_member = true;
    *i += 1;
    return MemberArg(ctx, first, zset, &area);
  }
  if (following >= 2 && !query->from_member && ctx.ArgIs(*i, "FROMLONLAT")) {
    query->from_position = true;
    *i += 2;
    return GeoPositionArgs(ctx, first, &area.center);
  }
  if (following >= 2 && !query->by_box && ctx.ArgIs(*i, "BYRADIUS")) {
    query->by_radius = true;
    *i += 2;
    return CircleArgs(ctx, first, &area);
  }
  if (following >= 3 && !query->by_radius && ctx.ArgIs(*i, "BYBOX")) {
    query->by_box = true;
    *i += 3;
    return BoxArgs(ctx, first, &area);
  }
  *known = false;
  return true;
}

bool ParseOptions(CommandContext& ctx, size_t first, const Zset* zset,
                  Query* query) {
  for (size_t i = first; i < ctx.argc(); ++i) {
    bool known = false;
    if (!ParseAnswerOption(ctx, query, &i, &known)) return false;
    if (known) continue;
    if (query->searches() && !ParseAreaOption(ctx, zset, query, &i, &known))
      return false;
    if (known) continue;
    ctx.Error(errors::kSyntax);
    return false;
  }
  return true;
}

// Whether the options go together.
bool CheckOptions(CommandContext& ctx, const Query& query) {
  std::string error;
  if (query.store_arg != 0 &&
      (query.with_distance || query.with_hash || query.with_position)) {
    error = absl::StrCat(
        "ERR ",
        query.searches() ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS",
        " is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
  } else if (query.searches() && !query.from_member && !query.from_position) {
    error = absl::StrCat(
        "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ",
        ctx.arg(0));
  } else if (query.searches() && !query.by_radius && !query.by_box) {
    error = absl::StrCat(
        "ERR exactly one of BYRADIUS and BYBOX can be specified for ",
        ctx.arg(0));
  } else if (query.any && query.count == 0) {
    error = "ERR the ANY argument requires COUNT argument";
  } else {
    return true;
  }
  ctx.Error(error);
  return false;
}

Matches Find(const Zset& zset, const Query& query) {
  Matches matches;
  const size_t limit = query.any ? static_cast<size_t>(query.count) : 0;
  const auto is_enough = [&] { return limit != 0 && matches.size() >= limit; };
  for (const GeoCell cell : query.area.Cover()) {
    if (is_enough()) break;
    const GeoScores scores = ScoresIn(cell);
    const Zset::Ranks ranks =
        zset.RanksByScore({.min = static_cast<double>(scores.first),
                           .max = static_cast<double>(scores.end),
                           .max_exclusive = true});
    zset.ForRanks(
        ranks, /*reverse=*/false, [&](absl::string_view member, double score) {
          const GeoPosition position = PositionOf(score);
          double distance = 0;
          if (query.area.Contains(position, &distance)) {
            matches.push_back({std::string(member), position, distance, score});
          }
          return !is_enough();
        });
  }
  return matches;
}

Chosen Choose(const Matches& matches, const Query& query) {
  Chosen chosen;
  chosen.reserve(matches.size());
  for (const Match& match : matches) chosen.push_back(&match);
  size_t wanted = matches.size();
  if (query.count != 0)
    wanted = std::min(wanted, static_cast<size_t>(query.count));
  Order order = query.order;
  // The nearest ones are meant where it does not say which.
  if (query.count != 0 && !query.any && order == Order::kNone)
    order = Order::kNearestFirst;
  const int sign = order == Order::kFarthestFirst ? -1 : 1;
  const auto compare = [sign](const Match* a, const Match* b) {
    if (a->distance > b->distance) return sign;
    return a->distance == b->distance ? 0 : -sign;
  };
  if (order != Order::kNone && wanted == chosen.size()) {
    SortAsQsort(absl::MakeSpan(chosen), compare);
  } else if (order != Order::kNone) {
    SortPartAsRedis(absl::MakeSpan(chosen), 0, wanted, compare);
  }
  chosen.resize(wanted);
  return chosen;
}

void Reply(CommandContext& ctx, const Query& query, const Chosen& chosen) {
  net::ReplyWriter& reply = ctx.reply();
  const size_t extras = static_cast<size_t>(query.with_distance) +
                        static_cast<size_t>(query.with_hash) +
                        static_cast<size_t>(query.with_position);
  reply.ArrayHeader(chosen.size());
  for (const Match* match : chosen) {
    if (extras > 0) reply.ArrayHeader(1 + extras);
    reply.Bulk(match->member);
    if (query.with_distance) {
      reply.Bulk(FormatGeoDistance(match->distance / query.area.unit_meters));
    }
    if (query.with_hash) reply.Integer(static_cast<int64_t>(match->score));
    if (query.with_position) ReplyWithPosition(ctx, match->position);
  }
}

void Store(CommandContext& ctx, Db& db, const Query& query,
           const Chosen& chosen) {
  const absl::string_view key = ctx.arg(query.store_arg);
  ctx.reply().Integer(static_cast<int64_t>(chosen.size()));
  if (chosen.empty()) {
    if (db.Delete(key)) ctx.Notify(kEventGeneric, "del", key);
    return;
  }
  // In the form that it is to have from the first element on, as in Redis.
  PackedLimits limits = ZsetLimitsOf(ctx.engine().config());
  if (chosen.size() > limits.max_entries ||
      std::any_of(chosen.begin(), chosen.end(), [&limits](const Match* match) {
        return match->member.size() > limits.max_value;
      })) {
    limits = {0, 0};
  }
  Zset result;
  for (const Match* match : chosen) {
    // No score is NaN (Redis would end here).
    const double meters =
        std::isnan(match->distance) ? kFurthestGeoDistance : match->distance;
    result.Add(
        match->member,
        query.store_distance ? meters / query.area.unit_meters : match->score,
        {}, limits);
  }
  db.FindForWrite(key);  // An expired one goes first.
  db.SetObject(key, Object(std::move(result)));
  if (chosen.size() > 1) db.Touched(key, chosen.size() - 1);
  ctx.Notify(kEventZset, query.searches() ? "geosearchstore" : "georadiusstore",
             key);
}

void Search(CommandContext& ctx, Form form, bool read_only) {
  Query query = {.form = form, .read_only = read_only};
  Db db = ctx.db();
  const Zset* zset;
  size_t first_option = 0;
  if (!FindAs(ctx, db, ctx.arg(form == Form::kSearchStore ? 2 : 1), &zset) ||
      !ParseFixedPart(ctx, zset, &query, &first_option) ||
      !ParseOptions(ctx, first_option, zset, &query) ||
      !CheckOptions(ctx, query))
    return;
  Matches matches;
  if (zset != nullptr) matches = Find(*zset, query);
  const Chosen chosen = Choose(matches, query);
  if (query.store_arg == 0) return Reply(ctx, query, chosen);
  Store(ctx, db, query, chosen);
}

}  // namespace

void GeoRadiusCommand(CommandContext& ctx) {
  Search(ctx, Form::kRadius, /*read_only=*/false);
}
void GeoRadiusRoCommand(CommandContext& ctx) {
  Search(ctx, Form::kRadius, /*read_only=*/true);
}
void GeoRadiusByMemberCommand(CommandContext& ctx) {
  Search(ctx, Form::kRadiusByMember, /*read_only=*/false);
}
void GeoRadiusByMemberRoCommand(CommandContext& ctx) {
  Search(ctx, Form::kRadiusByMember, /*read_only=*/true);
}
void GeoSearchCommand(CommandContext& ctx) {
  Search(ctx, Form::kSearch, /*read_only=*/true);
}
void GeoSearchStoreCommand(CommandContext& ctx) {
  Search(ctx, Form::kSearchStore, /*read_only=*/false);
}

}  // namespace holdfast::server
