#include "testing/integration/interop_support.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/resp/value.h"
#include "testing/harness/server_process.h"
#include "testing/harness/test_client.h"
#include "testing/proxy/fault_proxy.h"
#include "testing/support/dice.h"
#include "testing/support/reply_matchers.h"
#include "testing/support/wait_for.h"

namespace holdfast::test {
namespace {

using Command = std::vector<std::string>;

constexpr int kDatabases = 4;   // That these stories write to.
constexpr size_t kPiece = 500;  // Commands of one pipeline.
constexpr absl::Duration kPatience = absl::Seconds(60);

class Writer {
 public:
  explicit Writer(TestClient* client) : client_(*client) {}
  ~Writer() { Flush(); }

  void Add(Command command) {
    commands_.push_back(std::move(command));
    if (commands_.size() >= kPiece) Flush();
  }
  void Flush() {
    if (commands_.empty() || !client_.connected()) return;
    const std::vector<net::Value> replies = client_.Pipeline(commands_);
    for (size_t i = 0; i < replies.size(); ++i) {
      const net::Value& reply = replies[i];
      if (!reply.is_error() || absl::StrContains(reply.str(), "no such key") ||
          absl::StrContains(reply.str(), "not an integer") ||
          absl::StrContains(reply.str(), "objects are the same") ||
          absl::StrContains(reply.str(), "would overflow")) {
        continue;
      }
      ADD_FAILURE() << commands_[i][0] << ": " << reply;
    }
    commands_.clear();
  }

