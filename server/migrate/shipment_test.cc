#include "server/migrate/shipment.h"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/resp/reply_writer.h"
#include "net/time/manual_clock.h"
#include "server/migrate/fake_target.h"
#include "server/migrate/link.h"

namespace holdfast::server {
namespace {

using ::testing::ElementsAre;

constexpr char kCannotConnect[] =
    "IOERR error or timeout connecting to the client";
constexpr char kCannotRead[] =
    "IOERR error or timeout reading to target instance";
constexpr char kCannotWrite[] =
    "IOERR error or timeout writing to target instance";

std::string AllIsWell(const FakeTarget::Command& command) {
  return command[0] == "DEL" ? ":1\r\n" : "+OK\r\n";
}

class ShipmentTest : public testing::Test {
 protected:
  void Add(absl::string_view key, absl::string_view payload = "p") {
    net::AppendCommand(&shipment_.wire, {"RESTORE", key, "0", payload});
    shipment_.commands.push_back(Shipment::Command::kRestore);
  }
  void AddDelete(absl::string_view key) {
    net::AppendCommand(&shipment_.wire, {"DEL", key});
    shipment_.commands.push_back(Shipment::Command::kDelete);
  }
  // The error; empty if all went well.
  std::string Send(int port) {
    target_.host = "127.0.0.1";
    target_.port = absl::StrCat(port);
    over_ = false;
    Ship(&links_, target_, patience_, &shipment_);
    over_ = true;
    return shipment_.error;
  }
  // Answers nothing while the time goes by, until Ship() returns.
  std::string Hang() {
    while (!over_) {
      clock_.Advance(absl::Milliseconds(100));
      absl::SleepFor(absl::Milliseconds(1));
    }
    return "";
  }

