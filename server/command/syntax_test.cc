#include "server/command/syntax.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace holdfast::server {
namespace {

// name:type[=TOKEN][#spec][@since][?][+ multiple][* multiple with token][{...}]
std::string Dump(const std::vector<Argument>& arguments) {
  std::string out;
  for (const Argument& argument : arguments) {
    absl::StrAppend(&out, out.empty() ? "" : " ", argument.name, ":",
                    ArgumentTypeName(argument.type));
    if (!argument.token.empty()) absl::StrAppend(&out, "=", argument.token);
    if (argument.key_spec_index >= 0)
      absl::StrAppend(&out, "#", argument.key_spec_index);
    if (!argument.since.empty()) absl::StrAppend(&out, "@", argument.since);
    if (!argument.deprecated_since.empty())
      absl::StrAppend(&out, "-", argument.deprecated_since);
    absl::StrAppend(&out, argument.optional ? "?" : "",
                    argument.multiple ? "+" : "",
                    argument.multiple_token ? "*" : "");
    if (!argument.arguments.empty())
      absl::StrAppend(&out, "{", Dump(argument.arguments), "}");
  }
  return out;
}

std::string Parsed(absl::string_view syntax, int key_specs = 1) {
  const auto arguments = ParseSyntax(syntax, key_specs);
  return arguments.ok() ? Dump(*arguments)
                        : std::string(arguments.status().message());
}

TEST(SyntaxTest, NothingIsNoArguments) {
  EXPECT_EQ(Parsed(""), "");
  EXPECT_EQ(Parsed("   "), "");
}

TEST(SyntaxTest, TypesFollowFromNames) {
  EXPECT_EQ(Parsed("key value"), "key:key#0 value:string");
  EXPECT_EQ(
      Parsed("key offset destination-db num-matches"),
      "key:key#0 offset:integer destination-db:integer num-matches:integer");
  EXPECT_EQ(Parsed("unix-time-seconds unix-time-milliseconds pattern "
                   "library-name-pattern"),
            "unix-time-seconds:unix-time unix-time-milliseconds:unix-time "
            "pattern:pattern "
            "library-name-pattern:pattern");
  EXPECT_EQ(Parsed("longitude radius timeout score"),
            "longitude:double radius:double timeout:double score:double");
  EXPECT_EQ(
      Parsed("member element counted ms2 offsets"),
      "member:string element:string counted:string ms2:integer offsets:string");
}

TEST(SyntaxTest, KeysAreNumberedUpToTheLastKeySpec) {
  EXPECT_EQ(Parsed("source destination", 2), "source:key#0 destination:key#1");
  EXPECT_EQ(Parsed("key1 key2", 1), "key1:key#0 key2:key#0");
  EXPECT_EQ(Parsed("key [STORE key] [STOREDIST key]", 3),
            "key:key#0 key:key=STORE#1? key:key=STOREDIST#2?");
  EXPECT_EQ(Parsed("destkey sourcekey [sourcekey ...]", 2),
            "destkey:key#0 sourcekey:key#1+");
  EXPECT_EQ(Parsed("key", 0), "key:string") << "no key spec: just a word";
}

TEST(SyntaxTest, TypesAndKeySpecsCanBeSaid) {
  EXPECT_EQ(Parsed("key increment:double start:string"),
            "key:key#0 increment:double start:string");
  EXPECT_EQ(Parsed("[BY pattern#1] [GET pattern#1 [GET pattern#1 ...]] [STORE "
                   "destination#2]",
                   3),
            "pattern:pattern=BY#1? pattern:pattern=GET#1?+* "
            "destination:key=STORE#2?");
  EXPECT_EQ(Parsed("ID:string COMMAND:string"), "ID:string COMMAND:string");
  EXPECT_EQ(Parsed("ip:port:string"), "ip:port:string");
}

TEST(SyntaxTest, TokensTakeTheValueAfterThem) {
  EXPECT_EQ(Parsed("[EX seconds]"), "seconds:integer=EX?");
  EXPECT_EQ(Parsed("[GET]"), "get:pure-token=GET?");
  EXPECT_EQ(Parsed("NO ONE"), "no:pure-token=NO one:pure-token=ONE");
  EXPECT_EQ(Parsed("READY:READY value"), "READY:pure-token=READY value:string")
      << "a token with a name stands alone";
  EXPECT_EQ(Parsed("A [value]"), "a:pure-token=A value:string?")
      << "an optional one may be absent";
}

TEST(SyntaxTest, PunctuationAndQuotedWordsAreTokens) {
  EXPECT_EQ(Parsed("[equal:= | approximately:~]"),
            "equal_approximately:oneof?{equal:pure-token== "
            "approximately:pure-token=~}");
  EXPECT_EQ(Parsed("<auto_id:* | id>"),
            "auto_id_id:oneof{auto_id:pure-token=* id:string}");
  EXPECT_EQ(Parsed("<\"yes\" | no:\"no thing\">"),
            "yes_no:oneof{yes:pure-token=yes no:pure-token=no thing}");
  EXPECT_EQ(Parsed("<key | empty_string:\"\"\"\">"),
            "key_empty_string:oneof{key:key#0 empty_string:pure-token=\"\"}");
  EXPECT_EQ(Parsed("none:\"\" value"), "none:pure-token value:string");
  EXPECT_EQ(Parsed("<m | km | ft | mi>"),
            "unit:oneof{m:pure-token=m km:pure-token=km ft:pure-token=ft "
            "mi:pure-token=mi}");
}

TEST(SyntaxTest, ChoicesHaveNames) {
  EXPECT_EQ(Parsed("[NX | XX]"),
            "condition:oneof?{nx:pure-token=NX xx:pure-token=XX}");
  EXPECT_EQ(Parsed("[ASC|DESC]"),
            "order:oneof?{asc:pure-token=ASC desc:pure-token=DESC}");
  EXPECT_EQ(Parsed("where:<LEFT | RIGHT>"),
            "where:oneof{left:pure-token=LEFT right:pure-token=RIGHT}");
  EXPECT_EQ(Parsed("FLAG how:<\"on\" | \"off\">"),
            "how:oneof=FLAG{on:pure-token=on off:pure-token=off}");
  EXPECT_EQ(Parsed("[EX seconds | PX milliseconds | KEEPTTL]"),
            "expiration:oneof?{seconds:integer=EX milliseconds:integer=PX "
            "keepttl:pure-token=KEEPTTL}");
}

TEST(SyntaxTest, RepetitionIsFoldedIntoWhatItRepeats) {
  EXPECT_EQ(Parsed("key [key ...]"), "key:key#0+");
  EXPECT_EQ(Parsed("[pattern [pattern ...]]"), "pattern:pattern?+");
  EXPECT_EQ(Parsed("[pattern ...]"), "pattern:pattern?+");
  EXPECT_EQ(Parsed("key ..."), "key:key#0+");
  EXPECT_EQ(Parsed("key value [key value ...]"),
            "key_value:block+{key:key#0 value:string}");
  EXPECT_EQ(Parsed("numkeys key [key ...] [WEIGHTS weight [weight ...]]"),
            "numkeys:integer key:key#0+ weight:integer=WEIGHTS?+");
  EXPECT_EQ(Parsed("[GET pattern [GET pattern ...]]"),
            "pattern:pattern=GET?+*");
  EXPECT_EQ(Parsed("[CONFIG name value [CONFIG name value ...]]"),
            "name_value:block=CONFIG?+*{name:string value:string}");
  EXPECT_EQ(Parsed("x:<A | B> [x:<A | B> ...]"),
            "x:oneof+{a:pure-token=A b:pure-token=B}");
}

TEST(SyntaxTest, OtherNamesDoNotFold) {
  EXPECT_EQ(Parsed("key [member ...]"), "key:key#0 member:string?+");
  EXPECT_EQ(Parsed("[key value ...]"),
            "key_value:block?+{key:key#0 value:string}");
  EXPECT_EQ(Parsed("A x [B x ...]"), "x:string=A x:string=B?+");
}

TEST(SyntaxTest, SeveralInOneOptionalMakeABlock) {
  EXPECT_EQ(Parsed("[LIMIT offset count]"),
            "offset_count:block=LIMIT?{offset:integer count:integer}");
  EXPECT_EQ(Parsed("[COUNT count [ANY]]"),
            "count:block?{count:integer=COUNT any:pure-token=ANY?}");
  EXPECT_EQ(Parsed("[FULL [COUNT count]]"),
            "full:block=FULL?{count:integer=COUNT?}");
  EXPECT_EQ(Parsed("STREAMS streams:<key [key ...] ID:string [ID:string ...]>"),
            "streams:block=STREAMS{key:key#0+ ID:string+}");
  EXPECT_EQ(Parsed("[box:<BYBOX width height <m | km>>]"),
            "box:block?{width:double=BYBOX height:double "
            "unit:oneof{m:pure-token=m km:pure-token=km}}");
  EXPECT_EQ(Parsed("only:<COUNT count>"), "only:block{count:integer=COUNT}")
      << "a named group is one, however short";
}

TEST(SyntaxTest, SinceStandsOnAnything) {
  EXPECT_EQ(Parsed("[GET@6.2.0] [NX | XX]@2.6.12 [EX seconds@1.0]"),
            "get:pure-token=GET@6.2.0? "
            "condition:oneof@2.6.12?{nx:pure-token=NX xx:pure-token=XX} "
            "seconds:integer=EX@1.0?");
  EXPECT_EQ(Parsed("key#0@7.0.0"), "key:key#0@7.0.0");
  EXPECT_EQ(Parsed("[SLAVE@1-2]"), "slave:pure-token=SLAVE@1-2?");
}

TEST(SyntaxTest, MalformedSynopsesAreRefused) {
  for (const char* bad : {"[",         "]",
                          "<",         ">",
                          "[key",      "key]",
                          "[key>",     "<key]",
                          "[]",        "<>",
                          "[ | a]",    "[a | ]",
                          "[a | | b]", "a | b",
                          "...",       "[... a]",
                          "a ... ...", "x:[",
                          "key#1",     "key#-1",
                          "key#x",     "key#",
                          "a@",        "a:",
                          "a:b",       "a:pure-token",
                          "a:block",   "\"\"",
                          "\"",        "a\"b",
                          "x:\"",      "[a]]",
                          "<<a>",      "|"}) {
    EXPECT_FALSE(ParseSyntax(bad, 1).ok())
        << "'" << bad << "' gave " << Parsed(bad);
  }
}

TEST(SyntaxTest, DeepNestingIsRefusedAndNotRecursedInto) {
  EXPECT_FALSE(ParseSyntax(std::string(100000, '['), 1).ok());
  EXPECT_FALSE(
      ParseSyntax(std::string(100, '[') + "a" + std::string(100, ']'), 1).ok());
  EXPECT_TRUE(
      ParseSyntax(std::string(10, '[') + "a" + std::string(10, ']'), 1).ok());
}

TEST(SyntaxTest, ErrorsNameThePlace) {
  EXPECT_EQ(Parsed("key [value"), "bracket missing at 10 in 'key [value'");
  EXPECT_EQ(Parsed("key#3"), "no such key spec at 5 in 'key#3'");
}

TEST(SyntaxTest, NoMutilatedSynopsisCrashes) {
  const std::string whole =
      "key \"m\" x:<A:* | b:double#0@1 ...> [GET pattern [GET pattern ...]] "
      "[LIMIT offset count [offset ...]]@2 ...";
  for (size_t i = 0; i <= whole.size(); ++i) {
    (void)ParseSyntax(whole.substr(0, i), 1);
    for (size_t n = 1; n <= 6 && n <= whole.size() - i; ++n) {
      (void)ParseSyntax(absl::StrCat(whole.substr(0, i), whole.substr(i + n)),
                        1);
    }
  }
}

}  // namespace
}  // namespace holdfast::server
