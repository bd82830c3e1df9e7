// Clients that send what no client should, to a server process: every one gets
// an error or a closed connection, and nobody else notices.

#include <algorithm>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/resp/value.h"
#include "server/keyspace/slot.h"
#include "testing/harness/server_process.h"
#include "testing/harness/test_client.h"
#include "testing/hostile/command_grammar.h"
#include "testing/hostile/garbage.h"
#include "testing/hostile/hostile_support.h"
#include "testing/support/dice.h"
#include "testing/support/environment.h"
#include "testing/support/reply_matchers.h"
#include "testing/support/wait_for.h"

namespace holdfast::test {
namespace {

constexpr int kConnections = 8;  // At a time.

std::string Shown(const std::vector<std::string>& args) {
  return absl::StrJoin(args, " ", [](std::string* out, const auto& arg) {
    constexpr size_t kMost = 80;
    absl::StrAppend(out, "\"", absl::CHexEscape(arg.substr(0, kMost)),
                    arg.size() > kMost ? "...\"" : "\"");
  });
}

class HostileClientTest : public testing::Test {
 protected:
  void SetUp() override {
    ServerOptions options;
    options.flags = {
        {"databases", absl::StrCat(kDatabases)},
        // A wish of a gigabyte is no bad input and would be granted.
        {"proto-max-bulk-len", "1048576"},
        {"client-query-buffer-limit", "8388608"},
        {"repl-diskless-sync-delay", "0"},
        {"repl-timeout", "60"},
        {"client-send-timeout-ms", "30000"},
    };
    auto server = ServerProcess::Start(std::move(options));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    TestClient client(*server_);
    witnesses_ = std::make_unique<Witnesses>(&client);
    grammar_ = std::make_unique<CommandGrammar>(&client);
    threads_ = Threads(*server_);
  }

  void TearDown() override {
    if (server_ == nullptr) return;
    ExpectOrderlyEnd(server_.get());
  }

  // After a round: everything that this server owes the others.
  void ExpectUnharmed() {
    ASSERT_TRUE(server_->Running()) << server_->LogTail(200);
    TestClient client(port(), kAnswerTimeout);
    // Chance may have told it to.
    EXPECT_THAT(client.Do("CLIENT", "UNPAUSE"), IsOk());
    EXPECT_TRUE(witnesses_->Intact(&client));
    client.Close();
    ExpectWell(server_.get(), threads_);
  }

  // `rounds` times: that many connections at once, each in a thread of its own
  // with chance of its own, then ExpectUnharmed().
  template <typename Play>
  void Rounds(uint64_t seed, int64_t rounds, Play play) {
    for (int64_t round = 0; round < rounds; ++round) {
      SCOPED_TRACE(absl::StrCat("HOLDFAST_SEED=", seed, ", round ", round));
      std::vector<std::thread> threads;
      for (int i = 0; i < kConnections; ++i) {
        threads.emplace_back([&, i] {
          Dice dice(seed * 1000003 + static_cast<uint64_t>(round) * 1009 +
                    static_cast<uint64_t>(i));
          play(&dice);
        });
      }
      for (std::thread& thread : threads) thread.join();
      ExpectUnharmed();
      if (HasFailure()) return;
    }
  }

