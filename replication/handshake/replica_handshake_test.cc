#include "replication/handshake/replica_handshake.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"

namespace holdfast::replication {
namespace {

using Progress = ReplicaHandshake::Progress;

constexpr char kId[] = "0123456789abcdef0123456789abcdef01234567";
constexpr char kOtherId[] = "fedcba9876543210fedcba9876543210fedcba98";

HandshakeParams Params() {
  HandshakeParams params;
  params.port = 7001;
  return params;
}

std::string Sent(const ReplicaHandshake& h) {
  return absl::StrJoin(h.command(), " ");
}

// A handshake that has come to PSYNC.
ReplicaHandshake AtPsync(HandshakeParams params,
                         absl::string_view capa_reply = "+OK") {
  const bool auth = !params.password.empty();
  const bool ip = !params.announce_ip.empty();
  ReplicaHandshake h(std::move(params));
  EXPECT_EQ(h.OnLine("+PONG"), Progress::kSend);
  if (auth) {
    EXPECT_EQ(h.OnLine("+OK"), Progress::kSend);
  }
  EXPECT_EQ(h.OnLine("+OK"), Progress::kSend);
  if (ip) {
    EXPECT_EQ(h.OnLine("+OK"), Progress::kSend);
  }
  EXPECT_EQ(h.step(), "capa");
  EXPECT_EQ(h.OnLine(capa_reply), Progress::kSend);
  EXPECT_EQ(h.step(), "psync");
  return h;
}

TEST(ReplicaHandshakeTest, SendsTheStepsInOrder) {
  HandshakeParams params = Params();
  params.password = "secret";
  params.user = "repl";
  params.announce_ip = "10.1.2.3";
  params.replication_id = kId;
  params.offset = 41;
  ReplicaHandshake h(params);
  std::vector<std::string> sent{Sent(h)};
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(h.OnLine(i == 0 ? "+PONG" : "+OK"), Progress::kSend);
    sent.push_back(Sent(h));
  }
  EXPECT_EQ(absl::StrJoin(sent, "; "),
            absl::StrCat("PING; AUTH repl secret; REPLCONF listening-port "
                         "7001; REPLCONF ip-address 10.1.2.3; "
                         "REPLCONF capa eof capa psync2 capa holdfast; PSYNC ",
                         kId, " 42"));
  EXPECT_EQ(h.OnLine(absl::StrCat("+CONTINUE ", kOtherId)), Progress::kDone);
  EXPECT_FALSE(h.full_resync());
  EXPECT_EQ(h.replication_id(), kOtherId);
}

TEST(ReplicaHandshakeTest, LeavesOutWhatIsNotConfigured) {
  ReplicaHandshake h(Params());
  EXPECT_EQ(h.OnLine("+PONG"), Progress::kSend);
  EXPECT_EQ(h.step(), "listening-port");
  EXPECT_EQ(h.OnLine("+OK"), Progress::kSend);
  EXPECT_EQ(h.step(), "capa");
  EXPECT_EQ(h.OnLine("+OK"), Progress::kSend);
  EXPECT_EQ(Sent(h), "PSYNC ? -1");
}

TEST(ReplicaHandshakeTest, DefaultUserHasOnlyAPassword) {
  HandshakeParams params = Params();
  params.password = "p w";
  ReplicaHandshake h(params);
  EXPECT_EQ(h.OnLine("-NOAUTH Authentication required."), Progress::kSend);
  EXPECT_EQ(h.command(), (std::vector<std::string>{"AUTH", "p w"}));
}

TEST(ReplicaHandshakeTest, PingAcceptsWhatALivingPrimarySays) {
  for (const char* reply : {"+PONG", "-NOPERM this user has no permissions",
                            "-ERR operation not permitted"}) {
    ReplicaHandshake h(Params());
    EXPECT_EQ(h.OnLine(reply), Progress::kSend) << reply;
  }
}

TEST(ReplicaHandshakeTest, PingRefusesOthers) {
  for (const char* reply :
       {"-ERR unknown command",
        "-LOADING Redis is loading the dataset in memory", "-"}) {
    ReplicaHandshake h(Params());
    EXPECT_EQ(h.OnLine(reply), Progress::kFailed) << reply;
    EXPECT_EQ(h.cause(), "handshake_refused:ping");
    EXPECT_EQ(h.transient(), absl::StartsWith(reply, "-LOADING"));
  }
}

TEST(ReplicaHandshakeTest, AMissingPasswordIsNamed) {
  ReplicaHandshake h(Params());
  EXPECT_EQ(h.OnLine("-NOAUTH Authentication required."), Progress::kFailed);
  EXPECT_EQ(h.cause(), "handshake_refused:auth");
  EXPECT_TRUE(absl::StrContains(h.error(), "masterauth"));
}

TEST(ReplicaHandshakeTest, AWrongPasswordIsNeverTold) {
  HandshakeParams params = Params();
  params.password = "topsecret";
  ReplicaHandshake h(params);
  EXPECT_EQ(h.OnLine("+PONG"), Progress::kSend);
  EXPECT_EQ(h.OnLine("-WRONGPASS invalid username-password pair"),
            Progress::kFailed);
  EXPECT_EQ(h.cause(), "handshake_refused:auth");
  EXPECT_TRUE(absl::StrContains(h.error(), "WRONGPASS"));
  EXPECT_FALSE(absl::StrContains(h.error(), "topsecret"));
  EXPECT_TRUE(h.command().empty());
}

TEST(ReplicaHandshakeTest, ReplconfErrorsOfOldPrimariesDoNotMatter) {
  ReplicaHandshake h(Params());
  h.OnLine("+PONG");
  EXPECT_EQ(h.OnLine("-ERR Unrecognized REPLCONF option: listening-port"),
            Progress::kSend);
  EXPECT_EQ(h.OnLine("-ERR Unrecognized REPLCONF option: capa"),
            Progress::kSend);
  EXPECT_FALSE(h.peer_is_holdfast());
  EXPECT_EQ(h.step(), "psync");
}

TEST(ReplicaHandshakeTest, ReplconfErrorsOfAccessDo) {
  ReplicaHandshake h(Params());
  h.OnLine("+PONG");
  EXPECT_EQ(h.OnLine("-NOAUTH Authentication required."), Progress::kFailed);
  EXPECT_EQ(h.cause(), "handshake_refused:listening-port");
}

TEST(ReplicaHandshakeTest, OnlyTheExactWordsShowAHoldfast) {
  EXPECT_TRUE(AtPsync(Params(), "+OK holdfast").peer_is_holdfast());
  for (const char* reply :
       {"+OK", "+OK holdfast2", "+OK Holdfast", "+holdfast", "-ERR holdfast"}) {
    EXPECT_FALSE(AtPsync(Params(), reply).peer_is_holdfast()) << reply;
  }
}

TEST(ReplicaHandshakeTest, NewlinesAreKeepalivesInEveryStep) {
  ReplicaHandshake h(Params());
  for (const char* reply : {"+PONG", "+OK", "+OK"}) {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(h.OnLine(""), Progress::kWait);
    EXPECT_EQ(h.OnLine(reply), Progress::kSend);
  }
  EXPECT_EQ(h.OnLine(""), Progress::kWait);
  EXPECT_EQ(h.OnLine(absl::StrCat("+FULLRESYNC ", kId, " 0")), Progress::kDone);
}

TEST(ReplicaHandshakeTest, FullResync) {
  HandshakeParams params = Params();
  params.replication_id = kOtherId;
  params.offset = 99;
  ReplicaHandshake h = AtPsync(params);
  EXPECT_EQ(h.OnLine(absl::StrCat("+FULLRESYNC ", kId, " 1234567890123")),
            Progress::kDone);
  EXPECT_TRUE(h.full_resync());
  EXPECT_EQ(h.replication_id(), kId);
  EXPECT_EQ(h.offset(), 1234567890123);
}

TEST(ReplicaHandshakeTest, MalformedPsyncRepliesAreProtocolErrors) {
  HandshakeParams params = Params();
  params.replication_id = kId;
  for (const std::string& reply :
       {std::string("+FULLRESYNC"), absl::StrCat("+FULLRESYNC ", kId),
        absl::StrCat("+FULLRESYNC ", kId, " -1"),
        absl::StrCat("+FULLRESYNC ", kId, " 1x"),
        absl::StrCat("+FULLRESYNC ", kId, " 99999999999999999999"),
        absl::StrCat("+FULLRESYNC ", kId, " 9223372036854775807"),
        absl::StrCat("+FULLRESYNC ", kId, "0 5"),
        std::string("+FULLRESYNC zz23456789abcdef0123456789abcdef01234567 5"),
        absl::StrCat("+FULLRESYNC ", kId, " 5 6"), std::string("+CONTINUE x"),
        absl::StrCat("+CONTINUE ", kId, " 5"), std::string("+OK"),
        std::string("+"), std::string("$5"), std::string(":1"),
        std::string("*0"), std::string("HTTP/1.1 400 Bad Request"),
        std::string("\x01\xff binary", 9), std::string(70000, 'x')}) {
    ReplicaHandshake h = AtPsync(params);
    EXPECT_EQ(h.OnLine(reply), Progress::kFailed) << reply.substr(0, 80);
    EXPECT_EQ(h.cause(), "protocol_error") << reply.substr(0, 80);
    EXPECT_LT(h.error().size(), 1000u);
  }
}

TEST(ReplicaHandshakeTest, ContinueMayComeWithoutAName) {
  HandshakeParams params = Params();
  params.replication_id = kId;
  ReplicaHandshake h = AtPsync(params);
  EXPECT_EQ(h.OnLine("+CONTINUE"), Progress::kDone);
  EXPECT_FALSE(h.full_resync());
  EXPECT_EQ(h.replication_id(), "");
}

TEST(ReplicaHandshakeTest, ContinueUnaskedIsRefused) {
  ReplicaHandshake h = AtPsync(Params());
  EXPECT_EQ(h.OnLine(absl::StrCat("+CONTINUE ", kId)), Progress::kFailed);
  EXPECT_EQ(h.cause(), "protocol_error");
}

TEST(ReplicaHandshakeTest, PsyncErrorsSayWhetherToExpectBetter) {
  for (const char* reply :
       {"-NOMASTERLINK Can't SYNC while not connected with my master",
        "-LOADING loading", "-MASTERDOWN Link with MASTER is down"}) {
    ReplicaHandshake h = AtPsync(Params());
    EXPECT_EQ(h.OnLine(reply), Progress::kFailed);
    EXPECT_EQ(h.cause(), "handshake_refused:psync");
    EXPECT_TRUE(h.transient()) << reply;
  }
  ReplicaHandshake h = AtPsync(Params());
  EXPECT_EQ(h.OnLine("-ERR unknown command 'PSYNC'"), Progress::kFailed);
  EXPECT_FALSE(h.transient());
}

}  // namespace
}  // namespace holdfast::replication
