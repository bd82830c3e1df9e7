// MIGRATE between servers, Holdfast and the real Redis, and away from targets
// that hang, die or refuse.

#include <signal.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
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

using ::testing::AnyOf;
using ::testing::HasSubstr;

// One key of each type, some of them large, some about to expire one day.
void FillAllTypes(TestClient& client) {
  client.Do("SET", "string", "v", "PX", 100'000);
  client.Do("SET", "int", 12345);
  client.Do("SET", "long", std::string(300'000, 'x'));
  for (int i = 0; i < 300; ++i) {
    client.Do("RPUSH", "list", i);
    client.Do("SADD", "set", i, absl::StrCat("m", i));
    client.Do("HSET", "hash", i, i);
    client.Do("ZADD", "zset", i * 0.5, i);
    client.Do("XADD", "stream", absl::StrCat(i + 1, "-0"), "f", i);
  }
  client.Do("XGROUP", "CREATE", "stream", "g", 0);
  client.Do("XREADGROUP", "GROUP", "g", "c", "COUNT", 3, "STREAMS", "stream",
            ">");
  client.Do("PEXPIRE", "hash", 200'000);
}

const std::vector<std::string>& AllKeys() {
  static const auto* const keys = new std::vector<std::string>{
      "string", "int", "long", "list", "set", "hash", "zset", "stream"};
  return *keys;
}

std::vector<std::string> MigrateAll(int port, absl::string_view db,
                                    const std::vector<std::string>& options) {
  std::vector<std::string> line = {
      "MIGRATE", "127.0.0.1", absl::StrCat(port), "", std::string(db), "10000"};
  line.insert(line.end(), options.begin(), options.end());
  line.push_back("KEYS");
  line.insert(line.end(), AllKeys().begin(), AllKeys().end());
  return line;
}

void ThereAndBack(ServerKind kind) {
  const auto here = StartServer(ShortTimeouts());
  const auto there = kind == ServerKind::kHoldfast
                         ? StartServer(ShortTimeouts())
                         : StartServer({}, kind);
  TestClient ours(*here);
  TestClient theirs(*there);
  FillAllTypes(ours);
  const std::string digest = Digest(*here);
  EXPECT_THAT(ours.DoArgs(MigrateAll(there->port(), "0", {})), IsOk());
  EXPECT_THAT(ours.Do("DBSIZE"), IsInt(0));
  EXPECT_THAT(theirs.Do("DBSIZE"), IsInt(8));
  EXPECT_EQ(Digest(*there), digest);
  EXPECT_THAT(
      theirs.Do("PTTL", "string"),
      IsInt(::testing::AllOf(::testing::Gt(50'000), ::testing::Le(100'000))));
  EXPECT_EQ(Stat(*here, "migrate_cached_sockets"), 1);

  EXPECT_THAT(theirs.DoArgs(MigrateAll(here->port(), "0", {"COPY"})), IsOk());
  EXPECT_EQ(Digest(*here), digest);
  EXPECT_THAT(theirs.DoArgs(MigrateAll(here->port(), "0", {})),
              IsError(HasSubstr("BUSYKEY")));
  EXPECT_THAT(theirs.Do("DBSIZE"), IsInt(8));
  EXPECT_THAT(theirs.DoArgs(MigrateAll(here->port(), "0", {"REPLACE"})),
              IsOk());
  EXPECT_THAT(theirs.Do("DBSIZE"), IsInt(0));
  EXPECT_EQ(Digest(*here), digest);
  EXPECT_THAT(ours.DoArgs(MigrateAll(there->port(), "99", {})),
              IsError("ERR Target instance replied with error: ERR DB index is "
                      "out of range"));
  EXPECT_EQ(Digest(*here), digest);
  EXPECT_THAT(theirs.Do("DBSIZE"), IsInt(0));
}

TEST(MigrateTest, ToAHoldfastAndBack) { ThereAndBack(ServerKind::kHoldfast); }

TEST(MigrateTest, ToARedisAndBack) {
  if (!RealRedisAvailable()) GTEST_SKIP();
  ThereAndBack(ServerKind::kRedis);
}

TEST(MigrateTest, AReplicaFollows) {
  const auto primary = StartServer(ShortTimeouts());
  const auto replica = StartServer(ShortTimeouts());
  const auto target = StartServer(ShortTimeouts());
  Follow(*replica, primary->port());
  ASSERT_TRUE(LinkComesUp(*replica));
  TestClient client(*primary);
  FillAllTypes(client);
  client.Do("SET", "stays", "v");
  EXPECT_THAT(client.DoArgs(MigrateAll(target->port(), "0", {})), IsOk());
  EXPECT_TRUE(IsSame(*primary, *replica));
  EXPECT_THAT(TestClient(*replica).Do("DBSIZE"), IsInt(1));
  EXPECT_THAT(TestClient(*replica).Do("MIGRATE", "127.0.0.1", target->port(),
                                      "stays", 0, 1000),
              IsError(HasSubstr("READONLY")));
}

TEST(MigrateTest, ATargetWithAPassword) {
  for (const ServerKind kind : {ServerKind::kHoldfast, ServerKind::kRedis}) {
    if (kind == ServerKind::kRedis && !RealRedisAvailable()) continue;
    const auto here = StartServer(ShortTimeouts());
    ServerOptions options;
    options.kind = kind;
    options.flags = {{"requirepass", "pw"}};
    auto there = ServerProcess::Start(options);
    ASSERT_TRUE(there.ok()) << there.status();
    TestClient client(*here);
    const auto migrate = [&](const std::vector<std::string>& more) {
      std::vector<std::string> line = {
          "MIGRATE", "127.0.0.1", absl::StrCat((*there)->port()),
          "k",       "0",         "5000"};
      line.insert(line.end(), more.begin(), more.end());
      return client.DoArgs(line);
    };
    client.Do("SET", "k", "v");
    EXPECT_THAT(migrate({}), IsError(HasSubstr("NOAUTH")));
    EXPECT_THAT(migrate({"AUTH", "wrong"}), IsError(HasSubstr("WRONGPASS")));
    EXPECT_THAT(client.Do("EXISTS", "k"), IsInt(1));
    EXPECT_THAT(migrate({"AUTH", "pw", "COPY"}), IsOk());
    EXPECT_THAT(migrate({"COPY"}), IsError(HasSubstr("NOAUTH")))
        << "the connection that is kept is not for everybody";
    EXPECT_THAT(migrate({"REPLACE", "AUTH2", "default", "pw"}), IsOk());
    EXPECT_THAT(client.Do("EXISTS", "k"), IsInt(0));
  }
}

// A stopped target costs its client the timeout, and nobody else anything.
TEST(MigrateTest, ATargetThatHangs) {
  const auto here = StartServer(ShortTimeouts());
  const auto there = StartServer(ShortTimeouts());
  const auto replica = StartServer(ShortTimeouts());
  TestClient client(*here);
  TestClient other(*here);
  client.Do("MSET", "k", "v", "first", 1);
  // Leaves a connection that needs no SELECT: nothing is to be confirmed before
  // the key is sent.
  EXPECT_THAT(
      client.Do("MIGRATE", "127.0.0.1", there->port(), "first", 0, 5000),
      IsOk());
  ASSERT_TRUE(there->Signal(SIGSTOP).ok());
  client.Send("MIGRATE", "127.0.0.1", there->port(), "k", 0, 2000);
  // A write to the very key, and what passes the gate exclusively.
  EXPECT_THAT(other.Do("APPEND", "k", "w"), IsInt(2));
  Follow(*replica, here->port());
  ASSERT_TRUE(CatchesUp(*here, *replica));
  EXPECT_THAT(client.Receive(),
              IsError("IOERR error or timeout reading to target instance"));
  EXPECT_THAT(other.Do("GET", "k"), IsBulk("vw"));
  // In a transaction it is the timeout that bounds it.
  client.Do("MULTI");
  client.Do("MIGRATE", "127.0.0.1", there->port(), "k", 0, 300);
  EXPECT_THAT(client.Do("EXEC"), IsArray(::testing::ElementsAre(IsError(
                                     "IOERR error or timeout reading to target "
                                     "instance"))));
  ASSERT_TRUE(there->Signal(SIGCONT).ok());
  // It takes in what it was sent, late: the key is on both sides, here as it is
  // now.
  EXPECT_TRUE(WaitForValue([&] { return TestClient(*there).Do("EXISTS", "k"); },
                           IsInt(1)));
  EXPECT_THAT(other.Do("GET", "k"), IsBulk("vw"));
  EXPECT_THAT(client.Do("MIGRATE", "127.0.0.1", there->port(), "k", 0, 5000),
              IsError(HasSubstr("BUSYKEY")));
  EXPECT_THAT(
      client.Do("MIGRATE", "127.0.0.1", there->port(), "k", 0, 5000, "REPLACE"),
      IsOk());
  EXPECT_THAT(TestClient(*there).Do("GET", "k"), IsBulk("vw"));
}

TEST(MigrateTest, AKilledClientAndAnEndingServerDoNotWaitForATarget) {
  const auto here = StartServer(ShortTimeouts());
  const auto there = StartServer(ShortTimeouts());
  TestClient client(*here);
  TestClient other(*here);
  client.Do("MSET", "a", 1, "b", 2);
  ASSERT_TRUE(there->Signal(SIGSTOP).ok());
  const int64_t id = client.Do("CLIENT", "ID").integer();
  const int threads = Threads(*here);
  client.Send("MIGRATE", "127.0.0.1", there->port(), "a", 0, 1'000'000);
  EXPECT_TRUE(
      WaitForValue([&] { return other.Do("CLIENT", "LIST", "ID", id).str(); },
                   HasSubstr("cmd=migrate")));
  EXPECT_THAT(other.Do("CLIENT", "KILL", "ID", id), IsInt(1));
  EXPECT_TRUE(
      WaitForValue([&] { return Threads(*here); }, ::testing::Lt(threads)));
  EXPECT_THAT(other.Do("DBSIZE"), IsInt(2));
  TestClient again(*here);
  again.Send("MIGRATE", "127.0.0.1", there->port(), "b", 0, 1'000'000);
  EXPECT_TRUE(WaitForValue([&] { return other.Do("CLIENT", "LIST").str(); },
                           HasSubstr("cmd=migrate")));
  const absl::Time begun = absl::Now();
  EXPECT_TRUE(here->Stop().ok());
  EXPECT_LT(absl::Now() - begun, absl::Seconds(10));
  ASSERT_TRUE(there->Signal(SIGCONT).ok());
}

// Whenever the target dies: every key is here, or there, or on both sides.
TEST(MigrateTest, ATargetThatDiesInTheMiddle) {
  const auto here = StartServer(ShortTimeouts());
  TestClient client(*here);
  constexpr int kKeys = 400;
  for (int round = 0; round < 3; ++round) {
    const auto there = StartServer(ShortTimeouts());
    client.Do("FLUSHALL");
    std::vector<std::string> line = {
        "MIGRATE", "127.0.0.1", absl::StrCat(there->port()), "", "0",
        "5000",    "KEYS"};
    for (int i = 0; i < kKeys; ++i) {
      client.Do("SET", absl::StrCat("k", i), std::string(50'000, 'v'));
      line.push_back(absl::StrCat("k", i));
    }
    client.SendArgs(line);
    TestClient witness(*there);
    // Not to be killed: what it has taken in is to be looked at.
    EXPECT_TRUE(WaitForValue([&] { return witness.Do("DBSIZE"); },
                             IsInt(::testing::Gt(100 * round))));
    witness.Do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    EXPECT_THAT(client.Receive(), AnyOf(IsOk(), IsError(HasSubstr("IOERR")),
                                        IsError(HasSubstr("BUSYKEY"))));
    for (int i = 0; i < kKeys; ++i) {
      const std::string key = absl::StrCat("k", i);
      const int64_t ours = client.Do("EXISTS", key).integer();
      const int64_t theirs = witness.Do("EXISTS", key).integer();
      ASSERT_GE(ours + theirs, 1) << key << " is lost";
    }
  }
}

// Counters move to and fro while others count: no increment is lost, whichever
// server it went to, and no counter is ever on none.
TEST(MigrateTest, NoWriteIsLostThatComesMeanwhile) {
  const auto here = StartServer(ShortTimeouts());
  const auto there = StartServer(ShortTimeouts());
  constexpr int kKeys = 20;
  constexpr int kRounds = 30;
  TestClient client(*here);
  for (int i = 0; i < kKeys; ++i) client.Do("SET", absl::StrCat("k", i), 0);
  std::atomic<bool> over{false};
  std::vector<int64_t> counted(kKeys, 0);
  std::thread writer([&] {
    TestClient writes(*here);
    for (int i = 0; !over; i = (i + 1) % kKeys) {
      // INCR of a key that has moved would make a new one.
      const std::string key = absl::StrCat("k", i);
      writes.Do("WATCH", key);
      if (writes.Do("EXISTS", key).integer() == 0) {
        writes.Do("UNWATCH");
        continue;
      }
      writes.Do("MULTI");
      writes.Do("INCR", key);
      if (!writes.Do("EXEC").is_null()) ++counted[i];
    }
  });
  for (int round = 0; round < kRounds; ++round) {
    for (const auto& [from, to] : {std::pair(here.get(), there.get()),
                                   std::pair(there.get(), here.get())}) {
      TestClient mover(*from);
      std::vector<std::string> line = {
          "MIGRATE", "127.0.0.1", absl::StrCat(to->port()), "", "0", "5000",
          "REPLACE", "KEYS"};
      for (int i = 0; i < kKeys; ++i) line.push_back(absl::StrCat("k", i));
      for (;;) {
        const net::Value reply = mover.DoArgs(line);
        if (!reply.is_error()) break;
        ASSERT_TRUE(absl::StartsWith(reply.str(), "IOERR keys changed"))
            << reply;
      }
    }
  }
  over = true;
  writer.join();
  for (int i = 0; i < kKeys; ++i) {
    EXPECT_THAT(client.Do("GET", absl::StrCat("k", i)),
                IsBulk(absl::StrCat(counted[i])));
  }
}

}  // namespace
}  // namespace holdfast::test
