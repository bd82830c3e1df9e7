// Compares with the installed redis-server 7.0: what COMMAND says of every
// command that both have; and, with a table made from Redis's own replies, the
// shapes of COMMAND INFO and DOCS, the keys it finds in hostile arguments, and
// the errors for commands that do not exist. Skipped where there is no Redis.

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "glog/logging.h"
#include "gtest/gtest.h"
#include "net/resp/reply_decoder.h"
#include "net/resp/reply_writer.h"
#include "net/time/manual_clock.h"
#include "server/app/server.h"
#include "server/command/context.h"
#include "server/command/syntax.h"
#include "server/commands/command.h"
#include "server/commands/command_reply.h"
#include "server/dispatch/dispatcher.h"
#include "server/engine/engine.h"
#include "server/session/session.h"

namespace holdfast::server {
namespace {

using net::Value;
using Words = std::vector<std::string>;

constexpr char kRedis[] = "/usr/bin/redis-server";

// The installed redis-server on a Unix socket in a directory of its own.
class Redis {
 public:
  Redis() {
    char dir[] = "/tmp/holdfast_command_XXXXXX";
    CHECK(mkdtemp(dir) != nullptr);
    dir_ = dir;
    const std::string socket = dir_ + "/s";
    pid_ = fork();
    if (pid_ == 0) {
      execl(kRedis, kRedis, "--port", "0", "--unixsocket", socket.c_str(),
            "--dir", dir, "--save", "", "--logfile", "redis.log", nullptr);
      _exit(127);
    }
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    CHECK_LT(socket.size(), sizeof(address.sun_path));
    std::copy(socket.begin(), socket.end(), address.sun_path);
    fd_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
    for (int tries = 0; connect(fd_, reinterpret_cast<sockaddr*>(&address),
                                sizeof(address)) != 0;
         ++tries) {
      CHECK_LT(tries, 1000) << "redis-server does not listen";
      absl::SleepFor(absl::Milliseconds(10));
    }
  }
  ~Redis() {
    close(fd_);
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    for (const char* name : {"/s", "/redis.log"}) unlink((dir_ + name).c_str());
    rmdir(dir_.c_str());
  }

