// Configurations that are none: a process that is given one ends with a code
// and a message that says where the mistake is, or starts and ends as any other
// does. A process that runs refuses them and goes on.

#include <signal.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/resp/value.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "testing/harness/child_process.h"
#include "testing/harness/server_process.h"
#include "testing/harness/test_client.h"
#include "testing/hostile/garbage.h"
#include "testing/hostile/hostile_support.h"
#include "testing/support/dice.h"
#include "testing/support/environment.h"
#include "testing/support/port_reservation.h"
#include "testing/support/reply_matchers.h"
#include "testing/support/temp_dir.h"
#include "testing/support/wait_for.h"

namespace holdfast::test {
namespace {

// Directives as people write them, each right.
constexpr const char* kGoodLines[] = {
    "# a comment",
    "protected-mode yes",
    "tcp-backlog 511",
    "timeout 0",
    "tcp-keepalive 300",
    "loglevel notice",
    "databases 16",
    "save 3600 1",
    "save 300 100 60 10000",
    "stop-writes-on-bgsave-error yes",
    "dbfilename \"dump.rdb\"",
    "replica-serve-stale-data yes",
    "repl-timeout 60",
    "repl-ping-replica-period 10",
    "repl-backlog-size 16mb",
    "replica-priority 100",
    "masterauth 'a secret'",
    "requirepass \"\\xfe\\xff\"",
    "rename-command DEBUG \"\"",
    "rename-command KEYS my-keys",
    "maxclients 100",
    "maxmemory 1gb",
    "maxmemory-policy noeviction",
    "client-output-buffer-limit replica 256mb 64mb 60",
    "client-output-buffer-limit normal 0 0 0",
    "proto-max-bulk-len 512mb",
    "slowlog-log-slower-than 10000",
    "notify-keyspace-events KEA",
    "hz 10",
    "proc-title-template \"{title} {listen-addr}\"",
};

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Whether the end of a start says where to look.
bool NamesItsMistake(const std::string& output) {
  for (const absl::string_view sign :
       {"Reading the configuration file, at line ",
        "Reading the command line\n>>> '", "can't open config file '",
        "can't read config file '", "too many included files (does '",
        "FATAL CONFIG FILE ERROR", "command line flag", "for int32 flag",
        "for bool flag", "flag '", "Could not start: ", "Unexpected argument '",
        "No such file or directory"}) {
    if (absl::StrContains(output, sign)) return true;
  }
  return false;
}

class HostileStartTest : public testing::Test {
 protected:
  void SetUp() override {
    const absl::StatusOr<std::string> binary =
        FindServerBinary(ServerKind::kHoldfast);
    ASSERT_TRUE(binary.ok()) << binary.status();
    binary_ = *binary;
    absl::StatusOr<PortReservation> port = PortReservation::Make();
    ASSERT_TRUE(port.ok()) << port.status();
    port_ = std::make_unique<PortReservation>(*std::move(port));
  }

  // What a start may not be let do, whatever is said before: listen on a port
  // that somebody else may have, leave its parent, write elsewhere.
  std::vector<std::string> Fetters() const {
    return {"--port",       absl::StrCat(port_->port()),
            "--bind",       "127.0.0.1",
            "--tls-port",   "0",
            "--unixsocket", "",
            "--dir",        dir_.path(),
            "--logfile",    "",
            "--pidfile",    "",
            "--daemonize",  "no",
            "--loglevel",   "notice"};
  }

