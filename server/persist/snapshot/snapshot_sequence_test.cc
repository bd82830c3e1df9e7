// Snapshots one after the other, given up, and shared.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/time/deadline.h"
#include "server/persist/snapshot/snapshot.h"
#include "server/persist/snapshot/snapshot_testing.h"
#include "testing/support/dice.h"

namespace holdfast::server {
namespace {

using test::Dice;
using ::testing::HasSubstr;

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

}  // namespace
}  // namespace holdfast::server
