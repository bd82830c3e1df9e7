#include "server/persist/snapshot/snapshot_testing.h"

#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "glog/logging.h"
#include "net/resp/input_buffer.h"
#include "net/resp/request_decoder.h"
#include "net/time/deadline.h"
#include "server/commands/keys.h"
#include "server/commands/server_data.h"
#include "server/commands/string.h"
#include "server/keyspace/keyspace.h"
#include "server/keyspace/slot_table.h"
#include "server/persist/rdb/byte_source.h"
#include "server/persist/rdb/reader.h"
#include "server/persist/rdb/visitor.h"
#include "server/transaction/transaction.h"
#include "testing/support/environment.h"

namespace holdfast::server {
namespace {

// Abseil's deadlock detector makes locking all slots take 0.1 s; the order of
// locks is checked by the other tests.
[[maybe_unused]] const bool detector_off = [] {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return true;
}();

std::string Shown(const Held& held) {
  return absl::StrCat("'", absl::CHexEscape(held.value.substr(0, 40)), "' (",
                      held.value.size(), " bytes) expiring at ",
                      held.expire_ms);
}

// What an RDB holds; a key that comes twice is a failure.
class DatasetVisitor : public RdbVisitor {
 public:
  absl::Status OnHeader(int) override { return absl::OkStatus(); }
  absl::Status OnAux(absl::string_view name, absl::string_view value) override {
    aux[std::string(name)] = std::string(value);
    return absl::OkStatus();
  }
  absl::Status OnSelectDb(uint64_t db) override {
    db_ = static_cast<int>(db);
    return absl::OkStatus();
  }
  absl::Status OnResizeDb(uint64_t, uint64_t) override {
    return absl::OkStatus();
  }
  absl::Status OnFunction(absl::string_view) override {
    return absl::InternalError("a function");
  }
  absl::Status OnModuleAux(const RdbModuleAux&) override {
    return absl::InternalError("a module");
  }
  absl::Status OnString(absl::string_view key, absl::string_view value,
                        const RecordMeta& meta) override {
    const bool fresh = dataset
                           .emplace(std::make_pair(db_, std::string(key)),
                                    Held{std::string(value), meta.expire_ms})
                           .second;
    return fresh ? absl::OkStatus()
                 : absl::InternalError(
                       absl::StrCat("key '", absl::CHexEscape(key), "' twice"));
  }
  absl::Status OnObject(absl::string_view, Object, const RecordMeta&) override {
    return absl::UnimplementedError("a value that is no string");
  }
  absl::Status OnEnd(bool checksummed) override {
    return checksummed ? absl::OkStatus() : absl::InternalError("no checksum");
  }

  Dataset dataset;
  std::map<std::string, std::string> aux;

