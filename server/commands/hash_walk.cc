// Commands on whole hashes, and on parts of them that a cursor or chance
// chooses.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/collection_args.h"
#include "server/commands/hash_handlers.h"
#include "server/engine/engine.h"
#include "server/types/hash.h"

namespace holdfast::server {
namespace {

// HKEYS and HVALS.
void ReplyWithHalves(CommandContext& ctx, bool fields) {
  Db db = ctx.db();
  const Hash* hash = nullptr;
  if (!FindAs(ctx, db, ctx.arg(1), &hash)) return;
  net::ReplyWriter& reply = ctx.reply();
  reply.ArrayHeader(hash == nullptr ? 0 : hash->size());
  if (hash == nullptr) return;
  hash->ForEach([&](absl::string_view field, absl::string_view value) {
    reply.Bulk(fields ? field : value);
  });
}

// --- HRANDFIELD ---

// The answer to HRANDFIELD with a count: RESP3 has pairs, RESP2 a flat list.
class FieldReply {
 public:
  FieldReply(net::ReplyWriter* reply, bool with_values)
      : reply_(*reply), with_values_(with_values) {}
  void Header(size_t fields) {
    reply_.ArrayHeader(with_values_ && !reply_.resp3() ? 2 * fields : fields);
  }
  void Add(absl::string_view field, absl::string_view value) {
    if (with_values_ && reply_.resp3()) reply_.ArrayHeader(2);
    reply_.Bulk(field);
    if (with_values_) reply_.Bulk(value);
  }

 private:
  net::ReplyWriter& reply_;
  const bool with_values_;
};

// `count` fields, each with the same chance each time.
void ReplyWithRepetition(CommandContext& ctx, const Hash& hash, uint64_t count,
                         FieldReply answer) {
  if (!CheckSampleCount(ctx, count)) return;
  const auto random = [&ctx] { return ctx.engine().RandomU64(); };
  const size_t mark = ctx.reply().BeginDeferred();
  answer.Header(count);
  if (!hash.PackedBytes().empty() && count > hash.size()) {
    // Finding the nth field of one block is a walk from its begin.
    std::vector<std::pair<std::string, std::string>> all;
    all.reserve(hash.size());
    hash.ForEach([&](absl::string_view field, absl::string_view value) {
      all.emplace_back(field, value);
    });
    while (count-- > 0) {
      const auto& [field, value] = all[random() % all.size()];
      answer.Add(field, value);
      if (!CheckSampleReply(ctx, mark)) return;
    }
    return;
  }
  while (count-- > 0) {
    hash.RandomField(random,
                     [&](absl::string_view field, absl::string_view value) {
                       answer.Add(field, value);
                     });
    if (!CheckSampleReply(ctx, mark)) return;
  }
}

// `count` different fields, or all if there are no more.
void ReplyWithDistinct(CommandContext& ctx, const Hash& hash, uint64_t count,
                       FieldReply answer) {
  const size_t size = hash.size();
  if (count >= size) {
    answer.Header(size);
    hash.ForEach([&](absl::string_view field, absl::string_view value) {
      answer.Add(field, value);
    });
    return;
  }
  const auto random = [&ctx] { return ctx.engine().RandomU64(); };
  answer.Header(count);
  if (!hash.PackedBytes().empty() || count > size / 3) {
    WalkSample sample(count, size);
    hash.ForEach([&](absl::string_view field, absl::string_view value) {
      if (sample.Takes(random())) answer.Add(field, value);
    });
    return;
  }
  // Few of many: a third at most are drawn in vain.
  absl::flat_hash_set<std::string> seen;
  seen.reserve(count);
  while (seen.size() < count) {
    hash.RandomField(random,
                     [&](absl::string_view field, absl::string_view value) {
                       if (seen.emplace(field).second) answer.Add(field, value);
                     });
  }
}

}  // namespace

void HGetAllCommand(CommandContext& ctx) {
  Db db = ctx.db();
  const Hash* hash = nullptr;
  if (!FindAs(ctx, db, ctx.arg(1), &hash)) return;
  net::ReplyWriter& reply = ctx.reply();
  reply.MapHeader(hash == nullptr ? 0 : hash->size());
  if (hash == nullptr) return;
  hash->ForEach([&](absl::string_view field, absl::string_view value) {
    reply.Bulk(field);
    reply.Bulk(value);
  });
}

void HKeysCommand(CommandContext& ctx) { ReplyWithHalves(ctx, true); }

void HValsCommand(CommandContext& ctx) { ReplyWithHalves(ctx, false); }

void HScanCommand(CommandContext& ctx) {
  uint64_t cursor = 0;
  if (!ParseScanCursor(ctx.arg(2), &cursor))
    return ctx.Error("ERR invalid cursor");
  Db db = ctx.db();
  const Hash* hash = nullptr;
  if (!FindAs(ctx, db, ctx.arg(1), &hash)) return;
  ScanReply answer(ctx);
  // A missing key answers before its options are looked at, as in Redis.
  if (hash == nullptr) return answer.Finish(0);
  CollectionScan scan;
  if (!ParseCollectionScan(ctx, NoValues::kKnown, &scan)) return;
  cursor = hash->Scan(cursor, scan.count,
                      [&](absl::string_view field, absl::string_view value) {
                        if (!scan.Matches(field)) return;
                        answer.Add(field);
                        if (!scan.no_values) answer.Add(value);
                      });
  answer.Finish(cursor);
}

void HRandFieldCommand(CommandContext& ctx) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  int64_t count = 0;
  bool with_values = false;
  if (ctx.argc() >= 3) {
    if (!SampleCountArg(ctx, 2, &count)) return;
    if (ctx.argc() > 4 || (ctx.argc() == 4 && !ctx.ArgIs(3, "WITHVALUES")))
      return ctx.Error(errors::kSyntax);
    with_values = ctx.argc() == 4;
    if (with_values && (count < -kMax / 2 || count > kMax / 2))
      return ctx.Error("ERR value is out of range");
  }
  Db db = ctx.db();
  const Hash* hash = nullptr;
  if (!FindAs(ctx, db, ctx.arg(1), &hash)) return;
  if (ctx.argc() == 2) {
    if (hash == nullptr) return ctx.reply().Null();
    const auto random = [&ctx] { return ctx.engine().RandomU64(); };
    return hash->RandomField(
        random, [&ctx](absl::string_view field, absl::string_view) {
          ctx.reply().Bulk(field);
        });
  }
  if (hash == nullptr || count == 0) return ctx.reply().ArrayHeader(0);
  const FieldReply answer(&ctx.reply(), with_values);
  if (count < 0) {
    ReplyWithRepetition(ctx, *hash, static_cast<uint64_t>(-count), answer);
  } else {
    ReplyWithDistinct(ctx, *hash, static_cast<uint64_t>(count), answer);
  }
}

}  // namespace holdfast::server
