#include "server/commands/command.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "net/time/manual_clock.h"
#include "server/command/context.h"
#include "server/dispatch/dispatcher.h"
#include "server/engine/engine.h"
#include "server/session/session.h"

namespace holdfast::server {
namespace {

std::string Bulk(absl::string_view s) {
  return absl::StrCat("$", s.size(), "\r\n", s, "\r\n");
}
// "*<n>" and so many bulk strings.
std::string Bulks(absl::string_view words) {
  const std::vector<absl::string_view> list =
      absl::StrSplit(words, ' ', absl::SkipEmpty());
  std::string out = absl::StrCat("*", list.size(), "\r\n");
  for (const absl::string_view word : list) absl::StrAppend(&out, Bulk(word));
  return out;
}

void Handler(CommandContext& ctx) { ctx.Ok(); }

std::vector<CommandSpec> Samples() {
  KeySpec noted = KeyRange(kKeyRO | kKeyAccess, 1, -1, 2);
  noted.notes = "read it";
  KeySpec streams = KeyRange(kKeyOW | kKeyUpdate | kKeyIncomplete, 4, -1);
  streams.begin = KeySpec::Begin::kKeyword;
  streams.keyword = "STREAMS";
  streams.limit = 2;
  KeySpec unknown = OneKey(kKeyRM | kKeyVariableFlags);
  unknown.begin = KeySpec::Begin::kUnknown;
  unknown.find = KeySpec::Find::kUnknown;
  return {
      {.name = "plain",
       .arity = 1,
       .acl = kAclConnection,
       .group = "connection",
       .handler = Handler},
      {.name = "keyed",
       .arity = -2,
       .flags = kReadonly | kFast | kAsking | kMayReplicate |
                kTouchesArbitraryKeys | kWalksKeyspace | kInternal,
       .keys = {noted, streams, unknown,
                CountedKeys(kKeyRW | kKeyInsert | kKeyDelete, 2)},
       .group = "sorted_set",
       .tips = {"request_policy:all_shards", "nondeterministic_output"},
       .handler = Handler},
      {.name = "get",
       .arity = 2,
       .flags = kReadonly | kFast,
       .keys = {OneKey(kKeyRO | kKeyAccess)},
       .acl = kAclString,
       .group = "string",
       .handler = Handler},
      {.name = "old",
       .arity = -1,
       .keys = {OneKey(kKeyRO)},
       .since = "1.0.0",
       .group = "generic",
       .complexity = "O(1)",
       .summary = "Do it",
       .syntax = "[BY key@2.0.0]",
       .handler = Handler,
       .deprecated_since = "3.0.0",
       .replaced_by = "`NEW`",
       .history = {{"2.0.0", "More."}},
       .system_command = true},
      {.name = "eval",
       .arity = -3,
       .flags = kNoMandatoryKeys,
       .keys = {CountedKeys(kKeyRW, 2)},
       .acl = kAclScripting,
       .group = "scripting",
       .handler = Handler},
      {.name = "mget",
       .arity = -2,
       .keys = {KeyRange(kKeyRO | kKeyAccess, 1, -1)},
       .group = "string",
       .handler = Handler},
      {.name = "box",
       .arity = -2,
       .group = "server",
       .subcommands = {{.name = "in",
                        .arity = 3,
                        .keys = {OneKey(kKeyOW, 2)},
                        .group = "server",
                        .syntax = "key",
                        .handler = Handler},
                       {.name = "out",
                        .arity = 2,
                        .flags = kAdmin,
                        .group = "server",
                        .handler = Handler}}},
  };
}

class CommandTest : public testing::Test {
 protected:
  CommandTest()
      : engine_(std::make_unique<Config>(), &clock_),
        session_(1, nullptr, "test:1", "test:0", 0),
        dispatcher_((Prepare(), &engine_), &session_) {}

  std::string Do(const std::vector<absl::string_view>& args) {
    std::string out;
    dispatcher_.BeginBatch();
    dispatcher_.Execute(args, &out);
    return out;
  }
  std::string Do(absl::string_view line) {
    return Do(std::vector<absl::string_view>(absl::StrSplit(line, ' ')));
  }
  std::string Do3(absl::string_view line) {
    session_.protocol = 3;
    const std::string out = Do(line);
    session_.protocol = 2;
    return out;
  }

