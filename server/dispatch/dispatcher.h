#ifndef HOLDFAST_SERVER_DISPATCH_DISPATCHER_H_
#define HOLDFAST_SERVER_DISPATCH_DISPATCHER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "net/resp/reply_writer.h"
#include "net/time/clock.h"
#include "server/command/context.h"
#include "server/command/table.h"
#include "server/command/unit.h"
#include "server/engine/engine.h"
#include "server/session/session.h"

namespace holdfast::server {

// Executes the commands of one session: looks each up, checks whether it may
// run (DESIGN.md section 4), takes the locks that its keys need, calls the
// handler, hands its effects to the log and counts. Belongs to the thread of
// its session; engine and session outlive it.
class Dispatcher {
 public:
  Dispatcher(Engine* engine, Session* session);
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // Reads the clocks; to be called when input has arrived, before its commands.
  void BeginBatch();

  // Executes one command of a client and appends its reply to `out`. May block:
  // for locks, in CLIENT PAUSE, or in what the command itself waits for.
  void Execute(absl::Span<const absl::string_view> args, std::string* out);

  // Executes what a primary sent, as one unit whose log record is `raw`, whole
  // commands of its stream: one command, or a transaction without its MULTI and
  // EXEC. An error means that this dataset differs from the primary's:
  // kInternal with the command and its error reply; what follows must not be
  // applied.
  absl::Status Apply(absl::Span<const std::vector<absl::string_view>> commands,
                     absl::string_view raw);

  // The same for commands that a file keeps: nothing goes into the log, and one
  // that fails does not keep those behind it from being executed. The first
  // error is returned.
  absl::Status Replay(
      absl::Span<const std::vector<absl::string_view>> commands);

  // --- For EXEC -------------------------------------------------------------

  // Locks the keys of all these calls, with `extra`, for one unit. An error is
  // the text to refuse the transaction with (nothing is locked then).
  struct Call {
    const CommandSpec* spec;
    absl::Span<const absl::string_view> args;
  };
  absl::Status LockForCalls(absl::Span<const Call> calls,
                            absl::Span<const SlotUse> extra);
  // Calls one handler within the unit, whose locks are held.
  void CallInUnit(const Call& call, net::ReplyWriter* reply);

  // The dispatcher that executes this context's command.
  static Dispatcher& Of(CommandContext& ctx);

 private:
  // What primaries and files may name.
  absl::StatusOr<std::vector<Call>> CallsOf(
      absl::Span<const std::vector<absl::string_view>> commands);
  // Why the command may not run, as the reply's text; empty if it may.
  absl::string_view Refusal(const CommandSpec& spec, uint64_t flags);
  void Reject(const CommandSpec* spec, absl::string_view text,
              net::ReplyWriter* reply);
  void Queue(const CommandSpec& spec, absl::Span<const absl::string_view> args,
             net::ReplyWriter* reply);
  void Run(const CommandSpec& spec, absl::Span<const absl::string_view> args,
           net::ReplyWriter* reply);
  // Takes the locks of one command. Blocks in a pause; an empty text is
  // success.
  absl::string_view LockFor(const CommandSpec& spec,
                            absl::Span<const absl::string_view> args);
  // What may have changed before a write passed the gate.
  absl::string_view RefusalBehindGate() const;
  void WaitWhilePaused(uint64_t flags);
  bool Pausable(uint64_t flags) const;
  int64_t NowMs() const { return (now_.nanos() + wall_offset_ns_) / 1000000; }

  Engine& engine_;
  Session& session_;
  ExecutionUnit unit_;
  net::MonoTime now_;
  int64_t wall_offset_ns_ = 0;
  std::vector<KeyUse> keys_;
  std::vector<SlotUse> slots_;
  std::string refusal_;  // The text of the last one that was put together.
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_DISPATCH_DISPATCHER_H_