  // Starts it, until it is ready or has ended.
  void Start(const std::vector<std::string>& args) {
    SCOPED_TRACE(absl::StrJoin(args, " ", [](std::string* out, const auto& a) {
      absl::StrAppend(out, "'", absl::CHexEscape(a.substr(0, 100)), "'");
    }));
    ChildProcessOptions options;
    options.argv = args;
    options.argv.insert(options.argv.begin(), binary_);
    options.directory = dir_.path();
    options.log_file = dir_.File(absl::StrCat("log", ++starts_));
    const absl::StatusOr<std::unique_ptr<ChildProcess>> child =
        ChildProcess::Start(options);
    ASSERT_TRUE(child.ok()) << child.status();
    bool ready = false;
    ASSERT_TRUE(WaitFor(
        [&] {
          // In this order: it may become ready between the two.
          const bool running = (*child)->Running();
          ready = absl::StrContains(ReadAll(options.log_file),
                                    "Ready to accept connections");
          return ready || !running;
        },
        kAnswerTimeout))
        << "neither ready nor ended: " << ReadAll(options.log_file);
    if (ready) {
      ++ready_;
      ASSERT_TRUE((*child)->Signal(SIGTERM).ok()) << "it had ended already";
    }
    const absl::StatusOr<ExitStatus> end = (*child)->WaitForExit(
        net::Deadline::After(net::Clock::Real(), kAnswerTimeout));
    const std::string output = ReadAll(options.log_file);
    ASSERT_TRUE(end.ok()) << end.status() << "\n" << output;
    EXPECT_EQ(end->signal, 0) << output;
    for (const absl::string_view bad :
         {"Check failed", "*** SIG", "terminate called", "Sanitizer"}) {
      EXPECT_FALSE(absl::StrContains(output, bad)) << output;
    }
    if (ready) {
      EXPECT_EQ(end->code, 0) << output;
    } else {
      EXPECT_EQ(end->code, 1) << output;
      EXPECT_TRUE(NamesItsMistake(output))
          << absl::CHexEscape(output.substr(0, 2000));
    }
  }

  void StartFile(const std::string& text) {
    const std::string path = dir_.File("hostile.conf");
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
    std::vector<std::string> args = Fetters();
    args.insert(args.begin(), path);
    SCOPED_TRACE(
        absl::StrCat("file: ", absl::CHexEscape(text.substr(0, 3000))));
    Start(args);
  }

