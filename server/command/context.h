#ifndef HOLDFAST_SERVER_COMMAND_CONTEXT_H_
#define HOLDFAST_SERVER_COMMAND_CONTEXT_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "net/resp/reply_writer.h"
#include "server/command/db.h"
#include "server/command/errors.h"
#include "server/command/spec.h"
#include "server/command/unit.h"
#include "server/config/enum_values.h"

namespace holdfast::server {

class Engine;
class Session;

// Classes of keyspace events, as bits of notify-keyspace-events.
enum EventClass : int64_t {
  kEventGeneric = KeyEventClass('g'),
  kEventString = KeyEventClass('$'),
  kEventList = KeyEventClass('l'),
  kEventSet = KeyEventClass('s'),
  kEventHash = KeyEventClass('h'),
  kEventZset = KeyEventClass('z'),
  kEventExpired = KeyEventClass('x'),
  kEventEvicted = KeyEventClass('e'),
  kEventStream = KeyEventClass('t'),
  kEventNew = KeyEventClass('n'),
  kEventMiss = KeyEventClass('m'),
};

// One call of one command: its arguments, where its reply goes, and what it may
// touch. Made by the dispatcher, which has checked arity, flags and role and
// holds the locks; handed to the handler by reference. One thread's.
//
// The effect rule: a handler that changed something (Db counts that) has, by
// default, its own arguments as the effect that replicas apply. It must call
// ReplaceEffect() where these are not deterministic (relative times, random
// choices), or SuppressEffect() where others carry it.
class CommandContext {
 public:
  CommandContext(ExecutionUnit* unit, Session* session, const CommandSpec* spec,
                 absl::Span<const absl::string_view> args,
                 net::ReplyWriter* reply, int db_index)
      : unit_(*unit),
        session_(*session),
        spec_(*spec),
        args_(args),
        reply_(*reply),
        db_index_(db_index) {}
  CommandContext(const CommandContext&) = delete;
  CommandContext& operator=(const CommandContext&) = delete;

  Engine& engine() { return unit_.engine(); }
  Session& session() { return session_; }
  ExecutionUnit& unit() { return unit_; }
  const CommandSpec& spec() const { return spec_; }
  net::ReplyWriter& reply() { return reply_; }

  // args()[0] is the name as the client wrote it; a subcommand's is args()[1].
  absl::Span<const absl::string_view> args() const { return args_; }
  size_t argc() const { return args_.size(); }
  absl::string_view arg(size_t i) const { return args_[i]; }
  // Whether argument i is this option, in any case.
  bool ArgIs(size_t i, absl::string_view option) const {
    return absl::EqualsIgnoreCase(args_[i], option);
  }

  // Whether this call may make its client wait (BlockedClient::Block()).
  bool may_block() const { return unit_.may_block(); }

  // The session's selected database. Cheap; look it up once per call.
  Db db() { return Db(&unit_, db_index_); }
  Db db(int index) { return Db(&unit_, index); }
  int db_index() const { return db_index_; }

  int64_t now_ms() const { return unit_.now_ms(); }
  // proto-max-bulk-len: the longest string, in bytes.
  int64_t max_bulk_len();

  // Replies with an error, code first ("ERR syntax error"), and counts it.
  void Error(absl::string_view text);
  bool failed() const { return failed_; }
  void Ok() { reply_.Ok(); }

  // Argument i as an integer in [min, max]; replies `error` and returns false
  // if it is none (Redis's text for a bad number by default).
  bool IntArg(size_t i, int64_t* value,
              absl::string_view error = errors::kNotInteger);
  bool IntArgInRange(size_t i, int64_t min, int64_t max, int64_t* value,
                     absl::string_view error);

  // What goes into the log in place of the arguments. Called again, it adds a
  // further command (all within one MULTI/EXEC).
  void ReplaceEffect(std::initializer_list<absl::string_view> args) {
    ReplaceEffect(
        absl::Span<const absl::string_view>(args.begin(), args.size()));
  }
  void ReplaceEffect(absl::Span<const absl::string_view> args);
  void ReplaceEffectIn(int db, absl::Span<const absl::string_view> args);
  void SuppressEffect() { own_effect_ = false; }
  // Makes the arguments an effect even if nothing was counted as a change
  // (FLUSHALL of an empty keyspace, PUBLISH).
  void ForceEffect() { forced_effect_ = true; }

  // A keyspace event for `key` in the selected database.
  void Notify(EventClass event_class, absl::string_view event,
              absl::string_view key) {
    NotifyIn(db_index_, event_class, event, key);
  }
  void NotifyIn(int db, EventClass event_class, absl::string_view event,
                absl::string_view key);

 private:
  friend class Dispatcher;

  ExecutionUnit& unit_;
  Session& session_;
  const CommandSpec& spec_;
  const absl::Span<const absl::string_view> args_;
  net::ReplyWriter& reply_;
  const int db_index_;
  bool failed_ = false;
  bool own_effect_ = true;
  bool forced_effect_ = false;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMAND_CONTEXT_H_