  // The reply as it came.
  std::string Raw(const Words& words) {
    std::string request;
    net::AppendCommand(
        &request, std::vector<absl::string_view>(words.begin(), words.end()));
    for (size_t sent = 0; sent < request.size();) {
      const ssize_t n =
          send(fd_, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
      CHECK_GT(n, 0);
      sent += n;
    }
    std::string raw;
    net::ReplyDecoder decoder;
    net::InputBuffer buffer;
    net::ReplyDecoder::Result result;
    while ((result = decoder.Next(&buffer)) ==
           net::ReplyDecoder::Result::kNeedMore) {
      char bytes[65536];
      const ssize_t n = recv(fd_, bytes, sizeof(bytes), 0);
      CHECK_GT(n, 0) << "redis-server closed the connection after "
                     << absl::StrJoin(words, " ");
      raw.append(bytes, n);
      buffer.Append(absl::string_view(bytes, n));
    }
    CHECK(result == net::ReplyDecoder::Result::kValue) << decoder.error_text();
    return raw;
  }

 private:
  std::string dir_;
  pid_t pid_;
  int fd_;
};

Redis* TheRedis() {
  static Redis* const redis = access(kRedis, X_OK) == 0 ? new Redis : nullptr;
  return redis;
}
class StopRedis : public testing::Environment {
 public:
  void TearDown() override { delete TheRedis(); }
};
testing::Environment* const kStopRedis =
    testing::AddGlobalTestEnvironment(new StopRedis);

Value Decode(absl::string_view raw) {
  net::InputBuffer buffer;
  buffer.Append(raw);
  net::ReplyDecoder decoder;
  CHECK(decoder.Next(&buffer) == net::ReplyDecoder::Result::kValue)
      << decoder.error_text();
  return decoder.TakeValue();
}

// Where two long texts part.
std::string Difference(absl::string_view ours, absl::string_view theirs) {
  size_t at = 0;
  while (at < ours.size() && at < theirs.size() && ours[at] == theirs[at]) ++at;
  const size_t from = at < 200 ? 0 : at - 200;
  return absl::StrCat("after\n", absl::CEscape(ours.substr(from, at - from)),
                      "\nours:   ", absl::CEscape(ours.substr(at, 200)),
                      "\nRedis's: ", absl::CEscape(theirs.substr(at, 200)));
}

void Handler(CommandContext& ctx) { ctx.Ok(); }

// --- Command specs from what COMMAND says -----------------------------------

template <typename Bits>
const std::map<std::string, Bits>& Inverted(
    const std::vector<std::pair<const char*, Bits>>& names) {
  static const auto* const map =
      new std::map<std::string, Bits>(names.begin(), names.end());
  return *map;
}

uint64_t CommandFlagNamed(const std::string& name) {
  return Inverted<uint64_t>({{"write", kWrite},
                             {"readonly", kReadonly},
                             {"denyoom", kDenyOom},
                             {"admin", kAdmin},
                             {"pubsub", kPubsub},
                             {"noscript", kNoScript},
                             {"blocking", kBlocking},
                             {"loading", kLoading},
                             {"stale", kStale},
                             {"skip_monitor", kSkipMonitor},
                             {"skip_slowlog", kSkipSlowlog},
                             {"asking", kAsking},
                             {"fast", kFast},
                             {"no_auth", kNoAuth},
                             {"no_mandatory_keys", kNoMandatoryKeys},
                             {"no_async_loading", kNoAsyncLoading},
                             {"no_multi", kNoMulti},
                             {"movablekeys", 0},  // To be derived.
                             {"allow_busy", kAllowBusy}})
      .at(name);
}

uint32_t KeyFlagNamed(const std::string& name) {
  return Inverted<uint32_t>({{"RO", kKeyRO},
                             {"RW", kKeyRW},
                             {"OW", kKeyOW},
                             {"RM", kKeyRM},
                             {"access", kKeyAccess},
                             {"update", kKeyUpdate},
                             {"insert", kKeyInsert},
                             {"delete", kKeyDelete},
                             {"not_key", kKeyNotKey},
                             {"incomplete", kKeyIncomplete},
                             {"variable_flags", kKeyVariableFlags}})
      .at(name);
}

// The notation of syntax.h for arguments that COMMAND DOCS gives.
std::string Render(const Value& arguments, bool with_since);

std::string Text(const Value& map, absl::string_view field) {
  const Value* value = map.Find(field);
  return value == nullptr ? "" : value->str();
}

std::string RenderOne(const Value& argument, bool with_since) {
  const std::string type = Text(argument, "type");
  const std::string name = Text(argument, "name");
  const std::string token = Text(argument, "token");
  std::string body = absl::StrCat(name, ":");
  if (type == "pure-token") {
    absl::StrAppend(&body, "\"", token, "\"");
  } else if (type == "oneof") {
    Words choices;
    for (const Value& choice : argument.Find("arguments")->elements())
      choices.push_back(RenderOne(choice, with_since));
    absl::StrAppend(&body, "<", absl::StrJoin(choices, " | "), ">");
  } else if (type == "block") {
    absl::StrAppend(&body, "<", Render(*argument.Find("arguments"), with_since),
                    ">");
  } else {
    absl::StrAppend(&body, type);
  }
  const Value* key_spec = argument.Find("key_spec_index");
  if (key_spec != nullptr) absl::StrAppend(&body, "#", key_spec->integer());
  const std::string once = body;
  const std::string since = with_since ? Text(argument, "since") : "";
  const std::string deprecated =
      with_since ? Text(argument, "deprecated_since") : "";
  if (!since.empty() || !deprecated.empty()) absl::StrAppend(&body, "@", since);
  if (!deprecated.empty()) absl::StrAppend(&body, "-", deprecated);
  const std::string prefix = token.empty() || type == "pure-token"
                                 ? ""
                                 : absl::StrCat("\"", token, "\" ");
  body = prefix + body;
  bool optional = false;
  bool multiple = false;
  bool with_token = false;
  if (const Value* flags = argument.Find("flags"); flags != nullptr) {
    for (const Value& flag : flags->elements()) {
      optional |= flag.str() == "optional";
      multiple |= flag.str() == "multiple";
      with_token |= flag.str() == "multiple_token";
    }
  }
  if (multiple)
    absl::StrAppend(&body, " [", with_token ? prefix : "", once, " ...]");
  return optional ? absl::StrCat("[", body, "]") : body;
}

std::string Render(const Value& arguments, bool with_since) {
  Words rendered;
  for (const Value& argument : arguments.elements())
    rendered.push_back(RenderOne(argument, with_since));
  return absl::StrJoin(rendered, " ");
}

// Builds specs from RESP2 replies; owns their texts.
class Mirror {
 public:
  CommandSpec FromInfo(const Value& info) {
    CommandSpec spec;
    const std::string& full_name = info[0].str();
    spec.name = Keep(full_name.substr(full_name.find('|') + 1));
    spec.arity = static_cast<int>(info[1].integer());
    for (const Value& flag : info[2].elements())
      spec.flags |= CommandFlagNamed(flag.str());
    for (const Value& category : info[6].elements()) {
      const uint32_t bit = AclCategoryByName(category.str().substr(1));
      CHECK_NE(bit, 0u) << category;
      // Those that flags imply are for the table to derive.
      if ((bit & (kAclFast | kAclSlow | kAclWrite | kAclRead | kAclPubsub |
                  kAclBlocking)) != 0)
        continue;
      if ((bit & (kAclAdmin | kAclDangerous)) != 0 &&
          (spec.flags & kAdmin) != 0)
        continue;
      spec.acl |= bit;
    }
    for (const Value& tip : info[7].elements())
      spec.tips.push_back(Keep(tip.str()));
    for (const Value& key : info[8].elements())
      spec.keys.push_back(KeySpecFrom(key));
    for (const Value& sub : info[9].elements())
      spec.subcommands.push_back(FromInfo(sub));
    spec.handler = Handler;
    return spec;
  }

