#include "server/commands/collection_args.h"

#include <charconv>
#include <limits>

#include "absl/strings/str_cat.h"
#include "server/command/errors.h"
#include "server/session/session.h"
#include "server/text/glob.h"

namespace holdfast::server {
namespace {

constexpr absl::string_view kSampleTooLong =
    "ERR value is out of range, the reply would be longer than 512 MiB";
constexpr size_t kLeastElementBytes = 6;  // "$0\r\n\r\n"

}  // namespace

bool CheckElementLengths(CommandContext& ctx, size_t first) {
  for (size_t i = first; i < ctx.argc(); ++i) {
    if (ctx.arg(i).size() > kMaxElementBytes) {
      ctx.Error(errors::kStringTooLong);
      return false;
    }
  }
  return true;
}

bool ParseScanCursor(absl::string_view text, uint64_t* cursor) {
  *cursor = 0;
  if (text.empty()) return true;
  const bool negative = text[0] == '-';
  if (negative || text[0] == '+') text.remove_prefix(1);
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), *cursor);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  if (negative) *cursor = -*cursor;
  return true;
}

bool CollectionScan::Matches(absl::string_view name) const {
  return !has_pattern || GlobMatch(pattern, name);
}

bool ParseCollectionScan(CommandContext& ctx, NoValues no_values,
                         CollectionScan* scan) {
  for (size_t i = 3; i < ctx.argc(); ++i) {
    const bool has_value = i + 1 < ctx.argc();
    if (has_value && ctx.ArgIs(i, "COUNT")) {
      int64_t count = 0;
      if (!ctx.IntArg(++i, &count)) return false;
      if (count < 1) {
        ctx.Error(errors::kSyntax);
        return false;
      }
      scan->count = static_cast<size_t>(count);
    } else if (has_value && ctx.ArgIs(i, "MATCH")) {
      scan->pattern = ctx.arg(++i);
      scan->has_pattern = scan->pattern != "*";
    } else if (no_values == NoValues::kKnown && ctx.ArgIs(i, "NOVALUES")) {
      scan->no_values = true;
    } else {
      ctx.Error(errors::kSyntax);
      return false;
    }
  }
  return true;
}

void ScanReply::Finish(uint64_t cursor) {
  net::ReplyWriter& reply = ctx_.reply();
  reply.ArrayHeader(2);
  reply.Bulk(absl::StrCat(cursor));
  reply.ArrayHeader(count_);
  reply.Raw(elements_);
}

bool SampleCountArg(CommandContext& ctx, size_t arg, int64_t* count) {
  if (!ctx.IntArg(arg, count)) return false;
  if (*count >= -std::numeric_limits<int64_t>::max()) return true;
  ctx.Error(
      "ERR value is out of range, value must between -9223372036854775807 and "
      "9223372036854775807");
  return false;
}

bool CheckSampleCount(CommandContext& ctx, uint64_t count) {
  if (count <= kMaxSampleReplyBytes / kLeastElementBytes) return true;
  ctx.Error(kSampleTooLong);
  return false;
}

bool CheckSampleReply(CommandContext& ctx, size_t mark) {
  const bool fits = ctx.reply().out()->size() - mark <= kMaxSampleReplyBytes;
  if (fits && !ctx.session().killed()) return true;
  ctx.reply().Rewind(mark);
  ctx.Error(fits ? "ERR client is being closed" : kSampleTooLong);
  return false;
}

}  // namespace holdfast::server
