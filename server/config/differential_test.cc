#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "server/config/config.h"
#include "server/config/real_redis.h"
#include "server/config/test_dir.h"

namespace holdfast::server {
namespace {

using config::RealRedis;
using config::TestDir;

// The one server that all tests of this file ask.
RealRedis* Redis() {
  static RealRedis* const redis =
      RealRedis::Available() ? new RealRedis : nullptr;
  return redis;
}

class StopRedis : public testing::Environment {
 public:
  void TearDown() override { delete Redis(); }
};
testing::Environment* const kStopRedis =
    testing::AddGlobalTestEnvironment(new StopRedis);

class DifferentialTest : public testing::Test {
 protected:
  void SetUp() override {
    if (Redis() == nullptr) GTEST_SKIP() << "no redis-server 7.0 here";
  }

  static std::map<std::string, std::string> AskRedis(
      std::vector<std::string> patterns) {
    patterns.insert(patterns.begin(), {"CONFIG", "GET"});
    const std::vector<std::string> reply = Redis()->Call(patterns);
    std::map<std::string, std::string> out;
    for (size_t i = 0; i + 1 < reply.size(); i += 2)
      out[reply[i]] = reply[i + 1];
    return out;
  }

  static std::map<std::string, std::string> AskOurs(
      const Config& config, const std::vector<std::string>& patterns) {
    const std::vector<absl::string_view> views(patterns.begin(),
                                               patterns.end());
    std::map<std::string, std::string> out;
    for (const auto& [name, value] : config.Get(views)) out[name] = value;
    return out;
  }

  static std::string SetRedis(const std::vector<std::string>& words) {
    std::vector<std::string> command = {"CONFIG", "SET"};
    command.insert(command.end(), words.begin(), words.end());
    return Redis()->Call(command)[0];
  }

