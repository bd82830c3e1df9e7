// A primary that lies, to a replica's process: at every step of the handshake,
// in the snapshot, in the stream. The replica lives, answers, says why, keeps
// what it has until something better is whole, and follows a good one later.

#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/resp/value.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "replication/replica/fake_primary.h"
#include "server/persist/rdb/crc64.h"
#include "testing/harness/server_process.h"
#include "testing/harness/test_client.h"
#include "testing/hostile/garbage.h"
#include "testing/hostile/hostile_support.h"
#include "testing/support/dice.h"
#include "testing/support/environment.h"
#include "testing/support/reply_matchers.h"
#include "testing/support/wait_for.h"

namespace holdfast::test {
namespace {

using replication::FakePrimary;
using replication::kTestHistory;
using replication::PrimaryEnd;
using replication::Resp;
using Causes = std::vector<std::string>;

constexpr int64_t kOffset = 1000;  // Of the lying primary's snapshots.
// Its own snapshots, of which no length may be believed, are small.
constexpr int64_t kMostMemory = int64_t{256} << 20;

// What the replica may say of a transfer that went wrong in whatever way.
const Causes& TransferCauses() {
  static const auto* const causes =
      new Causes{"rdb_corrupt",       "rdb_version",  "rdb_unsupported",
                 "too_few_databases", "transfer_cut", "transfer_aborted",
                 "protocol_error"};
  return *causes;
}

// An RDB's last eight bytes made right again.
std::string WithChecksum(std::string rdb) {
  constexpr size_t kBytes = 8;
  if (rdb.size() < kBytes) return rdb;
  rdb.resize(rdb.size() - kBytes);
  uint64_t crc = server::Crc64(0, rdb);
  for (size_t i = 0; i < kBytes; ++i, crc >>= 8) {
    rdb.push_back(static_cast<char>(crc & 0xff));
  }
  return rdb;
}

std::string FullResync(int64_t offset = kOffset) {
  return absl::StrCat("+FULLRESYNC ", kTestHistory, " ", offset, "\r\n");
}
std::string WithLength(const std::string& rdb) {
  return absl::StrCat("$", rdb.size(), "\r\n", rdb);
}
std::string WithMark(const std::string& rdb) {
  const std::string mark(40, 'e');
  return absl::StrCat("$EOF:", mark, "\r\n", rdb, mark);
}

// The snapshot that a real primary sends.
std::string FetchRdb(const ServerProcess& primary) {
  TestClient client(primary);
  client.SendRaw("SYNC\r\n");
  const net::Deadline deadline =
      net::Deadline::After(net::Clock::Real(), kAnswerTimeout);
  std::string line;
  while (line.empty()) {
    const auto next = client.resp().ReadLine(deadline);
    EXPECT_TRUE(next.ok()) << next.status();
    if (!next.ok()) return "";
    line = *next;
  }
  size_t length = 0;
  EXPECT_TRUE(line[0] == '$' && absl::SimpleAtoi(line.substr(1), &length))
      << line;
  while (client.resp().buffer().size() < length) {
    const auto n = client.resp().Fill(deadline);
    EXPECT_TRUE(n.ok() && *n > 0);
    if (!n.ok() || *n == 0) return "";
  }
  return std::string(client.resp().buffer().readable().substr(0, length));
}

class HostilePrimaryTest : public testing::Test {
 protected:
  void SetUp() override {
    good_ = Start({});
    replica_ = Start({{"repl-backoff-base-ms", "1"},
                      {"repl-backoff-cap-ms", "10"},
                      {"repl-healthy-after-ms", "0"},
                      {"repl-timeout", "60"}});
    ASSERT_TRUE(good_ != nullptr && replica_ != nullptr);
    Fill();
    rdb_ = FetchRdb(*good_);
    ASSERT_GT(rdb_.size(), 1000u);
    threads_ = Threads(*replica_);
    client_ = std::make_unique<TestClient>(replica_->port(), kAnswerTimeout);
    FollowGood();
    digest_ = Digest();
    Follow(hostile_.port());
  }

