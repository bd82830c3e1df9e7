// Commands on members that chance chooses.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/collection_args.h"
#include "server/commands/set_handlers.h"
#include "server/engine/engine.h"
#include "server/types/set.h"

namespace holdfast::server {
namespace {

// Up to this size a sample is taken from a walk over the set.
constexpr size_t kWalkedSize = 128;
// A pop that leaves less than this part of what it takes moves what stays into
// a set of its own, instead of taking the rest out of the old one.
constexpr size_t kFewOfMany = 5;

void PopAll(CommandContext& ctx, Db& db, const Set& set) {
  const absl::string_view key = ctx.arg(1);
  const size_t size = set.size();
  net::ReplyWriter& reply = ctx.reply();
  ctx.Notify(kEventSet, "spop", key);
  reply.SetHeader(size);
  set.ForEach([&reply](absl::string_view member) { reply.Bulk(member); });
  db.storage().Delete(db.unit().Ref(key));
  db.Touched(key, size);
  ctx.Notify(kEventGeneric, "del", key);
  ctx.ReplaceEffect({"DEL", key});
}

// SPOP key count.
void PopSome(CommandContext& ctx) {
  int64_t wanted = 0;
  if (!ctx.IntArgInRange(2, 0, std::numeric_limits<int64_t>::max(), &wanted,
                         errors::kNotPositive))
    return;
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  Set* set = nullptr;
  if (!FindForChange(ctx, db, key, &set)) return;
  if (set == nullptr || wanted == 0) return ctx.reply().SetHeader(0);
  const auto count = static_cast<size_t>(wanted);
  if (count >= set->size()) return PopAll(ctx, db, *set);

  ctx.Notify(kEventSet, "spop", key);
  net::ReplyWriter& reply = ctx.reply();
  reply.SetHeader(count);
  const auto random = [&ctx] { return ctx.engine().RandomU64(); };
  const auto pop = [&](absl::string_view member) {
    reply.Bulk(member);
    ctx.ReplaceEffect({"SREM", key, member});
  };
  const size_t left = set->size() - count;
  if (left * kFewOfMany > count) {
    for (size_t i = 0; i < count; ++i) set->PopRandom(random, pop);
    db.Touched(key, count);
    return;
  }
  Set stays;
  const SetLimits limits = SetLimitsOf(ctx.engine().config());
  for (size_t i = 0; i < left; ++i) {
    set->PopRandom(
        random, [&](absl::string_view member) { stays.Add(member, limits); });
  }
  set->ForEach(pop);
  db.SetObject(key, Object(std::move(stays)), {.keep = true});
  db.Touched(key, count - 1);  // And one that SetObject() counts.
}

}  // namespace

void SPopCommand(CommandContext& ctx) {
  if (ctx.argc() == 3) return PopSome(ctx);
  if (ctx.argc() > 3) return ctx.Error(errors::kSyntax);
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  Set* set = nullptr;
  if (!FindForChange(ctx, db, key, &set)) return;
  if (set == nullptr) return ctx.reply().Null();
  const auto random = [&ctx] { return ctx.engine().RandomU64(); };
  set->PopRandom(random, [&](absl::string_view member) {
    ctx.reply().Bulk(member);
    ctx.ReplaceEffect({"SREM", key, member});
  });
  db.Touched(key);
  ctx.Notify(kEventSet, "spop", key);
  DeleteIfEmpty(ctx, db, key, *set);
}

void SRandMemberCommand(CommandContext& ctx) {
  if (ctx.argc() > 3) return ctx.Error(errors::kSyntax);
  int64_t wanted = 0;
  if (ctx.argc() == 3 && !SampleCountArg(ctx, 2, &wanted)) return;
  Db db = ctx.db();
  const Set* set = nullptr;
  if (!FindAs(ctx, db, ctx.arg(1), &set)) return;
  net::ReplyWriter& reply = ctx.reply();
  const auto random = [&ctx] { return ctx.engine().RandomU64(); };
  const auto answer = [&reply](absl::string_view member) {
    reply.Bulk(member);
  };
  if (ctx.argc() == 2) {
    if (set == nullptr) return reply.Null();
    return set->RandomMember(random, answer);
  }
  if (set == nullptr || wanted == 0) return reply.ArrayHeader(0);

  if (wanted < 0) {  // With repetition.
    const auto count = static_cast<uint64_t>(-wanted);
    if (!CheckSampleCount(ctx, count)) return;
    const size_t mark = reply.BeginDeferred();
    reply.ArrayHeader(count);
    for (uint64_t i = 0; i < count; ++i) {
      set->RandomMember(random, answer);
      if (!CheckSampleReply(ctx, mark)) return;
    }
    return;
  }
  const size_t size = set->size();
  const size_t count = std::min(static_cast<size_t>(wanted), size);
  reply.ArrayHeader(count);
  if (count == size) return set->ForEach(answer);
  if (size <= kWalkedSize || count > size / 3) {
    WalkSample sample(count, size);
    return set->ForEach([&](absl::string_view member) {
      if (sample.Takes(random())) reply.Bulk(member);
    });
  }
  // Few of many: a third at most are drawn in vain.
  absl::flat_hash_set<std::string> seen;
  seen.reserve(count);
  while (seen.size() < count) {
    set->RandomMember(random, [&](absl::string_view member) {
      if (seen.emplace(member).second) reply.Bulk(member);
    });
  }
}

}  // namespace holdfast::server