  std::string binary_;
  std::unique_ptr<PortReservation> port_;
  TempDir dir_;
  int starts_ = 0;
  int ready_ = 0;
};

TEST_F(HostileStartTest, FilesWithMistakes) {
  const uint64_t seed = Seed();
  Dice dice(seed);
  StartFile(absl::StrJoin(kGoodLines, "\n"));
  ASSERT_EQ(ready_, 1) << "the lines are right";
  const std::string self = dir_.File("hostile.conf");
  for (const std::string& text : {
           absl::StrCat("include ", self),
           std::string("include /"),
           std::string("include /nonexistent/*.conf\n"),
           std::string("include /nonexistent"),
           std::string("include /dev/zero"),
           std::string("include"),
           std::string("include \"\""),
           std::string(70000, 'x'),
           std::string(70000, '\n'),
           std::string("\0\0\0", 3),
           absl::StrCat("hz ", std::string(70000, '1')),
           std::string("\xef\xbb\xbfport 1"),
           std::string("save 900"),
           std::string("rename-command"),
           std::string("rename-command GET"),
           std::string("rename-command GET SET"),
           std::string("rename-command NONE x"),
           std::string("user default on >x"),
           std::string("loadmodule x.so"),
           std::string("sentinel monitor x"),
           std::string("\"\"\"\""),
           std::string("\"hz\" \"10"),
           std::string("hz '10"),
           std::string("hz 10 10"),
           std::string("HZ\t10\r"),
           std::string("hz 10\r\nhz 99999999999999999999"),
           std::string("replicaof"),
           std::string("replicaof x"),
           std::string("replicaof x y"),
           std::string("replicaof x 70000"),
           std::string("repl-ping-replica-period 60\nrepl-timeout 60"),
           std::string("tls-port 1\nport 0\ntls-cert-file /nonexistent"),
           std::string("aclfile /nonexistent"),
           std::string("dir /nonexistent"),
           std::string("logfile /nonexistent/x"),
           std::string("bind 999.999.999.999"),
           std::string("unixsocketperm 999"),
           std::string("oom-score-adj-values 1 2"),
           std::string("client-output-buffer-limit normal 1"),
       }) {
    StartFile(text);
    if (HasFatalFailure()) return;
  }
  for (int64_t round = 0; round < 25 * Effort(); ++round) {
    SCOPED_TRACE(absl::StrCat("HOLDFAST_SEED=", seed, ", round ", round));
    std::vector<std::string> lines(std::begin(kGoodLines),
                                   std::end(kGoodLines));
    std::string& line = lines[static_cast<size_t>(
        dice.Below(static_cast<int64_t>(lines.size())))];
    switch (dice.Below(4)) {
      case 0:
        line = absl::StrCat(line.substr(0, line.find(' ')), " ",
                            HostileArgument(&dice));
        break;
      case 1:
        line = Mutated(&dice, line);
        break;
      case 2:
        line = RandomBytes(&dice, static_cast<size_t>(dice.Below(200)));
        break;
      default:
        break;
    }
    std::string text = absl::StrJoin(lines, dice.OneIn(4) ? "\r\n" : "\n");
    if (dice.OneIn(2)) text = Mutated(&dice, std::move(text));
    StartFile(text);
    if (HasFatalFailure()) return;
  }
  std::cout << ready_ << " of " << starts_ << " starts were let in"
            << std::endl;
  EXPECT_LT(ready_, starts_ * 3 / 4) << "that is not hostile";
}

TEST_F(HostileStartTest, CommandLinesWithMistakes) {
  const uint64_t seed = Seed();
  Dice dice(seed);
  const std::string empty = dir_.File("empty.conf");
  std::ofstream(empty, std::ios::binary) << "";
  const std::vector<std::vector<std::string>> lines = {
      {"/nonexistent.conf"},
      {"/"},
      {"/dev/zero"},
      {""},
      {empty, "another"},
      {empty, "--"},
      {"--"},
      {"---"},
      {"--="},
      {"-"},
      {"--port"},
      {"--port="},
      {"--port=abc"},
      {"--port", "-1"},
      {"--port", "65536"},
      {"--port", "1", "2"},
      {"--nosuchflag"},
      {"--nosuchflag=1"},
      {"--nosuch-directive", "x"},
      {"--nodaemonize=x"},
      {"--noport"},
      {"--save", "1"},
      {"--save", "x y"},
      {"--config_file"},
      {"--config_file="},
      {"--config_file=/nonexistent"},
      {"--flagfile=/nonexistent"},
      {"--flagfile=/dev/null"},
      {"--fromenv=nosuchflag"},
      {"--v=x"},
      {"--v", "99999999999999999"},
      {"--vmodule", std::string(10000, '=')},
      {"--stderrthreshold=-99999"},
      {"--maxmemory", "1zb"},
      {"--maxmemory", "999999999999999999999gb"},
      {"--rename-command", "KEYS"},
      {"--rename-command", "KEYS", "GET"},
      {"--include", "/nonexistent"},
      {"--repl-ping-replica-period", "100"},
      {std::string(60000, '-')},
      {"--" + std::string(60000, 'x'), "y"},
      {"--hz", std::string(60000, '9')},
      {"--\xff\xfe", "\x80"},
      {"--hz", "%s%n"},
  };
  for (std::vector<std::string> args : lines) {
    for (std::string& fetter : Fetters()) args.push_back(fetter);
    Start(args);
    if (HasFatalFailure()) return;
  }
  const std::vector<std::string> names = {"timeout",
                                          "maxclients",
                                          "maxmemory",
                                          "maxmemory-policy",
                                          "save",
                                          "hz",
                                          "databases",
                                          "appendonly",
                                          "repl-timeout",
                                          "requirepass",
                                          "loglevel",
                                          "client-output-buffer-limit",
                                          "notify-keyspace-events",
                                          "repl_backlog_size",
                                          "slowlog-max-len",
                                          "proto-max-bulk-len",
                                          "dbfilename",
                                          "min-replicas-to-write",
                                          "oom-score-adj-values",
                                          "rename-command"};
  for (int64_t round = 0; round < 15 * Effort(); ++round) {
    SCOPED_TRACE(absl::StrCat("HOLDFAST_SEED=", seed, ", round ", round));
    std::vector<std::string> args;
    for (int64_t n = dice.Between(1, 4); n > 0; --n) {
      std::string arg = "--" + dice.Pick(names);
      if (dice.OneIn(8)) arg = Mutated(&dice, std::move(arg));
      // An argument ends at a NUL; the fetters must stay apart from it.
      for (int64_t values = dice.Below(3); values > 0; --values) {
        if (dice.OneIn(4)) {
          absl::StrAppend(&arg, "=", HostileArgument(&dice));
        } else {
          args.push_back(std::exchange(arg, HostileArgument(&dice)));
        }
      }
      args.push_back(arg.substr(0, arg.find('\0')));
    }
    for (std::string& fetter : Fetters()) args.push_back(fetter);
    Start(args);
    if (HasFatalFailure()) return;
  }
  std::cout << ready_ << " of " << starts_ << " starts were let in"
            << std::endl;
}

// --- CONFIG SET ---

using Settings = std::map<std::string, std::string>;

class HostileConfigSetTest : public testing::Test {
 protected:
  // What moves the server, locks this client out of it, or reaches beyond it.
  static bool Left(const std::string& name) {
    static const auto* const names =
        new std::vector<std::string>{"port",
                                     "bind",
                                     "unixsocket",
                                     "unixsocketperm",
                                     "replicaof",
                                     "slaveof",
                                     "requirepass",
                                     "maxclients",
                                     "timeout",
                                     "oom-score-adj",
                                     "oom-score-adj-values",
                                     "client-output-buffer-limit",
                                     "protected-mode"};
    return std::find(names->begin(), names->end(), name) != names->end() ||
           absl::StartsWith(name, "tls-");
  }

