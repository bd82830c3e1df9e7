#include "server/transaction/transaction.h"

#include "gtest/gtest.h"
#include "server/commands/keys_testing.h"

namespace holdfast::server {
namespace {

using TransactionTest = KeysTest;

TEST_F(TransactionTest, TheStreamHasItsEffectsInOneMultiAndNoExecOfItsOwn) {
  Do("MULTI");
  Do("SET a 1");
  Do("INCR a");
  EXPECT_EQ(EffectsOf("EXEC"), "MULTI; SET a 1; INCR a; EXEC");
  Do("MULTI");
  Do("SET a 1");
  EXPECT_EQ(EffectsOf("EXEC"), "SET a 1")
      << "a single effect is atomic as it is";
  Do("MULTI");
  Do("GET a");
  EXPECT_EQ(EffectsOf("EXEC"), "");
}

TEST_F(TransactionTest, AWatchedKeyThatChangedEndsIt) {
  Do("WATCH a");
  DoAsOther("SET a 2");
  Do("MULTI");
  Do("SET a 3");
  EXPECT_EQ(Do("EXEC"), "*-1\r\n");
  EXPECT_EQ(Do("GET a"), Bulk("2"));
  Do("MULTI");
  EXPECT_EQ(Do("EXEC"), "*0\r\n") << "EXEC has forgotten the watch";
}

TEST_F(TransactionTest, ACommandRefusedWhileQueueingAbortsIt) {
  Do("MULTI");
  EXPECT_EQ(Do("NOSUCH"),
            "-ERR unknown command 'NOSUCH', with args beginning with: \r\n");
  EXPECT_EQ(Do("EXEC"),
            "-EXECABORT Transaction discarded because of previous errors.\r\n");
  EXPECT_EQ(Do("EXEC"), "-ERR EXEC without MULTI\r\n");
}

TEST_F(TransactionTest, RefusesWhatIsOutOfPlace) {
  EXPECT_EQ(Do("DISCARD"), "-ERR DISCARD without MULTI\r\n");
  Do("MULTI");
  EXPECT_EQ(Do("MULTI"), "-ERR MULTI calls can not be nested\r\n");
  EXPECT_EQ(Do("WATCH a"), "-ERR WATCH inside MULTI is not allowed\r\n");
  EXPECT_EQ(Do("DISCARD"), kOkReply);
}

TEST_F(TransactionTest, ARefusedExecForgetsItsWatches) {
  Do("WATCH a");
  Do("MULTI");
  EXPECT_EQ(Do("EXEC now"),
            "-EXECABORT Transaction discarded because of: ERR wrong number of "
            "arguments for 'exec' command\r\n");
  DoAsOther("SET a 2");
  Do("MULTI");
  Do("SET b 1");
  EXPECT_EQ(Do("EXEC"), "*1\r\n+OK\r\n");
}

TEST_F(TransactionTest, WhatHadExpiredWhenWatchedMayBeRemoved) {
  Do("SET a 1 PX 10");
  Advance(absl::Milliseconds(20));
  Do("WATCH a");
  EXPECT_EQ(Do("GET a"), kNullReply);
  Do("MULTI");
  Do("SET b 1");
  EXPECT_EQ(Do("EXEC"), "*1\r\n+OK\r\n");

  Do("SET a 1 PX 10");
  Advance(absl::Milliseconds(20));
  Do("WATCH a");
  DoAsOther("SET a 2");
  Do("MULTI");
  EXPECT_EQ(Do("EXEC"), "*-1\r\n") << "but not be made anew";
}

// What is expired counts as missing, also where a whole database goes or comes.
TEST_F(TransactionTest, AFlushOfWhatHadExpiredIsNoChange) {
  for (const char* flush : {"FLUSHDB", "FLUSHALL", "SWAPDB 0 1"}) {
    Do("FLUSHALL");
    Do("SET a 1 PX 5");
    Do("SET other 1");
    Advance(absl::Milliseconds(6));
    Do("WATCH a");
    DoAsOther(flush);
    Do("MULTI");
    EXPECT_EQ(Do("EXEC"), "*0\r\n") << flush;
    DoAsOther("SET a 1");
    Do("WATCH a");
    DoAsOther(flush);
    Do("MULTI");
    EXPECT_EQ(Do("EXEC"), "*-1\r\n") << flush;
  }
}

TEST_F(TransactionTest, AnExpiredKeyThatComesBySwappingIsNoChange) {
  Do("SET a 1 PX 5");
  Advance(absl::Milliseconds(6));
  Do("SELECT 1");
  Do("WATCH a");
  DoAsOther("SWAPDB 0 1");
  Do("MULTI");
  EXPECT_EQ(Do("EXEC"), "*0\r\n");
  Do("WATCH a");
  DoAsOther("SWAPDB 0 1");
  DoAsOther("SELECT 1");
  DoAsOther("SET a 2");
  Do("MULTI");
  EXPECT_EQ(Do("EXEC"), "*-1\r\n");
}

TEST_F(TransactionTest, AnExpiredWatchCountsAsAChange) {
  Do("SET a 1 PX 10");
  Do("WATCH a");
  Advance(absl::Milliseconds(20));
  Do("MULTI");
  EXPECT_EQ(Do("EXEC"), "*-1\r\n");
}

}  // namespace
}  // namespace holdfast::server
