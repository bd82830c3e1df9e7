#ifndef HOLDFAST_REPLICATION_REPLICA_STREAM_APPLIER_H_
#define HOLDFAST_REPLICATION_REPLICA_STREAM_APPLIER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "net/resp/input_buffer.h"
#include "net/resp/request_decoder.h"
#include "server/dispatch/dispatcher.h"
#include "server/engine/engine.h"
#include "server/session/session.h"

namespace holdfast::replication {

// Applies a primary's command stream: decodes whole commands out of the link's
// input buffer and executes them, and their raw bytes go into this server's log
// in the same critical section, so that the log's end is always the exact
// number of bytes applied. A transaction is gathered and applied as one unit at
// its EXEC; what of it came before a cut leaves no trace.
//
// Memory: the command being received (any length that the primary accepted,
// never more than twice what has arrived), or a transaction up to
// max_transaction_bytes(). Knows no socket. One per connection, one thread's.
class StreamApplier {
 public:
  enum class Result {
    kNeedMore,   // The buffer holds no whole command; bytes_wanted() is a hint.
    kAckWanted,  // A REPLCONF GETACK was taken: acknowledge and call again.
    kStopped,    // `stop` said so.
    // The rest end the connection; error() says what was wrong.
    kDiverged,  // This dataset differs from the primary's.
    kProtocolError,
  };

  // `session` is the link's; its database is that which the stream has
  // selected, known from the log (CommandLog::selected_db()), or else
  // `last_db`, where an earlier connection left off (-1: not known; the stream
  // must select one first).
  StreamApplier(server::Engine* engine, server::Session* session,
                bool peer_is_holdfast, int last_db);

  // Applies what `in` holds. `stop` is asked before every command.
  Result Run(net::InputBuffer* in, const std::function<bool()>& stop);

  // The database that the stream is in, -1 if it has not said so.
  int db() const {
    return db_known_ ? session_.db.load(std::memory_order_relaxed) : -1;
  }
  size_t bytes_wanted() const { return decoder_.bytes_wanted(); }
  const std::string& error() const { return error_; }
  bool in_transaction() const { return in_transaction_; }

 private:
  // What a command is to the stream. kPassedOn: bytes for our own replicas,
  // with nothing to do here (PING).
  enum class Kind { kData, kSelect, kPassedOn, kReplconf, kMulti, kExec };
  static Kind KindOf(absl::string_view name);

  // kNeedMore here means: go on.
  Result OnCommand(absl::Span<const absl::string_view> args,
                   absl::string_view raw);
  Result OnSelect(absl::Span<const absl::string_view> args,
                  absl::string_view raw);
  Result Gather(Kind kind, absl::Span<const absl::string_view> args,
                absl::string_view raw);
  Result ApplyTransaction();
  Result Diverged(absl::string_view what, absl::string_view why);
  int64_t max_transaction_bytes() const;

  server::Engine& engine_;
  server::Session& session_;
  const bool peer_is_holdfast_;
  server::Dispatcher dispatcher_;
  net::RequestDecoder decoder_;
  bool db_known_;
  std::string error_;
  std::vector<std::vector<absl::string_view>>
      commands_;  // For Apply(); kept for its memory.

  // The transaction so far: its bytes, and where in them each argument stands.
  struct Place {
    size_t begin;
    size_t length;
  };
  bool in_transaction_ = false;
  bool selects_ = false;  // It holds a SELECT.
  std::string transaction_;
  std::vector<Place> places_;
  std::vector<size_t> argument_counts_;  // Of each of its commands.
};

}  // namespace holdfast::replication

#endif  // HOLDFAST_REPLICATION_REPLICA_STREAM_APPLIER_H_
