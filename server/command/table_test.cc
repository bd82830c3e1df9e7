#include "server/command/table.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

namespace holdfast::server {
namespace {

using Args = std::vector<absl::string_view>;

void Handler(CommandContext&) {}

KeySpec Keyword(uint32_t flags, absl::string_view keyword, int from,
                int last = 0, int limit = 0) {
  KeySpec spec = KeyRange(flags, from, last);
  spec.begin = KeySpec::Begin::kKeyword;
  spec.keyword = keyword;
  spec.limit = limit;
  return spec;
}
KeySpec Unknown(uint32_t flags) {
  KeySpec spec = OneKey(flags);
  spec.begin = KeySpec::Begin::kUnknown;
  spec.find = KeySpec::Find::kUnknown;
  return spec;
}
CommandSpec Command(absl::string_view name, int arity,
                    std::vector<KeySpec> keys = {}, uint64_t flags = 0) {
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .keys = std::move(keys),
          .handler = Handler};
}

// Specs of Redis's that cover every kind.
std::vector<CommandSpec> Commands() {
  constexpr uint32_t kRead = kKeyRO | kKeyAccess;
  constexpr uint32_t kStore = kKeyOW | kKeyUpdate;
  CommandSpec config = Command("config", -2);
  config.handler = nullptr;
  config.subcommands = {Command("get", -3), Command("set", -4)};
  CommandSpec command = Command("command", -1);
  command.subcommands = {Command("count", 2)};
  CommandSpec object = Command("object", -2);
  object.handler = nullptr;
  object.subcommands = {Command("encoding", 3, {OneKey(kKeyRO, 2)})};
  return {
      config,
      command,
      object,
      Command("ping", -1, {}, kFast),
      Command("get", 2, {OneKey(kRead)}, kReadonly | kFast),
      Command("set", -3,
              {OneKey(kKeyRW | kKeyAccess | kKeyUpdate | kKeyVariableFlags)},
              kWrite),
      Command("bitfield", -2,
              {OneKey(kKeyRW | kKeyAccess | kKeyUpdate | kKeyVariableFlags)},
              kWrite),
      Command("mget", -2, {KeyRange(kRead, 1, -1)}, kReadonly),
      Command("mset", -3, {KeyRange(kStore, 1, -1, 2)}, kWrite),
      Command("blpop", -3, {KeyRange(kKeyRW, 1, -2)}, kWrite),
      Command("smove", 4,
              {OneKey(kKeyRW | kKeyDelete, 1), OneKey(kKeyRW | kKeyInsert, 2)},
              kWrite),
      Command("bitop", -4, {OneKey(kStore, 2), KeyRange(kRead, 3, -1)}, kWrite),
      Command("zunion", -3, {CountedKeys(kRead, 1)}, kReadonly),
      Command("zunionstore", -4, {OneKey(kStore, 1), CountedKeys(kRead, 2)},
              kWrite),
      Command("eval", -3, {CountedKeys(kKeyRW, 2)}, kNoMandatoryKeys),
      Command("sort", -2, {OneKey(kRead), Unknown(kRead), Unknown(kStore)},
              kWrite),
      Command("sort_ro", -2, {OneKey(kRead), Unknown(kRead)}, kReadonly),
      Command("georadius", -6,
              {OneKey(kRead), Keyword(kStore, "STORE", 6),
               Keyword(kStore, "STOREDIST", 6)},
              kWrite),
      Command("xread", -4, {Keyword(kRead, "STREAMS", 1, -1, 2)}, kReadonly),
      Command("xreadgroup", -7, {Keyword(kRead, "STREAMS", 4, -1, 2)}, kWrite),
      Command("migrate", -6,
              {OneKey(kKeyRW | kKeyDelete, 3),
               Keyword(kKeyRW | kKeyDelete | kKeyIncomplete, "KEYS", -2, -1)},
              kWrite),
      Command("spublish", 3, {OneKey(kKeyNotKey)}),
  };
}

class TableTest : public testing::Test {
 protected:
  TableTest() { table_.Add(Commands()); }

