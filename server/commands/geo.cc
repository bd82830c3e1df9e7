#include "server/commands/geo.h"

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/collection_args.h"
#include "server/commands/geo_handlers.h"
#include "server/commands/value_args.h"
#include "server/engine/engine.h"
#include "server/geo/geohash.h"
#include "server/geo/search_area.h"
#include "server/text/double.h"
#include "server/types/zset.h"

namespace holdfast::server {
namespace {

struct AddOptions {
  Zset::AddFlags flags;
  bool count_changed = false;  // CH
  size_t first = 2;            // Where the first longitude stands.
};

bool ParseAddOptions(CommandContext& ctx, AddOptions* options) {
  for (; options->first < ctx.argc(); ++options->first) {
    if (ctx.ArgIs(options->first, "NX")) {
      options->flags.only_new = true;
    } else if (ctx.ArgIs(options->first, "XX")) {
      options->flags.only_existing = true;
    } else if (ctx.ArgIs(options->first, "CH")) {
      options->count_changed = true;
    } else {
      break;
    }
  }
  const size_t words = ctx.argc() - options->first;
  if (words > 0 && words % 3 == 0 &&
      !(options->flags.only_new && options->flags.only_existing))
    return true;
  ctx.Error(errors::kSyntax);
  return false;
}

using Scores = absl::InlinedVector<uint64_t, 8>;

// All positions, and the members' lengths, before anything is changed.
bool ParseScores(CommandContext& ctx, size_t first, Scores* scores) {
  for (size_t i = first; i < ctx.argc(); i += 3) {
    GeoPosition position;
    if (!GeoPositionArgs(ctx, i, &position)) return false;
    scores->push_back(ScoreOf(position));
  }
  return CheckElementLengths(ctx, first);
}

// What Redis sends its replicas: the ZADD that this comes to, which needs no
// arithmetic there.
void ReplicateAsZAdd(CommandContext& ctx, size_t first, const Scores& scores) {
  if (!ctx.unit().wants_effects()) return;
  std::vector<absl::string_view> effect = {"zadd"};
  for (size_t i = 1; i < first; ++i) effect.push_back(ctx.arg(i));
  std::deque<std::string> numbers;
  for (size_t i = 0; i < scores.size(); ++i) {
    effect.push_back(numbers.emplace_back(absl::StrCat(scores[i])));
    effect.push_back(ctx.arg(first + 3 * i + 2));
  }
  ctx.ReplaceEffect(effect);
}

// Calls fn(position) for the members from argument 2 on, or missing().
template <typename Fn, typename Missing>
void ForMembers(CommandContext& ctx, Fn&& fn, Missing&& missing) {
  Db db = ctx.db();
  const Zset* zset;
  if (!FindAs(ctx, db, ctx.arg(1), &zset)) return;
  ctx.reply().ArrayHeader(ctx.argc() - 2);
  for (size_t i = 2; i < ctx.argc(); ++i) {
    double score = 0;
    if (zset != nullptr && zset->Score(ctx.arg(i), &score)) {
      fn(PositionOf(score));
    } else {
      missing();
    }
  }
}

// A coordinate with all its digits, never with an exponent.
void ReplyWithDegrees(CommandContext& ctx, double degrees) {
  const std::string text = FormatLongDouble(degrees);
  if (!ctx.reply().resp3()) return ctx.reply().Bulk(text);
  ctx.reply().Raw(absl::StrCat(",", text, "\r\n"));
}

}  // namespace

bool GeoPositionArgs(CommandContext& ctx, size_t first, GeoPosition* position) {
  if (!ParseDouble(ctx.arg(first), &position->longitude) ||
      !ParseDouble(ctx.arg(first + 1), &position->latitude)) {
    ctx.Error(errors::kNotFloat);
    return false;
  }
  if (IsOnGrid(*position)) return true;
  ctx.Error(absl::StrFormat("ERR invalid longitude,latitude pair %f,%f",
                            position->longitude, position->latitude));
  return false;
}

bool GeoUnitArg(CommandContext& ctx, size_t arg, double* meters) {
  if (ctx.ArgIs(arg, "m")) {
    *meters = 1;
  } else if (ctx.ArgIs(arg, "km")) {
    *meters = 1000;
  } else if (ctx.ArgIs(arg, "ft")) {
    *meters = 0.3048;
  } else if (ctx.ArgIs(arg, "mi")) {
    *meters = 1609.34;  // Of Redis.
  } else {
    ctx.Error("ERR unsupported unit provided. please use M, KM, FT, MI");
    return false;
  }
  return true;
}

void ReplyWithPosition(CommandContext& ctx, GeoPosition position) {
  ctx.reply().ArrayHeader(2);
  ReplyWithDegrees(ctx, position.longitude);
  ReplyWithDegrees(ctx, position.latitude);
}

void GeoAddCommand(CommandContext& ctx) {
  AddOptions options;
  Scores scores;
  if (!ParseAddOptions(ctx, &options) ||
      !ParseScores(ctx, options.first, &scores))
    return;
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  Zset* zset;
  if (!FindForChange(ctx, db, key, &zset)) return;
  if (zset == nullptr) {
    if (options.flags.only_existing) return ctx.reply().Integer(0);
    zset = Create<Zset>(db, key);
  }
  const PackedLimits limits = ZsetLimitsOf(ctx.engine().config());
  size_t added = 0;
  size_t updated = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    const Zset::AddResult result =
        zset->Add(ctx.arg(options.first + 3 * i + 2),
                  static_cast<double>(scores[i]), options.flags, limits);
    added += result == Zset::AddResult::kAdded ? 1 : 0;
    updated += result == Zset::AddResult::kUpdated ? 1 : 0;
  }
  ctx.reply().Integer(
      static_cast<int64_t>(options.count_changed ? added + updated : added));
  if (added + updated == 0) return;
  db.Touched(key, added + updated);
  ReplicateAsZAdd(ctx, options.first, scores);
  ctx.Notify(kEventZset, "zadd", key);
}

void GeoDistCommand(CommandContext& ctx) {
  double unit_meters = 1;
  if (ctx.argc() == 5) {
    if (!GeoUnitArg(ctx, 4, &unit_meters)) return;
  } else if (ctx.argc() > 5) {
    return ctx.Error(errors::kSyntax);
  }
  Db db = ctx.db();
  const Zset* zset;
  if (!FindAs(ctx, db, ctx.arg(1), &zset)) return;
  double from = 0;
  double to = 0;
  if (zset == nullptr || !zset->Score(ctx.arg(2), &from) ||
      !zset->Score(ctx.arg(3), &to))
    return ctx.reply().Null();
  ctx.reply().Bulk(FormatGeoDistance(
      GeoDistance(PositionOf(from), PositionOf(to)) / unit_meters));
}

void GeoHashCommand(CommandContext& ctx) {
  ForMembers(
      ctx,
      [&](GeoPosition position) { ctx.reply().Bulk(GeohashText(position)); },
      [&] { ctx.reply().Null(); });
}

void GeoPosCommand(CommandContext& ctx) {
  ForMembers(
      ctx, [&](GeoPosition position) { ReplyWithPosition(ctx, position); },
      [&] { ctx.reply().NullArray(); });
}

}  // namespace holdfast::server