 private:
  int db_ = 0;
};

std::unique_ptr<Config> MakeConfig(absl::string_view text) {
  const char* dir = std::getenv("TEST_TMPDIR");
  auto config = std::make_unique<Config>();
  CHECK(config
            ->LoadText(absl::StrCat("databases ", kDatabases, "\ndir ",
                                    dir == nullptr ? "/tmp" : dir, "\n", text))
            .ok());
  return config;
}

}  // namespace

std::vector<uint64_t> Seeds(int count) {
  const auto one = static_cast<uint64_t>(test::Setting("HOLDFAST_SEED", 0));
  if (one != 0) return {one};
  std::vector<uint64_t> seeds;
  for (int i = 1; i <= count; ++i) seeds.push_back(static_cast<uint64_t>(i));
  return seeds;
}

testing::AssertionResult Same(const Dataset& got, const Dataset& want) {
  if (got == want) return testing::AssertionSuccess();
  constexpr int kMostShown = 10;
  std::vector<std::string> lines;
  for (const auto& [where, held] : want) {
    const auto it = got.find(where);
    const std::string name = absl::StrCat(
        "db ", where.first, " '", absl::CHexEscape(where.second), "': ");
    if (it == got.end()) {
      lines.push_back(absl::StrCat(name, "missing, should be ", Shown(held)));
    } else if (!(it->second == held)) {
      lines.push_back(
          absl::StrCat(name, Shown(it->second), ", should be ", Shown(held)));
    }
  }
  for (const auto& [where, held] : got) {
    if (want.count(where) == 0)
      lines.push_back(absl::StrCat("db ", where.first, " '",
                                   absl::CHexEscape(where.second),
                                   "' should not be there"));
  }
  auto failure = testing::AssertionFailure()
                 << got.size() << " keys, should be " << want.size() << "; "
                 << lines.size() << " differ:";
  for (size_t i = 0; i < lines.size() && i < kMostShown; ++i)
    failure << "\n  " << lines[i];
  return failure;
}

Dataset DatasetOf(Engine* engine) {
  Dataset all;
  for (int slot = 0; slot < kSlots; ++slot) {
    absl::ReaderMutexLock lock(
        &engine->keyspace().slots()[static_cast<Slot>(slot)].mu);
    for (int i = 0; i < engine->keyspace().database_count(); ++i) {
      engine->keyspace().db(i).ScanSlot(
          static_cast<Slot>(slot), 0, ~size_t{0}, ~size_t{0},
          [&](Entry* entry) {
            char scratch[Entry::kScratch];
            const absl::string_view value = entry->StringBytes(scratch);
            const bool fresh =
                all.emplace(std::make_pair(i, std::string(entry->key())),
                            Held{std::string(value), entry->expire_ms()})
                    .second;
            EXPECT_TRUE(fresh) << "key '" << absl::CHexEscape(entry->key())
                               << "' twice in database " << i;
          });
    }
  }
  return all;
}

TestEngine::TestEngine(const net::Clock* clock, absl::string_view config_text)
    : engine_(MakeConfig(config_text), clock) {
  engine_.commands().Add(StringCommands());
  engine_.commands().Add(KeyCommands());
  engine_.commands().Add(ServerDataCommands());
  engine_.commands().Add(TransactionCommands());
  engine_.FinishSetup();
}

absl::Status Client::ApplyStream(absl::string_view stream) {
  net::InputBuffer buffer;
  buffer.Append(stream);
  net::RequestDecoder decoder(net::RequestLimits::ForPrimaryLink());
  bool in_multi = false;
  for (;;) {
    const net::RequestDecoder::Result result = decoder.Next(&buffer);
    if (result == net::RequestDecoder::Result::kNeedMore) break;
    if (result != net::RequestDecoder::Result::kCommand)
      return absl::InternalError(decoder.error_text());
    const std::vector<absl::string_view> args(decoder.args().begin(),
                                              decoder.args().end());
    if (args[0] == "SELECT") {
      Select(std::stoi(std::string(args[1])));
    } else if (args[0] == "MULTI" || args[0] == "EXEC") {
      if (in_multi == (args[0] == "MULTI")) {
        return absl::InternalError("MULTI and EXEC do not alternate");
      }
      in_multi = !in_multi;
    } else {
      if (absl::Status status = dispatcher_.Apply({&args, 1}, decoder.raw());
          !status.ok())
        return status;
    }
  }
  return buffer.empty()
             ? absl::OkStatus()
             : absl::InternalError("the stream ends inside of something");
}

absl::StatusOr<std::string> BytesOf(Snapshot* snapshot) {
  snapshot->WaitForEnd();
  const absl::StatusOr<Snapshot::Progress> all =
      snapshot->WaitForBytes(0, net::Deadline::Never());
  if (!all.ok()) return all.status();
  EXPECT_TRUE(all->complete);
  std::string bytes(static_cast<size_t>(all->bytes), '\0');
  for (size_t at = 0; at < bytes.size();) {
    const absl::StatusOr<size_t> n = snapshot->ReadAt(
        static_cast<int64_t>(at), bytes.data() + at, bytes.size() - at);
    if (!n.ok()) return n.status();
    if (*n == 0) return absl::InternalError("the spool is short");
    at += *n;
  }
  return bytes;
}

absl::StatusOr<Dataset> Load(Snapshot* snapshot) {
  const absl::StatusOr<std::string> bytes = BytesOf(snapshot);
  if (!bytes.ok()) return bytes.status();
  StringSource source(*bytes);
  DatasetVisitor visitor;
  if (absl::Status status = RdbReader(&source, &visitor).Read(); !status.ok())
    return status;
  EXPECT_EQ(source.rest(), "") << "bytes after the snapshot's end";
  EXPECT_EQ(visitor.aux["repl-id"], snapshot->replication_id());
  EXPECT_EQ(visitor.aux["repl-offset"], absl::StrCat(snapshot->offset()));
  return visitor.dataset;
}

absl::StatusOr<Dataset> Replay(Engine* engine, const Dataset& at_cut,
                               int64_t offset, int64_t end) {
  net::ManualClock clock;
  TestEngine replica(&clock);
  for (const auto& [where, held] : at_cut) {
    replica->keyspace()
        .db(where.first)
        .SetString(KeyRef(where.second), held.value,
                   {.when_ms = held.expire_ms});
  }
  replica->role().is_replica.store(true);
  std::string stream;
  while (offset < end) {
    const auto chunk = engine->log().Read(offset);
    if (!chunk.ok()) return chunk.status();
    const absl::string_view bytes =
        chunk->bytes().substr(0, static_cast<size_t>(end - offset));
    stream.append(bytes.data(), bytes.size());
    offset += static_cast<int64_t>(bytes.size());
  }
  Client applier(replica.get());
  if (absl::Status status = applier.ApplyStream(stream); !status.ok())
    return status;
  return DatasetOf(replica.get());
}

void RandomWriter::Step() {
  client_.Select(static_cast<int>(dice_.Below(kDatabases)));
  switch (dice_.Below(24)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return Do({"SET", Key(), Value()});
    case 4:
      return Do({"SET", Key(), Value(), "PXAT", absl::StrCat(SomeTime())});
    case 5:
      return Do({"SET", Key(), Value(), "KEEPTTL"});
    case 6:
      return Do({"APPEND", Key(), Value()});
    case 7:
      return Do({"SETRANGE", Key(), absl::StrCat(dice_.Below(300)), "patch"});
    case 8:
      return Do({"INCRBY", Key(), absl::StrCat(dice_.Below(1000))});
    case 9:
    case 10:
      return Do({"DEL", Key(), Key()});
    case 11:
    case 12:
      return Do({"PEXPIREAT", Key(), absl::StrCat(SomeTime())});
    case 13:
      return Do({"PERSIST", Key()});
    case 14:
      return Do({"RENAME", Key(), Key()});
    case 15:
      return Do({"RENAMENX", Key(), Key()});
    case 16:
      return Do({"MOVE", Key(), absl::StrCat(dice_.Below(kDatabases))});
    case 17:
      return Do({"COPY", Key(), Key(), "DB",
                 absl::StrCat(dice_.Below(kDatabases)), "REPLACE"});
    case 18:
      return Do({"MSET", Key(), Value(), Key(), Value(), Key(), Value()});
    case 19:
      return Transaction();
    case 20:
      return Do({"GET", Key()});  // It may have expired.
    case 21:
      return Do({"GETDEL", Key()});
    case 22:
      return Rare();
    case 23:
      return Do({"GETEX", Key(), "PXAT", absl::StrCat(SomeTime())});
  }
}

void RandomWriter::Grow() {
  const int64_t count = dice_.Between(100, 3000);
  Words words = {"MSET"};
  for (int64_t i = 0; i < count; ++i) {
    words.push_back(absl::StrCat("{one slot}", i));
    words.push_back(absl::StrCat("grown ", i, " ", dice_.Below(1000)));
  }
  Do(words);
}

void RandomWriter::Shrink() {
  Words words = {"DEL"};
  for (int64_t i = 0; i < 3000; ++i) {
    if (!dice_.OneIn(20)) words.push_back(absl::StrCat("{one slot}", i));
  }
  Do(words);
}

std::string RandomWriter::Key() {
  const int64_t i = dice_.Below(200);
  switch (dice_.Below(8)) {
    case 0:
      return absl::StrCat("key ", i);
    case 1:
      return absl::StrCat("{first}", i);
    case 2:
      return absl::StrCat("{last}", i);
    case 3:
      return i == 0 ? std::string()
                    : std::string(static_cast<size_t>(i * 3), 'k');
    default:
      return absl::StrCat("{one slot}", dice_.Below(3000));
  }
}

std::string RandomWriter::Value() {
  switch (dice_.Below(5)) {
    case 0:
      return absl::StrCat(dice_.Between(-1000000, 1000000));
    case 1:
      return std::string(static_cast<size_t>(dice_.Below(20)),
                         static_cast<char>(dice_.Below(256)));
    case 2:
      return std::string(static_cast<size_t>(dice_.Between(200, 5000)),
                         static_cast<char>(dice_.Below(256)));
    case 3:
      return "";
    default:
      return absl::StrCat("value ", dice_.Below(1000000));
  }
}

void RandomWriter::Transaction() {
  Do({"MULTI"});
  for (int64_t i = dice_.Between(1, 4); i-- > 0;) {
    switch (dice_.Below(4)) {
      case 0:
        Do({"SET", Key(), Value()});
        break;
      case 1:
        Do({"DEL", Key()});
        break;
      case 2:
        Do({"RENAME", Key(), Key()});
        break;
      case 3:
        Do({"APPEND", Key(), Value()});
        break;
    }
  }
  Do({"EXEC"});
}

void RandomWriter::Rare() {
  if (!flushes_) return;
  switch (dice_.Below(20)) {
    case 0:
      return Do({"FLUSHDB"});
    case 1:
      return dice_.OneIn(3) ? Do({"FLUSHALL"}) : Do({"FLUSHDB", "ASYNC"});
    case 2:
    case 3:
    case 4:
      return Do({"SWAPDB", absl::StrCat(dice_.Below(kDatabases)),
                 absl::StrCat(dice_.Below(kDatabases))});
    case 5:
    case 6:
    case 7:
      return Grow();
    case 8:
    case 9:
    case 10:
      return Shrink();
    default:
      return;
  }
}

}  // namespace holdfast::server
