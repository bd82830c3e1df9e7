#include "server/command/unit.h"

#include <utility>

#include "glog/logging.h"
#include "net/resp/reply_writer.h"
#include "server/command/db.h"
#include "server/engine/engine.h"

namespace holdfast::server {
namespace {

constexpr size_t kKeptEffectBytes =
    64 * 1024;  // More is given back after the unit.

}  // namespace

ExecutionUnit::ExecutionUnit(Engine* engine)
    : engine_(engine),
      locks_(&engine->keyspace().slots(), &engine->keyspace().gate()) {}

void ExecutionUnit::Begin(int64_t now_ms, bool from_primary) {
  DCHECK(locks_.holds_nothing());
  now_ms_ = now_ms;
  from_primary_ = from_primary;
  appended_ = false;
  may_block_ = false;
  changes_ = 0;
  remembered_ = KeyRef();
}

bool ExecutionUnit::wants_effects() const {
  // The log is switched on and off under the exclusive gate, never within a
  // unit that writes.
  return !from_primary_ && engine_->log().active();
}

void ExecutionUnit::AddEffect(int db,
                              absl::Span<const absl::string_view> args) {
  if (!wants_effects()) return;
  net::AppendCommand(&effect_bytes_, args);
  ends_.push_back({db, effect_bytes_.size()});
}

void ExecutionUnit::End(absl::string_view raw, int selected_db) {
  if (!raw.empty()) {
    engine_->log().AppendRaw(raw, selected_db);
  } else {
    FlushEffects();
  }
  if (!ready_.empty()) ServeReadyClients();
  if (changes_ != 0)
    engine_->stats().changes_since_save.fetch_add(changes_,
                                                  std::memory_order_relaxed);
  changes_ = 0;
  locks_.Release();
  remembered_ = KeyRef();  // Its view dies with the caller's buffer.
  if (!later_.empty()) ServeLaterClients();
  if (!expired_.empty()) DeleteExpired();
}

void ExecutionUnit::FlushEffects() {
  if (ends_.empty()) return;
  absl::InlinedVector<Effect, 4> effects;
  size_t begin = 0;
  for (const EffectEnd& e : ends_) {
    effects.push_back(
        {e.db, absl::string_view(effect_bytes_).substr(begin, e.end - begin)});
    begin = e.end;
  }
  engine_->log().AppendUnit(effects);
  appended_ = true;
  ends_.clear();
  effect_bytes_.clear();
  if (effect_bytes_.capacity() > kKeptEffectBytes)
    std::string().swap(effect_bytes_);
}

void ExecutionUnit::NoteReady(int db, absl::string_view key) {
  NamedKey ready{db, std::string(key)};
  if (to_serve_.insert(ready).second) ready_.push_back(std::move(ready));
}

void ExecutionUnit::DeleteLater(int db, absl::string_view key) {
  constexpr size_t kMost = 1024;  // The expiry cycle finds the others.
  if (expired_.size() < kMost) expired_.push_back({db, std::string(key)});
}

void ExecutionUnit::DeleteExpired() {
  std::vector<NamedKey> expired;
  expired.swap(expired_);
  for (const NamedKey& e : expired) {
    changes_ = 0;
    locks_.LockOne(SlotOfKey(e.name), true, true);
    if (engine_->MayDeleteExpired()) Db(this, e.db).DeleteIfExpired(e.name);
    End();
  }
}

}  // namespace holdfast::server
