#include "server/dispatch/dispatcher.h"

#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "server/command/call_time.h"
#include "server/command/errors.h"
#include "server/dispatch/redact.h"
#include "server/stats/slow_log.h"
#include "server/transaction/end.h"

namespace holdfast::server {
namespace {

// Which dispatcher this thread is executing a command for: handlers that
// execute others (EXEC) find it by this instead of through every context.
thread_local Dispatcher* current_dispatcher = nullptr;

// A write has all of its keys exclusively, those that it only reads too: it may
// find one of them expired, and the log must tell of that before it tells of
// the write (SINTERSTORE: a replica would count that key).
void AddSlots(const CommandSpec& spec, absl::Span<const KeyUse> keys,
              absl::Span<const absl::string_view> args,
              std::vector<SlotUse>* slots) {
  for (const KeyUse& key : keys) {
    slots->push_back(
        {SlotOfKey(args[key.arg]), spec.Is(kWrite) || key.exclusive()});
  }
}

}  // namespace

Dispatcher::Dispatcher(Engine* engine, Session* session)
    : engine_(*engine), session_(*session), unit_(engine) {
  BeginBatch();
}

Dispatcher& Dispatcher::Of(CommandContext&) { return *current_dispatcher; }

void Dispatcher::BeginBatch() {
  now_ = engine_.clock()->Now();
  wall_offset_ns_ =
      absl::ToUnixNanos(engine_.clock()->WallNow()) - now_.nanos();
}

void Dispatcher::Execute(absl::Span<const absl::string_view> args,
                         std::string* out) {
  net::ReplyWriter reply(out,
                         session_.protocol.load(std::memory_order_relaxed));
  const size_t reply_start = out->size();
  session_.last_interaction_ms.store(now_.nanos() / 1000000,
                                     std::memory_order_relaxed);
  session_.own.skip_this_reply = session_.own.skip_next_reply;
  session_.own.skip_next_reply = false;
  session_.own.told = false;

  const CommandSpec* spec = engine_.commands().ResolveOrNull(args);
  if (spec == nullptr) {
    Reject(nullptr, engine_.commands().Resolve(args).status().message(),
           &reply);
  } else if (!ArityFits(*spec, args.size()) || spec->handler == nullptr) {
    Reject(spec,
           absl::StrCat("ERR wrong number of arguments for '", spec->full_name,
                        "' command"),
           &reply);
  } else {
    session_.last_command.store(spec, std::memory_order_relaxed);
    uint64_t flags = spec->flags;
    if (session_.own.in_multi && spec->Is(kLocksItself) &&
        spec->Is(kNotQueued)) {
      // EXEC is held to what its commands are held to.
      for (const QueuedCommand& queued : session_.own.queue) {
        flags |= queued.spec->flags &
                 (kWrite | kDenyOom | kMayReplicate | kNoAsyncLoading);
        flags &= queued.spec->flags | ~(kStale | kLoading);
      }
    }
    const absl::string_view refusal = Refusal(*spec, flags);
    if (!refusal.empty()) {
      Reject(spec, refusal, &reply);
    } else if (session_.own.in_multi && !spec->Is(kNotQueued)) {
      Queue(*spec, args, &reply);
    } else {
      WaitWhilePaused(flags);
      if (!session_.killed()) Run(*spec, args, &reply);
    }
  }
  if ((session_.own.reply_off || session_.own.skip_this_reply) &&
      !session_.own.told)
    out->resize(reply_start);
}

absl::string_view Dispatcher::Refusal(const CommandSpec& spec, uint64_t flags) {
  const Config& config = engine_.config();
  if (!session_.own.authenticated && !spec.Is(kNoAuth) &&
      !config.String(ConfigId::kRequirePass).empty()) {
    return errors::kNoAuth;
  }
  if (spec.Is(kInternal)) return "ERR command is not allowed here";
  if (spec.Is(kNoMulti) && session_.own.in_multi)
    return "ERR Command not allowed inside a transaction";
  if ((flags & kDenyOom) != 0 && engine_.OverMemory()) return errors::kOom;
  const bool writes = (flags & kWrite) != 0;
  // As in Redis, PING too: whoever watches the server is to see it.
  if (engine_.save_service != nullptr && engine_.save_service->failed() &&
      (writes || spec.name == "ping") &&
      config.Bool(ConfigId::kStopWritesOnBgsaveError) &&
      !config.SavePoints().empty()) {
    return errors::kSaveFailed;
  }
  if ((writes || spec.name == "ping") && engine_.aof_service != nullptr &&
      engine_.aof_service->HoldsUpWrites(writes ? engine_.log().end_offset()
                                                : 0)) {
    refusal_ = engine_.aof_service->WriteRefusal();
    if (!refusal_.empty()) return refusal_;
  }
  const Role& role = engine_.role();
  if (writes && !engine_.is_replica()) {
    const int64_t wanted = config.Int(ConfigId::kMinReplicasToWrite);
    const int64_t lag = config.Int(ConfigId::kMinReplicasMaxLag);
    if (wanted > 0 && lag > 0 &&
        engine_.replication().good_replicas(lag) < wanted)
      return errors::kNoReplicas;
  }
  if (engine_.is_replica()) {
    if (writes) return errors::kReadonly;
    if (!role.link_up.load(std::memory_order_relaxed) &&
        !config.Bool(ConfigId::kReplicaServeStaleData) &&
        (flags & kStale) == 0) {
      return errors::kMasterDown;
    }
  }
  if (session_.kind.load(std::memory_order_relaxed) == SessionKind::kPubsub &&
      session_.protocol.load(std::memory_order_relaxed) == 2 &&
      !spec.Is(kWhileSubscribed)) {
    refusal_ = absl::StrCat(
        "ERR Can't execute '", spec.full_name,
        "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
        "allowed in this context");
    return refusal_;
  }
  if (role.loading.load(std::memory_order_relaxed) && (flags & kLoading) == 0 &&
      !spec.Is(kEvenWhileLoading)) {
    if (!role.async_loading.load(std::memory_order_relaxed) ||
        (flags & kNoAsyncLoading) != 0)
      return errors::kLoading;
  }
  return {};
}

absl::string_view Dispatcher::RefusalBehindGate() const {
  if (engine_.ending()) return errors::kEnding;
  // DEBUG LOADAOF; replicas have a reason of their own.
  if (engine_.role().loading.load(std::memory_order_relaxed) &&
      !engine_.is_replica()) {
    return errors::kLoading;
  }
  return engine_.is_replica() ? errors::kReadonly : absl::string_view();
}

void Dispatcher::Reject(const CommandSpec* spec, absl::string_view text,
                        net::ReplyWriter* reply) {
  if (spec != nullptr)
    engine_.stats().Command(spec->id).rejected.fetch_add(
        1, std::memory_order_relaxed);
  std::string abort;
  if (session_.own.in_multi) {
    session_.own.multi_failed = true;
    if (spec != nullptr && spec->name == "exec") {
      abort =
          absl::StrCat("EXECABORT Transaction discarded because of: ", text);
      text = abort;
      EndTransaction(&engine_.keyspace(), &session_);
    }
  }
  engine_.stats().CountError(text);
  reply->Error(text);
}

void Dispatcher::Queue(const CommandSpec& spec,
                       absl::Span<const absl::string_view> args,
                       net::ReplyWriter* reply) {
  QueuedCommand queued{&spec, {}};
  queued.args.reserve(args.size());
  size_t bytes = sizeof(QueuedCommand);
  for (const absl::string_view arg : args) {
    queued.args.emplace_back(arg);
    bytes += sizeof(std::string) + arg.size();
  }
  session_.own.queue.push_back(std::move(queued));
  session_.queued.store(static_cast<int>(session_.own.queue.size()),
                        std::memory_order_relaxed);
  session_.queued_bytes.fetch_add(bytes, std::memory_order_relaxed);
  reply->SimpleString("QUEUED");
}

bool Dispatcher::Pausable(uint64_t flags) const {
  return session_.kind.load(std::memory_order_relaxed) !=
             SessionKind::kReplica &&
         engine_.pause().Stops((flags & (kWrite | kMayReplicate)) != 0);
}

void Dispatcher::WaitWhilePaused(uint64_t flags) {
  if (!Pausable(flags)) return;
  session_.blocked.store(true, std::memory_order_relaxed);
  std::atomic<bool> gone{false};
  const uint64_t watch = engine_.peer_watch().Watch(session_.fd(), [&] {
    gone.store(true, std::memory_order_relaxed);
    engine_.pause().WakeAll();
  });
  engine_.pause().Wait((flags & (kWrite | kMayReplicate)) != 0, [&] {
    return session_.killed() || gone.load(std::memory_order_relaxed);
  });
  engine_.peer_watch().Unwatch(watch);
  // What it sent before it left is not executed any more, as in Redis.
  if (gone.load(std::memory_order_relaxed)) session_.Kill();
  session_.blocked.store(false, std::memory_order_relaxed);
  BeginBatch();
}

absl::string_view Dispatcher::LockFor(
    const CommandSpec& spec, absl::Span<const absl::string_view> args) {
  if (spec.Is(kLocksItself) || spec.Is(kWalksKeyspace)) return {};
  const bool write = spec.Is(kWrite) || spec.Is(kMayReplicate);
  for (;;) {
    if (spec.single_key > 0) {
      const KeyRef key(args[spec.single_key]);
      unit_.Remember(key);
      unit_.locks().LockOne(
          key.slot,
          spec.keys[0].flags != 0 && (spec.keys[0].flags & kKeyRO) == 0, write);
    } else if (spec.Is(kWholeKeyspace) || ReachesAllKeys(spec, args)) {
      unit_.locks().LockAll();
    } else if (!spec.keys.empty()) {
      slots_.clear();
      // Arguments in which no keys can be found need no slot: the handler
      // refuses them.
      if (ExtractKeys(spec, args, &keys_)) AddSlots(spec, keys_, args, &slots_);
      unit_.locks().LockMany(slots_, write);
    } else if (write) {
      unit_.locks().LockGateOnly();
    }
    if (!write) return {};
    // The role or a pause may have changed before the gate was passed.
    const absl::string_view refusal =
        spec.Is(kWrite) ? RefusalBehindGate() : absl::string_view();
    if (refusal.empty() && !Pausable(spec.flags)) return {};
    if (!refusal.empty() || session_.killed()) {
      unit_.locks().Release();
      return refusal.empty() ? absl::string_view("ERR client is being closed")
                             : refusal;
    }
    unit_.locks().Release();
    WaitWhilePaused(spec.flags);
  }
}

void Dispatcher::Run(const CommandSpec& spec,
                     absl::Span<const absl::string_view> args,
                     net::ReplyWriter* reply) {
  Dispatcher* const outer = std::exchange(current_dispatcher, this);
  unit_.Begin(NowMs(), false);
  const absl::string_view refusal = LockFor(spec, args);
  if (!refusal.empty()) {
    Reject(&spec, refusal, reply);
  } else {
    unit_.set_may_block(!spec.Is(kLocksItself));
    CallInUnit({&spec, args}, reply);
    unit_.End();
    if (unit_.appended())
      session_.own.write_offset = engine_.log().end_offset();
    if (session_.own.after_unit != nullptr)
      std::exchange(session_.own.after_unit, nullptr)();
  }
  current_dispatcher = outer;
}

void Dispatcher::CallInUnit(const Call& call, net::ReplyWriter* reply) {
  const CommandSpec& spec = *call.spec;
  const int64_t changes_before = unit_.changes();
  CommandContext ctx(
      &unit_, &session_, &spec, call.args, reply,
      static_cast<int>(session_.db.load(std::memory_order_relaxed)));
  unit_.set_touches(!session_.no_touch.load(std::memory_order_relaxed) ||
                    spec.name == "touch");
  spec.handler(ctx);
  if ((ctx.own_effect_ && unit_.changes() > changes_before) ||
      ctx.forced_effect_) {
    unit_.AddEffect(ctx.db_index_, call.args);
  }
  const net::MonoTime end = engine_.clock()->Now();
  const int64_t nanos = end.nanos() - now_.nanos();
  now_ = end;
  CommandStats& stats = engine_.stats().Command(spec.id);
  stats.calls.Add(1);
  stats.nanos.Add(nanos);
  if (ctx.failed_) stats.failed.fetch_add(1, std::memory_order_relaxed);
  if (session_.own.wait_begins != nullptr) {
    // How long it took is known when it is served.
    return std::exchange(session_.own.wait_begins, nullptr)(nanos);
  }
  NoteCallTime(&engine_, spec, nanos, [&] {
    SlowLog::Entry entry;
    entry.args = SlowLog::Trimmed(RedactedArgs(spec, call.args));
    entry.address = session_.address;
    entry.name = session_.name();
    return entry;
  });
}

absl::Status Dispatcher::LockForCalls(absl::Span<const Call> calls,
                                      absl::Span<const SlotUse> extra) {
  uint64_t flags = 0;
  bool everything = false;
  slots_.assign(extra.begin(), extra.end());
  for (const Call& call : calls) {
    flags |= call.spec->flags & (kWrite | kMayReplicate);
    if (call.spec->Is(kWholeKeyspace) || call.spec->Is(kWalksKeyspace) ||
        ReachesAllKeys(*call.spec, call.args)) {
      everything = true;
    } else if (ExtractKeys(*call.spec, call.args, &keys_)) {
      AddSlots(*call.spec, keys_, call.args, &slots_);
    }
  }
  for (;;) {
    if (everything) {
      unit_.locks().LockAll();
    } else {
      // What a primary sent goes into the log whatever it does.
      unit_.locks().LockMany(slots_, flags != 0 || unit_.from_primary());
    }
    if (unit_.from_primary()) return absl::OkStatus();
    const absl::string_view refusal =
        (flags & kWrite) != 0 ? RefusalBehindGate() : absl::string_view();
    if (refusal.empty() && !Pausable(flags)) return absl::OkStatus();
    unit_.locks().Release();
    if (!refusal.empty()) return absl::FailedPreconditionError(refusal);
    if (session_.killed())
      return absl::CancelledError("ERR client is being closed");
    WaitWhilePaused(flags);
  }
}

absl::StatusOr<std::vector<Dispatcher::Call>> Dispatcher::CallsOf(
    absl::Span<const std::vector<absl::string_view>> commands) {
  std::vector<Call> calls;
  calls.reserve(commands.size());
  for (const auto& args : commands) {
    const CommandSpec* spec = engine_.commands().ResolveOrNull(args);
    if (spec == nullptr)
      return absl::InternalError(
          engine_.commands().Resolve(args).status().message());
    // Whatever is not about data (REPLICAOF, SHUTDOWN, CONFIG, CLIENT) would be
    // executed by the link's own thread, with no check of who asks: it must not
    // end or lead away the very link that it came on.
    if ((spec->flags & (kWrite | kReadonly | kMayReplicate)) == 0 &&
        spec->name != "select") {
      return absl::InternalError(
          "a primary does not send it, and it is not obeyed");
    }
    if (!ArityFits(*spec, args.size()) || spec->handler == nullptr ||
        spec->Is(kLocksItself)) {
      return absl::InternalError(absl::StrCat("a primary cannot send '",
                                              spec->full_name, "' with ",
                                              args.size() - 1, " arguments"));
    }
    calls.push_back({spec, args});
  }
  return calls;
}

absl::Status Dispatcher::Apply(
    absl::Span<const std::vector<absl::string_view>> commands,
    absl::string_view raw) {
  BeginBatch();
  const absl::StatusOr<std::vector<Call>> calls = CallsOf(commands);
  if (!calls.ok()) return calls.status();
  Dispatcher* const outer = std::exchange(current_dispatcher, this);
  unit_.Begin(NowMs(), true);
  absl::Status status = LockForCalls(*calls, {});
  std::string replies;
  net::ReplyWriter reply(&replies, 2);
  for (const Call& call : *calls) {
    if (!status.ok()) break;
    replies.clear();
    CallInUnit(call, &reply);
    if (!replies.empty() && replies[0] == '-') {
      status = absl::InternalError(absl::StrCat(
          "'", call.spec->full_name, "' failed: ", replies.substr(1)));
    }
  }
  unit_.End(status.ok() ? raw : absl::string_view(),
            static_cast<int>(session_.db.load(std::memory_order_relaxed)));
  current_dispatcher = outer;
  return status;
}

absl::Status Dispatcher::Replay(
    absl::Span<const std::vector<absl::string_view>> commands) {
  BeginBatch();
  const absl::StatusOr<std::vector<Call>> calls = CallsOf(commands);
  if (!calls.ok()) return calls.status();
  Dispatcher* const outer = std::exchange(current_dispatcher, this);
  unit_.Begin(NowMs(), true);
  absl::Status status = LockForCalls(*calls, {});
  std::string replies;
  net::ReplyWriter reply(&replies, 2);
  for (const Call& call : *calls) {
    replies.clear();
    CallInUnit(call, &reply);
    if (status.ok() && !replies.empty() && replies[0] == '-') {
      status = absl::InternalError(absl::StrCat(
          "'", call.spec->full_name, "' failed: ", replies.substr(1)));
    }
  }
  unit_.End();
  current_dispatcher = outer;
  return status;
}

}  // namespace holdfast::server