  static Args Split(absl::string_view line) {
    Args args = absl::StrSplit(line, ' ');
    for (absl::string_view& arg : args) {
      if (arg == "''") arg = "";
    }
    return args;
  }
  static std::string Show(const Args& args, const std::vector<KeyUse>& keys) {
    std::vector<std::string> shown;
    for (const KeyUse& key : keys)
      shown.push_back(
          absl::StrCat(key.arg, key.exclusive() ? "!" : "", args[key.arg]));
    return absl::StrJoin(shown, " ");
  }
  std::string Extracted(absl::string_view line) {
    const Args args = Split(line);
    const CommandSpec* spec = table_.ResolveOrNull(args);
    if (spec == nullptr) return "unknown";
    std::vector<KeyUse> keys = {{99, 0}};
    return ExtractKeys(*spec, args, &keys) ? Show(args, keys) : "bad";
  }
  std::string Reported(absl::string_view line) {
    const Args args = Split(line);
    std::vector<KeyUse> keys = {{99, 0}};
    if (!ReportKeys(*table_.ResolveOrNull(args), args, &keys)) return "none";
    std::vector<std::string> shown;
    for (const KeyUse& key : keys) shown.push_back(std::string(args[key.arg]));
    return absl::StrJoin(shown, " ");
  }
  std::string ErrorOf(const Args& args) {
    const auto spec = table_.Resolve(args);
    return spec.ok() ? "found" : std::string(spec.status().message());
  }
  std::string LegacyOf(absl::string_view name) {
    const CommandSpec* spec = table_.Find(name);
    return absl::StrCat(spec->first_key, " ", spec->last_key, " ",
                        spec->key_step,
                        spec->Is(kMovableKeys) ? " movable" : "");
  }

