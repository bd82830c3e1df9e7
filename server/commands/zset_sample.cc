// Elements in no order: ZRANDMEMBER and ZSCAN.

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/collection_args.h"
#include "server/commands/zset_handlers.h"
#include "server/engine/engine.h"
#include "server/text/double.h"

namespace holdfast::server {
namespace {

constexpr int64_t kMaxInt = std::numeric_limits<int64_t>::max();

// --- ZRANDMEMBER ---

// A count of -n asks for n elements, however few there are, and Redis would
// write them till its memory is full. This is as many as one reply may have.
constexpr int64_t kMostRepeated = int64_t{1} << 24;

// `count` elements, each drawn from all.
void WriteRepeated(CommandContext& ctx, const Zset& zset, size_t count,
                   ElementWriter* writer) {
  Engine& engine = ctx.engine();
  const auto write = [&](absl::string_view member, double score) {
    writer->Element(member, score);
  };
  writer->Header(count);
  // Finding a rank in the small form is walking to it: done once for all.
  if (zset.PackedBytes().empty()) {
    for (; count > 0; --count)
      zset.Random([&] { return engine.RandomU64(); }, write);
    return;
  }
  std::vector<std::pair<std::string, double>> all;
  all.reserve(zset.size());
  zset.ForEach([&](absl::string_view member, double score) {
    all.emplace_back(member, score);
  });
  for (; count > 0; --count) {
    const auto& [member, score] = all[engine.RandomU64() % all.size()];
    write(member, score);
  }
}

// `count` different elements, every choice of them as likely as any other.
// REQUIRES: count < size.
void WriteDifferent(CommandContext& ctx, const Zset& zset, size_t count,
                    ElementWriter* writer) {
  Engine& engine = ctx.engine();
  const size_t size = zset.size();
  writer->Header(count);
  // From here on a walk over all costs less than finding each.
  constexpr size_t kFewTimes = 3;
  if (!zset.PackedBytes().empty() || count > size / kFewTimes) {
    WalkSample sample(count, size);
    size_t wanted = count;
    zset.ForRanks({0, size}, /*reverse=*/false,
                  [&](absl::string_view member, double score) {
                    if (sample.Takes(engine.RandomU64())) {
                      writer->Element(member, score);
                      --wanted;
                    }
                    return wanted > 0;
                  });
    return;
  }
  // Floyd's (Bentley, "Programming Pearls", CACM 30(9), 1987).
  absl::flat_hash_set<size_t> ranks;
  ranks.reserve(count);
  for (size_t i = size - count; i < size; ++i) {
    size_t rank = engine.RandomU64() % (i + 1);
    if (!ranks.insert(rank).second) {
      rank = i;
      ranks.insert(rank);
    }
    zset.At(rank, [&](absl::string_view member, double score) {
      writer->Element(member, score);
    });
  }
}

void RandomMembers(CommandContext& ctx, int64_t count, bool with_scores) {
  Db db = ctx.db();
  const Zset* zset;
  if (!FindAs(ctx, db, ctx.arg(1), &zset)) return;
  if (zset == nullptr || count == 0) return ctx.reply().ArrayHeader(0);
  ElementWriter writer(&ctx.reply(), with_scores);
  if (count < 0) {
    if (count < -kMostRepeated) return ctx.Error("ERR value is out of range");
    return WriteRepeated(ctx, *zset, static_cast<size_t>(-count), &writer);
  }
  if (static_cast<size_t>(count) < zset->size())
    return WriteDifferent(ctx, *zset, static_cast<size_t>(count), &writer);
  writer.Header(zset->size());
  zset->ForRanks({0, zset->size()}, /*reverse=*/true,
                 [&](absl::string_view member, double score) {
                   writer.Element(member, score);
                   return true;
                 });
}

}  // namespace

void ZRandMemberCommand(CommandContext& ctx) {
  if (ctx.argc() == 2) {
    Db db = ctx.db();
    const Zset* zset;
    if (!FindAs(ctx, db, ctx.arg(1), &zset)) return;
    if (zset == nullptr) return ctx.reply().Null();
    Engine& engine = ctx.engine();
    return zset->Random(
        [&] { return engine.RandomU64(); },
        [&](absl::string_view member, double) { ctx.reply().Bulk(member); });
  }
  int64_t count = 0;
  if (!SampleCountArg(ctx, 2, &count)) return;
  const bool with_scores = ctx.argc() == 4 && ctx.ArgIs(3, "WITHSCORES");
  if (ctx.argc() > 3 && !with_scores) return ctx.Error(errors::kSyntax);
  if (with_scores && (count < -kMaxInt / 2 || count > kMaxInt / 2))
    return ctx.Error("ERR value is out of range");
  RandomMembers(ctx, count, with_scores);
}

void ZScanCommand(CommandContext& ctx) {
  uint64_t cursor = 0;
  if (!ParseScanCursor(ctx.arg(2), &cursor))
    return ctx.Error("ERR invalid cursor");
  Db db = ctx.db();
  const Zset* zset;
  if (!FindAs(ctx, db, ctx.arg(1), &zset)) return;
  ScanReply reply(ctx);
  if (zset == nullptr) return reply.Finish(0);  // Whatever the options are.
  CollectionScan scan;
  if (!ParseCollectionScan(ctx, NoValues::kUnknown, &scan)) return;
  // Scores are shown as they are kept: 1e+20 in the large form is
  // 100000000000000000000 in the small one.
  const bool packed = !zset->PackedBytes().empty();
  cursor = zset->Scan(cursor, scan.count,
                      [&](absl::string_view member, double score) {
                        if (!scan.Matches(member)) return;
                        char buffer[kDoubleChars];
                        reply.Add(member);
                        reply.Add(packed ? FormatPackedScore(score, buffer)
                                         : FormatDouble(score, buffer));
                      });
  reply.Finish(cursor);
}

}  // namespace holdfast::server
