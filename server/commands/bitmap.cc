// Commands on single bits, and those that read many.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "net/resp/integer.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/commands/bitmap_handlers.h"
#include "server/commands/value_args.h"
#include "server/keyspace/entry.h"
#include "server/types/bits.h"

namespace holdfast::server {
namespace {

// A row of bits as BITCOUNT and BITPOS name it. Empty if first > last.
struct BitRange {
  int64_t first = 0;
  int64_t last = -1;
  bool empty() const { return first > last; }
};

// What the arguments say, before the string's length is known.
struct RangeArgs {
  int64_t start = 0;
  int64_t end = -1;
  bool in_bits = false;
};

// Argument `arg` as BYTE or BIT.
bool ParseUnit(CommandContext& ctx, size_t arg, bool* in_bits) {
  *in_bits = ctx.ArgIs(arg, "bit");
  if (*in_bits || ctx.ArgIs(arg, "byte")) return true;
  ctx.Error(errors::kSyntax);
  return false;
}

// Both ends belong to it; negative ones count from the end of the string.
BitRange RangeIn(size_t bytes, const RangeArgs& args) {
  const auto length = static_cast<int64_t>(args.in_bits ? bytes * 8 : bytes);
  int64_t start = args.start < 0 ? args.start + length : args.start;
  int64_t end = args.end < 0 ? args.end + length : args.end;
  start = std::max<int64_t>(start, 0);
  end = std::min(std::max<int64_t>(end, 0), length - 1);
  if (start > end) return {};
  if (args.in_bits) return {start, end};
  return {start * 8, end * 8 + 7};
}

}  // namespace

bool ParseBitOffset(CommandContext& ctx, size_t arg, int unit,
                    uint64_t* offset) {
  absl::string_view text = ctx.arg(arg);
  const bool counts_units = unit > 0 && !text.empty() && text[0] == '#';
  if (counts_units) text.remove_prefix(1);
  int64_t value = 0;
  if (net::ParseInteger(text, &value) && value >= 0 &&
      !(counts_units && __builtin_mul_overflow(value, int64_t{unit}, &value)) &&
      (ctx.unit().from_primary() || value >> 3 < ctx.max_bulk_len())) {
    *offset = static_cast<uint64_t>(value);
    return true;
  }
  ctx.Error("ERR bit offset is not an integer or out of range");
  return false;
}

BitString::BitString(Db* db, absl::string_view key, const Entry* entry,
                     size_t min_length)
    : db_(*db), key_(key) {
  const size_t old_length = entry == nullptr ? 0 : entry->StringLength();
  const size_t length = std::max(old_length, min_length);
  grown_ = entry == nullptr || length > old_length;
  if (grown_ || entry->encoding() != Encoding::kRaw) {
    mutable_bytes_ = db_.EditString(key_, length);
    bytes_ = {mutable_bytes_, length};
  } else {
    char scratch[Entry::kScratch];
    bytes_ = entry->StringBytes(scratch);  // Elsewhere: it is no integer.
  }
}

char* BitString::MutableBytes() {
  if (mutable_bytes_ == nullptr) {
    mutable_bytes_ = db_.EditString(key_, bytes_.size());
    bytes_ = {mutable_bytes_, bytes_.size()};
  }
  return mutable_bytes_;
}

void SetBitCommand(CommandContext& ctx) {
  const absl::string_view key = ctx.arg(1);
  uint64_t offset = 0;
  int64_t bit = 0;
  if (!ParseBitOffset(ctx, 2, 0, &offset) ||
      !ctx.IntArgInRange(3, 0, 1, &bit,
                         "ERR bit is not an integer or out of range")) {
    return;
  }
  Db db = ctx.db();
  const Entry* entry = db.FindForWrite(key);
  if (!CheckString(ctx, entry)) return;
  BitString string(&db, key, entry, (offset >> 3) + 1);
  const bool old = BitAt(string.bytes(), offset);
  if (string.grown() || old != (bit == 1)) {
    SetBitAt(string.MutableBytes(), offset, bit == 1);
    db.Touched(key);
    ctx.Notify(kEventString, "setbit", key);
  }
  ctx.reply().Integer(old ? 1 : 0);
}

void GetBitCommand(CommandContext& ctx) {
  uint64_t offset = 0;
  if (!ParseBitOffset(ctx, 2, 0, &offset)) return;
  const Entry* entry = ctx.db().Find(ctx.arg(1));
  if (!CheckString(ctx, entry)) return;
  char scratch[Entry::kScratch];
  const bool bit = entry != nullptr && offset >> 3 < entry->StringLength() &&
                   BitAt(entry->StringBytes(scratch), offset);
  ctx.reply().Integer(bit ? 1 : 0);
}

// A missing key is answered before the other arguments are looked at.
void BitCountCommand(CommandContext& ctx) {
  const Entry* entry = ctx.db().Find(ctx.arg(1));
  if (entry == nullptr) {
    ctx.reply().Integer(0);
    return;
  }
  if (!CheckString(ctx, entry)) return;
  char scratch[Entry::kScratch];
  const absl::string_view bytes = entry->StringBytes(scratch);
  RangeArgs args;
  if (ctx.argc() == 4 || ctx.argc() == 5) {
    if (!ctx.IntArg(2, &args.start) || !ctx.IntArg(3, &args.end)) return;
    if (args.start < 0 && args.end < 0 && args.start > args.end) {
      ctx.reply().Integer(0);
      return;
    }
    if (ctx.argc() == 5 && !ParseUnit(ctx, 4, &args.in_bits)) return;
  } else if (ctx.argc() != 2) {
    ctx.Error(errors::kSyntax);
    return;
  }
  const BitRange range = RangeIn(bytes.size(), args);
  ctx.reply().Integer(range.empty()
                          ? 0
                          : static_cast<int64_t>(CountBits(
                                bytes, static_cast<uint64_t>(range.first),
                                static_cast<uint64_t>(range.last))));
}

// Behind the end of the string there are zeros without end, unless the end of
// the range is given.
void BitPosCommand(CommandContext& ctx) {
  int64_t bit = 0;
  if (!ctx.IntArg(2, &bit)) return;
  if (bit != 0 && bit != 1) {
    ctx.Error("ERR The bit argument must be 1 or 0.");
    return;
  }
  const Entry* entry = ctx.db().Find(ctx.arg(1));
  if (entry == nullptr) {
    ctx.reply().Integer(bit == 1 ? -1 : 0);
    return;
  }
  if (!CheckString(ctx, entry)) return;
  char scratch[Entry::kScratch];
  const absl::string_view bytes = entry->StringBytes(scratch);
  RangeArgs args;
  if (ctx.argc() > 6) {
    ctx.Error(errors::kSyntax);
    return;
  }
  if ((ctx.argc() >= 4 && !ctx.IntArg(3, &args.start)) ||
      (ctx.argc() == 6 && !ParseUnit(ctx, 5, &args.in_bits)) ||
      (ctx.argc() >= 5 && !ctx.IntArg(4, &args.end))) {
    return;
  }
  const BitRange range = RangeIn(bytes.size(), args);
  int64_t position = -1;
  if (!range.empty()) {
    position = FindBit(bytes, bit == 1, static_cast<uint64_t>(range.first),
                       static_cast<uint64_t>(range.last));
    if (position == -1 && bit == 0 && ctx.argc() < 5)
      position = static_cast<int64_t>(bytes.size() * 8);
  }
  ctx.reply().Integer(position);
}

}  // namespace holdfast::server