  void TearDown() override {
    if (client_ == nullptr) return;
    if (!HasFatalFailure()) {
      FollowGood();
      EXPECT_EQ(Digest(), digest_) << "what the good primary holds";
      EXPECT_LT(client_->InfoInt("memory", "used_memory"), kMostMemory);
      EXPECT_THAT(client_->Do("REPLICAOF", "NO", "ONE"), IsOk());
      client_->Close();
      ExpectWell(replica_.get(), threads_);
    }
    ExpectOrderlyEnd(replica_.get());
    ExpectOrderlyEnd(good_.get());
  }

  static std::unique_ptr<ServerProcess> Start(
      std::vector<std::pair<std::string, std::string>> flags) {
    ServerOptions options;
    options.flags = std::move(flags);
    auto server = ServerProcess::Start(std::move(options));
    EXPECT_TRUE(server.ok()) << server.status();
    return server.ok() ? *std::move(server) : nullptr;
  }

  // Values of all encodings, in three databases.
  void Fill() {
    TestClient client(*good_);
    std::vector<std::vector<std::string>> commands;
    for (const char* db : {"0", "3", "15"}) {
      commands.push_back({"SELECT", db});
      for (int i = 0; i < 40; ++i) {
        const std::string key = absl::StrCat("key:", i);
        commands.push_back({"SET", key, absl::StrCat(i * i * i * i - 100)});
        commands.push_back({"SET", key + ":text", std::string(i * 7, 'z')});
        commands.push_back(
            {"SET", key + ":dies", key, "EX", absl::StrCat(100000 + i)});
      }
    }
    for (const net::Value& reply : client.Pipeline(commands)) {
      EXPECT_THAT(reply, IsOk());
    }
  }

  void Follow(int port) {
    EXPECT_THAT(client_->Do("REPLICAOF", "127.0.0.1", port), IsOk());
  }
  void FollowGood() {
    Follow(good_->port());
    TestClient good(*good_);
    EXPECT_TRUE(WaitFor(
        [&](std::string* seen) {
          auto below = client_->Info("replication");
          *seen = absl::StrCat(below["master_link_status"], ", ",
                               below["link_causes"]);
          return below["master_link_status"] == "up" &&
                 below["master_repl_offset"] ==
                     good.InfoField("replication", "master_repl_offset");
        },
        kAnswerTimeout));
    EXPECT_EQ(good.Do("DEBUG", "DIGEST").str(), Digest());
  }
  std::string Digest() { return client_->Do("DEBUG", "DIGEST").str(); }

  // How often the replica has said one of these so far.
  int64_t Count(const Causes& causes) {
    int64_t count = 0;
    const auto info = client_->Info("replication");
    const auto all = info.find("link_causes");
    if (all == info.end()) return 0;
    for (const absl::string_view part : absl::StrSplit(all->second, ',')) {
      const std::pair<std::string, std::string> cause =
          absl::StrSplit(part, absl::MaxSplits('=', 1));
      int64_t n = 0;
      EXPECT_TRUE(absl::SimpleAtoi(cause.second, &n)) << part;
      for (const std::string& wanted : causes) {
        if (cause.first == wanted) count += n;
      }
    }
    return count;
  }

