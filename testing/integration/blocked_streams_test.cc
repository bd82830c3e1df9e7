// Clients that wait for streams, on a real server: many readers, writers and
// leavers at once.

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/resp/value.h"
#include "testing/harness/server_process.h"
#include "testing/harness/test_client.h"
#include "testing/integration/faults_support.h"
#include "testing/support/reply_matchers.h"
#include "testing/support/wait_for.h"

namespace holdfast::test {
namespace {

using ::testing::HasSubstr;

class BlockedStreamsTest : public ::testing::Test {
 protected:
  bool Blocked(int64_t clients) {
    return WaitForValue(
        [&] {
          return TestClient(*server_).InfoInt("clients", "blocked_clients");
        },
        clients);
  }
  // The entries of a reply with one stream: [[key, [[id, ...], ...]]].
  static std::vector<std::string> IdsOf(const net::Value& reply) {
    std::vector<std::string> ids;
    if (!reply.is_array() || reply.size() == 0) return ids;
    for (const net::Value& entry : reply[0][1].elements())
      ids.push_back(entry[0].str());
    return ids;
  }

  const std::unique_ptr<ServerProcess> server_ = StartServer(ShortTimeouts());
  TestClient other_{*server_};
};

TEST_F(BlockedStreamsTest, OneEntryServesAllReaders) {
  constexpr int kReaders = 20;
  std::vector<TestClient> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back(*server_);
    readers.back().Send("XREAD", "BLOCK", 0, "STREAMS", "s",
                        absl::StrCat("own", i), "$", "$");
  }
  ASSERT_TRUE(Blocked(kReaders));
  EXPECT_THAT(other_.Do("XADD", "s", "1-1", "f", "v"), IsBulk("1-1"));
  for (TestClient& reader : readers)
    EXPECT_EQ(IdsOf(reader.Receive()), std::vector<std::string>{"1-1"});
  EXPECT_TRUE(Blocked(0));
}

TEST_F(BlockedStreamsTest, AGroupsReadersAreServedInTheOrderOfTheirArrival) {
  constexpr int kReaders = 10;
  other_.Do("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM");
  std::vector<TestClient> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back(*server_);
    readers.back().Send("XREADGROUP", "GROUP", "g", absl::StrCat("c", i),
                        "BLOCK", 0, "STREAMS", "s", ">");
    ASSERT_TRUE(Blocked(i + 1));
  }
  for (int i = 0; i < kReaders; ++i)
    other_.Do("XADD", "s", absl::StrCat(i + 1, "-0"), "f", "v");
  for (int i = 0; i < kReaders; ++i) {
    EXPECT_EQ(IdsOf(readers[i].Receive()),
              std::vector<std::string>{absl::StrCat(i + 1, "-0")});
  }
}

TEST_F(BlockedStreamsTest, WhoGoesAwayTakesNothing) {
  other_.Do("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM");
  auto client = std::make_unique<TestClient>(*server_);
  client->Send("XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "s",
               ">");
  ASSERT_TRUE(Blocked(1));
  client.reset();
  EXPECT_TRUE(Blocked(0));
  other_.Do("XADD", "s", "1-1", "f", "v");
  EXPECT_EQ(
      IdsOf(other_.Do("XREADGROUP", "GROUP", "g", "d", "STREAMS", "s", ">")),
      std::vector<std::string>{"1-1"});
}

TEST_F(BlockedStreamsTest, ClientUnblockAndADeletedKey) {
  other_.Do("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM");
  TestClient client(*server_);
  const int64_t id = client.Do("CLIENT", "ID").integer();
  const auto wait = [&] {
    client.Send("XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "s",
                ">");
    return Blocked(1);
  };
  ASSERT_TRUE(wait());
  EXPECT_THAT(other_.Do("CLIENT", "UNBLOCK", id), IsInt(1));
  EXPECT_THAT(client.Receive(), IsNilArray());
  ASSERT_TRUE(wait());
  EXPECT_THAT(other_.Do("CLIENT", "UNBLOCK", id, "ERROR"), IsInt(1));
  EXPECT_THAT(client.Receive(), IsError(HasSubstr("UNBLOCKED")));
  ASSERT_TRUE(wait());
  EXPECT_THAT(other_.Do("PEXPIRE", "s", 20), IsInt(1));
  EXPECT_THAT(client.Receive(),
              IsError("UNBLOCKED the stream key no longer exists"));
  EXPECT_TRUE(Blocked(0));
}

