#include "testing/hostile/hostile_support.h"

#include <stdlib.h>
#include <sys/socket.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "net/dial/dial.h"
#include "net/resp/reply_writer.h"
#include "net/resp/value.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "testing/hostile/garbage.h"
#include "testing/support/environment.h"
#include "testing/support/reply_matchers.h"
#include "testing/support/wait_for.h"

namespace holdfast::test {

using net::Deadline;
using ::testing::Le;

namespace {

constexpr int kWitnesses = 50;
constexpr size_t kKeptBytes = 4096;

Deadline In(absl::Duration time) {
  return Deadline::After(net::Clock::Real(), time);
}

}  // namespace

int64_t Effort() { return Setting("HOLDFAST_HOSTILE_ROUNDS", 1); }

Wire::Wire(int port) {
  net::DialOptions options;
  options.timeout = kAnswerTimeout;
  absl::StatusOr<std::unique_ptr<net::Stream>> stream =
      net::Dial("127.0.0.1", port, options);
  EXPECT_TRUE(stream.ok()) << stream.status();
  if (stream.ok()) stream_ = *std::move(stream);
}

void Wire::Note(absl::string_view bytes) {
  heard_.append(bytes.data(), bytes.size());
  if (heard_.size() > kKeptBytes) heard_.erase(0, heard_.size() - kKeptBytes);
}

bool Wire::Drain() {
  char area[16 * 1024];
  for (;;) {
    const absl::StatusOr<size_t> n =
        stream_->TryRead(absl::MakeSpan(area, sizeof area));
    if (absl::IsDeadlineExceeded(n.status())) return true;
    if (!n.ok() || *n == 0) return false;
    Note(absl::string_view(area, *n));
  }
}

bool Wire::Send(Dice* dice, absl::string_view bytes) {
  if (stream_ == nullptr) return false;
  while (!bytes.empty()) {
    const size_t n = NextPiece(dice, bytes.size());
    if (!stream_->WriteAll(bytes.substr(0, n), In(kAnswerTimeout)).ok()) {
      return false;
    }
    bytes.remove_prefix(n);
    if (!Drain()) return false;
  }
  return true;
}

void Wire::End(Dice* dice) {
  if (stream_ == nullptr) return;
  const bool reset = dice->OneIn(2);
  if (dice->OneIn(2)) {
    // The server may be waiting for something that never comes; so not for
    // long.
    constexpr absl::Duration kPatience = absl::Milliseconds(20);
    shutdown(stream_->fd(), SHUT_WR);
    char area[4096];
    const Deadline deadline = In(kPatience);
    for (;;) {
      const absl::StatusOr<size_t> n =
          stream_->ReadSome(absl::MakeSpan(area, sizeof area), deadline);
      if (!n.ok() || *n == 0) break;
      Note(absl::string_view(area, *n));
    }
  }
  if (reset) {
    const linger at_once = {1, 0};
    setsockopt(stream_->fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  stream_.reset();
}

std::string Encoded(const std::vector<std::string>& args) {
  const std::vector<absl::string_view> views(args.begin(), args.end());
  return net::EncodeCommand(views);
}

int Threads(const ServerProcess& server) {
  std::error_code error;
  const std::filesystem::directory_iterator entries(
      absl::StrCat("/proc/", server.pid(), "/task"), error);
  EXPECT_FALSE(error) << error.message();
  // Those of the append-only file begin with the first BGREWRITEAOF and stay.
  return static_cast<int>(
      std::count_if(begin(entries), end(entries), [](const auto& entry) {
        std::ifstream comm(entry.path() / "comm");
        std::string name;
        return !(comm >> name) || !absl::StartsWith(name, "aof-");
      }));
}

Witnesses::Witnesses(TestClient* client) {
  EXPECT_THAT(client->Do("SELECT", kWitnessDatabase), IsOk());
  for (int i = 0; i < kWitnesses; ++i) {
    const std::string value =
        absl::StrCat("value ", i, std::string(i * i, 'v'));
    if (i % 3 == 0) {
      EXPECT_THAT(
          client->Do("SET", absl::StrCat("witness:", i), value, "EX", 100000),
          IsOk());
    } else {
      EXPECT_THAT(client->Do("SET", absl::StrCat("witness:", i), value),
                  IsOk());
    }
  }
  EXPECT_THAT(client->Do("SELECT", 0), IsOk());
  at_first_ = Look(client);
}

std::vector<std::string> Witnesses::Look(TestClient* client) {
  std::vector<std::vector<std::string>> commands = {
      {"SELECT", absl::StrCat(kWitnessDatabase)}, {"DBSIZE"}};
  for (int i = 0; i < kWitnesses; ++i) {
    const std::string key = absl::StrCat("witness:", i);
    commands.push_back({"GET", key});
    commands.push_back({"PEXPIRETIME", key});
  }
  commands.push_back({"SELECT", "0"});
  std::vector<std::string> seen;
  for (const net::Value& value : client->Pipeline(commands)) {
    seen.push_back(value.DebugString());
  }
  return seen;
}

::testing::AssertionResult Witnesses::Intact(TestClient* client) const {
  const std::vector<std::string> now = Look(client);
  if (now == at_first_) return ::testing::AssertionSuccess();
  auto failure = ::testing::AssertionFailure() << "the witnesses changed:";
  for (size_t i = 0; i < at_first_.size(); ++i) {
    const std::string seen = i < now.size() ? now[i] : "no reply";
    if (seen != at_first_[i]) {
      failure << "\n  look " << i << ": " << at_first_[i] << " became " << seen;
    }
  }
  return failure;
}

::testing::AssertionResult Answers(int port) {
  TestClient client(port, kAnswerTimeout);
  const net::Value reply = client.Do("PING");
  if (reply.is_string() && reply.str() == "PONG") {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure() << "PING: " << reply;
}

void ExpectWell(ServerProcess* server, int threads) {
  EXPECT_TRUE(Answers(server->port()));
  TestClient client(*server);
  EXPECT_TRUE(WaitForValue(
      [&] { return client.InfoInt("clients", "connected_clients"); },
      ::testing::Eq(1), kAnswerTimeout))
      << client.Do("CLIENT", "LIST");
  EXPECT_TRUE(WaitForValue(
      [&] { return client.InfoInt("replication", "connected_slaves"); },
      ::testing::Eq(0), kAnswerTimeout));
  client.Close();
  // One for a client that is just going.
  EXPECT_TRUE(WaitForValue([&] { return Threads(*server); }, Le(threads + 1),
                           kAnswerTimeout))
      << "threads are left";
}

void ExpectOrderlyEnd(ServerProcess* server) {
  const absl::Status stopped = server->Stop(kAnswerTimeout);
  EXPECT_TRUE(stopped.ok()) << stopped;
  for (const absl::string_view bad :
       {"Check failed", "*** SIG", "terminate called"}) {
    EXPECT_FALSE(server->LogContains(bad)) << server->LogTail(200);
  }
}

}  // namespace holdfast::test