  void SetUp() override {
    std::ofstream(conf_.File("redis.conf"), std::ios::binary)
        << "# the first line\nhz 20\n";
    ServerOptions options;
    options.args = {absl::StrCat("--config_file=", conf_.File("redis.conf"))};
    auto server = ServerProcess::Start(std::move(options));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    Connect();
    for (const auto& [name, value] : All()) {
      if (!Left(name)) names_.push_back(name);
    }
    ASSERT_GT(names_.size(), 50u);
  }
  void TearDown() override {
    if (server_ == nullptr) return;
    client_.reset();
    EXPECT_TRUE(Answers(server_->port()));
    ExpectOrderlyEnd(server_.get());
  }

  void Connect() {
    client_ = std::make_unique<TestClient>(server_->port(), kAnswerTimeout);
  }
  Settings All() {
    Settings all;
    const net::Value reply = client_->Do("CONFIG", "GET", "*");
    const auto& parts = reply.elements();
    EXPECT_FALSE(parts.empty()) << reply;
    for (size_t i = 0; i + 1 < parts.size(); i += 2) {
      all[parts[i].str()] = parts[i + 1].str();
    }
    return all;
  }
  std::string HostileValue(const Settings& all) {
    switch (dice_.Below(6)) {
      case 0:
        return HostileNumber(&dice_);
      case 1:
        return Mutated(&dice_, all.at(dice_.Pick(names_)));
      case 2:
        return all.at(dice_.Pick(names_));
      case 3:
        return dice_.Pick<std::string>(
            {"yes", "no", "1gb", "-1gb", "1xb", "100%", "1%", "-1%", "0b"});
      default:
        return HostileArgument(&dice_);
    }
  }