// Nothing is delivered twice, and nothing is lost, however readers come and go;
// a replica knows of all that is pending.
TEST_F(BlockedStreamsTest, EveryEntryGoesToOneReaderOfAGroup) {
  constexpr int kWriters = 2;
  constexpr int kReaders = 4;
  constexpr int kEntries = 400;
  const auto replica = StartServer(ShortTimeouts());
  other_.Do("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM");
  Follow(*replica, server_->port());
  ASSERT_TRUE(LinkComesUp(*replica));

  absl::Mutex mu;
  std::multiset<std::string> delivered;
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < kReaders; ++i) {
    threads.emplace_back([&, i] {
      TestClient client(*server_);
      while (true) {
        const bool last_round = done.load();
        const net::Value reply =
            client.Do("XREADGROUP", "GROUP", "g", absl::StrCat("c", i), "COUNT",
                      1 + i, "BLOCK", 20, "STREAMS", "s", ">");
        const std::vector<std::string> ids = IdsOf(reply);
        if (ids.empty() && last_round) return;
        absl::MutexLock lock(&mu);
        delivered.insert(ids.begin(), ids.end());
      }
    });
  }
  // Waits for another key as well, and leaves.
  threads.emplace_back([&] {
    while (!done.load()) {
      TestClient client(*server_);
      client.Send("XREAD", "BLOCK", 0, "STREAMS", "s", "t", "$", "$");
      (void)client.TryReceive(absl::Milliseconds(5));
    }
  });
  // Is told to stop waiting.
  threads.emplace_back([&] {
    TestClient client(*server_);
    const int64_t id = client.Do("CLIENT", "ID").integer();
    TestClient stopper(*server_);
    while (!done.load()) {
      client.Send("XREAD", "BLOCK", 0, "STREAMS", "nosuch", "$");
      while (stopper.Do("CLIENT", "UNBLOCK", id).integer() == 0) {
      }
      EXPECT_THAT(client.Receive(), IsNilArray());
    }
  });
  std::vector<std::thread> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&] {
      TestClient client(*server_);
      for (int n = 0; n < kEntries / kWriters; ++n)
        client.Do("XADD", "s", "*", "f", n);
    });
  }
  for (std::thread& writer : writers) writer.join();
  done.store(true);
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(delivered.size(), kEntries);
  EXPECT_EQ(std::set<std::string>(delivered.begin(), delivered.end()).size(),
            kEntries)
      << "an entry was delivered twice";
  EXPECT_TRUE(Blocked(0));
  EXPECT_TRUE(CatchesUp(*server_, *replica));
  const net::Value pending = other_.Do("XPENDING", "s", "g");
  EXPECT_THAT(pending[0], IsInt(kEntries));
  TestClient reader(*replica);
  EXPECT_EQ(reader.Do("XPENDING", "s", "g").DebugString(),
            pending.DebugString());
  EXPECT_EQ(reader.Do("XINFO", "GROUPS", "s").DebugString(),
            other_.Do("XINFO", "GROUPS", "s").DebugString());
}

TEST_F(BlockedStreamsTest, AReplicasReadersSeeWhatThePrimaryGets) {
  const auto replica = StartServer(ShortTimeouts());
  TestClient early(*replica);
  early.Send("XREAD", "BLOCK", 0, "STREAMS", "s", "0");
  TestClient late(*replica);
  late.Send("XREAD", "BLOCK", 0, "STREAMS", "s", "5");
  TestClient reader(*replica);
  ASSERT_TRUE(WaitForValue(
      [&] { return reader.InfoInt("clients", "blocked_clients"); }, 2));
  // A role change ends all waits, so it follows first.
  other_.Do("XADD", "s", "1-1", "f", "v");
  Follow(*replica, server_->port());
  EXPECT_THAT(early.Receive(), IsError(HasSubstr("instance state changed")));
  EXPECT_THAT(late.Receive(), IsError(HasSubstr("instance state changed")));
  ASSERT_TRUE(LinkComesUp(*replica));
  late.Send("XREAD", "BLOCK", 0, "STREAMS", "s", "5");
  ASSERT_TRUE(WaitForValue(
      [&] { return reader.InfoInt("clients", "blocked_clients"); }, 1));
  other_.Do("XADD", "s", "2-1", "f", "v");
  other_.Do("XADD", "s", "6-1", "f", "v");
  EXPECT_EQ(IdsOf(late.Receive()), std::vector<std::string>{"6-1"});
}

}  // namespace
}  // namespace holdfast::test