  static std::string SetOurs(Config* config,
                             const std::vector<std::string>& words) {
    std::vector<Config::NameValue> pairs;
    for (size_t i = 0; i + 1 < words.size(); i += 2) {
      pairs.emplace_back(words[i], words[i + 1]);
    }
    const absl::Status status = config->Set(pairs, {.local_client = true});
    return status.ok() ? "OK" : std::string(status.message());
  }
};

TEST_F(DifferentialTest, NamesAndDefaultsAreRedisOwn) {
  Config config;
  std::map<std::string, std::string> theirs = AskRedis({"*"});
  std::map<std::string, std::string> ours = AskOurs(config, {"*"});
  ASSERT_GT(theirs.size(), 180u);
  // How the server under comparison was started.
  for (const char* name : {"port", "unixsocket", "dir"})
    theirs[name] = ours[name];
  // Chosen otherwise on purpose (docs/configuration.md).
  for (const char* name :
       {"repl-ping-replica-period", "repl-ping-slave-period"}) {
    EXPECT_EQ(ours[name], "5");
    theirs[name] = ours[name];
  }
  EXPECT_EQ(ours["repl-backlog-size"], "67108864");
  theirs["repl-backlog-size"] = ours["repl-backlog-size"];
  for (const auto& [name, value] : theirs) {
    ASSERT_TRUE(ours.count(name)) << "missing: " << name;
    EXPECT_EQ(ours[name], value) << name;
    EXPECT_FALSE(config::GetDirective(config::FindDirective(name))
                     .Has(config::kHoldfast))
        << name;
    ours.erase(name);
  }
  for (const auto& [name, value] : ours) {
    EXPECT_TRUE(config::GetDirective(config::FindDirective(name))
                    .Has(config::kHoldfast))
        << name << " is not known to Redis";
  }
}

TEST_F(DifferentialTest, GetMatchesTheSameNames) {
  Config config;
  for (const std::vector<std::string>& patterns :
       std::vector<std::vector<std::string>>{{"max*"},
                                             {"MAX*", "max*"},
                                             {"Timeout", "timeout"},
                                             {"slave*", "replica-priority"},
                                             {"*[-_]cpulist"},
                                             {"key-load-delay"},
                                             {"key-load*"},
                                             {"user"},
                                             {"include"},
                                             {"tls-[a-d]*"},
                                             {"[^a-su]*", "h?"},
                                             {"\\*", ""}}) {
    std::map<std::string, std::string> ours = AskOurs(config, patterns);
    EXPECT_EQ(ours, AskRedis(patterns)) << patterns[0];
  }
}

TEST_F(DifferentialTest, ImmutabilityIsTheSame) {
  Config config;
  for (const auto& [name, value] : AskRedis({"*"})) {
    const bool theirs = absl::StrContains(
        SetRedis({name, "\x01no-value", "no-such", "1"}), "immutable");
    const bool ours = absl::StrContains(
        SetOurs(&config, {name, "\x01no-value", "no-such", "1"}), "immutable");
    EXPECT_EQ(ours, theirs) << name;
  }
}

TEST_F(DifferentialTest, SetAnswersAndResultsAreTheSame) {
  // Left out: "maxmemory ''", which Redis reads as 0 and we refuse.
  const std::vector<std::vector<std::string>> cases = {
      {"timeout", "5"},
      {"TIMEOUT", "x"},
      {"timeout", "-1"},
      {"timeout", "2147483648"},
      {"timeout", "99999999999999999999"},
      {"timeout", "1 "},
      {"timeout", ""},
      {"timeout", "01"},
      {"no-such", "1"},
      {"timeout", "7", "no-such", "1"},
      {"no-such", "1", "databases", "1"},
      {"databases", "5"},
      {"Databases", "5", "no-such", "1"},
      {"timeout", "7", "timeout", "8"},
      {"timeout", "7", "Timeout", "8"},
      {"timeout", "8", "slave-priority", "x"},
      {"slave-priority", "-1"},
      {"Slave-Priority", "70"},
      {"dbfilename", "x"},
      {"maxmemory", "100mb"},
      {"maxmemory", "1.5gb"},
      {"maxmemory", "-1"},
      {"maxmemory", "0"},
      {"proto-max-bulk-len", "1"},
      {"client-query-buffer-limit", "1kb"},
      {"hash-max-ziplist-value", "-1"},
      {"hash-max-ziplist-value", "1k"},
      {"hash-max-listpack-entries", "1k"},
      {"hash-max-listpack-entries", "-1"},
      {"maxclients", "0"},
      {"slowlog-log-slower-than", "-2"},
      {"slowlog-log-slower-than", "-1"},
      {"lfu-log-factor", "9223372036854775807"},
      {"appendfsync", "sometimes"},
      {"appendfsync", "ALWAYS"},
      {"loglevel", ""},
      {"loglevel", "debug verbose"},
      {"maxmemory-policy", "no"},
      {"rdbcompression", "true"},
      {"rdbcompression", "NO"},
      {"rdbcompression", ""},
      {"repl-diskless-load", "x"},
      {"oom-score-adj", "x"},
      {"sanitize-dump-payload", "clients"},
      {"propagation-error-behavior", "panic-on-replicas"},
      {"cluster-preferred-endpoint-type", "x"},
      {"acl-pubsub-default", "x"},
      {"shutdown-on-sigint", "save now"},
      {"shutdown-on-sigint", "nosave save"},
      {"shutdown-on-sigint", "default force"},
      {"shutdown-on-sigint", ""},
      {"shutdown-on-sigterm", "save  now"},
      {"save", "900 1 60 10"},
      {"save", "900"},
      {"save", "900  1"},
      {"save", "0 1"},
      {"save", "1 -1"},
      {"save", "a b"},
      {"save", ""},
      {"client-output-buffer-limit", "normal 1mb 2 3"},
      {"client-output-buffer-limit", "slave 1 2 3 pubsub 4 5 6"},
      {"client-output-buffer-limit", "replica 7 8 9"},
      {"client-output-buffer-limit", "normal 1 2"},
      {"client-output-buffer-limit", "master 1 2 3"},
      {"client-output-buffer-limit", "normal x 2 3"},
      {"client-output-buffer-limit", "normal 1 2 -3"},
      {"client-output-buffer-limit", "normal 1 1 1 what 1 1 1"},
      {"client-output-buffer-limit", ""},
      {"oom-score-adj-values", "1 2"},
      {"oom-score-adj-values", "1 2 3000"},
      {"oom-score-adj-values", "1 2 x"},
      {"oom-score-adj-values", ""},
      {"notify-keyspace-events", "KEA"},
      {"notify-keyspace-events", "Kgm"},
      {"notify-keyspace-events", "KQ"},
      {"notify-keyspace-events", "g$lshzxetdn"},
      {"notify-keyspace-events", ""},
      {"latency-tracking-info-percentiles", "50.0 99.99 100"},
      {"latency-tracking-info-percentiles", "101"},
      {"latency-tracking-info-percentiles", "-1"},
      {"latency-tracking-info-percentiles", "x"},
      {"latency-tracking-info-percentiles", "50  60"},
      {"latency-tracking-info-percentiles", "50 60"},
      {"cluster-announce-hostname", "a_b"},
      {"cluster-announce-hostname", std::string(256, 'a')},
      {"cluster-announce-hostname", "a-b.c"},
      {"proc-title-template", "{bad}"},
      {"proc-title-template", "{title"},
      {"proc-title-template", "{title}"},
      {"proc-title-template", "{{x"},
      {"proc-title-template", ""},
      {"proc-title-template", "{port} {tls-port}{config-file}"},
      {"maxmemory-clients", "101%"},
      {"maxmemory-clients", "x"},
      {"maxmemory-clients", "0"},
      {"busy-reply-threshold", "100"},
      {"lua-time-limit", "x"},
      {"min-slaves-max-lag", "5"},
      {"hz", "1000"},
      {"hz", "0"},
      {"hz", "-1"},
      {"list-max-ziplist-size", "-3"},
      {"repl-backlog-size", "16kb"},
      {"repl-backlog-size", "0"},
      {"active-expire-effort", "11"},
      {"tls-session-cache-size", "-1"},
      {"bind", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"},
      {"replicaof", "a 1"},
      {"slaveof", "no one"},
      {"requirepass", ""},
      {"masteruser", "someone"},
      {"masterauth", "a b"},
      {"ignore-warnings", "ARM64-COW-BUG"},
      {"include", "x"},
      {"user", "x"},
      {"rename-command", "x"},
      {"loading-process-events-interval-bytes", "1"},
  };
  Config config;
  for (const std::vector<std::string>& words : cases) {
    const std::string theirs = SetRedis(words);
    std::string ours = SetOurs(&config, words);
    EXPECT_EQ(ours, theirs) << words[0] << " = '" << words[1] << "'";
    EXPECT_EQ(AskOurs(config, {words[0]}), AskRedis({words[0]}))
        << "after " << words[0] << " = '" << words[1] << "'";
  }
}

TEST_F(DifferentialTest, RefusedFilesHaveTheSamePlaceAndReason) {
  TestDir dir;
  const std::vector<std::string> cases = {
      "port",
      "port 1 2",
      "port x",
      "port 65536",
      "unixsocketperm 9",
      "unixsocketperm 1000",
      "no-such-directive 1",
      "daemonize maybe",
      "loglevel loud",
      "supervised by-me",
      "syslog-facility local8",
      "enable-debug-command maybe",
      "tls-auth-clients x",
      "maxmemory 1xb",
      "maxmemory-clients 500%",
      "appendfilename \"\"",
      "appendfilename a/b",
      "appenddirname \"\"",
      "appenddirname a/b",
      "dbfilename a/b",
      "dir /no/such/dir",
      "dir",
      "save 1",
      "save 1 x",
      "\n\n# two\nsave 1 1\nsave 0 1",
      "replicaof host",
      "replicaof host port",
      "replicaof host 70000",
      "client-output-buffer-limit normal 1 2",
      "client-output-buffer-limit whoever 1 2 3",
      "oom-score-adj-values 1",
      "oom-score-adj-values 1 2 5000",
      "notify-keyspace-events q",
      "logfile \"unbalanced",
      "logfile 'x'y",
      "logfile /no/such/dir/file",
      "include",
      "rename-command a",
      "user",
      "loadmodule",
      "sentinel monitor a",
      "list-max-ziplist-entries",
      "shutdown-on-sigint save nosave",
      "latency-tracking-info-percentiles 1000",
      "proc-title-template {x}",
      "some.module",
      "hz",
  };
  for (const std::string& text : cases) {
    const std::string path = dir.Write("r.conf", text + "\n");
    const std::string theirs = RealRedis::RunRefused(dir.path(), {path});
    Config config;
    const absl::Status status = config.SetFromFile(path);
    ASSERT_FALSE(status.ok()) << text;
    // Compared: the line's number (where there is one) and the reason.
    const std::vector<std::string> ours =
        absl::StrSplit(status.message(), '\n');
    EXPECT_TRUE(absl::StrContains(theirs, ours.back() + "\n"))
        << text << "\nRedis: " << theirs << "\nours: " << status.message();
    const size_t at = theirs.find("at line ");
    if (at != std::string::npos) {
      const std::string line = theirs.substr(at, theirs.find('\n', at) - at);
      EXPECT_TRUE(absl::StrContains(status.message(), line + " of"))
          << text << "\nRedis: " << theirs << "\nours: " << status.message();
    }
  }
}

TEST_F(DifferentialTest, AcceptedFilesGiveTheSameValues) {
  TestDir dir;
  const std::string text =
      "PORT 0\n"
      "unixsocketperm 0700\n"
      "  timeout\t7  \r\n"
      "requirepass \"a\\x62 \\\"c\"\n"
      "masteruser 'it\\'s'\n"
      "save 900 1\nsave \"300 10\"\n"
      "bind 127.0.0.1 -::1\n"
      "client-output-buffer-limit replica 1mb 512kb 9 pubsub 0 0 0\n"
      "shutdown-on-sigint \"now force\"\n"
      "notify-keyspace-events KA\n"
      "slave-priority 42\n"
      "maxmemory 3k\n"
      "latency-tracking-info-percentiles 10 20.50\n"
      "hz 9999\n"
      "repl-backlog-size 2mb\n"
      "list-max-ziplist-entries 1\n"
      "oom-score-adj-values 0 100 200\n";
  const std::string path = dir.Write("r.conf", text);
  Config config;
  const absl::Status status = config.SetFromFile(path);
  ASSERT_TRUE(status.ok()) << status;
  RealRedis started({path});
  std::map<std::string, std::string> ours = AskOurs(config, {"*"});
  const std::vector<std::string> reply =
      started.Call(std::vector<std::string>{"AUTH", "ab \"c"});
  ASSERT_EQ(reply[0], "OK");
  const std::vector<std::string> all =
      started.Call(std::vector<std::string>{"CONFIG", "GET", "*"});
  const std::set<std::string> differ = {"port", "unixsocket", "dir",
                                        "repl-ping-replica-period",
                                        "repl-ping-slave-period"};
  for (size_t i = 0; i + 1 < all.size(); i += 2) {
    if (differ.count(all[i])) continue;
    EXPECT_EQ(ours[all[i]], all[i + 1]) << all[i];
  }
}

}  // namespace
}  // namespace holdfast::server
