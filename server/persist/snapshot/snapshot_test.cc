// The snapshot's one promise: what it holds is the dataset at its cut, whatever
// is written while it is made, and the log from the cut on leads to the
// present.

#include "server/persist/snapshot/snapshot.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/resp/input_buffer.h"
#include "net/resp/request_decoder.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "net/time/manual_clock.h"
#include "server/commands/keys.h"
#include "server/commands/server_data.h"
#include "server/commands/string.h"
#include "server/config/config.h"
#include "server/dispatch/dispatcher.h"
#include "server/engine/engine.h"
#include "server/keyspace/keyspace.h"
#include "server/keyspace/slot_table.h"
#include "server/persist/rdb/byte_source.h"
#include "server/persist/rdb/reader.h"
#include "server/persist/rdb/visitor.h"
#include "server/session/session.h"
#include "server/transaction/transaction.h"
#include "testing/support/dice.h"

namespace holdfast::server {
namespace {

// Abseil's deadlock detector makes locking all slots take 0.1 s; the order of
// locks is checked by the other tests.
[[maybe_unused]] const bool detector_off = [] {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return true;
}();

using test::Dice;
using ::testing::HasSubstr;

constexpr int kDatabases = 4;
// Set HOLDFAST_SEED to run the random tests with that seed alone.
std::vector<uint64_t> Seeds(int count) {
  const char* one = std::getenv("HOLDFAST_SEED");
  if (one != nullptr) return {std::strtoull(one, nullptr, 10)};
  std::vector<uint64_t> seeds;
  for (int i = 1; i <= count; ++i) seeds.push_back(static_cast<uint64_t>(i));
  return seeds;
}

// --- Datasets to compare ---

struct Held {
  std::string value;
  int64_t expire_ms;
  friend bool operator==(const Held&, const Held&) = default;
};
using Dataset = std::map<std::pair<int, std::string>, Held>;

std::string Shown(const Held& held) {
  return absl::StrCat("'", absl::CHexEscape(held.value.substr(0, 40)), "' (",
                      held.value.size(), " bytes) expiring at ",
                      held.expire_ms);
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

// Everything in storage, expired or not. Nobody writes meanwhile.
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
  absl::Status OnEnd(bool checksummed) override {
    return checksummed ? absl::OkStatus() : absl::InternalError("no checksum");
  }

  Dataset dataset;
  std::map<std::string, std::string> aux;

 private:
  int db_ = 0;
};

// --- A server without sockets, and a client of it ---

class TestEngine {
 public:
  explicit TestEngine(const net::Clock* clock,
                      absl::string_view config_text = "")
      : engine_(MakeConfig(config_text), clock) {
    engine_.commands().Add(StringCommands());
    engine_.commands().Add(KeyCommands());
    engine_.commands().Add(ServerDataCommands());
    engine_.commands().Add(TransactionCommands());
    engine_.FinishSetup();
  }
  Engine* get() { return &engine_; }
  Engine* operator->() { return &engine_; }

 private:
  static std::unique_ptr<Config> MakeConfig(absl::string_view text) {
    const char* dir = std::getenv("TEST_TMPDIR");
    auto config = std::make_unique<Config>();
    CHECK(
        config
            ->LoadText(absl::StrCat("databases ", kDatabases, "\ndir ",
                                    dir == nullptr ? "/tmp" : dir, "\n", text))
            .ok());
    return config;
  }

  Engine engine_;
};

using Words = std::vector<std::string>;

// One thread's at a time.
class Client {
 public:
  explicit Client(Engine* engine)
      : session_(1, nullptr, "test:1", "test:0", 0),
        dispatcher_(engine, &session_) {
    session_.own.authenticated = true;
  }

  std::string Do(const Words& words) {
    const std::vector<absl::string_view> args(words.begin(), words.end());
    std::string out;
    dispatcher_.BeginBatch();
    dispatcher_.Execute(args, &out);
    return out;
  }
  void Select(int db) { session_.db.store(db); }