  void AddDocs(const Value& docs, CommandSpec* spec) {
    spec->since = Keep(Text(docs, "since"));
    spec->summary = Keep(Text(docs, "summary"));
    spec->group = Keep(Text(docs, "group"));
    spec->complexity = Keep(Text(docs, "complexity"));
    spec->deprecated_since = Keep(Text(docs, "deprecated_since"));
    spec->replaced_by = Keep(Text(docs, "replaced_by"));
    if (const Value* flags = docs.Find("doc_flags"); flags != nullptr) {
      for (const Value& flag : flags->elements())
        spec->system_command |= flag.str() == "syscmd";
    }
    if (const Value* history = docs.Find("history"); history != nullptr) {
      for (const Value& note : history->elements()) {
        spec->history.push_back({Keep(note[0].str()), Keep(note[1].str())});
      }
    }
    if (const Value* arguments = docs.Find("arguments"); arguments != nullptr)
      spec->syntax = Keep(Render(*arguments, true));
    if (const Value* subs = docs.Find("subcommands"); subs != nullptr) {
      // In the order of the documentation: Redis has none that lasts.
      std::vector<CommandSpec> ordered;
      for (size_t i = 0; i + 1 < subs->size(); i += 2) {
        const auto sub =
            std::find_if(spec->subcommands.begin(), spec->subcommands.end(),
                         [&](const CommandSpec& one) {
                           return absl::StrCat(spec->name, "|", one.name) ==
                                  (*subs)[i].str();
                         });
        AddDocs((*subs)[i + 1], &*sub);
        ordered.push_back(*sub);
      }
      spec->subcommands = std::move(ordered);
    }
  }

  KeySpec KeySpecFrom(const Value& value) {
    KeySpec key;
    key.notes = Keep(Text(value, "notes"));
    for (const Value& flag : value.Find("flags")->elements())
      key.flags |= KeyFlagNamed(flag.str());
    const Value& begin = *value.Find("begin_search");
    const auto number = [](const Value& map, absl::string_view field) {
      return static_cast<int>(map.Find("spec")->Find(field)->integer());
    };
    if (Text(begin, "type") == "index") {
      key.index = number(begin, "index");
    } else if (Text(begin, "type") == "keyword") {
      key.begin = KeySpec::Begin::kKeyword;
      key.keyword = Keep(Text(*begin.Find("spec"), "keyword"));
      key.index = number(begin, "startfrom");
    } else {
      key.begin = KeySpec::Begin::kUnknown;
    }
    const Value& find = *value.Find("find_keys");
    if (Text(find, "type") == "range") {
      key.last = number(find, "lastkey");
      key.step = number(find, "keystep");
      key.limit = number(find, "limit");
    } else if (Text(find, "type") == "keynum") {
      key.find = KeySpec::Find::kKeyNum;
      key.num_index = number(find, "keynumidx");
      key.first_index = number(find, "firstkey");
      key.step = number(find, "keystep");
    } else {
      key.find = KeySpec::Find::kUnknown;
    }
    return key;
  }

