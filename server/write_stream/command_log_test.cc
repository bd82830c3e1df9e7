#include "server/write_stream/command_log.h"

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "net/time/clock.h"

namespace holdfast::server {
namespace {

class CommandLogTest : public ::testing::Test {
 protected:
  CommandLogTest()
      : log_({.window_bytes = 256 * 1024, .max_bytes = 1024 * 1024}) {
    log_.Activate();
  }

  // All bytes from `offset` to the end.
  std::string ReadAll(int64_t offset) {
    std::string all;
    for (;;) {
      const auto chunk = log_.Read(offset);
      if (!chunk.ok() || chunk->bytes().empty()) return all;
      all.append(chunk->bytes().data(), chunk->bytes().size());
      offset += static_cast<int64_t>(chunk->bytes().size());
    }
  }

  CommandLog log_;
};

TEST_F(CommandLogTest, OffsetsAreBytesOfTheStream) {
  EXPECT_EQ(log_.end_offset(), 0);
  const Effect effect = {0, "*1\r\n$1\r\nA\r\n"};
  log_.AppendUnit({&effect, 1});
  const std::string expected =
      "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$1\r\nA\r\n";
  EXPECT_EQ(ReadAll(0), expected);
  EXPECT_EQ(log_.end_offset(), static_cast<int64_t>(expected.size()));
  log_.AppendUnit({&effect, 1});
  EXPECT_EQ(ReadAll(0), expected + "*1\r\n$1\r\nA\r\n")
      << "the database was selected already";
}

TEST_F(CommandLogTest, AUnitOfSeveralIsATransactionWithItsSelectBeforeIt) {
  const Effect effects[] = {{1, "<a>"}, {1, "<b>"}, {2, "<c>"}};
  log_.AppendUnit(effects);
  EXPECT_EQ(ReadAll(0),
            "*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\n*1\r\n$5\r\nMULTI\r\n<a><b>*"
            "2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n<c>"
            "*1\r\n$4\r\nEXEC\r\n");
}

TEST_F(CommandLogTest, RecordsNothingWhileInactive) {
  CommandLog idle({});
  const Effect effect = {0, "x"};
  idle.AppendUnit({&effect, 1});
  EXPECT_EQ(idle.end_offset(), 0);
}

TEST_F(CommandLogTest, TheWindowMovesOnAndWhoFellOutIsTold) {
  const std::string kilobyte(1024, 'k');
  for (int i = 0; i < 1024; ++i) log_.AppendRaw(kilobyte);
  EXPECT_EQ(log_.end_offset(), 1024 * 1024);
  EXPECT_GE(log_.size_bytes(), 256 * 1024);
  EXPECT_LE(log_.size_bytes(),
            256 * 1024 + static_cast<int64_t>(CommandLog::kBlockBytes));
  EXPECT_TRUE(absl::IsOutOfRange(log_.Read(0).status()));
  EXPECT_TRUE(absl::IsOutOfRange(log_.Read(log_.end_offset() + 1).status()));
  EXPECT_FALSE(log_.CanContinue(log_.replication_id().id, 0).ok());
  EXPECT_TRUE(
      log_.CanContinue(log_.replication_id().id, log_.first_offset()).ok());
  EXPECT_TRUE(
      log_.CanContinue(log_.replication_id().id, log_.end_offset()).ok());
  EXPECT_FALSE(
      log_.CanContinue(log_.replication_id().id, log_.end_offset() + 1).ok());
  EXPECT_FALSE(log_.CanContinue(std::string(40, 'f'), log_.end_offset()).ok());
}

TEST_F(CommandLogTest, APinHoldsTheWindowUpToTheMaximum) {
  const std::string kilobyte(1024, 'k');
  auto pin = log_.PinAt(0);
  for (int i = 0; i < 1000; ++i) log_.AppendRaw(kilobyte);
  EXPECT_EQ(log_.first_offset(), 0);
  EXPECT_GT(log_.pinned_bytes(), 0);
  for (int i = 0; i < 1000; ++i) log_.AppendRaw(kilobyte);
  EXPECT_GT(log_.first_offset(), 0)
      << "a pin must not hold more than max_bytes";
  pin->Advance(log_.end_offset());
  pin.reset();
  log_.AppendRaw(kilobyte);
  EXPECT_LE(log_.size_bytes(),
            256 * 1024 + static_cast<int64_t>(CommandLog::kBlockBytes));
}

TEST_F(CommandLogTest, AChunkStaysReadableWhenTheWindowHasPassedIt) {
  log_.AppendRaw("first bytes");
  const auto chunk = log_.Read(0);
  ASSERT_TRUE(chunk.ok());
  const std::string kilobyte(1024, 'k');
  for (int i = 0; i < 2000; ++i) log_.AppendRaw(kilobyte);
  EXPECT_EQ(chunk->bytes(), "first bytes");
}

TEST_F(CommandLogTest, APromotionKeepsTheOldIdUpToItsOffset) {
  log_.AppendRaw("0123456789");
  const std::string old_id = log_.replication_id().id;
  log_.ShiftReplicationId();
  EXPECT_NE(log_.replication_id().id, old_id);
  EXPECT_EQ(log_.replication_id().id2, old_id);
  EXPECT_EQ(log_.replication_id().second_offset, 11);
  EXPECT_TRUE(log_.CanContinue(old_id, 10).ok())
      << "a sibling at the same offset goes on";
  log_.AppendRaw("abc");
  EXPECT_TRUE(log_.CanContinue(old_id, 10).ok());
  EXPECT_FALSE(log_.CanContinue(old_id, 11).ok())
      << "that byte is of the new history only";
}

TEST_F(CommandLogTest, AdoptedHistoryStartsEmptyAtItsOffset) {
  log_.AppendRaw("old bytes");
  const std::string id(40, 'a');
  log_.AdoptHistory({id, std::string(kNoReplicationId), -1}, 1000);
  EXPECT_EQ(log_.end_offset(), 1000);
  EXPECT_EQ(log_.first_offset(), 1000);
  EXPECT_TRUE(absl::IsOutOfRange(log_.Read(3).status()));
  log_.AppendRaw("new");
  EXPECT_EQ(ReadAll(1000), "new");
  EXPECT_TRUE(log_.CanContinue(id, 1001).ok());
}

TEST_F(CommandLogTest, FollowersSeeEveryByteInOrderWhileWritersAppend) {
  constexpr int kWriters = 3;
  constexpr int kUnits = 2000;
  log_.set_limits({.window_bytes = 64 << 20, .max_bytes = 64 << 20});
  std::atomic<bool> stop{false};
  std::string followed;
  std::thread follower([&] {
    int64_t offset = 0;
    while (log_.WaitForBytes(offset, net::Deadline::Never(), &stop)) {
      const auto chunk = log_.Read(offset);
      ASSERT_TRUE(chunk.ok());
      followed.append(chunk->bytes().data(), chunk->bytes().size());
      offset += static_cast<int64_t>(chunk->bytes().size());
    }
  });
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < kUnits; ++i) {
        const std::string bytes = absl::StrCat("<", w, ":", i, ">");
        const Effect effects[] = {{w, bytes}, {w, bytes}};
        log_.AppendUnit(effects);
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  stop.store(true);
  log_.WakeAll();
  follower.join();
  EXPECT_EQ(followed, ReadAll(0));
  // Each writer's units are there, in its order, whole.
  for (int w = 0; w < kWriters; ++w) {
    size_t from = 0;
    for (int i = 0; i < kUnits; ++i) {
      const std::string bytes = absl::StrCat("<", w, ":", i, ">");
      from =
          followed.find(absl::StrCat(bytes, bytes, "*1\r\n$4\r\nEXEC"), from);
      ASSERT_NE(from, std::string::npos) << bytes;
    }
  }
}

TEST_F(CommandLogTest, WaitForBytesEndsAtItsDeadline) {
  std::atomic<bool> stop{false};
  EXPECT_FALSE(log_.WaitForBytes(
      0, net::Deadline::After(net::Clock::Real(), absl::Milliseconds(5)),
      &stop));
}

}  // namespace
}  // namespace holdfast::server
