// What reads entries by their ids: XLEN, XRANGE, XREVRANGE.

#include <algorithm>
#include <cstdint>

#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/stream_handlers.h"
#include "server/commands/stream_shared.h"

namespace holdfast::server {
namespace {

void RangeCommand(CommandContext& ctx, bool reverse) {
  StreamId start;
  StreamId end;
  if (!StreamStartArg(ctx, reverse ? 3 : 2, &start) ||
      !StreamEndArg(ctx, reverse ? 2 : 3, &end))
    return;
  bool counted = false;
  int64_t count = 0;
  for (size_t i = 4; i < ctx.argc(); i += 2) {
    if (!ctx.ArgIs(i, "COUNT") || i + 1 >= ctx.argc())
      return ctx.Error(errors::kSyntax);
    if (!ctx.IntArg(i + 1, &count)) return;
    count = std::max<int64_t>(count, 0);
    counted = true;
  }
  Db db = ctx.db();
  const Stream* stream;
  if (!FindAs(ctx, db, ctx.arg(1), &stream)) return;
  if (stream == nullptr) return ctx.reply().ArrayHeader(0);
  if (counted && count == 0) return ctx.reply().NullArray();
  ReplyStreamRange(ctx.reply(), *stream, start, end, reverse,
                   static_cast<size_t>(count));
}

}  // namespace

void XLenCommand(CommandContext& ctx) {
  Db db = ctx.db();
  const Stream* stream;
  if (!FindAs(ctx, db, ctx.arg(1), &stream)) return;
  ctx.reply().Integer(stream == nullptr ? 0
                                        : static_cast<int64_t>(stream->size()));
}

void XRangeCommand(CommandContext& ctx) { RangeCommand(ctx, false); }
void XRevRangeCommand(CommandContext& ctx) { RangeCommand(ctx, true); }

}  // namespace holdfast::server
