#include "server/commands/keys_testing.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "server/commands/bitmap.h"
#include "server/commands/connection.h"
#include "server/commands/debug.h"
#include "server/commands/dump.h"
#include "server/commands/geo.h"
#include "server/commands/hash.h"
#include "server/commands/hyperloglog.h"
#include "server/commands/keys.h"
#include "server/commands/list.h"
#include "server/commands/migrate.h"
#include "server/commands/object.h"
#include "server/commands/pubsub.h"
#include "server/commands/scan.h"
#include "server/commands/server_data.h"
#include "server/commands/set.h"
#include "server/commands/sort.h"
#include "server/commands/stream.h"
#include "server/commands/string.h"
#include "server/commands/zset.h"
#include "server/keyspace/write_gate.h"
#include "server/transaction/transaction.h"

namespace holdfast::server {
namespace {

std::unique_ptr<Config> TestConfig() {
  auto config = std::make_unique<Config>();
  CHECK(config->LoadText("enable-debug-command yes\n").ok());
  return config;
}

std::vector<absl::string_view> Words(absl::string_view line) {
  std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
  for (absl::string_view& word : words) {
    if (word == "''") word = "";
  }
  return words;
}

// The number of "*3\r\n" or "$3\r\n"; `at` moves behind it.
int NumberAt(absl::string_view stream, size_t* at) {
  const size_t end = stream.find("\r\n", *at);
  const int number =
      std::stoi(std::string(stream.substr(*at + 1, end - *at - 1)));
  *at = end + 2;
  return number;
}

// The words of the array of bulk strings at `at`, which moves behind it.
std::vector<std::string> ArrayAt(absl::string_view stream, size_t* at) {
  const int count = NumberAt(stream, at);
  std::vector<std::string> words;
  for (int i = 0; i < count; ++i) {
    const int length = NumberAt(stream, at);
    words.emplace_back(stream.substr(*at, length));
    *at += length + 2;
  }
  return words;
}

}  // namespace

KeysTest::KeysTest()
    : engine_(TestConfig(), &clock_),
      session_(1, nullptr, "test:1", "test:0", 0),
      dispatcher_(Prepare(), &session_),
      other_session_(2, nullptr, "test:2", "test:0", 0),
      other_(&engine_, &other_session_) {
  session_.own.authenticated = true;
  other_session_.own.authenticated = true;
}

Engine* KeysTest::Prepare() {
  engine_.commands().Add(ConnectionCommands());
  engine_.commands().Add(StringCommands());
  engine_.commands().Add(ListCommands());
  engine_.commands().Add(DumpCommands());
  engine_.commands().Add(MigrateCommands());
  engine_.commands().Add(HashCommands());
  engine_.commands().Add(SetCommands());
  engine_.commands().Add(KeyCommands());
  engine_.commands().Add(ScanCommands());
  engine_.commands().Add(ServerDataCommands());
  engine_.commands().Add(ObjectCommands());
  engine_.commands().Add(DebugCommands());
  engine_.commands().Add(TransactionCommands());
  engine_.commands().Add(ZsetCommands());
  engine_.commands().Add(PubSubCommands());
  engine_.commands().Add(BitmapCommands());
  engine_.commands().Add(HyperLogLogCommands());
  engine_.commands().Add(StreamCommands());
  engine_.commands().Add(GeoCommands());
  engine_.commands().Add(SortCommands());
  engine_.FinishSetup();
  ExclusiveGate gate(&engine_.keyspace().gate());
  engine_.log().Activate();
  return &engine_;
}

std::string KeysTest::Do(absl::Span<const absl::string_view> args) {
  std::string out;
  dispatcher_.BeginBatch();
  dispatcher_.Execute(args, &out);
  return out;
}

std::string KeysTest::Do(absl::string_view line) { return Do(Words(line)); }

std::string KeysTest::DoAsOther(absl::string_view line) {
  std::string out;
  other_.BeginBatch();
  other_.Execute(Words(line), &out);
  return out;
}

std::string KeysTest::TakeEffects() {
  std::string stream;
  while (read_ < engine_.log().end_offset()) {
    auto chunk = engine_.log().Read(read_);
    CHECK(chunk.ok()) << chunk.status();
    stream.append(chunk->bytes().data(), chunk->bytes().size());
    read_ += static_cast<int64_t>(chunk->bytes().size());
  }
  std::vector<std::string> commands;
  for (size_t at = 0; at < stream.size();) {
    const std::vector<std::string> command = ArrayAt(stream, &at);
    if (command[0] != "SELECT") commands.push_back(absl::StrJoin(command, " "));
  }
  return absl::StrJoin(commands, "; ");
}

std::string KeysTest::EffectsOf(absl::string_view line) {
  TakeEffects();
  Do(line);
  return TakeEffects();
}

void KeysTest::Advance(absl::Duration d) {
  clock_.Advance(d);
  engine_.TickLruClock();
}

int64_t KeysTest::NowMs() const { return absl::ToUnixMillis(clock_.WallNow()); }

absl::Status KeysTest::Apply(absl::string_view line) {
  const std::vector<absl::string_view> words = Words(line);
  return dispatcher_.Apply({&words, 1}, net::EncodeCommand(words));
}

std::string KeysTest::Int(int64_t i) { return absl::StrCat(":", i, "\r\n"); }
std::string KeysTest::Bulk(absl::string_view s) {
  return absl::StrCat("$", s.size(), "\r\n", s, "\r\n");
}

std::vector<std::string> KeysTest::Sorted(absl::string_view reply) {
  size_t at = 0;
  std::vector<std::string> words = ArrayAt(reply, &at);
  std::sort(words.begin(), words.end());
  return words;
}

}  // namespace holdfast::server