  // As a replica applies a piece of its primary's stream.
  absl::Status ApplyStream(absl::string_view stream) {
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

 private:
  Session session_;
  Dispatcher dispatcher_;
};

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

// What a replica has that loads `at_cut` and applies the log from `offset` to
// `end`.
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

// --- Random writes ---

// All that can happen to keys. Half of them share one slot, so that its table
// has many buckets to be walked and to be resized; some are in the first and
// the last slots that the walk comes to, by their hash tags.
class RandomWriter {
 public:
  RandomWriter(Engine* engine, uint64_t seed)
      : engine_(*engine), client_(engine), dice_(seed) {}

  void Step() {
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

  // Many keys of one slot at once: its table grows by segments.
  void Grow() {
    const int64_t count = dice_.Between(100, 3000);
    Words words = {"MSET"};
    for (int64_t i = 0; i < count; ++i) {
      words.push_back(absl::StrCat("{one slot}", i));
      words.push_back(absl::StrCat("grown ", i, " ", dice_.Below(1000)));
    }
    Do(words);
  }
  // Most of them go: it shrinks.
  void Shrink() {
    Words words = {"DEL"};
    for (int64_t i = 0; i < 3000; ++i) {
      if (!dice_.OneIn(20)) words.push_back(absl::StrCat("{one slot}", i));
    }
    Do(words);
  }
  void ForbidFlushes() { flushes_ = false; }

 private:
  void Do(const Words& words) { client_.Do(words); }

  std::string Key() {
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
  std::string Value() {
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
  // From a little before now to long after.
  int64_t SomeTime() {
    return engine_.WallMs() + (dice_.OneIn(4) ? dice_.Between(-5, 50)
                                              : dice_.Between(1000, 1000000));
  }
  void Transaction() {
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
  void Rare() {
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

  Engine& engine_;
  Client client_;
  Dice dice_;
  bool flushes_ = true;
};

class SnapshotTest : public testing::Test {
 protected:
  // Fills all databases, with one slot that has a big table.
  static void Fill(RandomWriter* writer, int steps) {
    writer->ForbidFlushes();
    writer->Grow();
    for (int i = 0; i < steps; ++i) writer->Step();
  }
  static std::shared_ptr<Snapshot> Start(
      TestEngine* engine, Snapshot::SyncPoint between = nullptr) {
    auto snapshot =
        Snapshot::Start(engine->get(), /*compress=*/false, std::move(between));
    CHECK(snapshot.ok()) << snapshot.status();
    return *std::move(snapshot);
  }
  static void ExpectSnapshotIs(Snapshot* snapshot, const Dataset& at_cut) {
    const absl::StatusOr<Dataset> loaded = Load(snapshot);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_TRUE(Same(*loaded, at_cut));
  }
  // With the snapshot still there, which keeps its part of the log.
  static void ExpectLogLeadsFromTo(TestEngine* engine, const Dataset& at_cut,
                                   Snapshot* snapshot) {
    const absl::StatusOr<Dataset> replayed =
        Replay(engine->get(), at_cut, snapshot->offset(),
               (*engine)->log().end_offset());
    ASSERT_TRUE(replayed.ok()) << replayed.status();
    EXPECT_TRUE(Same(*replayed, DatasetOf(engine->get())))
        << "after replaying the log from the cut on";
  }

  net::ManualClock clock_;
};

// --- Between any two steps ---

TEST_F(SnapshotTest, HoldsTheStateAtTheCutWhateverIsWrittenBetweenItsSteps) {
  for (const uint64_t seed : Seeds(4)) {
    SCOPED_TRACE(absl::StrCat("HOLDFAST_SEED=", seed));
    std::cout << "seed " << seed << std::endl;
    TestEngine engine(&clock_);
    RandomWriter before(engine.get(), seed);
    Fill(&before, 1500);
    RandomWriter writer(engine.get(), seed + 1000000);
    Dice dice(seed);
    // Few writes a step with some seeds, many with others; and quiet stretches,
    // or everything would be saved by the writers.
    const int64_t one_in = dice.Between(2, 80);
    int64_t steps = 0;
    const Dataset at_cut = DatasetOf(engine.get());
    auto snapshot =
        Snapshot::Start(engine.get(), /*compress=*/dice.OneIn(2), [&](Slot) {
          ++steps;
          if (!dice.OneIn(one_in)) return;
          for (int64_t i = dice.Between(1, 3); i-- > 0;) writer.Step();
          if (dice.OneIn(200))
            clock_.Advance(absl::Milliseconds(dice.Between(1, 20)));
        });
    ASSERT_TRUE(snapshot.ok()) << snapshot.status();
    ExpectSnapshotIs(snapshot->get(), at_cut);
    ExpectLogLeadsFromTo(&engine, at_cut, snapshot->get());
    EXPECT_GT(steps, 100);
    EXPECT_EQ((*snapshot)->keys_saved(), static_cast<int64_t>(at_cut.size()));
  }
}

// One change, aimed at one key, at each step of the walk through a slot in
// turn.
TEST_F(SnapshotTest, EveryKindOfChangeAtEveryStepOfOneSlot) {
  const std::vector<std::pair<
      std::string, std::function<void(Client*, const std::string& key)>>>
      changes = {
          {"overwrite in place",
           [](Client* c, const std::string& k) {
             c->Do({"SET", k, "other"});
           }},
          {"overwrite by a longer one",
           [](Client* c, const std::string& k) {
             c->Do({"SET", k, std::string(3000, 'x')});
           }},
          {"overwrite by an integer",
           [](Client* c, const std::string& k) {
             c->Do({"SET", k, "12"}), c->Do({"INCR", k});
           }},
          {"append",
           [](Client* c, const std::string& k) {
             c->Do({"APPEND", k, "more"});
           }},
          {"patch",
           [](Client* c, const std::string& k) {
             c->Do({"SETRANGE", k, "1", "##"});
           }},
          {"delete",
           [](Client* c, const std::string& k) {
             c->Do({"DEL", k});
           }},
          {"delete and create",
           [](Client* c, const std::string& k) {
             c->Do({"DEL", k}), c->Do({"SET", k, "new"});
           }},
          {"expire",
           [](Client* c, const std::string& k) {
             c->Do({"PEXPIREAT", k, "9999999999999"});
           }},
          {"expire in the past",
           [](Client* c, const std::string& k) {
             c->Do({"PEXPIREAT", k, "1"});
           }},
          {"persist",
           [](Client* c, const std::string& k) {
             c->Do({"PERSIST", k});
           }},
          {"rename away",
           [](Client* c, const std::string& k) {
             c->Do({"RENAME", k, absl::StrCat(k, " renamed")});
           }},
          {"rename over",
           [](Client* c, const std::string& k) {
             c->Do({"SET", "from", "f"}), c->Do({"RENAME", "from", k});
           }},
          {"move",
           [](Client* c, const std::string& k) {
             c->Do({"MOVE", k, "1"});
           }},
          {"move away and back",
           [](Client* c, const std::string& k) {
             c->Do({"MOVE", k, "1"}), c->Select(1), c->Do({"MOVE", k, "0"}),
                 c->Select(0);
           }},
          {"swap",
           [](Client* c, const std::string& k) {
             c->Do({"SWAPDB", "0", "1"}), c->Do({"SET", k, "swapped"});
           }},
          {"flush",
           [](Client* c, const std::string& k) {
             c->Do({"FLUSHALL"}), c->Do({"SET", k, "after the flush"});
           }},
          {"grow",
           [](Client* c, const std::string&) {
             for (int i = 0; i < 1500; ++i)
               c->Do({"SET", absl::StrCat("{s}new", i), "v"});
           }},
          {"shrink",
           [](Client* c, const std::string&) {
             for (int i = 5; i < 400; ++i)
               c->Do({"DEL", absl::StrCat("{s}", i)});
           }},
      };
  for (const auto& [name, change] : changes) {
    for (int at = 0; at < 8; ++at) {
      SCOPED_TRACE(absl::StrCat(name, " at step ", at));
      TestEngine engine(&clock_);
      Client client(engine.get());
      for (int i = 0; i < 400; ++i) {
        client.Do({"SET", absl::StrCat("{s}", i), absl::StrCat("value ", i)});
        if (i % 3 == 0)
          client.Do({"PEXPIREAT", absl::StrCat("{s}", i),
                     absl::StrCat(8888888888000 + i)});
      }
      const Slot slot = SlotOfKey("{s}");
      int step = 0;
      const Dataset at_cut = DatasetOf(engine.get());
      auto snapshot = Start(&engine, [&, &change = change](Slot s) {
        if (s == slot && step++ == at) {
          for (int i = 0; i < 400; i += 37)
            change(&client, absl::StrCat("{s}", i));
        }
      });
      ExpectSnapshotIs(snapshot.get(), at_cut);
      ExpectLogLeadsFromTo(&engine, at_cut, snapshot.get());
      if (HasFailure()) return;
    }
  }
}

TEST_F(SnapshotTest, AWriteAfterTheLastStepIsNotOfTheSnapshot) {
  TestEngine engine(&clock_);
  Client client(engine.get());
  client.Do({"SET", "k", "at the cut"});
  const Dataset at_cut = DatasetOf(engine.get());
  auto snapshot = Start(&engine, [&](Slot slot) {
    if (slot == kSlots) client.Do({"MSET", "k", "late", "other", "late"});
  });
  ExpectSnapshotIs(snapshot.get(), at_cut);
  EXPECT_EQ(snapshot->keys_saved(), 1);
}

TEST_F(SnapshotTest, AnEmptyDatasetMakesAnEmptySnapshot) {
  TestEngine engine(&clock_);
  auto snapshot = Start(&engine);
  ExpectSnapshotIs(snapshot.get(), {});
  EXPECT_EQ(snapshot->offset(), 0);
}

TEST_F(SnapshotTest, ExpiredKeysAreOfItAndTheirDeletionIsInTheLog) {
  TestEngine engine(&clock_);
  Client client(engine.get());
  client.Do({"SET", "k", "v", "PX", "10"});
  clock_.Advance(absl::Milliseconds(20));
  const Dataset at_cut = DatasetOf(engine.get());
  ASSERT_EQ(at_cut.size(), 1u);
  auto snapshot = Start(&engine);
  snapshot->WaitForEnd();
  EXPECT_EQ(client.Do({"GET", "k"}), "$-1\r\n");
  ExpectSnapshotIs(snapshot.get(), at_cut);
  ExpectLogLeadsFromTo(&engine, at_cut, snapshot.get());
  EXPECT_TRUE(DatasetOf(engine.get()).empty());
}

// A replica puts a dataset in place that was loaded aside, before and after the
// cut: its entries may have any epoch and are not of the snapshot.
TEST_F(SnapshotTest, ADatasetPutInPlaceMeanwhileIsNotOfIt) {
  TestEngine engine(&clock_);
  Client client(engine.get());
  for (int i = 0; i < 300; ++i)
    client.Do({"SET", absl::StrCat("{s}", i), "old"});
  Start(&engine)->WaitForEnd();  // So that epochs differ from zero.
  std::shared_ptr<Database> loaded = engine->keyspace().NewDatabase();
  for (int i = 0; i < 300; ++i)
    loaded->SetString(KeyRef(absl::StrCat("{s}", i)), "new", {});
  const Dataset at_cut = DatasetOf(engine.get());
  int step = 0;
  auto snapshot = Start(&engine, [&](Slot slot) {
    if (slot != SlotOfKey("{s}")) return;
    if (++step == 2) {
      SlotSetLock locks(&engine->keyspace().slots(),
                        &engine->keyspace().gate());
      locks.LockAll();
      loaded = engine->keyspace().Replace(0, std::move(loaded));
    }
    if (step >= 2) client.Do({"SET", absl::StrCat("{s}", step), "newer"});
  });
  ExpectSnapshotIs(snapshot.get(), at_cut);
  EXPECT_GT(step, 3);
  // The next one has the new dataset, whole.
  const Dataset now = DatasetOf(engine.get());
  auto next = Start(&engine);
  ExpectSnapshotIs(next.get(), now);
}

TEST_F(SnapshotTest, TheStreamAfterTheCutSelectsItsDatabaseAnew) {
  TestEngine engine(&clock_);
  Client client(engine.get());
  Start(&engine)->WaitForEnd();  // The log is recorded from here on.
  client.Select(3);
  client.Do({"SET", "k", "v"});
  auto snapshot = Start(&engine);
  snapshot->WaitForEnd();
  client.Do({"SET", "k", "w"});
  const auto chunk = engine->log().Read(snapshot->offset());
  ASSERT_TRUE(chunk.ok()) << chunk.status();
  EXPECT_THAT(std::string(chunk->bytes()),
              testing::StartsWith("*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"));
}

// --- One after the other ---

// More than the 256 epochs there are.
TEST_F(SnapshotTest, ManyInARowAreEachRight) {
  TestEngine engine(&clock_);
  Client client(engine.get());
  for (int i = 0; i < 30; ++i)
    client.Do({"SET", absl::StrCat("{s}", i), "never changed"});
  for (int round = 0; round < 270; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    const Dataset at_cut = DatasetOf(engine.get());
    auto snapshot = Start(&engine, [&](Slot slot) {
      if (slot != SlotOfKey("{s}")) return;
      client.Do({"SET", absl::StrCat("{s}", round % 10),
                 absl::StrCat("of round ", round)});
      client.Do({"DEL", absl::StrCat("{s}", 10 + round % 5)});
      client.Do(
          {"SET", absl::StrCat("{s}", 10 + (round + 2) % 5), "back again"});
    });
    ExpectSnapshotIs(snapshot.get(), at_cut);
    if (HasFailure()) return;
  }
}

TEST_F(SnapshotTest, AfterAnAbandonedOneTheNextIsRight) {
  for (const uint64_t seed : Seeds(2)) {
    SCOPED_TRACE(absl::StrCat("HOLDFAST_SEED=", seed));
    TestEngine engine(&clock_);
    RandomWriter writer(engine.get(), seed);
    Fill(&writer, 500);
    Dice dice(seed);
    const int64_t abandon_at = dice.Between(1, 200);
    absl::Notification started;
    std::shared_ptr<Snapshot> abandoned;
    int64_t step = 0;
    abandoned = Start(&engine, [&](Slot) {
      started.WaitForNotification();
      if (++step == abandon_at) abandoned->Abandon("the test wants it so");
      if (dice.OneIn(10)) writer.Step();
    });
    started.Notify();
    const absl::Status status = Load(abandoned.get()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kAborted) << status;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("the test wants it so"));
    EXPECT_TRUE(abandoned->ended());
    EXPECT_EQ(abandoned->WaitForBytes(0, net::Deadline::Never()).status(),
              status);
    abandoned.reset();

    const Dataset at_cut = DatasetOf(engine.get());
    auto next = Start(&engine, [&](Slot) {
      if (dice.OneIn(10)) writer.Step();
    });
    ExpectSnapshotIs(next.get(), at_cut);
    ExpectLogLeadsFromTo(&engine, at_cut, next.get());
  }
}

// Reads as a replica's sender does: as far as there is something, until it is
// complete. Whoever was told of the end before the last bytes lost them.
TEST_F(SnapshotTest, AReaderThatKeepsUpGetsTheLastBytes) {
  constexpr int kSnapshots = 100;
  TestEngine engine(&clock_);
  RandomWriter writer(engine.get(), 1);
  Fill(&writer, 50);
  for (int i = 0; i < kSnapshots; ++i) {
    auto snapshot = Start(&engine, nullptr);
    int64_t position = 0;
    for (;;) {
      const absl::StatusOr<Snapshot::Progress> progress =
          snapshot->WaitForBytes(position, net::Deadline::Never());
      ASSERT_TRUE(progress.ok()) << progress.status();
      position = progress->bytes;
      if (progress->complete) break;
    }
    const absl::StatusOr<std::string> all = BytesOf(snapshot.get());
    ASSERT_TRUE(all.ok()) << all.status();
    ASSERT_EQ(position, static_cast<int64_t>(all->size())) << "snapshot " << i;
  }
}

TEST_F(SnapshotTest, OneThatGoesAwayUnderWayLeavesNothingBehind) {
  TestEngine engine(&clock_);
  RandomWriter writer(engine.get(), 1);
  Fill(&writer, 500);
  Start(&engine).reset();  // Waits for its walk.
  writer.Step();           // Nobody observes any more.
  const Dataset at_cut = DatasetOf(engine.get());
  auto next = Start(&engine);
  ExpectSnapshotIs(next.get(), at_cut);
}

TEST_F(SnapshotTest, WritersBeyondTheBufferLimitEndItWithThatReason) {
  TestEngine engine(&clock_, "snapshot-buffer-limit 1mb\n");
  Client client(engine.get());
  const std::string big(100 * 1024, 'b');
  for (int i = 0; i < 30; ++i) client.Do({"SET", absl::StrCat("{s}", i), big});
  client.Do({"SET", "{last}", "v"});
  std::shared_ptr<Snapshot> snapshot;
  absl::Notification started;
  bool done = false;
  snapshot = Start(&engine, [&](Slot) {
    started.WaitForNotification();
    if (std::exchange(done, true)) return;
    for (int i = 0; i < 9; ++i)
      client.Do({"SET", absl::StrCat("{s}", i), "small"});
    EXPECT_FALSE(snapshot->given_up()) << "at 900 KiB of 1 MiB";
    for (int i = 9; i < 30; ++i)
      client.Do({"SET", absl::StrCat("{s}", i), "small"});
    EXPECT_TRUE(snapshot->given_up());
  });
  started.Notify();
  const absl::Status status = Load(snapshot.get()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("snapshot-buffer-limit"));
  snapshot.reset();

  const Dataset at_cut = DatasetOf(engine.get());
  ASSERT_EQ(at_cut.size(), 31u);
  auto next = Start(&engine);
  ExpectSnapshotIs(next.get(), at_cut);
}

// --- Sharing ---

TEST_F(SnapshotTest, TheMakerSharesOneUnderWayAndMakesANewOneAfterIt) {
  TestEngine engine(&clock_);
  Client client(engine.get());
  client.Do({"SET", "k", "v"});
  SnapshotMaker maker(engine.get());
  auto one = maker.StartOrJoin();
  ASSERT_TRUE(one.ok()) << one.status();
  (*one)->WaitForEnd();
  auto two = maker.StartOrJoin();
  ASSERT_TRUE(two.ok()) << two.status();
  EXPECT_NE(*one, *two);
  ExpectSnapshotIs(one->get(), DatasetOf(engine.get()));
  ExpectSnapshotIs(two->get(), DatasetOf(engine.get()));
  maker.Release(*std::move(one));
  EXPECT_EQ(maker.current(), *two);
  maker.Release(*std::move(two));
  EXPECT_EQ(maker.current(), nullptr);
}

TEST_F(SnapshotTest, AnAbandonedOneIsNotShared) {
  TestEngine engine(&clock_);
  RandomWriter writer(engine.get(), 1);
  Fill(&writer, 500);
  SnapshotMaker maker(engine.get());
  auto one = maker.StartOrJoin();
  ASSERT_TRUE(one.ok()) << one.status();
  maker.Abandon("changed our mind");
  auto two = maker.StartOrJoin();
  ASSERT_TRUE(two.ok()) << two.status();
  ExpectSnapshotIs(two->get(), DatasetOf(engine.get()));
  maker.Release(*std::move(one));
  maker.Release(*std::move(two));
}

TEST_F(SnapshotTest, OneOfAnEndedHistoryIsNotShared) {
  TestEngine engine(&clock_);
  RandomWriter writer(engine.get(), 1);
  Fill(&writer, 500);
  SnapshotMaker maker(engine.get());
  auto one = maker.StartOrJoin();
  ASSERT_TRUE(one.ok()) << one.status();
  engine->log().ShiftReplicationId();
  auto two = maker.StartOrJoin();
  ASSERT_TRUE(two.ok()) << two.status();
  EXPECT_NE((*one)->replication_id(), (*two)->replication_id());
  ExpectSnapshotIs(two->get(), DatasetOf(engine.get()));
  maker.Release(*std::move(one));
  maker.Release(*std::move(two));
}

// --- With writers on threads of their own ---

// Each snapshot with the log from its cut to the next one's makes the next
// snapshot; the last one with the rest of the log, the final state.
TEST_F(SnapshotTest, WithConcurrentWritersEachLeadsToTheNextByTheLog) {
  struct Shape {
    const char* name;
    int fill;  // Few keys: many cuts in a short time; many: long walks.
    int snapshots;
  };
  for (const Shape& shape :
       {Shape{"few keys", 0, 80}, Shape{"many", 1000, 3}}) {
    for (const uint64_t seed : Seeds(1)) {
      SCOPED_TRACE(absl::StrCat(shape.name, ", HOLDFAST_SEED=", seed,
                                " (but the interleaving is not repeatable)"));
      TestEngine engine(net::Clock::Real(), "repl-backlog-size 1gb\n");
      RandomWriter filler(engine.get(), seed);
      if (shape.fill > 0) Fill(&filler, shape.fill);
      std::atomic<bool> stop{false};
      std::vector<std::thread> threads;
      for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&, i] {
          const uint64_t own_seed = seed * 100 + static_cast<uint64_t>(i);
          RandomWriter writer(engine.get(), own_seed);
          if (shape.fill > 0) {
            while (!stop.load(std::memory_order_relaxed)) writer.Step();
            return;
          }
          Client client(engine.get());
          Dice dice(own_seed);
          while (!stop.load(std::memory_order_relaxed)) {
            // Each write changes something, so a lost or doubled one shows.
            client.Do({"APPEND", absl::StrCat("{s}", dice.Below(4)), "x"});
            client.Do({"INCR", absl::StrCat("{s}n", dice.Below(4))});
            client.Do({"INCR", absl::StrCat("{last}n", dice.Below(4))});
            if (dice.OneIn(50)) {
              client.Do({"DEL", absl::StrCat("{s}", dice.Below(4))});
            }
          }
        });
      }
      std::vector<std::shared_ptr<Snapshot>> snapshots;
      for (int i = 0; i < shape.snapshots; ++i) {
        snapshots.push_back(Start(&engine));
        snapshots.back()->WaitForEnd();
      }
      stop.store(true);
      for (std::thread& thread : threads) thread.join();
      const int64_t end = engine->log().end_offset();
      absl::StatusOr<Dataset> at_cut = Load(snapshots.front().get());
      for (size_t i = 0; i < snapshots.size(); ++i) {
        SCOPED_TRACE(absl::StrCat("snapshot ", i));
        ASSERT_TRUE(at_cut.ok()) << at_cut.status();
        const bool last = i + 1 == snapshots.size();
        const int64_t from = snapshots[i]->offset();
        const int64_t to = last ? end : snapshots[i + 1]->offset();
        const absl::StatusOr<Dataset> replayed =
            Replay(engine.get(), *at_cut, from, to);
        ASSERT_TRUE(replayed.ok()) << replayed.status();
        if (last) {
          EXPECT_TRUE(Same(*replayed, DatasetOf(engine.get())));
        } else {
          at_cut = Load(snapshots[i + 1].get());
          ASSERT_TRUE(at_cut.ok()) << at_cut.status();
          ASSERT_TRUE(Same(*replayed, *at_cut));
        }
      }
    }
  }
}

}  // namespace
}  // namespace holdfast::server