  std::atomic<bool> over_{false};
  net::ManualClock clock_;
  MigrateLinks links_{&clock_};
  Patience patience_{.clock = &clock_, .each = absl::Seconds(5)};
  MigrateTarget target_;
  Shipment shipment_;
};

TEST_F(ShipmentTest, EachCommandIsConfirmedByItsReply) {
  FakeTarget target(AllIsWell);
  Add("a");
  AddDelete("b");
  EXPECT_EQ(Send(target.port()), "");
  EXPECT_THAT(shipment_.confirmed, ElementsAre(true, true));
  EXPECT_THAT(target.commands(), ElementsAre("SELECT 0", "RESTORE a", "DEL b"));
  EXPECT_EQ(links_.size(), 1);
}

TEST_F(ShipmentTest, AConnectionIsUsedAgainAndRemembersItsDatabase) {
  FakeTarget target(AllIsWell);
  Add("a");
  EXPECT_EQ(Send(target.port()), "");
  EXPECT_EQ(Send(target.port()), "");
  target_.db = 3;
  EXPECT_EQ(Send(target.port()), "");
  EXPECT_EQ(target.connections(), 1);
  EXPECT_THAT(target.commands(),
              ElementsAre("SELECT 0", "RESTORE a", "RESTORE a", "SELECT 3",
                          "RESTORE a"));
}

TEST_F(ShipmentTest, WhoHasNoPasswordGetsNoAuthenticatedConnection) {
  FakeTarget target(AllIsWell);
  Add("a");
  target_.has_password = true;
  target_.password = "pw";
  EXPECT_EQ(Send(target.port()), "");
  EXPECT_EQ(Send(target.port()), "");
  EXPECT_EQ(target.connections(), 1);
  target_.has_user = true;
  target_.user = "u";
  EXPECT_EQ(Send(target.port()), "");
  EXPECT_EQ(target.connections(), 1);
  EXPECT_EQ(target.commands().back(), "RESTORE a");
  EXPECT_EQ(target.commands()[5], "AUTH u");
  EXPECT_EQ(links_.Take("127.0.0.1", target_.port, false), nullptr);
  EXPECT_NE(links_.Take("127.0.0.1", target_.port, true), nullptr);
}

TEST_F(ShipmentTest, NothingIsSentBeforeTheDatabaseIsSelected) {
  for (const absl::string_view refused : {"SELECT", "AUTH"}) {
    FakeTarget target([&](const FakeTarget::Command& command) {
      return command[0] == refused ? "-ERR no such thing\r\n"
                                   : AllIsWell(command);
    });
    Add("a");
    target_.has_password = true;
    EXPECT_EQ(Send(target.port()),
              "ERR Target instance replied with error: ERR no such thing");
    EXPECT_EQ(target.commands().size(), 2);
    EXPECT_FALSE(shipment_.confirmed[0]);
  }
}

TEST_F(ShipmentTest, ARefusalOfOneKeyIsNoneOfTheOthers) {
  FakeTarget target([](const FakeTarget::Command& command) -> std::string {
    if (command[1] == "b") return "-BUSYKEY there is one\r\n";
    if (command[1] == "c") return "-ERR another\r\n";
    return "+OK\r\n";
  });
  for (const char* key : {"a", "b", "c", "d"}) Add(key);
  EXPECT_EQ(Send(target.port()),
            "ERR Target instance replied with error: BUSYKEY there is one");
  EXPECT_THAT(shipment_.confirmed, ElementsAre(true, false, false, true));
  EXPECT_EQ(links_.size(), 1);
}

TEST_F(ShipmentTest, OnlyTheRightReplyConfirms) {
  for (const absl::string_view reply :
       {"+QUEUED\r\n", ":1\r\n", "$2\r\nOK\r\n", "*0\r\n", "\r\n", "+\r\n",
        "OK\r\n", "+OKAY\r\n", "+ok\r\n"}) {
    FakeTarget target([&](const FakeTarget::Command& command) {
      return command[0] == "RESTORE" ? std::string(reply) : "+OK\r\n";
    });
    Add("a");
    EXPECT_EQ(Send(target.port()), kCannotRead) << reply;
    EXPECT_FALSE(shipment_.confirmed[0]) << reply;
    EXPECT_EQ(links_.size(), 0);
  }
}

TEST_F(ShipmentTest, AReplyMayComeByteByByteButHasToEnd) {
  FakeTarget endless([](const FakeTarget::Command& command) {
    return command[0] == "RESTORE" ? "-" + std::string(70'000, 'x') : "+OK\r\n";
  });
  Add("a");
  EXPECT_EQ(Send(endless.port()), kCannotRead);
  EXPECT_EQ(links_.size(), 0);
}

TEST_F(ShipmentTest, ATargetThatHangsIsGivenUpInTime) {
  FakeTarget target([&](const FakeTarget::Command& command) {
    return command[0] == "RESTORE" ? Hang() : "+OK\r\n";
  });
  Add("a");
  EXPECT_EQ(Send(target.port()), kCannotRead);
  EXPECT_EQ(target.connections(), 1) << "a timeout is not tried again";
  EXPECT_EQ(links_.size(), 0);
}

TEST_F(ShipmentTest, TheTimeMayBeForAllTogether) {
  FakeTarget target([&](const FakeTarget::Command& command) {
    if (command[0] == "RESTORE") return Hang();
    clock_.Advance(absl::Seconds(4));
    return std::string("+OK\r\n");
  });
  Add("a");
  patience_.each = absl::Hours(1000);
  patience_.all = net::Deadline::After(&clock_, absl::Seconds(7));
  EXPECT_EQ(Send(target.port()), kCannotRead);
  EXPECT_LT(clock_.Now(), patience_.all.when() + absl::Minutes(10));
}

TEST_F(ShipmentTest, ATargetThatReadsNothingIsGivenUpInTime) {
  FakeTarget target([&](const FakeTarget::Command& command) {
    return command[0] == "SELECT" ? "+OK\r\n" : Hang();
  });
  Add("a");
  Add("b", std::string(64 << 20, 'x'));
  EXPECT_EQ(Send(target.port()), kCannotWrite);
  EXPECT_EQ(links_.size(), 0);
}

TEST_F(ShipmentTest, WhatWasConfirmedBeforeTheTargetDiedIsKnown) {
  FakeTarget target([](const FakeTarget::Command& command) {
    return command[1] == "c" ? std::string(FakeTarget::kHangUp) : "+OK\r\n";
  });
  for (const char* key : {"a", "b", "c", "d"}) Add(key);
  EXPECT_EQ(Send(target.port()), kCannotRead);
  EXPECT_THAT(shipment_.confirmed, ElementsAre(true, true, false, false));
  EXPECT_EQ(target.connections(), 1);
}

TEST_F(ShipmentTest, AConnectionThatDiedMeanwhileIsMadeAgain) {
  FakeTarget target(AllIsWell);
  Add("a");
  EXPECT_EQ(Send(target.port()), "");
  target.HangUp();
  EXPECT_EQ(Send(target.port()), "");
  EXPECT_EQ(target.connections(), 2);
}

TEST_F(ShipmentTest, ATargetThatHangsUpAtOnceIsTriedTwice) {
  FakeTarget target([](const FakeTarget::Command&) {
    return std::string(FakeTarget::kHangUp);
  });
  Add("a");
  EXPECT_THAT(Send(target.port()), ::testing::AnyOf(kCannotRead, kCannotWrite));
  EXPECT_EQ(target.connections(), 2);
}

TEST_F(ShipmentTest, NobodyThere) {
  int port = 0;
  {
    FakeTarget gone(AllIsWell);
    port = gone.port();
  }
  Add("a");
  EXPECT_EQ(Send(port), kCannotConnect);
  for (const absl::string_view host : {"", "/tmp/socket", "no such host"}) {
    target_.host = std::string(host);
    Ship(&links_, target_, patience_, &shipment_);
    EXPECT_EQ(shipment_.error, kCannotConnect) << host;
  }
  target_.host = "127.0.0.1";
  for (const absl::string_view odd : {"", "0", "-1", "65536", "x", "1e3"}) {
    target_.port = std::string(odd);
    Ship(&links_, target_, patience_, &shipment_);
    EXPECT_EQ(shipment_.error, kCannotConnect) << odd;
  }
}

TEST_F(ShipmentTest, WhoIsKilledGivesUp) {
  std::atomic<bool> killed{false};
  patience_.each = absl::Hours(1000);
  patience_.given_up = [&] { return killed.load(); };
  FakeTarget target([&](const FakeTarget::Command& command) {
    if (command[0] == "SELECT") return std::string("+OK\r\n");
    killed = true;
    return Hang();
  });
  Add("a");
  EXPECT_EQ(Send(target.port()), kCannotRead);
  EXPECT_EQ(target.connections(), 1);
}

TEST_F(ShipmentTest, AnEndingServerDialsNobody) {
  FakeTarget target(AllIsWell);
  links_.Stop();
  Add("a");
  EXPECT_EQ(Send(target.port()), kCannotConnect);
  EXPECT_EQ(target.connections(), 0);
}

TEST_F(ShipmentTest, IdleConnectionsAreClosed) {
  FakeTarget target(AllIsWell);
  Add("a");
  EXPECT_EQ(Send(target.port()), "");
  clock_.Advance(MigrateLinks::kIdle);
  links_.CloseIdle();
  EXPECT_EQ(links_.size(), 1);
  clock_.Advance(absl::Milliseconds(1));
  links_.CloseIdle();
  EXPECT_EQ(links_.size(), 0);
}

TEST_F(ShipmentTest, KeepsTheYoungestConnections) {
  FakeTarget target(AllIsWell);
  const std::string port = absl::StrCat(target.port());
  for (size_t i = 0; i < MigrateLinks::kMost + 3; ++i) {
    auto dialled = links_.Dial("127.0.0.1", port, i < 3, patience_);
    ASSERT_TRUE(dialled.ok()) << dialled.status();
    links_.Put(*std::move(dialled));
  }
  EXPECT_EQ(links_.size(), MigrateLinks::kMost);
  EXPECT_EQ(links_.Take("127.0.0.1", port, true), nullptr);
  EXPECT_EQ(links_.Take("localhost", port, false), nullptr);
  EXPECT_NE(links_.Take("127.0.0.1", port, false), nullptr);
}

}  // namespace
}  // namespace holdfast::server
