#ifndef HOLDFAST_SERVER_COMMANDS_COLLECTION_ARGS_H_
#define HOLDFAST_SERVER_COMMANDS_COLLECTION_ARGS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "net/resp/reply_writer.h"
#include "server/command/context.h"
#include "server/command/typed.h"

// What the families of collections have in common: elements as arguments, keys
// that come into being, HSCAN and its kin, random samples. Functions that take
// a context and return false have replied with Redis's error text.
namespace holdfast::server {

// Whether no argument from `first` on is longer than an element of a collection
// may be (kMaxElementBytes), which only a large proto-max-bulk-len lets in.
bool CheckElementLengths(CommandContext& ctx, size_t first);

// For a change that creates the key where it is missing: the caller fills it at
// once.
template <typename T>
bool FindOrCreate(CommandContext& ctx, Db& db, absl::string_view key,
                  T** value) {
  if (!FindForChange(ctx, db, key, value)) return false;
  if (*value == nullptr) *value = Create<T>(db, key);
  return true;
}

// --- HSCAN, SSCAN, ZSCAN ---

// What strtoul(3) takes for the whole of a number, but no leading space: an
// optional sign (a minus wraps around) and digits; none at all are 0.
bool ParseScanCursor(absl::string_view text, uint64_t* cursor);

struct CollectionScan {
  absl::string_view pattern = {};
  bool has_pattern = false;
  size_t count = 10;
  bool no_values = false;

  bool Matches(absl::string_view name) const;
};

// Whether NOVALUES (HSCAN of Redis 7.4) is an option or a syntax error.
enum class NoValues : uint8_t { kUnknown, kKnown };

// The options, from argument 3 on.
bool ParseCollectionScan(CommandContext& ctx, NoValues no_values,
                         CollectionScan* scan);

// The answer's elements, which are known before the cursor that precedes them.
class ScanReply {
 public:
  explicit ScanReply(CommandContext& ctx)
      : ctx_(ctx), writer_(&elements_, ctx.reply().protocol()) {}

  net::ReplyWriter& writer() { return writer_; }
  void Add(absl::string_view element) {
    writer_.Bulk(element);
    ++count_;
  }
  // Replies with the cursor and all that was added.
  void Finish(uint64_t cursor);

 private:
  CommandContext& ctx_;
  std::string elements_;
  net::ReplyWriter writer_;
  size_t count_ = 0;
};

// --- Random samples ---

// Which elements of a walk belong to a sample of distinct ones, every such
// sample with the same chance (Knuth, TAOCP 3.4.2, algorithm S).
class WalkSample {
 public:
  // REQUIRES: want <= size.
  WalkSample(size_t want, size_t size) : want_(want), left_(size) {}
  // The next element. Called at most `size` times. `random`: 64 random bits.
  bool Takes(uint64_t random) {
    const bool takes = random % left_-- < want_;
    want_ -= takes ? 1 : 0;
    return takes;
  }

 private:
  size_t want_;
  size_t left_;
};

// A sample that allows repetition may be of any length, whatever the size of
// the collection; no reply may become longer than this. (Redis goes on until
// memory ends.)
inline constexpr size_t kMaxSampleReplyBytes = size_t{512} << 20;
// Whether a reply begun at `mark` can still grow and anybody waits for it; if
// not, takes it back and replies with an error.
bool CheckSampleReply(CommandContext& ctx, size_t mark);
// Argument `arg` as how many: any integer that has an opposite.
bool SampleCountArg(CommandContext& ctx, size_t arg, int64_t* count);
// Whether `count` elements can fit at all; before anything is written.
bool CheckSampleCount(CommandContext& ctx, uint64_t count);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_COLLECTION_ARGS_H_
