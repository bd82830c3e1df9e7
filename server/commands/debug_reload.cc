#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "server/command/db.h"
#include "server/commands/debug_handlers.h"
#include "server/engine/engine.h"
#include "server/engine/save_service.h"
#include "server/keyspace/database.h"
#include "server/persist/load/load_file.h"
#include "server/persist/load/loaded_dataset.h"

namespace holdfast::server {
namespace {

// Moves every key of `from` into `into`, over what is there. False, at the
// first of them that is there, if that is not wanted.
bool Merge(Database& from, Database& into, bool overwrite) {
  for (int i = 0; i < kSlots; ++i) {
    const Slot slot = static_cast<Slot>(i);
    if (from.SlotSize(slot) == 0) continue;
    std::vector<std::string> keys;
    for (uint64_t position = 0; position < Database::kScanEnd;) {
      position = from.ScanSlot(
          slot, position, 1024, 1024,
          [&keys](Entry* entry) { keys.emplace_back(entry->key()); });
    }
    for (const std::string& key : keys) {
      const KeyRef ref(key);
      if (into.Find(ref) != nullptr) {
        if (!overwrite) return false;
        into.Delete(ref);
      }
      into.MoveFrom(from, ref, ref);
    }
  }
  return true;
}

}  // namespace

// The dataset to disk and back. Nobody else is served meanwhile, as in Redis,
// and files are read and written under all locks: it is for tests. The old data
// stays when the file cannot be read.
void DebugReload(CommandContext& ctx) {
  bool merge = false;
  bool flush = true;
  bool save = true;
  for (size_t i = 2; i < ctx.argc(); ++i) {
    if (ctx.ArgIs(i, "MERGE")) {
      merge = true;
    } else if (ctx.ArgIs(i, "NOFLUSH")) {
      flush = false;
    } else if (ctx.ArgIs(i, "NOSAVE")) {
      save = false;
    } else {
      return ctx.Error(
          "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE "
          "options.");
    }
  }
  Engine& engine = ctx.engine();
  if (engine.save_service == nullptr) return ctx.Error("ERR");
  // Before the keyspace; a transaction has that already and cannot wait.
  SlotSetLock& locks = ctx.unit().locks();
  const std::unique_ptr<SaveService::Turn> turn =
      engine.save_service->TakeTurn(/*wait=*/locks.holds_nothing());
  if (turn == nullptr)
    return ctx.Error("ERR Background save already in progress");
  if (locks.holds_nothing()) locks.LockAll();
  if (save && !turn->Save(locks).ok()) return ctx.Error("ERR");

  LoadedDataset::Options options;
  if (!engine.is_replica()) {
    options.now_ms = ctx.now_ms();
    // Replicas have these keys still.
    options.on_expired = [&ctx](uint64_t db, absl::string_view key) {
      const absl::string_view del[] = {"DEL", key};
      ctx.ReplaceEffectIn(static_cast<int>(db), del);
    };
  }
  LoadedDataset dataset(&engine, std::move(options));
  const Config& config = engine.config();
  const absl::Status loaded = LoadRdbFile(
      &engine, config.ResolvePath(config.String(ConfigId::kDbFilename)),
      &dataset);
  constexpr absl::string_view kFailed =
      "ERR Error trying to load the RDB dump, check server logs.";
  if (!loaded.ok()) {
    LOG(ERROR) << "DEBUG RELOAD: " << loaded.message();
    return ctx.Error(kFailed);
  }
  Keyspace& keyspace = engine.keyspace();
  bool merged = true;
  std::vector<std::shared_ptr<Database>> databases = dataset.TakeDatabases();
  for (int i = 0; i < keyspace.database_count(); ++i) {
    if (keyspace.db(i).Size() + databases[i]->Size() == 0) continue;
    keyspace.TouchAllWatched(i, keyspace.db(i), *databases[i], ctx.now_ms());
    if (flush) {
      databases[i] = keyspace.Replace(i, std::move(databases[i]));
    } else {
      merged = Merge(*databases[i], keyspace.db(i), merge) && merged;
    }
    engine.FreeLater(std::move(databases[i]));
    for (const std::string& key : keyspace.waiters().KeysOf(i))
      ctx.unit().NoteReady(i, key);
  }
  if (!merged) {
    LOG(ERROR) << "DEBUG RELOAD NOFLUSH: the file has keys that are here "
                  "already; MERGE takes them";
    return ctx.Error(kFailed);
  }
  LOG(WARNING) << "DB reloaded by DEBUG RELOAD";
  ctx.Ok();
}

}  // namespace holdfast::server