 private:
  TestClient& client_;
  std::vector<Command> commands_;
};

std::string HoursAhead(Dice* dice) {
  return absl::StrCat(absl::ToUnixMillis(absl::Now()) +
                      dice->Between(2, 24) * 3600 * 1000);
}

std::string SomeValue(Dice* dice) {
  switch (dice->Below(5)) {
    case 0:
      return absl::StrCat(dice->Between(-100000000, 100000000));
    case 1:
      return std::string(static_cast<size_t>(dice->Between(60, 2000)),
                         static_cast<char>(dice->Below(256)));
    case 2: {
      std::string binary = "\r\n$5\r\n";
      for (int64_t i = dice->Below(30); i-- > 0;) {
        binary.push_back(static_cast<char>(dice->Below(256)));
      }
      return binary;
    }
    case 3:
      return "";
    default:
      return absl::StrCat("value ", dice->Below(1000000));
  }
}

int64_t Number(const std::map<std::string, std::string>& info,
               const std::string& field) {
  const auto it = info.find(field);
  int64_t number = -1;
  if (it != info.end() && !absl::SimpleAtoi(it->second, &number)) number = -1;
  return number;
}

std::string DigestOf(Node& node) {
  const net::Value digest = node->Do("DEBUG", "DIGEST");
  return digest.is_error() ? absl::StrCat("error ", digest.str())
                           : std::string(digest.str());
}

std::string SizesOf(Node& node) {
  std::string sizes;
  for (const auto& [name, value] : node->Info("keyspace")) {
    absl::StrAppend(&sizes, " ", name, "=", value);
  }
  return sizes;
}

}  // namespace

Node StartNode(ServerKind kind,
               std::vector<std::pair<std::string, std::string>> flags) {
  ServerOptions options;
  options.kind = kind;
  options.flags = {{"repl-backlog-size", "256mb"}, {"repl-timeout", "600"}};
  if (kind == ServerKind::kHoldfast) {
    options.flags.insert(options.flags.end(), {{"repl-backoff-base-ms", "20"},
                                               {"repl-backoff-cap-ms", "50"}});
  } else {
    options.flags.insert(options.flags.end(),
                         {{"repl-diskless-sync-delay", "0"}});
  }
  options.flags.push_back({"repl-ping-replica-period", "500"});
  for (auto& flag : flags) options.flags.push_back(std::move(flag));
  Node node;
  auto server = ServerProcess::Start(std::move(options));
  EXPECT_TRUE(server.ok()) << server.status();
  if (!server.ok()) return node;
  node.server = *std::move(server);
  auto proxy = FaultProxy::Start("127.0.0.1", node.server->port());
  EXPECT_TRUE(proxy.ok()) << proxy.status();
  if (!proxy.ok()) return node;
  node.proxy = *std::move(proxy);
  node.client = std::make_unique<TestClient>(node.server->port(), kPatience);
  return node;
}

void Follow(Node& replica, Node& primary) {
  EXPECT_THAT(replica->Do("REPLICAOF", "127.0.0.1", primary.proxy->port()),
              IsOk());
}

::testing::AssertionResult WaitForLink(Node& replica, absl::Duration timeout) {
  return WaitFor(
      [&](std::string* seen) {
        const auto info = replica->Info("replication");
        for (const auto& [name, value] : info) {
          if (absl::StartsWith(name, "master_")) {
            absl::StrAppend(seen, name, ":", value, " ");
          }
        }
        const auto status = info.find("master_link_status");
        return status != info.end() && status->second == "up";
      },
      timeout);
}

::testing::AssertionResult Agree(const std::vector<Node*>& nodes,
                                 absl::Duration timeout) {
  std::string id;
  const ::testing::AssertionResult same_offset = WaitFor(
      [&](std::string* seen) {
        bool same = true;
        int64_t first = -1;
        for (Node* node : nodes) {
          const auto info = (*node)->Info("replication");
          const int64_t offset = Number(info, "master_repl_offset");
          const auto link = info.find("master_link_status");
          const bool up = link == info.end() || link->second == "up";
          absl::StrAppend(seen, info.at("role"), up ? "" : " (link down)",
                          " at ", offset, " of ", info.at("master_replid"),
                          "; ");
          if (node == nodes.front()) {
            first = offset;
            id = info.at("master_replid");
          }
          same &= up && offset == first && info.at("master_replid") == id;
        }
        return same;
      },
      timeout);
  if (!same_offset) {
    return ::testing::AssertionFailure()
           << "no common history and offset: " << same_offset.message();
  }
  const std::string digest = DigestOf(*nodes.front());
  if (digest.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return ::testing::AssertionFailure() << "DEBUG DIGEST: " << digest;
  }
  for (Node* node : nodes) {
    const std::string other = DigestOf(*node);
    if (other == digest) continue;
    return ::testing::AssertionFailure()
           << "the server at port " << node->server->port() << " has " << other
           << " (" << SizesOf(*node) << "), the first one " << digest << " ("
           << SizesOf(*nodes.front()) << ")";
  }
  return ::testing::AssertionSuccess();
}

int64_t Offset(Node& node) {
  return node->InfoInt("replication", "master_repl_offset");
}
int64_t FullSyncs(Node& primary) {
  return primary->InfoInt("stats", "sync_full");
}
int64_t PartialSyncs(Node& primary) {
  return primary->InfoInt("stats", "sync_partial_ok");
}

// A change of one of a few lists, sets, sorted sets and hashes, some of them
// large, some of integers only.
void WriteCollection(Writer* writer, Dice* dice) {
  const std::string name = absl::StrCat(dice->Below(40));
  const auto element = [dice] {
    return dice->OneIn(2) ? absl::StrCat(dice->Between(-500, 500))
                          : SomeValue(dice);
  };
  Command command;
  switch (dice->Below(10)) {
    case 0:
    case 1:
      command = {dice->OneIn(2) ? "LPUSH" : "RPUSH", "list:" + name};
      break;
    case 2:
    case 3:
      command = {"SADD", "set:" + name};
      break;
    case 4:
      return writer->Add({dice->OneIn(2) ? "LPOP" : "RPOP", "list:" + name,
                          absl::StrCat(dice->Between(1, 3))});
    case 5:
      return writer->Add({"SPOP", "set:" + name, "2"});
    case 6:
      return writer->Add({"ZADD", "zset:" + name,
                          absl::StrCat(dice->Between(-99, 99), ".5"), element(),
                          absl::StrCat(dice->Below(1000)), element()});
    case 7:
      return writer->Add(
          {dice->OneIn(2) ? "ZPOPMIN" : "ZPOPMAX", "zset:" + name});
    case 8:
      return writer->Add(
          {"HSET", "hash:" + name, element(), element(), element(), element()});
    default:
      return writer->Add({"HINCRBYFLOAT", "hash:" + name,
                          absl::StrCat("n", dice->Below(300)), "0.25"});
  }
  for (int64_t n = dice->OneIn(20) ? 300 : dice->Between(1, 4); n > 0; --n) {
    command.push_back(element());
  }
  writer->Add(std::move(command));
}

void FillDatabases(Node& node, int keys, Dice* dice) {
  const int populated = keys / 2;
  EXPECT_THAT(node->Do("SELECT", 0), IsOk());
  EXPECT_THAT(node->Do("DEBUG", "POPULATE", populated, "filled", 40), IsOk());
  Writer writer(node.client.get());
  const int each = (keys - populated) / kDatabases;
  for (int db = 0; db < kDatabases; ++db) {
    writer.Add({"SELECT", absl::StrCat(db)});
    for (int i = 0; i < each; ++i) {
      Command command = {"SET", absl::StrCat("key:", i), SomeValue(dice)};
      if (dice->Below(3) < 2) {
        command.push_back("PXAT");
        command.push_back(HoursAhead(dice));
      }
      writer.Add(std::move(command));
    }
    for (int i = 0; i < each / 20; ++i) WriteCollection(&writer, dice);
  }
  writer.Add({"SELECT", "0"});
}

void WriteLive(Node& node, int count, Dice* dice) {
  Writer writer(node.client.get());
  const auto key = [dice] { return absl::StrCat("key:", dice->Below(1000)); };
  const auto some_db = [dice] { return absl::StrCat(dice->Below(kDatabases)); };
  for (int i = 0; i < count; ++i) {
    switch (dice->Below(24)) {
      case 0:
        writer.Add({"SELECT", some_db()});
        break;
      case 1:
        writer.Add({"APPEND", key(), SomeValue(dice)});
        break;
      case 2:
        writer.Add({"INCR", absl::StrCat("counter:", dice->Below(50))});
        break;
      case 3:
        writer.Add({"EXPIRE", key(), absl::StrCat(dice->Between(7200, 90000))});
        break;
      case 4:
        writer.Add({"PERSIST", key()});
        break;
      case 5:
        writer.Add({"DEL", key(), key()});
        break;
      case 6:
        writer.Add({"MSET", key(), SomeValue(dice), key(), SomeValue(dice)});
        break;
      case 7:
        writer.Add({"RENAME", key(), key()});
        break;
      case 8:
        writer.Add({"SET", key(), SomeValue(dice), "PXAT", HoursAhead(dice)});
        break;
      case 9:
        writer.Add({"SET", key(), SomeValue(dice), "EX",
                    absl::StrCat(dice->Between(7200, 90000))});
        break;
      case 10:
        writer.Add({"INCRBYFLOAT", absl::StrCat("float:", dice->Below(20)),
                    absl::StrCat(dice->Below(1000), ".25")});
        break;
      case 11:
        writer.Add(
            {"SETRANGE", key(), absl::StrCat(dice->Below(100)), "patch"});
        break;
      case 12:
        writer.Add({"GETEX", key(), "PX",
                    absl::StrCat(dice->Between(7200000, 90000000))});
        break;
      case 13: {
        writer.Add({"MULTI"});
        writer.Add({"SET", key(), SomeValue(dice)});
        writer.Add({"INCR", absl::StrCat("counter:", dice->Below(50))});
        writer.Add({"SELECT", some_db()});
        writer.Add({"DEL", key()});
        writer.Add({"SET", key(), SomeValue(dice), "PXAT", HoursAhead(dice)});
        writer.Add({"EXEC"});
        break;
      }
      case 14:
        switch (dice->Below(40)) {
          case 0:
            writer.Add({"SWAPDB", "1", "2"});
            break;
          case 1:
            writer.Add({"SELECT", absl::StrCat(kDatabases - 1)});
            writer.Add({"FLUSHDB"});
            break;
          default:
            writer.Add({"MOVE", key(), some_db()});
        }
        break;
      case 15:
        writer.Add({"COPY", key(), key(), "DB", some_db(), "REPLACE"});
        break;
      case 16:
      case 17:
      case 18:
      case 19:
      case 20:
      case 21:
        WriteCollection(&writer, dice);
        break;
      default:
        writer.Add({"SET", key(), SomeValue(dice)});
    }
  }
}

}  // namespace holdfast::test