  CommandTable table_;
};

TEST_F(TableTest, FindsNamesInAnyCaseAndNoOthers) {
  EXPECT_EQ(table_.Find("get"), table_.Find("GeT"));
  ASSERT_NE(table_.Find("GET"), nullptr);
  for (const absl::string_view name :
       {absl::string_view(""), absl::string_view("ge"),
        absl::string_view("gett"), absl::string_view("get "),
        absl::string_view("config|get"), absl::string_view("|"),
        absl::string_view("get\0", 4), absl::string_view("\0get", 4)}) {
    EXPECT_EQ(table_.Find(name), nullptr) << name;
  }
  for (size_t size : {63, 64, 65, 1000, 1 << 20})
    EXPECT_EQ(table_.Find(std::string(size, 'g')), nullptr);
}

TEST_F(TableTest, FindsFullNames) {
  ASSERT_NE(table_.FindFull("CONFIG|Get"), nullptr);
  EXPECT_EQ(table_.FindFull("config|get")->full_name, "config|get");
  EXPECT_EQ(table_.FindFull("config|get")->parent, table_.Find("config"));
  EXPECT_EQ(table_.FindFull("config"), table_.Find("config"));
  for (const char* name : {"", "|", "config|", "|get", "config|get|",
                           "config|get|x", "get|get", "config get", "encoding"})
    EXPECT_EQ(table_.FindFull(name), nullptr) << name;
  EXPECT_EQ(table_.FindFull(std::string(1 << 20, 'x')), nullptr);
}

TEST_F(TableTest, ResolvesSubcommandsAndBareContainers) {
  EXPECT_EQ((*table_.Resolve(Args{"Config", "GET", "x"}))->full_name,
            "config|get");
  EXPECT_EQ((*table_.Resolve(Args{"config"}))->full_name, "config")
      << "the arity refuses it";
  EXPECT_EQ((*table_.Resolve(Args{"command"}))->full_name, "command");
  EXPECT_EQ((*table_.Resolve(Args{"get", "config"}))->full_name, "get");
  EXPECT_EQ(table_.ResolveOrNull(Args{"config", ""}), nullptr);
  EXPECT_EQ(table_.ResolveOrNull(Args{"config", "get|x"}), nullptr);
  EXPECT_EQ(table_.ResolveOrNull(Args{"config|get", "x"}), nullptr);
}

TEST_F(TableTest, IdsAreDenseAndContainersHaveThem) {
  for (int id = 0; id < table_.id_limit(); ++id)
    EXPECT_EQ(table_.by_id(id).id, id);
  EXPECT_EQ(table_.id_limit(), static_cast<int>(table_.commands().size()) + 4);
}

TEST_F(TableTest, UnknownCommandsAreQuotedInTheError) {
  EXPECT_EQ(ErrorOf({"foo"}),
            "ERR unknown command 'foo', with args beginning with: ");
  EXPECT_EQ(
      ErrorOf({"FOO", "a", "", "b c"}),
      "ERR unknown command 'FOO', with args beginning with: 'a' '' 'b c' ");
  EXPECT_EQ(ErrorOf({""}),
            "ERR unknown command '', with args beginning with: ");
  EXPECT_EQ(ErrorOf({"config|get", "x"}),
            "ERR unknown command 'config|get', with args beginning with: 'x' ");
}

TEST_F(TableTest, LongOnesAreCutInTheError) {
  const std::string longest(1000, 'x');
  EXPECT_EQ(ErrorOf({longest}),
            absl::StrCat("ERR unknown command '", longest.substr(0, 128),
                         "', with args beginning with: "));
  EXPECT_EQ(
      ErrorOf({"foo", longest, "b"}),
      absl::StrCat("ERR unknown command 'foo', with args beginning with: '",
                   longest.substr(0, 128), "' "));
  EXPECT_EQ(
      ErrorOf({"foo", "a", longest, "b"}),
      absl::StrCat("ERR unknown command 'foo', with args beginning with: 'a' '",
                   longest.substr(0, 124), "' "));
  EXPECT_EQ(ErrorOf(Args(1000, "")),
            absl::StrCat("ERR unknown command '', with args beginning with: ",
                         absl::StrJoin(std::vector<std::string>(43, "''"), " "),
                         " "));
}

TEST_F(TableTest, ErrorsHaveNoLineEndsAndStopAtNul) {
  EXPECT_EQ(
      ErrorOf({"a\r\nb", "c\nd\t\x01"}),
      "ERR unknown command 'a  b', with args beginning with: 'c d\t\x01' ");
  EXPECT_EQ(ErrorOf({absl::string_view("a\0b", 3), absl::string_view("\0x", 2),
                     absl::string_view("y\0", 2)}),
            "ERR unknown command 'a', with args beginning with: '' 'y' ");
  EXPECT_EQ(ErrorOf({"cOnFig", "x\r\n+OK\r\n"}),
            "ERR unknown subcommand 'x  +OK  '. Try CONFIG HELP.");
}

TEST_F(TableTest, UnknownSubcommandsNameTheHelp) {
  EXPECT_EQ(ErrorOf({"config", "foo", "bar"}),
            "ERR unknown subcommand 'foo'. Try CONFIG HELP.");
  EXPECT_EQ(ErrorOf({"config", ""}),
            "ERR unknown subcommand ''. Try CONFIG HELP.");
  EXPECT_EQ(ErrorOf({"config", std::string(500, 'x')}),
            absl::StrCat("ERR unknown subcommand '", std::string(128, 'x'),
                         "'. Try CONFIG HELP."));
}

TEST_F(TableTest, ArityIsExactOrALowerBound) {
  EXPECT_TRUE(ArityFits(*table_.Find("get"), 2));
  EXPECT_FALSE(ArityFits(*table_.Find("get"), 1));
  EXPECT_FALSE(ArityFits(*table_.Find("get"), 3));
  EXPECT_FALSE(ArityFits(*table_.Find("set"), 2));
  EXPECT_TRUE(ArityFits(*table_.Find("set"), 300));
}

TEST_F(TableTest, FlagsImplyCategories) {
  EXPECT_EQ(table_.Find("get")->acl, kAclRead | kAclFast);
  EXPECT_EQ(table_.Find("set")->acl, kAclWrite | kAclSlow);
  CommandTable table;
  CommandSpec eval =
      Command("eval", -3, {}, kReadonly | kAdmin | kBlocking | kPubsub);
  eval.acl = kAclScripting;
  table.Add({eval});
  EXPECT_EQ(table.Find("eval")->acl, kAclScripting | kAclAdmin | kAclDangerous |
                                         kAclBlocking | kAclPubsub | kAclSlow);
}

TEST_F(TableTest, DerivesTheOldDescriptionOfKeys) {
  EXPECT_EQ(LegacyOf("ping"), "0 0 0");
  EXPECT_EQ(LegacyOf("get"), "1 1 1");
  EXPECT_EQ(LegacyOf("mget"), "1 -1 1");
  EXPECT_EQ(LegacyOf("mset"), "1 -1 2");
  EXPECT_EQ(LegacyOf("blpop"), "1 -2 1");
  EXPECT_EQ(LegacyOf("smove"), "1 2 1");
  EXPECT_EQ(LegacyOf("bitop"), "2 -1 1");
  EXPECT_EQ(LegacyOf("zunion"), "0 0 0 movable");
  EXPECT_EQ(LegacyOf("zunionstore"), "1 1 1 movable");
  EXPECT_EQ(LegacyOf("sort"), "1 1 1 movable");
  EXPECT_EQ(LegacyOf("xread"), "0 0 0 movable");
  EXPECT_EQ(LegacyOf("migrate"), "3 3 1 movable");
  EXPECT_EQ(LegacyOf("spublish"), "1 1 1");
}

TEST_F(TableTest, OnlyAKeyThatIsAlwaysThereIsSingle) {
  EXPECT_EQ(table_.Find("get")->single_key, 1);
  EXPECT_EQ(table_.FindFull("object|encoding")->single_key, 2);
  for (const char* name : {"ping", "mget", "smove", "zunion", "sort", "sort_ro",
                           "georadius", "xread", "migrate", "spublish"}) {
    EXPECT_EQ(table_.Find(name)->single_key, 0) << name;
  }
}

TEST_F(TableTest, ExtractsRanges) {
  EXPECT_EQ(Extracted("get a"), "1a");
  EXPECT_EQ(Extracted("mget a b c"), "1a 2b 3c");
  EXPECT_EQ(Extracted("mset a 1 b 2"), "1!a 3!b");
  EXPECT_EQ(Extracted("mset a 1 b"), "1!a 3!b") << "refused by the handler";
  EXPECT_EQ(Extracted("blpop a b 0"), "1!a 2!b");
  EXPECT_EQ(Extracted("smove a b x"), "1!a 2!b");
  EXPECT_EQ(Extracted("bitop AND d a b"), "2!d 3a 4b");
  EXPECT_EQ(Extracted("object ENCODING k"), "2k");
  EXPECT_EQ(Extracted("spublish c m"), "");
  EXPECT_EQ(Extracted("ping"), "");
}

TEST_F(TableTest, ExtractsCountedKeys) {
  EXPECT_EQ(Extracted("zunion 2 a b"), "2a 3b");
  EXPECT_EQ(Extracted("zunion 1 a b"), "2a");
  EXPECT_EQ(Extracted("zunionstore d 2 a b WEIGHTS 1 2"), "1!d 3a 4b");
  EXPECT_EQ(Extracted("eval s 0"), "");
  EXPECT_EQ(Extracted("eval s 0 a b"), "");
  EXPECT_EQ(Extracted("eval s 2 a b c"), "3!a 4!b");
  for (const char* count :
       {"3", "-1", "x", "''", "1x", "+1", "01", "1.0", "4294967297",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808",
        "99999999999999999999"}) {
    EXPECT_EQ(Extracted(absl::StrCat("zunion ", count, " a b")), "bad")
        << count;
    EXPECT_EQ(Extracted(absl::StrCat("zunionstore d ", count, " a b")), "bad")
        << count;
    EXPECT_EQ(Extracted(absl::StrCat("eval s ", count, " a b")), "bad")
        << count;
  }
}

TEST_F(TableTest, ExtractsEveryKeyThatSortCanStoreTo) {
  EXPECT_EQ(Extracted("sort a"), "1a");
  EXPECT_EQ(Extracted("sort a store d"), "1a 3!d");
  EXPECT_EQ(Extracted("sort a STORE d1 BY x STORE d2"), "1a 3!d1 7!d2");
  // Redis's own key finder sees LIMIT and takes "STORE d" for its values; SORT
  // stores to d.
  EXPECT_EQ(Extracted("sort a STORE LIMIT STORE d"), "1a 3!LIMIT 5!d");
  EXPECT_EQ(Reported("sort a STORE LIMIT STORE d"), "a LIMIT");
  EXPECT_EQ(Extracted("sort a store"), "1a");
  EXPECT_EQ(Extracted("sort_ro a store d"), "1a");
}

TEST_F(TableTest, SortReachesAllKeysByPatternsThatElementsComplete) {
  const auto reaches_all = [this](absl::string_view line) {
    const Args args = Split(line);
    return ReachesAllKeys(*table_.ResolveOrNull(args), args);
  };
  for (const char* line :
       {"sort a BY w_*", "sort a GET *", "sort_ro a get # Get o_*->f",
        "sort a BY nosort GET x GET *", "sort a STORE BY x*",
        "sort a LIMIT 0 1 by *"}) {
    EXPECT_TRUE(reaches_all(line)) << line;
  }
  for (const char* line :
       {"sort *", "sort a", "sort a BY nosort GET # GET w", "sort a STORE *",
        "sort a * BY", "sort_ro a LIMIT * *", "get *", "zunion 1 * BY *"}) {
    EXPECT_FALSE(reaches_all(line)) << line;
  }
}

TEST_F(TableTest, ExtractsEveryKeyThatGeoradiusCanStoreTo) {
  EXPECT_EQ(Extracted("georadius k 1 2 3 m"), "1k");
  EXPECT_EQ(Extracted("georadius k 1 2 3 m store a"), "1k 7!a");
  EXPECT_EQ(Extracted("georadius k 1 2 3 m STORE a STORE b STOREDIST c"),
            "1k 7!a 9!b 11!c");
  EXPECT_EQ(Reported("georadius k 1 2 3 m STORE a STORE b STOREDIST c"),
            "k a c");
  EXPECT_EQ(Extracted("georadius k 1 2 3 m STORE"), "1k");
}

TEST_F(TableTest, ExtractsStreamsWhateverGroupsAreCalled) {
  EXPECT_EQ(Extracted("xread STREAMS a b 0 0"), "2a 3b");
  EXPECT_EQ(Extracted("xread COUNT 1 BLOCK 0 streams a 0"), "6a");
  EXPECT_EQ(Extracted("xreadgroup GROUP g c STREAMS a >"), "5!a");
  EXPECT_EQ(Extracted("xreadgroup GROUP STREAMS STREAMS STREAMS STREAMS >"),
            "5!STREAMS");
  // Redis's key spec finds the consumer here.
  EXPECT_EQ(Extracted("xreadgroup COUNT 1 GROUP g STREAMS STREAMS a >"), "7!a");
  EXPECT_EQ(Reported("xreadgroup COUNT 1 GROUP g STREAMS STREAMS a >"),
            "STREAMS");
  for (const char* bad : {"xread STREAMS a b 0", "xread COUNT 1 BLOCK",
                          "xread a b c", "xread COUNT 1 STREAMS",
                          "xreadgroup GROUP g c NOACK COUNT STREAMS a >"}) {
    EXPECT_EQ(Extracted(bad), "bad") << bad;
  }
}

TEST_F(TableTest, ExtractsMigratedKeys) {
  EXPECT_EQ(Extracted("migrate h p k 0 1"), "3!k");
  EXPECT_EQ(Extracted("migrate h p k 0 1 COPY AUTH KEYS"), "3!k")
      << "a password";
  EXPECT_EQ(Extracted("migrate h p '' 0 1 KEYS a keys b"), "7!a 8!keys 9!b");
  EXPECT_EQ(Extracted("migrate h p '' 0 1 REPLACE AUTH2 keys keys KEYS a"),
            "11!a");
  EXPECT_EQ(Extracted("migrate h p k 0 1 KEYS a"), "bad");
  EXPECT_EQ(Extracted("migrate h p '' 0 1 KEYS"), "bad");
}

TEST_F(TableTest, ReportsWhatRedisReports) {
  EXPECT_EQ(Reported("zunion 0 a"), "none");
  EXPECT_EQ(Reported("zunion 2x a b"), "a b") << "as atoi() reads it";
  EXPECT_EQ(Reported("zunionstore d 1x a b"), "a d");
  EXPECT_EQ(Reported("zunionstore d 3 a b"), "none");
  EXPECT_EQ(Reported("eval s 0"), "none");
  EXPECT_EQ(Reported("xread COUNT 1 BLOCK 0"), "none");
  EXPECT_EQ(Reported("migrate h p '' 0 1 KEYS a keys b"), "a keys b");
  EXPECT_EQ(Reported("spublish c m"), "none");
}

TEST_F(TableTest, FlagsOfSetAndBitfieldDependOnTheArguments) {
  const auto flags = [&](absl::string_view line) {
    const Args args = Split(line);
    std::vector<KeyUse> keys;
    EXPECT_TRUE(ReportKeys(*table_.ResolveOrNull(args), args, &keys));
    return keys[0].flags;
  };
  EXPECT_EQ(flags("set k v"), kKeyOW | kKeyUpdate);
  EXPECT_EQ(flags("set k get"), kKeyOW | kKeyUpdate);
  EXPECT_EQ(flags("set k v Get"), kKeyRW | kKeyAccess | kKeyUpdate);
  EXPECT_EQ(flags("bitfield k"), kKeyRO | kKeyAccess);
  EXPECT_EQ(flags("bitfield k GET u8 0 OVERFLOW SAT GET u8 1"),
            kKeyRO | kKeyAccess);
  EXPECT_EQ(flags("bitfield k GET u8"), kKeyRW | kKeyAccess | kKeyUpdate);
  EXPECT_EQ(flags("bitfield k GET u8 0 SET u8 0 1"),
            kKeyRW | kKeyAccess | kKeyUpdate);
  EXPECT_EQ(Extracted("bitfield k GET u8 0"), "1!k")
      << "locked as it is declared";
}

TEST_F(TableTest, OnlyChannelsAreNoKeys) {
  EXPECT_TRUE(MayHaveKeys(*table_.Find("get")));
  EXPECT_TRUE(MayHaveKeys(*table_.Find("eval")));
  EXPECT_FALSE(MayHaveKeys(*table_.Find("ping")));
  EXPECT_FALSE(MayHaveKeys(*table_.Find("spublish")));
}

TEST(TableDeathTest, RefusesWhatCannotWork) {
  CommandTable table;
  EXPECT_DEATH(table.Add({Command("a", 1), Command("a", 1)}), "twice");
  CommandSpec bare = Command("bare", 1);
  bare.handler = nullptr;
  EXPECT_DEATH(table.Add({bare}), "bare");
  KeySpec endless = OneKey(kKeyRO);
  endless.step = 0;
  EXPECT_DEATH(table.Add({Command("endless", 2, {endless})}), "endless");
}

}  // namespace
}  // namespace holdfast::server
