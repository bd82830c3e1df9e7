#ifndef HOLDFAST_SERVER_PERSIST_SNAPSHOT_SNAPSHOT_TESTING_H_
#define HOLDFAST_SERVER_PERSIST_SNAPSHOT_SNAPSHOT_TESTING_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "net/time/clock.h"
#include "net/time/manual_clock.h"
#include "server/config/config.h"
#include "server/dispatch/dispatcher.h"
#include "server/engine/engine.h"
#include "server/persist/snapshot/snapshot.h"
#include "server/session/session.h"
#include "testing/support/dice.h"

// What the tests of snapshots share: a server without sockets, random writes to
// it, and datasets to compare.
namespace holdfast::server {

constexpr int kDatabases = 4;
// 1 to `count`, or $HOLDFAST_SEED alone.
std::vector<uint64_t> Seeds(int count);

// --- Datasets to compare ---

struct Held {
  std::string value;
  int64_t expire_ms;
  friend bool operator==(const Held&, const Held&) = default;
};
using Dataset = std::map<std::pair<int, std::string>, Held>;

testing::AssertionResult Same(const Dataset& got, const Dataset& want);

// Everything in storage, expired or not. Nobody writes meanwhile.
Dataset DatasetOf(Engine* engine);

// --- A server without sockets, and a client of it ---

class TestEngine {
 public:
  explicit TestEngine(const net::Clock* clock,
                      absl::string_view config_text = "");
  Engine* get() { return &engine_; }
  Engine* operator->() { return &engine_; }

 private:
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
  absl::Status ApplyStream(absl::string_view stream);

 private:
  Session session_;
  Dispatcher dispatcher_;
};

// All of it, once it has ended.
absl::StatusOr<std::string> BytesOf(Snapshot* snapshot);
// The dataset that it holds.
absl::StatusOr<Dataset> Load(Snapshot* snapshot);
// What a replica has that loads `at_cut` and applies the log from `offset` to
// `end`.
absl::StatusOr<Dataset> Replay(Engine* engine, const Dataset& at_cut,
                               int64_t offset, int64_t end);

// --- Random writes ---

// All that can happen to keys. Half of them share one slot, so that its table
// has many buckets to be walked and to be resized; some are in the first and
// the last slots that the walk comes to, by their hash tags.
class RandomWriter {
 public:
  RandomWriter(Engine* engine, uint64_t seed)
      : engine_(*engine), client_(engine), dice_(seed) {}

  void Step();

  // Many keys of one slot at once: its table grows by segments.
  void Grow();
  // Most of them go: it shrinks.
  void Shrink();
  void ForbidFlushes() { flushes_ = false; }

 private:
  void Do(const Words& words) { client_.Do(words); }

  std::string Key();
  std::string Value();
  // From a little before now to long after.
  int64_t SomeTime() {
    return engine_.WallMs() + (dice_.OneIn(4) ? dice_.Between(-5, 50)
                                              : dice_.Between(1000, 1000000));
  }
  void Transaction();
  void Rare();

  Engine& engine_;
  Client client_;
  test::Dice dice_;
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

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_SNAPSHOT_SNAPSHOT_TESTING_H_