 private:
  absl::string_view Keep(std::string text) {
    texts_.push_back(std::move(text));
    return texts_.back();
  }
  std::deque<std::string> texts_;
};

class CommandConformanceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (TheRedis() == nullptr) GTEST_SKIP() << "no " << kRedis;
    const Value server = Decode(TheRedis()->Raw({"INFO", "server"}));
    if (!absl::StrContains(server.str(), "redis_version:7.0."))
      GTEST_SKIP() << "not Redis 7.0";
    TheRedis()->Raw({"HELLO", "2"});
  }

  // Redis's commands; ours in place of its COMMAND.
  std::vector<CommandSpec> MirroredCommands() {
    std::vector<CommandSpec> specs;
    const Value info = Decode(TheRedis()->Raw({"COMMAND"}));
    const Value docs = Decode(TheRedis()->Raw({"COMMAND", "DOCS"}));
    for (const Value& command : info.elements()) {
      specs.push_back(mirror_.FromInfo(command));
      mirror_.AddDocs(*docs.Find(specs.back().name), &specs.back());
    }
    return specs;
  }

  Mirror mirror_;
};

// A table of Redis's commands behind our dispatcher.
class Ours {
 public:
  explicit Ours(const std::vector<CommandSpec>& specs)
      : engine_(std::make_unique<Config>(), &clock_),
        session_(1, nullptr, "test:1", "test:0", 0),
        dispatcher_((Prepare(specs), &engine_), &session_) {}

  std::string Raw(const Words& words) {
    std::string out;
    dispatcher_.BeginBatch();
    dispatcher_.Execute(
        std::vector<absl::string_view>(words.begin(), words.end()), &out);
    return out;
  }
  const CommandTable& table() { return engine_.commands(); }

