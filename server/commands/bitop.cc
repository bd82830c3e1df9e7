// BITOP: one string from several.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/commands/bitmap_handlers.h"
#include "server/commands/value_args.h"
#include "server/keyspace/entry.h"
#include "server/types/bits.h"

namespace holdfast::server {
namespace {

bool ParseOperation(CommandContext& ctx, BitOperation* operation) {
  if (ctx.ArgIs(1, "and")) {
    *operation = BitOperation::kAnd;
  } else if (ctx.ArgIs(1, "or")) {
    *operation = BitOperation::kOr;
  } else if (ctx.ArgIs(1, "xor")) {
    *operation = BitOperation::kXor;
  } else if (ctx.ArgIs(1, "not")) {
    *operation = BitOperation::kNot;
    if (ctx.argc() != 4) {
      ctx.Error("ERR BITOP NOT must be called with a single source key.");
      return false;
    }
  } else {
    ctx.Error(errors::kSyntax);
    return false;
  }
  return true;
}

// The bytes of source keys; integers are printed into room of their own.
class Sources {
 public:
  explicit Sources(size_t count) : views_(count) { digits_.reserve(count); }

  void Set(size_t i, const Entry* entry) {
    if (entry == nullptr) return;
    if (entry->encoding() == Encoding::kInt) {
      views_[i] = entry->StringBytes(digits_.emplace_back().text);
    } else {
      char unused[Entry::kScratch];
      views_[i] = entry->StringBytes(unused);
    }
    longest_ = std::max(longest_, views_[i].size());
  }
  void Replace(size_t i, absl::string_view bytes) { views_[i] = bytes; }

  size_t longest() const { return longest_; }
  absl::Span<const absl::string_view> views() const { return views_; }

 private:
  struct Digits {
    char text[Entry::kScratch];
  };
  std::vector<absl::string_view> views_;
  std::vector<Digits> digits_;  // Never grows: the views point into it.
  size_t longest_ = 0;
};

}  // namespace

// The destination may be one of the sources: it is then combined where it
// stands, else made anew.
void BitOpCommand(CommandContext& ctx) {
  BitOperation operation;
  if (!ParseOperation(ctx, &operation)) return;
  constexpr size_t kFirstSource = 3;
  const absl::string_view destination = ctx.arg(2);
  Db db = ctx.db();
  Sources sources(ctx.argc() - kFirstSource);
  bool in_place = false;
  for (size_t i = kFirstSource; i < ctx.argc(); ++i) {
    const Entry* entry = db.Find(ctx.arg(i));
    if (!CheckString(ctx, entry)) return;
    sources.Set(i - kFirstSource, entry);
    in_place |= entry != nullptr && ctx.arg(i) == destination;
  }

  const Entry* old = db.FindForWrite(destination);
  const size_t length = sources.longest();
  if (length == 0) {
    if (old != nullptr && db.Delete(destination))
      ctx.Notify(kEventGeneric, "del", destination);
    ctx.reply().Integer(0);
    return;
  }
  if (old != nullptr && old->type() != ValueType::kString) {
    db.storage().Delete(db.unit().Ref(destination));
  } else if (old != nullptr && old->has_expiry()) {
    db.storage().SetExpiry(db.unit().Ref(destination), kNoExpiry);
  }
  char* const bytes = db.EditString(destination, length);
  for (size_t i = kFirstSource; in_place && i < ctx.argc(); ++i) {
    if (ctx.arg(i) == destination)
      sources.Replace(i - kFirstSource, {bytes, length});
  }
  CombineBits(operation, sources.views(), bytes, length);
  db.Touched(destination);
  ctx.Notify(kEventString, "set", destination);
  ctx.reply().Integer(static_cast<int64_t>(length));
}

}  // namespace holdfast::server
