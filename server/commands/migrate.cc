#include "server/commands/migrate.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "net/resp/reply_writer.h"
#include "net/time/deadline.h"
#include "server/command/context.h"
#include "server/commands/dump.h"
#include "server/commands/migrate_args.h"
#include "server/dispatch/dispatcher.h"
#include "server/engine/engine.h"
#include "server/migrate/link.h"
#include "server/migrate/shipment.h"
#include "server/session/session.h"

namespace holdfast::server {
namespace {

// Redis serves nobody while MIGRATE talks to its target. Here the keys are not
// even locked meanwhile, for the target may be slow or hang:
//
//   under the locks   write the keys down, and watch them
//   without           send them and wait for the replies
//   under the locks   delete those that the target has and that did not change
//
// A key that changed meanwhile is sent again, in place of what was sent first,
// or deleted there if it is gone here; for kRounds, then it stays. So a key is
// deleted here only when the target has confirmed exactly this value; when
// either side dies, or becomes a replica, it is here, or on both sides, as with
// Redis, never on none.
//
// Inside a transaction, whose locks must stay, the I/O happens under them, and
// the timeout is for all of it.
constexpr int kRounds = 8;

class Migration {
 public:
  Migration(CommandContext& ctx, MigrateArgs args)
      : ctx_(ctx),
        engine_(ctx.engine()),
        args_(std::move(args)),
        alone_(ctx.unit().locks().holds_nothing()) {}
  // REQUIRES: no lock is held, if there was none at first.
  ~Migration() { StopWatching(false); }
  Migration(const Migration&) = delete;
  Migration& operator=(const Migration&) = delete;

  void Run() {
    if (!Lock()) return;
    const bool any = Collect();
    if (any) Pack();
    Unlock();
    if (!any) return ctx_.reply().SimpleString("NOKEY");
    for (int round = 1;; ++round) {
      Send();
      if (args_.copy) break;
      ctx_.unit().Begin(engine_.WallMs(), false);
      if (!Lock()) return;
      Settle();
      const bool again =
          shipment_.error.empty() && !parcels_.empty() && round < kRounds;
      if (again) Pack();
      Unlock();
      if (!again) break;
    }
    if (shipment_.error.empty() && !args_.copy && !parcels_.empty()) {
      shipment_.error =
          "IOERR keys changed again and again while they were sent: they stay";
    }
    Reply();
  }

  // With the locks of a transaction.
  void RunWithin() {
    if (!Collect()) return ctx_.reply().SimpleString("NOKEY");
    Pack();
    Send();
    if (!args_.copy) Settle();
    Reply();
  }

  bool alone() const { return alone_; }

 private:
  // A key on its way.
  struct Parcel {
    absl::string_view key;
    bool has_copy = false;  // The target has a value of ours.
    // Set by whoever changes the key; null if it is not watched.
    std::shared_ptr<std::atomic<bool>> changed;
    // What was sent of a stream, whose groups change with no word to watchers.
    std::string stream;
  };

  // False: it is no longer ours to write to, and the error is out.
  bool Lock() {
    const Dispatcher::Call call = {&ctx_.spec(), ctx_.args()};
    const absl::Status locked =
        Dispatcher::Of(ctx_).LockForCalls({&call, 1}, {});
    if (!locked.ok()) ctx_.Error(locked.message());
    return locked.ok();
  }

  void Unlock() {
    ctx_.unit().End();
    if (ctx_.unit().appended())
      ctx_.session().own.write_offset = engine_.log().end_offset();
  }

  // The keys that are there; false if there are none.
  bool Collect() {
    Db db = ctx_.db();
    for (const absl::string_view key : args_.keys) {
      if (db.Find(key) != nullptr) parcels_.emplace_back().key = key;
    }
    return !parcels_.empty();
  }

  // Writes the parcels down as commands for the target, in their order.
  void Pack() {
    shipment_ = Shipment();
    Db db = ctx_.db();
    for (Parcel& parcel : parcels_) {
      const KeyRef key(parcel.key);
      const Entry* entry = db.storage().Find(key);
      if (entry == nullptr) {
        net::AppendCommand(&shipment_.wire, {"DEL", parcel.key});
        shipment_.commands.push_back(Shipment::Command::kDelete);
      } else {
        PackValue(*entry, &parcel);
        shipment_.commands.push_back(Shipment::Command::kRestore);
      }
      if (!alone_ || args_.copy) continue;
      parcel.changed = std::make_shared<std::atomic<bool>>(false);
      flags_.insert(parcel.changed.get());
      watched_slots_.insert(key.slot);
      engine_.keyspace().AddWatch(
          key.slot,
          {ctx_.db_index(), std::string(parcel.key), parcel.changed, false});
    }
  }

  void PackValue(const Entry& entry, Parcel* parcel) {
    std::string payload = DumpPayload(engine_, entry);
    int64_t ttl_ms = 0;
    if (entry.expire_ms() != kNoExpiry)
      ttl_ms = std::max<int64_t>(1, entry.expire_ms() - engine_.WallMs());
    const std::string ttl = absl::StrCat(ttl_ms);
    if (args_.replace || parcel->has_copy) {
      net::AppendCommand(&shipment_.wire,
                         {"RESTORE", parcel->key, ttl, payload, "REPLACE"});
    } else {
      net::AppendCommand(&shipment_.wire,
                         {"RESTORE", parcel->key, ttl, payload});
    }
    parcel->stream.clear();
    if (entry.type() == ValueType::kStream && alone_ && !args_.copy)
      parcel->stream = std::move(payload);
  }