  net::ManualClock clock_;
  Engine engine_;
  Session session_;
  Dispatcher dispatcher_;

 private:
  void Prepare() {
    engine_.commands().Add(CommandCommands());
    engine_.commands().Add(Samples());
    engine_.FinishSetup();
    session_.own.authenticated = true;
  }
};

TEST_F(CommandTest, InfoOfAPlainCommand) {
  const std::string tail =
      ":1\r\n*0\r\n:0\r\n:0\r\n:0\r\n*2\r\n+@slow\r\n+@connection\r\n*0\r\n*"
      "0\r\n*0\r\n";
  EXPECT_EQ(Do("COMMAND INFO plain"),
            absl::StrCat("*1\r\n*10\r\n", Bulk("plain"), tail));
  EXPECT_EQ(Do3("COMMAND INFO plain"),
            absl::StrCat("*1\r\n*10\r\n", Bulk("plain"),
                         ":1\r\n~0\r\n:0\r\n:0\r\n:0\r\n~2\r\n+@slow\r\n+@"
                         "connection\r\n~0\r\n~0\r\n~0\r\n"));
}

TEST_F(CommandTest, InfoShowsEveryKindOfKeySpec) {
  const std::string expected = absl::StrCat(
      "*1\r\n*10\r\n", Bulk("keyed"),
      ":-2\r\n~4\r\n+readonly\r\n+asking\r\n+fast\r\n+movablekeys\r\n",
      ":0\r\n:0\r\n:0\r\n~2\r\n+@read\r\n+@fast\r\n~2\r\n",
      Bulk("request_policy:all_shards"), Bulk("nondeterministic_output"),
      "~4\r\n",
      // Index and range.
      "%4\r\n", Bulk("notes"), Bulk("read it"), Bulk("flags"),
      "~2\r\n+RO\r\n+access\r\n", Bulk("begin_search"), "%2\r\n", Bulk("type"),
      Bulk("index"), Bulk("spec"), "%1\r\n", Bulk("index"), ":1\r\n",
      Bulk("find_keys"), "%2\r\n", Bulk("type"), Bulk("range"), Bulk("spec"),
      "%3\r\n", Bulk("lastkey"), ":-1\r\n", Bulk("keystep"), ":2\r\n",
      Bulk("limit"), ":0\r\n",
      // Keyword.
      "%3\r\n", Bulk("flags"), "~3\r\n+OW\r\n+update\r\n+incomplete\r\n",
      Bulk("begin_search"), "%2\r\n", Bulk("type"), Bulk("keyword"),
      Bulk("spec"), "%2\r\n", Bulk("keyword"), Bulk("STREAMS"),
      Bulk("startfrom"), ":4\r\n", Bulk("find_keys"), "%2\r\n", Bulk("type"),
      Bulk("range"), Bulk("spec"), "%3\r\n", Bulk("lastkey"), ":-1\r\n",
      Bulk("keystep"), ":1\r\n", Bulk("limit"), ":2\r\n",
      // Unknown.
      "%3\r\n", Bulk("flags"), "~2\r\n+RM\r\n+variable_flags\r\n",
      Bulk("begin_search"), "%2\r\n", Bulk("type"), Bulk("unknown"),
      Bulk("spec"), "%0\r\n", Bulk("find_keys"), "%2\r\n", Bulk("type"),
      Bulk("unknown"), Bulk("spec"), "%0\r\n",
      // Counted.
      "%3\r\n", Bulk("flags"), "~3\r\n+RW\r\n+insert\r\n+delete\r\n",
      Bulk("begin_search"), "%2\r\n", Bulk("type"), Bulk("index"), Bulk("spec"),
      "%1\r\n", Bulk("index"), ":2\r\n", Bulk("find_keys"), "%2\r\n",
      Bulk("type"), Bulk("keynum"), Bulk("spec"), "%3\r\n", Bulk("keynumidx"),
      ":0\r\n", Bulk("firstkey"), ":1\r\n", Bulk("keystep"), ":1\r\n",
      "~0\r\n");
  EXPECT_EQ(Do3("COMMAND INFO keyed"), expected);
}

TEST_F(CommandTest, InfoNestsSubcommandsAndTakesFullNames) {
  const std::string in = Do("COMMAND INFO box|in").substr(4);
  const std::string out = Do("COMMAND INFO BOX|Out").substr(4);
  EXPECT_EQ(Do("COMMAND INFO box"),
            absl::StrCat("*1\r\n*10\r\n", Bulk("box"),
                         ":-2\r\n*0\r\n:0\r\n:0\r\n:0\r\n*1\r\n",
                         "+@slow\r\n*0\r\n*0\r\n*2\r\n", in, out));
  EXPECT_EQ(Do("COMMAND INFO in box|x box| |in plain|x nothing box|in|x"),
            "*7\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n");
  EXPECT_EQ(Do3("COMMAND INFO nothing"), "*1\r\n_\r\n");
}

TEST_F(CommandTest, InfoOfAllIsWhatCommandAloneSays) {
  const std::string all = Do("COMMAND");
  EXPECT_EQ(all.substr(0, 4), "*8\r\n");
  EXPECT_EQ(Do("command info"), all);
  EXPECT_EQ(Do("COMMAND COUNT"), ":8\r\n");
  EXPECT_NE(all.find(Bulk("command|getkeysandflags")), std::string::npos);
}

TEST_F(CommandTest, DocsHaveOnlyWhatIsKnown) {
  EXPECT_EQ(Do3("COMMAND DOCS plain"),
            absl::StrCat("%1\r\n", Bulk("plain"), "%1\r\n", Bulk("group"),
                         Bulk("connection")));
  EXPECT_EQ(Do("COMMAND DOCS keyed nothing"),
            absl::StrCat("*2\r\n", Bulk("keyed"), "*2\r\n", Bulk("group"),
                         Bulk("sorted-set")));
  EXPECT_EQ(Do("COMMAND DOCS nothing"), "*0\r\n");
  EXPECT_EQ(Do3("COMMAND DOCS nothing"), "%0\r\n");
}

TEST_F(CommandTest, DocsOfADeprecatedSystemCommand) {
  EXPECT_EQ(
      Do3("COMMAND DOCS old"),
      absl::StrCat(
          "%1\r\n", Bulk("old"), "%9\r\n", Bulk("summary"), Bulk("Do it"),
          Bulk("since"), Bulk("1.0.0"), Bulk("group"), Bulk("generic"),
          Bulk("complexity"), Bulk("O(1)"), Bulk("doc_flags"),
          "~2\r\n+deprecated\r\n+syscmd\r\n", Bulk("deprecated_since"),
          Bulk("3.0.0"), Bulk("replaced_by"), Bulk("`NEW`"), Bulk("history"),
          "~1\r\n*2\r\n", Bulk("2.0.0"), Bulk("More."), Bulk("arguments"),
          "*1\r\n%6\r\n", Bulk("name"), Bulk("key"), Bulk("type"), Bulk("key"),
          Bulk("key_spec_index"), ":0\r\n", Bulk("token"), Bulk("BY"),
          Bulk("since"), Bulk("2.0.0"), Bulk("flags"), "~1\r\n+optional\r\n"));
}

TEST_F(CommandTest, DocsNestSubcommands) {
  EXPECT_EQ(
      Do3("COMMAND DOCS box"),
      absl::StrCat("%1\r\n", Bulk("box"), "%2\r\n", Bulk("group"),
                   Bulk("server"), Bulk("subcommands"), "%2\r\n",
                   Bulk("box|in"), "%2\r\n", Bulk("group"), Bulk("server"),
                   Bulk("arguments"), "*1\r\n%3\r\n", Bulk("name"), Bulk("key"),
                   Bulk("type"), Bulk("key"), Bulk("key_spec_index"), ":0\r\n",
                   Bulk("box|out"), "%1\r\n", Bulk("group"), Bulk("server")));
}

TEST_F(CommandTest, ListFilters) {
  EXPECT_EQ(Do("COMMAND LIST FILTERBY PATTERN BO?*"),
            Bulks("box box|in box|out"));
  EXPECT_EQ(Do("COMMAND LIST filterby pattern *|in"), Bulks("box|in"));
  EXPECT_EQ(Do("COMMAND LIST FILTERBY ACLCAT Admin"), Bulks("box|out"));
  EXPECT_EQ(Do("COMMAND LIST FILTERBY ACLCAT @admin"), "*0\r\n");
  EXPECT_EQ(Do("COMMAND LIST FILTERBY ACLCAT nothing"), "*0\r\n");
  EXPECT_EQ(Do("COMMAND LIST FILTERBY MODULE any"), "*0\r\n");
  EXPECT_EQ(Do("COMMAND LIST").substr(0, 5), "*17\r\n");
}

TEST_F(CommandTest, ListRefusesOtherOptions) {
  for (const char* options :
       {"x", "FILTERBY", "FILTERBY PATTERN", "FILTERBY PATTERN a b",
        "FILTERBY x y", "PATTERN a", "x PATTERN a",
        "FILTERBY PATTERN a FILTERBY PATTERN b"}) {
    EXPECT_EQ(Do(absl::StrCat("COMMAND LIST ", options)),
              "-ERR syntax error\r\n")
        << options;
  }
}

TEST_F(CommandTest, GetKeysFindsThem) {
  EXPECT_EQ(Do("COMMAND GETKEYS get a"), Bulks("a"));
  EXPECT_EQ(Do("COMMAND GETKEYS MGet a b a"), Bulks("a b a"));
  EXPECT_EQ(Do("COMMAND GETKEYS box in k"), Bulks("k"));
  EXPECT_EQ(Do("COMMAND GETKEYS eval s 0"), "*0\r\n");
  EXPECT_EQ(
      Do("COMMAND GETKEYSANDFLAGS get a"),
      absl::StrCat("*1\r\n*2\r\n", Bulk("a"), "*2\r\n+RO\r\n+access\r\n"));
  EXPECT_EQ(
      Do3("COMMAND GETKEYSANDFLAGS get a"),
      absl::StrCat("*1\r\n*2\r\n", Bulk("a"), "~2\r\n+RO\r\n+access\r\n"));
}

TEST_F(CommandTest, GetKeysRefusesWhatHasNone) {
  EXPECT_EQ(Do("COMMAND GETKEYS nothing a"),
            "-ERR Invalid command specified\r\n");
  EXPECT_EQ(Do("COMMAND GETKEYS box x k"),
            "-ERR Invalid command specified\r\n");
  EXPECT_EQ(Do("COMMAND GETKEYS plain a"),
            "-ERR The command has no key arguments\r\n");
  EXPECT_EQ(Do("COMMAND GETKEYS get a b"),
            "-ERR Invalid number of arguments specified for command\r\n");
  EXPECT_EQ(Do("COMMAND GETKEYS eval s"),
            "-ERR Invalid number of arguments specified for command\r\n");
  EXPECT_EQ(Do("COMMAND GETKEYS keyed x"),
            "-ERR Invalid arguments specified for command\r\n");
  EXPECT_EQ(Do("COMMAND GETKEYS get"),
            "-ERR wrong number of arguments for 'command|getkeys' command\r\n");
}

TEST_F(CommandTest, OtherSubcommandsAreRefused) {
  EXPECT_EQ(Do("COMMAND FOO"),
            "-ERR unknown subcommand 'FOO'. Try COMMAND HELP.\r\n");
  EXPECT_EQ(Do("COMMAND COUNT x"),
            "-ERR wrong number of arguments for 'command|count' command\r\n");
  EXPECT_EQ(Do("COMMAND HELP x"),
            "-ERR wrong number of arguments for 'command|help' command\r\n");
}

TEST_F(CommandTest, HelpNamesEverySubcommand) {
  const std::string help = Do("COMMAND HELP");
  EXPECT_TRUE(absl::StartsWith(help,
                               "*17\r\n+COMMAND <subcommand> [<arg> [value] "
                               "[opt] ...]. Subcommands are:\r\n"))
      << help;
  for (const char* name : {"COUNT", "DOCS", "GETKEYS", "GETKEYSANDFLAGS",
                           "INFO", "LIST", "HELP"}) {
    EXPECT_NE(help.find(absl::StrCat("\r\n+", name)), std::string::npos)
        << name;
  }
}

}  // namespace
}  // namespace holdfast::server