  int port() const { return server_->port(); }

  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<Witnesses> witnesses_;
  std::unique_ptr<CommandGrammar> grammar_;
  int threads_ = 0;
};

// One reply for each call, whatever its arguments, and no more.
TEST_F(HostileClientTest, EveryCommandAnswersAnyArguments) {
  constexpr int kCallsOfEach = 15;
  constexpr size_t kLongest = 60000;
  const uint64_t seed = Seed();
  Dice dice(seed);
  auto client = std::make_unique<TestClient>(port(), kAnswerTimeout);
  std::set<std::string> called;
  int64_t refused = 0;
  int64_t calls = 0;
  absl::Duration slowest;
  std::string slowest_call;
  for (int64_t effort = 0; effort < Effort(); ++effort) {
    for (const CommandGrammar::Shape& shape : grammar_->shapes()) {
      if (shape.name == "sync") continue;  // Of replicas, below.
      for (int i = 0; i < kCallsOfEach; ++i) {
        std::vector<std::string> call = grammar_->Call(&dice, shape);
        // Some errors name an argument, as Redis's do, and our client takes no
        // longer line.
        for (std::string& arg : call)
          arg.resize(std::min(arg.size(), kLongest));
        if (!client->connected()) {
          client = std::make_unique<TestClient>(port(), kAnswerTimeout);
        }
        const absl::Time before = absl::Now();
        const absl::StatusOr<net::Value> reply = client->TryDoArgs(call);
        ++calls;
        if (absl::Now() - before > slowest) {
          slowest = absl::Now() - before;
          slowest_call = Shown(call);
        }
        if (!reply.ok()) {
          ASSERT_TRUE(shape.may_close &&
                      !absl::IsDeadlineExceeded(reply.status()) &&
                      !absl::IsDataLoss(reply.status()))
              << "HOLDFAST_SEED=" << seed << ": " << Shown(call) << ": "
              << reply.status() << "\n"
              << server_->LogTail(200);
          continue;
        }
        if (reply->is_error()) ++refused;
        called.insert(shape.name);
        if (shape.may_close) client->Close();  // Or has not only one reply.
      }
    }
    // Still one reply a call: none too many, none too few.
    if (!client->connected()) {
      client = std::make_unique<TestClient>(port(), kAnswerTimeout);
    }
    client->Do("DISCARD");  // Chance may have begun a transaction.
    EXPECT_THAT(client->Do("ECHO", "in step"), IsBulk("in step"));
  }
  client.reset();
  std::cout << calls << " calls of " << called.size() << " commands, "
            << refused << " refused; the slowest took " << slowest << ": "
            << slowest_call << std::endl;
  EXPECT_GE(called.size() + 2, grammar_->shapes().size());
  EXPECT_GT(refused, calls / 4) << "that is not hostile";
  EXPECT_LT(refused, calls) << "nothing was let in";
  ExpectUnharmed();
}

// A transaction holds the locks of all its keys while each of its commands is
// executed: none may want one of them again, nor one out of turn.
TEST_F(HostileClientTest, EveryCommandAnswersInsideATransaction) {
  const uint64_t seed = Seed();
  Dice dice(seed);
  std::string first;  // Of the first slot; the other is of a late one.
  std::string last;
  for (int i = 0; first.empty() || last.empty(); ++i) {
    const std::string key = absl::StrCat("key", i);
    const server::Slot slot = server::SlotOfKey(key);
    if (slot == 0) first = key;
    if (slot > 16000) last = key;
  }
  auto client = std::make_unique<TestClient>(port(), kAnswerTimeout);
  for (const CommandGrammar::Shape& shape : grammar_->shapes()) {
    if (shape.may_close) continue;
    for (int i = 0; i < 2; ++i) {
      std::vector<std::string> call = grammar_->Call(&dice, shape);
      // Once as it is, and once with as few arguments as it takes: INFO.
      if (i == 0 && !shape.dangerous && shape.arity < 0) {
        call.resize(std::min(call.size(), static_cast<size_t>(-shape.arity)));
      }
      for (const auto& command : std::vector<std::vector<std::string>>{
               {"MULTI"},
               {i == 0 ? "SET" : "GETSET", first, "1"},
               {"GET", last},
               call,
               {"EXEC"}}) {
        const absl::StatusOr<net::Value> reply = client->TryDoArgs(command);
        ASSERT_TRUE(reply.ok())
            << "HOLDFAST_SEED=" << seed << ": MULTI, SET " << first << ", GET "
            << last << ", " << Shown(call) << ", EXEC: " << reply.status()
            << "\n"
            << server_->LogTail(100);
      }
    }
  }
  client.reset();
  ExpectUnharmed();
}

TEST_F(HostileClientTest, RandomBytesAndLinesEndInErrors) {
  Rounds(Seed(), 4 * Effort(), [&](Dice* dice) {
    for (int connection = 0; connection < 12; ++connection) {
      Wire wire(port());
      for (int i = 0; i < 30; ++i) {
        const std::string bytes =
            dice->OneIn(3)
                ? RandomBytes(dice, static_cast<size_t>(dice->Below(3000)))
                : HostileLine(dice);
        if (!wire.Send(dice, bytes)) break;
      }
      wire.End(dice);
    }
  });
}

TEST_F(HostileClientTest, PipelinesWithMistakesLeaveTheServerAlone) {
  Rounds(Seed(), 4 * Effort(), [&](Dice* dice) {
    for (int connection = 0; connection < 12; ++connection) {
      std::string pipeline;
      const bool transaction = dice->OneIn(3);
      if (transaction) pipeline += Encoded({"MULTI"});
      for (int64_t n = dice->Between(1, 40); n > 0; --n) {
        const auto& shape = grammar_->Any(dice, /*mutable_only=*/true);
        pipeline += Encoded(grammar_->Call(dice, shape));
        if (transaction && dice->OneIn(10)) pipeline += HostileLine(dice);
        if (transaction && dice->OneIn(20)) pipeline += Encoded({"EXEC"});
      }
      if (transaction && !dice->OneIn(3)) pipeline += Encoded({"EXEC"});
      // Half of the time nothing but cut off somewhere in the middle.
      pipeline = dice->OneIn(2)
                     ? Mutated(dice, std::move(pipeline))
                     : pipeline.substr(
                           0, static_cast<size_t>(dice->Below(
                                  static_cast<int64_t>(pipeline.size() + 1))));
      Wire wire(port());
      wire.Send(dice, pipeline);
      wire.End(dice);
    }
  });
}

TEST_F(HostileClientTest, ReplicasThatLieAreSentAway) {
  Rounds(Seed(), 4 * Effort(), [&](Dice* dice) {
    for (int connection = 0; connection < 4; ++connection) {
      Wire wire(port());
      std::string greeting;
      for (int64_t n = dice->Below(4); n > 0; --n) {
        greeting += Encoded(
            {"REPLCONF",
             dice->Pick<std::string>({"listening-port", "ip-address", "capa",
                                      "ack", "getack", "rdb-only", "capa"}),
             dice->OneIn(3) ? dice->Pick<std::string>(
                                  {"eof", "psync2", "holdfast", "6379"})
                            : HostileArgument(dice)});
      }
      const std::string id = dice->OneIn(3)   ? "?"
                             : dice->OneIn(2) ? std::string(40, 'a')
                                              : HostileArgument(dice);
      greeting += dice->OneIn(4)
                      ? Encoded({"SYNC"})
                      : Encoded({"PSYNC", id,
                                 dice->OneIn(4) ? NoNumber(dice)
                                                : HostileNumber(dice)});
      if (dice->OneIn(4)) greeting = Mutated(dice, std::move(greeting));
      bool open = wire.Send(dice, greeting);
      for (int64_t n = dice->Below(40); open && n > 0; --n) {
        std::string words;
        switch (dice->Below(6)) {
          case 0:
            words = HostileLine(dice);
            break;
          case 1:
            words = RandomBytes(dice, static_cast<size_t>(dice->Below(500)));
            break;
          case 2: {
            const auto& shape = grammar_->Any(dice, /*mutable_only=*/true);
            words = Encoded(grammar_->Call(dice, shape));
            break;
          }
          case 3:
            words = Mutated(dice, Encoded({"REPLCONF", "ACK", "1"}));
            break;
          default:
            words = Encoded(
                {"REPLCONF", "ACK",
                 dice->OneIn(4) ? NoNumber(dice) : HostileNumber(dice)});
            if (dice->OneIn(4)) words += Encoded({"SET", "k1", "v"});
            break;
        }
        open = wire.Send(dice, words);
      }
      wire.End(dice);
    }
  });
}

// CLIENT PAUSE with any length: the pause of the greatest length can be ended.
TEST_F(HostileClientTest, AnyPauseCanBeEnded) {
  Dice dice(Seed());
  TestClient client(port(), kAnswerTimeout);
  for (int i = 0; i < 200; ++i) {
    const std::string length =
        dice.OneIn(3) ? NoNumber(&dice) : HostileNumber(&dice);
    const net::Value reply = client.Do("CLIENT", "PAUSE", length, "WRITE");
    EXPECT_TRUE(reply.is_ok() || reply.is_error()) << length << ": " << reply;
    EXPECT_THAT(client.Do("CLIENT", "UNPAUSE"), IsOk());
    EXPECT_THAT(client.Do("SET", "k1", length), IsOk());
  }
  client.Close();
  ExpectUnharmed();
}

// Who leaves while it waits is not waited for, however it leaves and whatever
// it has sent behind.
TEST_F(HostileClientTest, WaitEndsWithItsClient) {
  constexpr int kWaiting = 12;
  Dice dice(Seed());
  TestClient client(port(), kAnswerTimeout);
  std::vector<Wire> wires;
  for (int i = 0; i < kWaiting; ++i) {
    wires.emplace_back(port());
    wires.back().Send(&dice, Encoded({"SET", "k1", "v"}));
    wires.back().Send(&dice,
                      Encoded({"WAIT", "1", i % 3 == 0 ? "0" : "100000000"}));
  }
  ASSERT_TRUE(
      WaitForValue([&] { return client.InfoInt("clients", "blocked_clients"); },
                   ::testing::Eq(kWaiting), kAnswerTimeout));
  client.Close();
  for (int i = 0; i < kWaiting; ++i) {
    if (i % 2 == 0) wires[i].Send(&dice, Encoded({"GET", "k1"}));
    wires[i].End(&dice);
  }
  ExpectUnharmed();
}

}  // namespace
}  // namespace holdfast::test
