#ifndef HOLDFAST_SERVER_COMMANDS_STREAM_SHARED_H_
#define HOLDFAST_SERVER_COMMANDS_STREAM_SHARED_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "net/resp/reply_writer.h"
#include "server/command/context.h"
#include "server/types/stream.h"

// What several commands of streams have in common. Functions that return false
// have replied with Redis's error text.
namespace holdfast::server {

// --- Arguments ---

// Argument `i` as an id; "ms" alone has the sequence number 0.
bool StreamIdArg(CommandContext& ctx, size_t i, StreamId* id);
// Arguments [first, end), all of them before anything is done with one.
bool StreamIdArgs(CommandContext& ctx, size_t first, size_t end,
                  std::vector<StreamId>* ids);
// Arguments `i` as the first, or last, id of a range; '(' excludes it.
bool StreamStartArg(CommandContext& ctx, size_t i, StreamId* start);
bool StreamEndArg(CommandContext& ctx, size_t i, StreamId* end);
// A word as Redis prints it in an error: it ends where a C string would.
absl::string_view Printed(absl::string_view word);
// The error of XGROUP and XINFO for options that are none.
void StreamSubcommandError(CommandContext& ctx);

// --- Replies ---

void ReplyStreamId(net::ReplyWriter& reply, const StreamId& id);
// An id, and the fields and values in one flat array.
void ReplyStreamEntry(net::ReplyWriter& reply, const StreamEntry& entry);
// An array of entries, as Stream::Range().
void ReplyStreamRange(net::ReplyWriter& reply, const Stream& stream,
                      const StreamId& start, const StreamId& end, bool reverse,
                      size_t count);

// --- Groups ---

// now - then in ms; saturates, since files may have any times in them.
int64_t StreamIdleMs(int64_t now_ms, int64_t then_ms);
// The consumer, seen now. Created if it is missing, which counts a change and
// has its event; then *created, if not null, is true.
StreamConsumer* SeeConsumer(CommandContext& ctx, absl::string_view key,
                            StreamGroup* group, absl::string_view name,
                            bool* created = nullptr);

// What replicas are told about groups: what came of it, not how.
void EffectClaim(CommandContext& ctx, absl::string_view key,
                 const StreamGroup& group, const StreamId& id,
                 const StreamPending& pending);
void EffectGroupId(CommandContext& ctx, absl::string_view key,
                   const StreamGroup& group);
void EffectConsumer(CommandContext& ctx, absl::string_view key,
                    const StreamGroup& group, absl::string_view consumer);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_STREAM_SHARED_H_