  // Bytes from the primary as one connection, however the replica's steps go
  // with them; then the end of them. Whatever they are, the replica ends the
  // connection too, having said one of `causes`, and answers its clients.
  void Say(const std::string& what, absl::string_view bytes,
           const Causes& causes) {
    SCOPED_TRACE(what);
    const int64_t before = Count(causes);
    {
      const std::unique_ptr<PrimaryEnd> end = hostile_.Accept(kAnswerTimeout);
      ASSERT_NE(end, nullptr) << "the replica does not try again";
      while (!bytes.empty()) {
        const size_t n = NextPiece(&dice_, bytes.size());
        if (!end->TryWrite(bytes.substr(0, n))) break;
        bytes.remove_prefix(n);
      }
      end->HalfClose();
      ASSERT_TRUE(end->ClosedByReplica(kAnswerTimeout));
    }
    ASSERT_TRUE(WaitFor(
        [&](std::string* seen) {
          *seen = client_->InfoField("replication", "link_causes");
          return Count(causes) > before;
        },
        kAnswerTimeout));
    ExpectAnswers();
  }

  void ExpectAnswers() {
    ASSERT_TRUE(replica_->Running()) << replica_->LogTail(100);
    // Old data is served while a new set is loaded: no LOADING either.
    EXPECT_THAT(client_->Do("PING"), IsSimple("PONG"));
    const net::Value events = client_->Do("REPLICATION", "EVENTS");
    ASSERT_FALSE(events.elements().empty());
    for (const net::Value& event : events.elements()) {
      const net::Value* const cause = event.Find("cause");
      const net::Value* const text = event.Find("text");
      ASSERT_TRUE(cause != nullptr && text != nullptr);
      if (cause->str().empty()) continue;
      EXPECT_FALSE(text->str().empty()) << event;
      EXPECT_EQ(text->str().find_first_of("\r\n"), std::string::npos) << event;
    }
  }

