#include "testing/integration/faults_support.h"

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "glog/logging.h"
#include "gmock/gmock.h"
#include "net/resp/value.h"
#include "testing/support/dice.h"
#include "testing/support/reply_matchers.h"
#include "testing/support/wait_for.h"

namespace holdfast::test {
namespace {

std::string Milliseconds(absl::Duration d) {
  return absl::StrCat(absl::ToInt64Milliseconds(d));
}

Flags Merged(Flags flags, const Flags& more) {
  for (const auto& [name, value] : more) {
    const auto it =
        std::find_if(flags.begin(), flags.end(),
                     [n = name](const auto& f) { return f.first == n; });
    if (it == flags.end()) {
      flags.emplace_back(name, value);
    } else {
      it->second = value;
    }
  }
  return flags;
}

int CountIn(const ServerProcess& server, absl::string_view what) {
  std::error_code error;
  const std::filesystem::directory_iterator entries(
      std::string(absl::StrCat("/proc/", server.pid(), "/", what)), error);
  EXPECT_FALSE(error) << error.message();
  return static_cast<int>(std::distance(begin(entries), end(entries)));
}

std::string Text(const net::Value& value) {
  return value.is_integer() ? absl::StrCat(value.integer())
                            : std::string(value.str());
}

}  // namespace

Flags ShortTimeouts(const Flags& more) {
  return Merged({{"repl-peer-timeout-ms", Milliseconds(kPeerTimeout)},
                 {"repl-write-timeout-ms", Milliseconds(kWriteTimeout)},
                 {"repl-ack-interval-ms", "200"},
                 {"repl-connect-timeout-ms", "1000"},
                 {"repl-handshake-timeout-ms", "1000"},
                 {"repl-backoff-base-ms", "20"},
                 {"repl-backoff-cap-ms", "100"},
                 {"repl-healthy-after-ms", "0"}},
                more);
}

Flags LongTimeouts(const Flags& more) {
  return Merged({{"repl-peer-timeout-ms", "60000"},
                 {"repl-write-timeout-ms", "60000"},
                 {"repl-connect-timeout-ms", "60000"},
                 {"repl-handshake-timeout-ms", "60000"}},
                more);
}

std::unique_ptr<ServerProcess> StartServer(const Flags& flags,
                                           ServerKind kind) {
  ServerOptions options;
  options.kind = kind;
  options.flags = flags;
  auto server = ServerProcess::Start(std::move(options));
  CHECK(server.ok()) << server.status();
  return *std::move(server);
}

std::unique_ptr<FaultProxy> ProxyTo(const ServerProcess& server) {
  auto proxy = FaultProxy::Start("127.0.0.1", server.port());
  CHECK(proxy.ok()) << proxy.status();
  return *std::move(proxy);
}

void Follow(const ServerProcess& replica, int port) {
  TestClient client(replica);
  EXPECT_THAT(client.Do("REPLICAOF", "127.0.0.1", port), IsOk());
}

std::string ReplicationField(const ServerProcess& server,
                             absl::string_view field) {
  const auto info = TestClient(server).Info("replication");
  const auto it = info.find(std::string(field));
  return it == info.end() ? "" : it->second;
}

int64_t Stat(const ServerProcess& server, absl::string_view field) {
  return TestClient(server).InfoInt("stats", field);
}

int64_t Offset(const ServerProcess& server) {
  int64_t offset = -1;
  EXPECT_TRUE(absl::SimpleAtoi(ReplicationField(server, "master_repl_offset"),
                               &offset));
  return offset;
}

int Threads(const ServerProcess& server) { return CountIn(server, "task"); }
int Files(const ServerProcess& server) { return CountIn(server, "fd"); }

std::string Digest(const ServerProcess& server) {
  TestClient client(server);
  client.set_timeout(absl::Seconds(60));
  return Text(client.Do("DEBUG", "DIGEST"));
}

std::string CausesText(const ServerProcess& server) {
  return ReplicationField(server, "link_causes");
}

std::map<std::string, int64_t> Causes(const ServerProcess& server) {
  std::map<std::string, int64_t> causes;
  for (const absl::string_view part :
       absl::StrSplit(CausesText(server), ',', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> cause =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    EXPECT_TRUE(absl::SimpleAtoi(cause.second, &causes[cause.first])) << part;
  }
  return causes;
}

std::vector<Event> Events(const ServerProcess& server) {
  const net::Value reply = TestClient(server).Do("REPLICATION", "EVENTS");
  EXPECT_TRUE(reply.is_array()) << reply.str();
  std::vector<Event> events;
  for (const net::Value& fields : reply.elements()) {
    Event event;
    for (size_t i = 0; i + 1 < fields.elements().size(); i += 2) {
      event[Text(fields.elements()[i])] = Text(fields.elements()[i + 1]);
    }
    events.push_back(std::move(event));
  }
  return events;
}

Event NewestEvent(const ServerProcess& server, absl::string_view kind) {
  for (Event& event : Events(server)) {
    if (event["event"] == kind) return event;
  }
  return {};
}

::testing::AssertionResult LinkComesUp(const ServerProcess& replica,
                                       absl::Duration timeout) {
  return WaitForValue(
      [&] { return ReplicationField(replica, "master_link_status"); }, "up",
      timeout);
}

::testing::AssertionResult LinkGoesDown(const ServerProcess& replica,
                                        absl::Duration timeout) {
  return WaitForValue(
      [&] { return ReplicationField(replica, "master_link_status"); }, "down",
      timeout);
}

::testing::AssertionResult CatchesUp(const ServerProcess& primary,
                                     const ServerProcess& replica,
                                     absl::Duration timeout) {
  TestClient of_primary(primary);
  TestClient of_replica(replica);
  return WaitFor(
      [&](std::string* seen) {
        auto above = of_primary.Info("replication");
        auto below = of_replica.Info("replication");
        *seen = absl::StrCat("link ", below["master_link_status"], ", offset ",
                             below["slave_repl_offset"], " of ",
                             above["master_repl_offset"], ", causes ",
                             below["link_causes"]);
        return below["master_link_status"] == "up" &&
               below["slave_repl_offset"] == above["master_repl_offset"];
      },
      timeout);
}

::testing::AssertionResult IsSame(const ServerProcess& primary,
                                  const ServerProcess& replica,
                                  absl::Duration timeout) {
  ::testing::AssertionResult caught_up = CatchesUp(primary, replica, timeout);
  if (!caught_up) return caught_up;
  const std::string above = Digest(primary);
  const std::string below = Digest(replica);
  if (above == below) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "digest " << above << " of the primary ("
         << TestClient(primary).Do("DBSIZE").integer() << " keys), " << below
         << " of the replica (" << TestClient(replica).Do("DBSIZE").integer()
         << " keys)";
}

bool Strict() { return getenv("HOLDFAST_STRICT") != nullptr; }

absl::Duration Latencies::Quantile(double fraction) const {
  if (all_.empty()) return absl::ZeroDuration();
  std::sort(all_.begin(), all_.end());
  const auto index =
      static_cast<size_t>(fraction * static_cast<double>(all_.size()));
  return all_[std::min(index, all_.size() - 1)];
}

std::string Latencies::ToString() const {
  const auto ms = [this](double fraction) {
    return absl::ToDoubleMilliseconds(Quantile(fraction));
  };
  return absl::StrCat(count(), " calls, ms: p50 ", ms(0.5), ", p99 ", ms(0.99),
                      ", p99.9 ", ms(0.999), ", max ", ms(1));
}

WriteLoad::WriteLoad(const ServerProcess& server, Options options)
    : port_(server.port()), options_(options), thread_([this] { Run(); }) {}

void WriteLoad::Stop() {
  stop_.store(true, std::memory_order_relaxed);
  if (thread_.joinable()) thread_.join();
}

void WriteLoad::Run() {
  Dice dice(options_.seed);
  TestClient client(port_);
  int db = 0;
  const auto call = [&](const std::vector<std::string>& args) {
    const absl::Time begin = absl::Now();
    const net::Value reply = client.DoArgs(args);
    latencies_.Add(absl::Now() - begin);
    commands_.fetch_add(1, std::memory_order_relaxed);
    // INCR meets strings.
    EXPECT_TRUE(!reply.is_error() ||
                absl::StrContains(reply.str(), "not an integer"))
        << args[0] << ": " << reply.str();
  };
  while (!stop_.load(std::memory_order_relaxed) && client.connected()) {
    const auto key = [&] {
      return absl::StrCat("key:", dice.Below(options_.keys));
    };
    const auto value = [&] {
      return std::string(static_cast<size_t>(dice.Between(
                             0, static_cast<int64_t>(options_.largest_value))),
                         static_cast<char>(dice.Between(0, 255)));
    };
    switch (dice.Below(10)) {
      case 0:
        call({"DEL", key(), key()});
        break;
      case 1:
        call({"INCR", key()});
        break;
      case 2:
        call({"SET", key(), value(), "PX", "3600000"});
        break;
      case 3:
        call({"SETRANGE", key(), "7", value()});
        break;
      case 4:
        if (dice.OneIn(4)) call({"SELECT", absl::StrCat(db ^= 1)});
        break;
      case 5:
        call({"MULTI"});
        call({"SET", key(), value()});
        call({"DEL", key()});
        call({"EXEC"});
        break;
      default: {
        const std::string k = key();
        call({"SET", k, value()});
        if (options_.read_back) call({"GET", k});
      }
    }
    if (options_.pause > absl::ZeroDuration()) absl::SleepFor(options_.pause);
  }
}

}  // namespace holdfast::test