 private:
  void Prepare(const std::vector<CommandSpec>& specs) {
    engine_.commands().Add(CommandCommands());
    for (const CommandSpec& spec : specs) {
      if (spec.name != "command") engine_.commands().Add({spec});
    }
    engine_.FinishSetup();
    session_.own.authenticated = true;
  }
  net::ManualClock clock_;
  Engine engine_;
  Session session_;
  Dispatcher dispatcher_;
};

TEST_F(CommandConformanceTest, InfoOfAllRedisCommandsIsByteForByteRedis) {
  for (const int protocol : {2, 3}) {
    TheRedis()->Raw({"HELLO", absl::StrCat(protocol)});
    const std::string theirs = TheRedis()->Raw({"COMMAND"});
    const Value infos = Decode(theirs);
    ASSERT_GT(infos.size(), 230u);
    CommandTable table;
    for (const Value& info : infos.elements())
      table.Add({mirror_.FromInfo(info)});
    std::string ours;
    net::ReplyWriter reply(&ours, protocol);
    reply.ArrayHeader(table.commands().size());
    for (const CommandSpec* spec : table.commands())
      WriteCommandInfo(*spec, &reply);
    EXPECT_TRUE(ours == theirs) << Difference(ours, theirs);
  }
}

TEST_F(CommandConformanceTest, DocsOfAllRedisCommandsAreByteForByteRedis) {
  const Value infos = Decode(TheRedis()->Raw({"COMMAND"}));
  for (const int protocol : {2, 3}) {
    TheRedis()->Raw({"HELLO", absl::StrCat(protocol)});
    for (const Value& info : infos.elements()) {
      const std::string theirs =
          TheRedis()->Raw({"COMMAND", "DOCS", info[0].str()});
      const Value docs = Decode(theirs);
      CommandSpec mirrored = mirror_.FromInfo(info);
      mirror_.AddDocs(docs[1], &mirrored);
      CommandTable table;
      table.Add({mirrored});
      const CommandSpec& spec = *table.commands()[0];
      std::string ours;
      net::ReplyWriter reply(&ours, protocol);
      reply.MapHeader(1);
      reply.Bulk(spec.full_name);
      WriteCommandDocs(spec, &reply);
      EXPECT_TRUE(ours == theirs) << spec.full_name << " '" << spec.syntax
                                  << "' " << Difference(ours, theirs);
    }
  }
}

TEST_F(CommandConformanceTest, FindsTheSameKeysInHostileArguments) {
  Ours ours(MirroredCommands());
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  const Words pool = {"a",
                      "b",
                      "k1",
                      "k2",
                      "",
                      "0",
                      "1",
                      "1",
                      "2",
                      "2",
                      "3",
                      "-1",
                      "2x",
                      " 1",
                      "+1",
                      "01",
                      "STORE",
                      "store",
                      "STOREDIST",
                      "STREAMS",
                      "streams",
                      "KEYS",
                      "keys",
                      "GET",
                      "get",
                      "BY",
                      "LIMIT",
                      "GROUP",
                      "COUNT",
                      "BLOCK",
                      "NOACK",
                      "AUTH",
                      "AUTH2",
                      "COPY",
                      "REPLACE",
                      "SET",
                      "INCRBY",
                      "OVERFLOW",
                      "u8",
                      "WEIGHTS",
                      "9223372036854775808",
                      "-9223372036854775808",
                      "99999999999999999999",
                      "1.5"};
  std::vector<const CommandSpec*> specs;
  for (int id = 0; id < ours.table().id_limit(); ++id)
    specs.push_back(&ours.table().by_id(id));
  // Those with finders of their own are worth more tries.
  for (const CommandSpec* spec : std::vector<const CommandSpec*>(specs)) {
    if (spec->Is(kMovableKeys) || spec->reported_keys != nullptr)
      specs.insert(specs.end(), 15, spec);
  }
  int with_keys = 0;
  for (const CommandSpec* spec : specs) {
    for (int round = 0; round < 4; ++round) {
      Words words = {"COMMAND", "GETKEYSANDFLAGS"};
      if (spec->parent != nullptr)
        words.push_back(std::string(spec->parent->name));
      words.push_back(std::string(spec->name));
      const size_t size = std::abs(spec->arity) + 2 +
                          (round == 0 ? random() % 3 - 1 : random() % 9);
      while (words.size() < size) words.push_back(pool[random() % pool.size()]);
      const std::string theirs = TheRedis()->Raw(words);
      const std::string found = ours.Raw(words);
      EXPECT_EQ(found, theirs) << absl::StrJoin(words, "' '");
      with_keys += theirs[0] == '*' && theirs[1] != '0';
      words[1] = "GETKEYS";
      EXPECT_EQ(ours.Raw(words), TheRedis()->Raw(words))
          << absl::StrJoin(words, "' '");
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(with_keys, 500);
}

// Redis's finders for commands that overrun what their key specs say must
// never make us lock less than is reported.
TEST_F(CommandConformanceTest, LocksWhatIsReported) {
  Ours ours(MirroredCommands());
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  const Words pool = {"STORE", "STOREDIST", "LIMIT", "GET", "BY", "KEYS", "",
                      "AUTH",  "AUTH2",     "1",     "2",   "0",  "a",    "b"};
  for (const CommandSpec* spec : ours.table().commands()) {
    for (int round = 0; round < 100; ++round) {
      std::vector<absl::string_view> args = {spec->name};
      const size_t size =
          std::abs(spec->arity) + (spec->arity < 0 ? random() % 10 : 0);
      while (args.size() < size) args.push_back(pool[random() % pool.size()]);
      std::vector<KeyUse> locked;
      std::vector<KeyUse> reported;
      if (!ExtractKeys(*spec, args, &locked) ||
          !ReportKeys(*spec, args, &reported))
        continue;
      for (const KeyUse& key : reported) {
        const bool found =
            std::any_of(locked.begin(), locked.end(), [&](const KeyUse& lock) {
              return lock.arg == key.arg &&
                     (lock.exclusive() || !key.exclusive() || key.flags == 0);
            });
        EXPECT_TRUE(found) << spec->name << ": " << absl::StrJoin(args, " ")
                           << ": argument " << key.arg;
      }
    }
  }
}

TEST_F(CommandConformanceTest, RefusesUnknownCommandsInTheSameWords) {
  Ours ours(MirroredCommands());
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  const std::string bytes("ab'\"\\\r\n\t \0\x7f\x80\xff|%s", 16);
  for (int round = 0; round < 2000; ++round) {
    Words words;
    if (random() % 4 == 0)
      words.push_back(random() % 2 == 0 ? "CoNfIg" : "command");
    const size_t size = words.size() + 1 + random() % 6;
    while (words.size() < size) {
      std::string word;
      const size_t length =
          random() % 3 == 0 ? 100 + random() % 60 : random() % 12;
      while (word.size() < length)
        word.push_back(
            bytes[random() % (random() % 4 == 0 ? bytes.size() : 2)]);
      words.push_back(word);
    }
    if (words[0].empty()) continue;
    EXPECT_EQ(ours.Raw(words), TheRedis()->Raw(words))
        << absl::CEscape(absl::StrJoin(words, "' '"));
    if (HasFailure()) return;
  }
}

TEST_F(CommandConformanceTest, ListsTheSameNames) {
  Ours ours(MirroredCommands());
  const auto sorted = [](const std::string& raw) {
    const Value list = Decode(raw);
    Words names = {list.is_error() ? list.str() : ""};
    for (const Value& name : list.elements()) names.push_back(name.str());
    std::sort(names.begin(), names.end());
    return absl::StrJoin(names, " ");
  };
  const std::vector<Words> lists = {
      {},
      {"FILTERBY", "PATTERN", "*"},
      {"FILTERBY", "PATTERN", "C*|[a-g]?T*"},
      {"FILTERBY", "PATTERN", "get"},
      {"FILTERBY", "PATTERN", ""},
      {"FILTERBY", "MODULE", "x"},
      {"FILTERBY", "ACLCAT", "Read"},
      {"filterby", "aclcat", "dangerous"},
      {"FILTERBY", "ACLCAT", "@read"},
      {"FILTERBY", "ACLCAT", ""},
      {"FILTERBY", "ACLCAT"},
      {"FILTERBY", "x", "y"},
      {"PATTERN", "x"},
  };
  for (Words list : lists) {
    list.insert(list.begin(), {"COMMAND", "LIST"});
    EXPECT_EQ(sorted(ours.Raw(list)), sorted(TheRedis()->Raw(list)))
        << absl::StrJoin(list, " ");
  }
  EXPECT_EQ(ours.Raw({"COMMAND", "COUNT"}),
            TheRedis()->Raw({"COMMAND", "COUNT"}));
}

// --- The server as it is ----------------------------------------------------

// Everything COMMAND INFO says of one command, but not its subcommands, which
// may not all be there and which Redis has in no order.
std::string InfoAlone(const Value& info) {
  Words parts;
  for (size_t i = 0; i + 1 < info.size(); ++i)
    parts.push_back(info[i].DebugString());
  return absl::StrJoin(parts, "\n");
}

// Have arguments of Redis 7.2 that 7.0 does not know.
bool IsOf72(const CommandSpec& spec) {
  return spec.full_name == "zrank" || spec.full_name == "zrevrank";
}

TEST_F(CommandConformanceTest, OurCommandsAreDescribedAsRedisDescribesThem) {
  net::ManualClock clock;
  Server server(std::make_unique<Config>(), &clock);
  const CommandTable& table = server.engine().commands();
  int compared = 0;
  for (int id = 0; id < table.id_limit(); ++id) {
    const CommandSpec& spec = table.by_id(id);
    const Value theirs =
        Decode(TheRedis()->Raw({"COMMAND", "INFO", spec.full_name}))[0];
    if (theirs.is_null() || IsOf72(spec)) continue;
    std::string raw;
    net::ReplyWriter reply(&raw, 2);
    WriteCommandInfo(spec, &reply);
    EXPECT_EQ(InfoAlone(Decode(raw)), InfoAlone(theirs)) << spec.full_name;
    ++compared;
  }
  EXPECT_GT(compared, 30);
}

// Texts are our own; what is not text has to agree, but for the versions of
// single arguments, which a synopsis need not give. Where a synopsis is read
// otherwise than Redis has it, the failure shows one that is not.
TEST_F(CommandConformanceTest, OurCommandsAreDocumentedAsRedisDocumentsThem) {
  net::ManualClock clock;
  Server server(std::make_unique<Config>(), &clock);
  const CommandTable& table = server.engine().commands();
  for (int id = 0; id < table.id_limit(); ++id) {
    const CommandSpec& spec = table.by_id(id);
    const Value theirs =
        Decode(TheRedis()->Raw({"COMMAND", "DOCS", spec.full_name}));
    if (theirs.size() == 0 || IsOf72(spec)) continue;
    std::string raw;
    net::ReplyWriter reply(&raw, 2);
    WriteCommandDocs(spec, &reply);
    const Value ours = Decode(raw);
    for (const char* field :
         {"since", "group", "doc_flags", "deprecated_since"}) {
      const Value* mine = ours.Find(field);
      const Value* their = theirs[1].Find(field);
      EXPECT_EQ(mine == nullptr ? "none" : mine->DebugString(),
                their == nullptr ? "none" : their->DebugString())
          << spec.full_name << " " << field;
    }
    const Value* arguments = ours.Find("arguments");
    const Value* their_arguments = theirs[1].Find("arguments");
    EXPECT_EQ(arguments == nullptr ? "" : Render(*arguments, false),
              their_arguments == nullptr ? "" : Render(*their_arguments, false))
        << spec.full_name << " is written '" << spec.syntax << "'";
  }
}

}  // namespace
}  // namespace holdfast::server
