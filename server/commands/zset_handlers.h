#ifndef HOLDFAST_SERVER_COMMANDS_ZSET_HANDLERS_H_
#define HOLDFAST_SERVER_COMMANDS_ZSET_HANDLERS_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "server/command/context.h"
#include "server/command/db.h"
#include "server/keyspace/entry.h"
#include "server/types/zset.h"

// Private to the sorted set family: what its files share. The handlers'
// contract is CommandContext's; arguments are counted and slots locked when
// they are called.
namespace holdfast::server {

// zset.cc: single members.
void ZAddCommand(CommandContext& ctx);
void ZIncrByCommand(CommandContext& ctx);
void ZRemCommand(CommandContext& ctx);
void ZCardCommand(CommandContext& ctx);
void ZScoreCommand(CommandContext& ctx);
void ZMScoreCommand(CommandContext& ctx);
void ZRankCommand(CommandContext& ctx);
void ZRevRankCommand(CommandContext& ctx);

// zset_range.cc: ranges, read or stored.
void ZRangeCommand(CommandContext& ctx);
void ZRevRangeCommand(CommandContext& ctx);
void ZRangeByScoreCommand(CommandContext& ctx);
void ZRevRangeByScoreCommand(CommandContext& ctx);
void ZRangeByLexCommand(CommandContext& ctx);
void ZRevRangeByLexCommand(CommandContext& ctx);
void ZRangeStoreCommand(CommandContext& ctx);

// zset_remove.cc: ranges, counted or removed; elements taken from the ends.
void ZCountCommand(CommandContext& ctx);
void ZLexCountCommand(CommandContext& ctx);
void ZRemRangeByRankCommand(CommandContext& ctx);
void ZRemRangeByScoreCommand(CommandContext& ctx);
void ZRemRangeByLexCommand(CommandContext& ctx);
void ZPopMinCommand(CommandContext& ctx);
void ZPopMaxCommand(CommandContext& ctx);
void ZMPopCommand(CommandContext& ctx);
void BZPopMinCommand(CommandContext& ctx);
void BZPopMaxCommand(CommandContext& ctx);
void BZMPopCommand(CommandContext& ctx);

// zset_sample.cc: elements in no order.
void ZRandMemberCommand(CommandContext& ctx);
void ZScanCommand(CommandContext& ctx);

// zset_combine.cc: several sets, sorted or not.
void ZUnionCommand(CommandContext& ctx);
void ZUnionStoreCommand(CommandContext& ctx);
void ZInterCommand(CommandContext& ctx);
void ZInterStoreCommand(CommandContext& ctx);
void ZInterCardCommand(CommandContext& ctx);
void ZDiffCommand(CommandContext& ctx);
void ZDiffStoreCommand(CommandContext& ctx);

// What they share, in zset_shared.cc.

// Arguments as an end of a range each. False, with the error replied, for what
// is none. The views in *range are into the arguments.
bool ScoreRangeArgs(CommandContext& ctx, size_t min_arg, size_t max_arg,
                    ScoreRange* range);
bool LexRangeArgs(CommandContext& ctx, size_t min_arg, size_t max_arg,
                  LexRange* range);

// The ranks from `start` to `stop`, both included, as ZRANGE counts them:
// negative ones from the end. Of the descending order if `reverse`; what comes
// out is ascending all the same.
Zset::Ranks RanksFromTo(int64_t start, int64_t stop, size_t size, bool reverse);

// Writes `count` elements as Redis does: with scores in RESP2 one flat array,
// in RESP3 an array of pairs; without, an array of members. Header first, then
// exactly that many elements.
class ElementWriter {
 public:
  ElementWriter(net::ReplyWriter* reply, bool with_scores)
      : ElementWriter(reply, with_scores, with_scores && reply->resp3()) {}
  ElementWriter(net::ReplyWriter* reply, bool with_scores, bool pairs)
      : reply_(*reply), with_scores_(with_scores), pairs_(pairs) {}

  void Header(size_t count) {
    reply_.ArrayHeader(with_scores_ && !pairs_ ? 2 * count : count);
  }
  void Element(absl::string_view member, double score) {
    if (pairs_) reply_.ArrayHeader(2);
    reply_.Bulk(member);
    if (with_scores_) reply_.Double(score);
  }

 private:
  net::ReplyWriter& reply_;
  const bool with_scores_;
  const bool pairs_;
};

// Removes these elements, which are at least one, and the key with the last;
// counts the changes and tells the event, then "del". *zset may be gone then.
void RemoveRanks(CommandContext& ctx, Db& db, absl::string_view key, Zset* zset,
                 Zset::Ranks ranks, absl::string_view event);

// The end of the commands that store: puts `result` where `key` is, whatever
// that was, or deletes the key if it is empty; replies with the size.
void StoreResult(CommandContext& ctx, Db& db, absl::string_view key,
                 Zset result, absl::string_view event);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_ZSET_HANDLERS_H_