  // May take long; calls nothing that needs a lock, and holds none but a
  // transaction's.
  void Send() {
    Patience patience{.clock = engine_.clock(), .each = args_.timeout};
    if (!alone_)
      patience.all = net::Deadline::After(patience.clock, patience.each);
    patience.given_up = [this] {
      return ctx_.session().killed() || engine_.migrate_links().stopped();
    };
    Ship(&engine_.migrate_links(), args_.target, patience, &shipment_);
    std::string().swap(shipment_.wire);
  }

  // Deletes what has moved. Leaves the parcels that are to be sent again.
  void Settle() {
    StopWatching(true);
    Db db = ctx_.db();
    std::vector<Parcel> again;
    std::vector<absl::string_view> effect = {"DEL"};
    for (size_t i = 0; i < parcels_.size(); ++i) {
      Parcel& parcel = parcels_[i];
      const Entry* entry = db.FindForWrite(parcel.key);
      const bool changed = entry == nullptr ||
                           (parcel.changed != nullptr &&
                            parcel.changed->load(std::memory_order_relaxed)) ||
                           (!parcel.stream.empty() &&
                            parcel.stream != DumpPayload(engine_, *entry));
      if (!shipment_.confirmed[i]) continue;
      const bool restored =
          shipment_.commands[i] == Shipment::Command::kRestore;
      if (restored && !changed) {
        db.Delete(parcel.key);
        ctx_.Notify(kEventGeneric, "del", parcel.key);
        effect.push_back(parcel.key);
        ++moved_;
      } else if (restored || entry != nullptr) {
        parcel.has_copy = restored;
        again.push_back(std::move(parcel));
      }
    }
    if (effect.size() > 1) ctx_.ReplaceEffect(effect);
    parcels_ = std::move(again);
  }

  // Slot by slot, for thousands of keys may share one. `locked`: the slots are
  // held; otherwise nothing is.
  void StopWatching(bool locked) {
    Keyspace& keyspace = engine_.keyspace();
    const auto ours = [this](const KeyWatch& watch) {
      return flags_.contains(watch.dirty.get());
    };
    for (const Slot slot : watched_slots_) {
      absl::MutexLockMaybe lock(locked ? nullptr : &keyspace.slots()[slot].mu);
      keyspace.RemoveWatches(slot, ours);
    }
    watched_slots_.clear();
    flags_.clear();
  }

  void Reply() {
    if (!shipment_.error.empty()) return ctx_.Error(shipment_.error);
    // All were deleted meanwhile, here and there.
    if (!args_.copy && moved_ == 0) return ctx_.reply().SimpleString("NOKEY");
    ctx_.Ok();
  }

  CommandContext& ctx_;
  Engine& engine_;
  const MigrateArgs args_;
  const bool alone_;
  std::vector<Parcel> parcels_;
  // Of the parcels that are watched.
  absl::flat_hash_set<const std::atomic<bool>*> flags_;
  absl::flat_hash_set<Slot> watched_slots_;
  Shipment shipment_;
  int64_t moved_ = 0;
};

void Migrate(CommandContext& ctx) {
  ctx.SuppressEffect();  // Replicas get the deletions.
  MigrateArgs args;
  if (!ParseMigrate(ctx, &args)) return;
  Migration migration(ctx, std::move(args));
  migration.alone() ? migration.Run() : migration.RunWithin();
}

}  // namespace

absl::Span<const CommandSpec> MigrateCommands() {
  constexpr uint32_t kMoves = kKeyRW | kKeyAccess | kKeyDelete;
  static const auto* const table = [] {
    KeySpec listed = KeyRange(kMoves | kKeyIncomplete, -2, -1);
    listed.begin = KeySpec::Begin::kKeyword;
    listed.keyword = "KEYS";
    return new std::vector<CommandSpec>{
        {.name = "migrate",
         .arity = -6,
         .flags = kWrite | kLocksItself,
         .keys = {OneKey(kMoves, 3), listed},
         .acl = kAclKeyspace | kAclDangerous,
         .since = "2.6.0",
         .group = "generic",
         .complexity = "That of DUMP and DEL for each key here, of RESTORE "
                       "there, and O(N) for the N bytes that travel.",
         .summary = "Move keys to another server",
         .syntax =
             "host port:integer key_or_empty_string:<key#0 | "
             "empty_string:\"\"> destination-db timeout:integer [COPY@3.0.0] "
             "[REPLACE@3.0.0] authentication:[[AUTH password@4.0.7] | [AUTH2 "
             "username_password:<username password>@6.0.0]] "
             "[KEYS key#1 [key#1 ...]]@3.0.6",
         .tips = {"nondeterministic_output"},
         .handler = Migrate,
         .history = {{"3.0.0", "Added the options `COPY` and `REPLACE`."},
                     {"3.0.6", "Added the option `KEYS`."},
                     {"4.0.7", "Added the option `AUTH`."},
                     {"6.0.0", "Added the option `AUTH2`."}}},
    };
  }();
  return *table;
}

}  // namespace holdfast::server