  const uint64_t seed_ = Seed();
  Dice dice_{seed_};
  TempDir conf_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<TestClient> client_;
  std::vector<std::string> names_;
};

TEST_F(HostileConfigSetTest, AnyValueIsTakenOrRefusedAndCanBeTakenBack) {
  const Settings before = All();
  int taken = 0;
  int refused = 0;
  for (int64_t effort = 0; effort < Effort(); ++effort) {
    for (const std::string& name : names_) {
      for (int i = 0; i < 6; ++i) {
        const std::string value =
            i == 0 ? Mutated(&dice_, before.at(name)) : HostileValue(before);
        SCOPED_TRACE(absl::StrCat("HOLDFAST_SEED=", seed_, ": ", name, " '",
                                  absl::CHexEscape(value.substr(0, 100)), "'"));
        const net::Value reply = client_->Do("CONFIG", "SET", name, value);
        if (reply.is_ok()) {
          ++taken;
          EXPECT_THAT(client_->Do("PING"), IsSimple("PONG"));
          EXPECT_THAT(client_->Do("CONFIG", "SET", name, before.at(name)),
                      IsOk());
        } else {
          ++refused;
          EXPECT_THAT(reply, IsAnyError());
          EXPECT_TRUE(
              absl::StrContains(absl::AsciiStrToLower(reply.str()), "config"))
              << reply;
        }
        ASSERT_TRUE(client_->connected()) << server_->LogTail(100);
      }
    }
  }
  std::cout << taken << " values taken, " << refused << " refused" << std::endl;
  EXPECT_GT(taken, 20);
  EXPECT_GT(refused, 100);
  EXPECT_EQ(All(), before);
}

TEST_F(HostileConfigSetTest, OneBadPairOfManyChangesNothing) {
  for (int64_t round = 0; round < 60 * Effort(); ++round) {
    const Settings before = All();
    std::vector<std::string> command = {"CONFIG", "SET"};
    for (int64_t n = dice_.Between(2, 6); n > 0; --n) {
      command.push_back(dice_.Pick(names_));
      command.push_back(dice_.OneIn(2) ? HostileValue(before)
                                       : before.at(command.back()));
    }
    if (dice_.OneIn(8)) command.pop_back();
    const net::Value reply = client_->DoArgs(command);
    ASSERT_TRUE(client_->connected()) << server_->LogTail(100);
    if (reply.is_error()) {
      EXPECT_EQ(All(), before)
          << "HOLDFAST_SEED=" << seed_ << ": "
          << absl::CHexEscape(absl::StrJoin(command, " ").substr(0, 1000))
          << ": " << reply;
    }
  }
}

// Whatever CONFIG SET has taken, CONFIG REWRITE writes so that the next start
// reads it as it was.
TEST_F(HostileConfigSetTest, WhatIsTakenSurvivesRewriteAndRestart) {
  for (int64_t round = 0; round < 5 * Effort(); ++round) {
    SCOPED_TRACE(absl::StrCat("HOLDFAST_SEED=", seed_, ", round ", round));
    const Settings first = All();
    for (int i = 0; i < 300; ++i) {
      client_->Do("CONFIG", "SET", dice_.Pick(names_), HostileValue(first));
    }
    const Settings before = All();
    EXPECT_THAT(client_->Do("CONFIG", "REWRITE"), IsOk());
    const std::string file = ReadAll(conf_.File("redis.conf"));
    EXPECT_TRUE(absl::StartsWith(file, "# the first line\n")) << file;
    const absl::Status stopped = server_->Stop(kAnswerTimeout);
    ASSERT_TRUE(stopped.ok()) << stopped;
    const absl::Status started = server_->Restart();
    ASSERT_TRUE(started.ok()) << started << "\nthe file:\n"
                              << absl::CHexEscape(file);
    Connect();
    for (const auto& [name, value] : All()) {
      EXPECT_EQ(value, before.at(name)) << name << " in\n"
                                        << absl::CHexEscape(file);
    }
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace holdfast::test