  const uint64_t seed_ = Seed();
  Dice dice_{seed_};
  FakePrimary hostile_;
  std::unique_ptr<ServerProcess> good_;
  std::unique_ptr<ServerProcess> replica_;
  std::unique_ptr<TestClient> client_;  // Of the replica.
  std::string rdb_;
  std::string digest_;
  int threads_ = 0;
};

// The answers of a primary up to a step.
constexpr char kUpToPort[] = "+PONG\r\n";
constexpr char kUpToCapa[] = "+PONG\r\n+OK\r\n";
constexpr char kUpToPsync[] = "+PONG\r\n+OK\r\n+OK\r\n";

TEST_F(HostilePrimaryTest, AnswersOfTheHandshakeThatAreNone) {
  const std::string endless(200 * 1024, 'x');
  const std::vector<std::pair<std::string, Causes>> answers = {
      {"PONG\r\n", {"protocol_error"}},
      {"$4\r\nPONG\r\n", {"protocol_error"}},
      {":1\r\n", {"protocol_error"}},
      {"*1\r\n$4\r\nPONG\r\n", {"protocol_error"}},
      {std::string("\0\r\n", 3), {"protocol_error"}},
      {"HTTP/1.1 400 Bad Request\r\n\r\n", {"protocol_error"}},
      {"\x15\x03\x01\x02\x02\n", {"protocol_error"}},
      {endless, {"protocol_error"}},
      {"+" + endless, {"protocol_error"}},
      {"-" + endless, {"protocol_error"}},
      {endless + "\r\n", {"protocol_error"}},
      {"", {"primary_closed"}},
      {std::string(5000, '\n'), {"primary_closed"}},
      {"+PON", {"primary_closed"}},
      {"-ERR no\r\n", {"handshake_refused:ping"}},
      {"-\r\n", {"handshake_refused:ping"}},
      {"-LOADING\r\n", {"handshake_refused:ping"}},
      {"-NOAUTH\r\n", {"handshake_refused:auth"}},
      {absl::StrCat("-ERR ", std::string(60000, '\xff'), "\r\n"),
       {"handshake_refused:ping"}},
      {absl::StrCat(kUpToPort, "OK\r\n"), {"protocol_error"}},
      {absl::StrCat(kUpToPort, "-NOAUTH\r\n"),
       {"handshake_refused:listening-port"}},
      {absl::StrCat(kUpToCapa, "$2\r\nOK\r\n"), {"protocol_error"}},
      {absl::StrCat(kUpToCapa, "-LOADING x\r\n"), {"handshake_refused:capa"}},
  };
  for (const auto& [bytes, causes] : answers) {
    Say(absl::StrCat("answer '", bytes.substr(0, 60), "'"), bytes, causes);
    if (HasFatalFailure()) return;
  }
  const std::string id = kTestHistory;
  for (const std::string& psync : {
           std::string("+"),
           std::string("+ "),
           std::string("+OK"),
           std::string("+FULLRESYNC"),
           "+FULLRESYNC " + id,
           "+FULLRESYNC " + id + " ",
           "+FULLRESYNC " + id + " -1",
           "+FULLRESYNC " + id + " 1 1",
           "+FULLRESYNC " + id + " one",
           "+FULLRESYNC " + id + " 9223372036854775807",
           "+FULLRESYNC " + id + " 9223372036854775808",
           "+FULLRESYNC " + id + " 99999999999999999999999",
           "+FULLRESYNC " + id.substr(1) + " 1",
           "+FULLRESYNC " + id + "a 1",
           "+FULLRESYNC " + std::string(40, 'g') + " 1",
           "+FULLRESYNC " + std::string(40, '\0') + " 1",
           "+FULLRESYNC " + std::string(60000, 'a') + " 1",
           "+fullresync " + id + " 1",
           "+FULLRESYNCX " + id + " 1",
           std::string("+CONTINUE ?"),
           "+CONTINUE " + id.substr(1),
           "+CONTINUE " + std::string(40, '\xff'),
           "+CONTINUE " + id + " " + id,
           "CONTINUE " + id,
       }) {
    Say(absl::StrCat("psync '", psync.substr(0, 60), "'"),
        absl::StrCat(kUpToPsync, psync, "\r\n"), {"protocol_error"});
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(Digest(), digest_);
}

TEST_F(HostilePrimaryTest, ASilentPrimaryIsLeftInEveryStep) {
  EXPECT_THAT(client_->Do("CONFIG", "SET", "repl-handshake-timeout-ms", 200),
              IsOk());
  // Each may have come before the setting.
  { const auto end = hostile_.Accept(kAnswerTimeout); }
  const std::vector<std::pair<std::string, std::string>> silences = {
      {"", "ping"},
      {"+PON", "ping"},
      {kUpToPort, "listening-port"},
      {kUpToCapa, "capa"},
      {kUpToPsync, "psync"},
      {absl::StrCat(kUpToPsync, "+FULLRESYNC "), "psync"},
  };
  for (const auto& [bytes, step] : silences) {
    SCOPED_TRACE(absl::StrCat("'", bytes, "' and then silence"));
    const Causes cause = {absl::StrCat("handshake_timeout:", step)};
    const int64_t before = Count(cause);
    const auto end = hostile_.Accept(kAnswerTimeout);
    ASSERT_NE(end, nullptr);
    end->TryWrite(bytes);
    ASSERT_TRUE(end->ClosedByReplica(kAnswerTimeout));
    EXPECT_TRUE(WaitFor([&] { return Count(cause) > before; }));
    ExpectAnswers();
  }
  EXPECT_EQ(Digest(), digest_);
}

TEST_F(HostilePrimaryTest, SnapshotsThatAreBrokenLeaveTheOldData) {
  const std::string begin = absl::StrCat(kUpToPsync, FullResync());
  const auto transfer = [&](const std::string& what, const std::string& bytes) {
    Say(what, begin + bytes, TransferCauses());
    return !HasFatalFailure();
  };
  for (const std::string& header : {std::string("$"),
                                    std::string("$\r\n"),
                                    std::string("$abc\r\n"),
                                    std::string("$-1\r\n"),
                                    std::string("$-9223372036854775808\r\n"),
                                    std::string("$18446744073709551615\r\n"),
                                    std::string("$18446744073709551617\r\n"),
                                    std::string("$4611686018427387905\r\n"),
                                    std::string("$0\r\n"),
                                    std::string("$1\r\n"),
                                    std::string("$0x10\r\n"),
                                    std::string("$ 10\r\n"),
                                    std::string("$EOF:\r\n"),
                                    "$EOF:" + std::string(39, 'e') + "\r\n",
                                    "$EOF:" + std::string(41, 'e') + "\r\n",
                                    "$EOF" + std::string(41, 'e') + "\r\n",
                                    std::string("*1\r\n"),
                                    std::string("+OK\r\n"),
                                    std::string("-ERR cannot\r\n"),
                                    std::string("-\r\n"),
                                    std::string("\0\r\n", 3),
                                    std::string(100000, '$'),
                                    std::string(100000, '\n'),
                                    std::string(100000, '\n') + "REDIS0009"}) {
    // What follows must not be taken for what was announced.
    if (!transfer("header " + header.substr(0, 60), header)) return;
    if (!transfer("header and RDB " + header.substr(0, 60),
                  header + (header[0] == '\n' ? "" : rdb_))) {
      return;
    }
  }
  for (const std::string& rdb : {
           std::string("REDIS"),
           std::string("REDIS0000") + rdb_.substr(9),
           std::string("REDIS9999") + rdb_.substr(9),
           std::string("REDIS-001") + rdb_.substr(9),
           std::string("redis0009") + rdb_.substr(9),
           rdb_ + "x",
           rdb_ + rdb_,
           rdb_.substr(0, rdb_.size() - 8) + "12345678",
           // A key, and a value, of more bytes than there are.
           WithChecksum("REDIS0009" + std::string("\0\x81\x7f\xff\xff\xff\xff"
                                                  "\xff\xff\xff"
                                                  "key\0\0\0\0\0\0\0\0",
                                                  21)),
           WithChecksum("REDIS0009" + std::string("\0\x03key\x80\x7f\xff\xff"
                                                  "\xff"
                                                  "value\0\0\0\0\0\0\0\0",
                                                  23)),
           // Compressed: 1 byte that grows to 2^62.
           WithChecksum("REDIS0009" +
                        std::string("\0\x03key\xc3\x01\x81\x3f\xff\xff\xff\xff"
                                    "\xff\xff\xff"
                                    "a\xff\0\0\0\0\0\0\0\0",
                                    26)),
           // A database and a type that do not exist.
           WithChecksum("REDIS0009" + std::string("\xfe\x81\xff\xff\xff\xff"
                                                  "\xff\xff\xff\xff"
                                                  "\0\x01k\x01v\xff\0\0\0\0\0\0"
                                                  "\0\0",
                                                  24)),
           WithChecksum("REDIS0009" +
                        std::string("\x63\x01k\x01v\xff\0\0\0\0\0\0\0\0", 14)),
       }) {
    if (!transfer("RDB " + rdb.substr(0, 30), WithLength(rdb))) return;
    if (!transfer("marked RDB " + rdb.substr(0, 30), WithMark(rdb))) return;
  }
  for (int64_t round = 0; round < 40 * Effort(); ++round) {
    std::string rdb = rdb_;
    switch (dice_.Below(4)) {
      case 0:
        rdb = Mutated(&dice_, rdb_);
        break;
      case 1:
        rdb.resize(
            static_cast<size_t>(dice_.Below(static_cast<int64_t>(rdb.size()))));
        break;
      default:
        for (int64_t n = dice_.Between(1, 3); n > 0; --n) {
          rdb = WithBitFlipped(&dice_, std::move(rdb));
        }
    }
    if (rdb == rdb_) continue;
    std::string bytes = dice_.OneIn(2) ? WithLength(rdb) : WithMark(rdb);
    // Cut inside of what was announced.
    if (dice_.OneIn(4)) bytes.resize(bytes.size() - 1 - dice_.Below(30));
    if (!transfer(absl::StrCat("HOLDFAST_SEED=", seed_, ", round ", round),
                  bytes)) {
      return;
    }
  }
  EXPECT_EQ(Digest(), digest_);
  // Whole, of an unknown history, and empty: it may not cost what there is.
  Say("an empty dataset", begin + WithLength(replication::MakeRdb({})),
      {"refused_empty_master"});
  EXPECT_EQ(Digest(), digest_);
}

// Bytes after the snapshot that are no command stream, or one that no primary
// sends: nothing of it may be obeyed, whatever it would do to this server.
TEST_F(HostilePrimaryTest, StreamsThatNoPrimarySendsAreDivergence) {
  const Causes causes = {"apply_error", "protocol_error"};
  const std::string multi = Resp("MULTI") + Resp("SET witness 1");
  int full = 0;
  for (const std::string& stream : {
           // No protocol.
           std::string("SET k v\r\n"),
           std::string("$5\r\nhello\r\n"),
           std::string("*1\r\n:5\r\n"),
           std::string("*3\r\n$3\r\nSETXX"),
           std::string("*9999999999\r\n"),
           std::string("*-x\r\n"),
           std::string("*1\r\n$-1\r\n"),

           std::string(200000, 'x'),
           std::string("\0\0\0\r\n", 5),
           Resp("EXEC"),
           multi + Resp("MULTI"),
           // Commands that are none here, or fail.
           Resp("NOSUCHCOMMAND x"),
           Resp("GET"),
           Resp("SET a"),
           Resp("SELECT 16"),
           Resp("SELECT -1"),
           Resp("SELECT"),
           Resp("INCR key:1:text"),
           Resp("EXPIRE key:1 x"),
           multi + Resp("SET") + Resp("EXEC"),
           multi + Resp("NOSUCHCOMMAND") + Resp("EXEC"),
           multi + Resp("INCR key:1:text") + Resp("EXEC"),
           multi + Resp("DISCARD") + Resp("EXEC"),
           // What would end it, hang it, or lead it away.
           Resp("SHUTDOWN NOSAVE"),
           Resp("DEBUG SEGFAULT"),
           Resp("DEBUG PANIC"),
           Resp("DEBUG SLEEP 1000"),
           Resp("REPLICAOF NO ONE"),
           Resp("REPLICAOF 127.0.0.1 1"),
           Resp("SLAVEOF NO ONE"),
           Resp("CONFIG SET maxmemory 1"),
           Resp("CONFIG REWRITE"),
           Resp("CLIENT PAUSE 1000000 ALL"),
           Resp("CLIENT KILL TYPE normal"),
           Resp("CLIENT REPLY OFF"),
           Resp("SYNC"),
           Resp("PSYNC ? -1"),
           Resp("WAIT 1 0"),
           Resp("QUIT"),
           Resp("RESET"),
           Resp("HELLO 3"),
           Resp("AUTH x"),
           Resp("WATCH key:1"),
           Resp("DISCARD"),
           Resp("MODULE LOAD x"),
           multi + Resp("REPLICAOF NO ONE") + Resp("EXEC"),
           multi + Resp("SHUTDOWN") + Resp("EXEC"),
           multi + Resp("WAIT 1 0") + Resp("EXEC"),
           multi + Resp("SYNC") + Resp("EXEC"),
       }) {
    SCOPED_TRACE(absl::StrCat("stream '", stream.substr(0, 80), "'"));
    const int64_t before = Count(causes);
    const auto end = hostile_.Accept(kAnswerTimeout);
    ASSERT_NE(end, nullptr) << "the replica does not try again";
    const std::string asked = end->Greet();
    ASSERT_TRUE(replica_->Running()) << replica_->LogTail(100);
    if (absl::StartsWith(asked, kTestHistory)) {
      end->TryWrite("+CONTINUE\r\n");
    } else {
      ++full;
      end->TryWrite(FullResync() + WithLength(rdb_) + Resp("SELECT 0"));
    }
    end->TryWrite(stream);
    if (!end->ClosedByReplica(absl::Seconds(5))) {
      ADD_FAILURE() << "the replica went on";
      end->HalfClose();
      ASSERT_TRUE(end->ClosedByReplica(kAnswerTimeout));
      ExpectAnswers();
      continue;
    }
    ASSERT_TRUE(WaitFor([&] { return Count(causes) > before; }, kAnswerTimeout))
        << client_->InfoField("replication", "link_causes");
    ExpectAnswers();
  }
  EXPECT_GT(full, 10);
  EXPECT_EQ(Digest(), digest_) << "a command of these streams was obeyed";
}

// Whole conversations with mistakes anywhere, also snapshots whose checksum is
// right: some of them will be taken, none may hurt.
TEST_F(HostilePrimaryTest, ConversationsWithMistakes) {
  for (int64_t round = 0; round < 60 * Effort(); ++round) {
    SCOPED_TRACE(absl::StrCat("HOLDFAST_SEED=", seed_, ", round ", round));
    std::string rdb = rdb_;
    if (dice_.OneIn(2)) {
      for (int64_t n = dice_.Between(1, 4); n > 0; --n) {
        rdb = WithBitFlipped(&dice_, std::move(rdb));
      }
      rdb = WithChecksum(std::move(rdb));
    }
    std::string stream;
    for (int64_t n = dice_.Below(20); n > 0; --n) {
      switch (dice_.Below(8)) {
        case 0:
          stream += Encoded({"SELECT", HostileNumber(&dice_)});
          break;
        case 1:
          stream += Resp(dice_.Pick({"MULTI", "EXEC", "PING"}));
          break;
        case 2:
          stream += Resp("REPLCONF GETACK *");
          break;
        case 3:
          stream += dice_.Pick<std::string>({"\n", "\r\n", "\n\n\n"});
          break;
        case 4:
          stream += Encoded({HostileArgument(&dice_), HostileArgument(&dice_)});
          break;
        default:
          stream += Encoded({dice_.Pick<std::string>({"SET", "APPEND", "DEL",
                                                      "EXPIRE", "PEXPIREAT"}),
                             absl::StrCat("key:", dice_.Below(50)),
                             HostileNumber(&dice_)});
          break;
      }
    }
    std::string bytes = dice_.OneIn(2)
                            ? absl::StrCat("+PONG\r\n+OK\r\n+OK holdfast\r\n")
                            : kUpToPsync;
    if (dice_.OneIn(4)) {
      bytes += dice_.OneIn(2)
                   ? "+CONTINUE\r\n"
                   : absl::StrCat("+CONTINUE ", kTestHistory, "\r\n");
    } else {
      bytes += FullResync(dice_.Pick<int64_t>(
          {0, 1, kOffset, int64_t{1} << 40, int64_t{1} << 61}));
      bytes += dice_.OneIn(2) ? WithLength(rdb) : WithMark(rdb);
    }
    bytes += stream;
    if (dice_.OneIn(2)) bytes = Mutated(&dice_, std::move(bytes));
    const auto end = hostile_.Accept(kAnswerTimeout);
    ASSERT_NE(end, nullptr) << "the replica does not try again\n"
                            << replica_->LogTail(100);
    absl::string_view left = bytes;
    while (!left.empty()) {
      const size_t n = NextPiece(&dice_, left.size());
      if (!end->TryWrite(left.substr(0, n))) break;
      left.remove_prefix(n);
    }
    if (dice_.OneIn(4)) {
      end->Reset();
      continue;
    }
    end->HalfClose();
    ASSERT_TRUE(end->ClosedByReplica(kAnswerTimeout));
    EXPECT_THAT(client_->Do("PING"), IsSimple("PONG"));
  }
}

}  // namespace
}  // namespace holdfast::test
