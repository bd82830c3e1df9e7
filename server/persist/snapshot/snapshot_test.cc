// The snapshot's one promise: what it holds is the dataset at its cut, whatever
// is written while it is made, and the log from the cut on leads to the
// present.

#include "server/persist/snapshot/snapshot.h"

#include <cstdint>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/keyspace/keyspace.h"
#include "server/keyspace/slot_table.h"
#include "server/persist/snapshot/snapshot_testing.h"
#include "testing/support/dice.h"

namespace holdfast::server {
namespace {

using test::Dice;

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

}  // namespace
}  // namespace holdfast::server
