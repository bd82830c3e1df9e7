// The parts that the conformance tests are made of.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/resp/value.h"
#include "net/time/deadline.h"
#include "testing/conformance/case_file.h"
#include "testing/conformance/comparison.h"
#include "testing/conformance/differ.h"
#include "testing/conformance/generator.h"
#include "testing/conformance/reply_text.h"
#include "testing/conformance/target.h"
#include "testing/harness/server_process.h"
#include "testing/support/dice.h"

namespace holdfast::test {
namespace {

using net::Value;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

RawReply Raw(std::string bytes, Value value) {
  return {std::move(bytes), std::move(value)};
}

TEST(ReplyTextTest, LooksLikeRedisCli) {
  EXPECT_EQ(FormatReply(Value::SimpleString("OK")), "OK");
  EXPECT_EQ(FormatReply(Value::Error("ERR x")), "(error) ERR x");
  EXPECT_EQ(FormatReply(Value::Null()), "(nil)");
  EXPECT_EQ(FormatReply(Value::Integer(-1)), "(integer) -1");
  EXPECT_EQ(FormatReply(Value::Bulk(absl::string_view("\"\\\n\x01\xff", 5))),
            "\"\\\"\\\\\\n\\x01\\xff\"");
  EXPECT_EQ(FormatReply(Value::Array({})), "(empty array)");
  EXPECT_EQ(FormatReply(Value::Array(
                {Value::Integer(1),
                 Value::Array({Value::Bulk("a"), Value::Null()})})),
            "1) (integer) 1\n2) 1) \"a\"\n   2) (nil)");
  std::vector<Value> ten(10, Value::Integer(7));
  EXPECT_THAT(FormatReply(Value::Array(ten)),
              ::testing::StartsWith(" 1) (integer) 7\n"));
  EXPECT_EQ(FormatReply(Value::Map({Value::Bulk("k"), Value::Bool(true)})),
            "1# \"k\" => (true)");
}

TEST(ReplyTextTest, SplitsAndJoinsCommands) {
  EXPECT_THAT(*SplitCommand(" SET  k \"a b\\x00\\n\" 'c\\'d' "),
              ElementsAre("SET", "k", std::string("a b\0\n", 5), "c'd"));
  EXPECT_THAT(*SplitCommand("GET \"\""), ElementsAre("GET", ""));
  for (const char* bad : {"", "  ", "GET \"a", "GET 'a", "GET \"a\"b"}) {
    EXPECT_FALSE(SplitCommand(bad).ok()) << bad;
  }
  const std::vector<std::string> args = {"SET", "", "a b",
                                         std::string("\0\\\"'\xff\r", 6)};
  EXPECT_EQ(*SplitCommand(FormatCommand(args)), args);
}

TEST(ComparisonTest, ExactIsByteForByte) {
  const RawReply nil = Raw("$-1\r\n", Value::Null());
  const RawReply nil_array = Raw("*-1\r\n", Value::NullArray());
  EXPECT_TRUE(SameReply(nil, nil, {}));
  EXPECT_FALSE(SameReply(nil, nil_array, {}));
  EXPECT_FALSE(SameReply(nil, nil_array, Comparison::Unordered()));
}

TEST(ComparisonTest, UnorderedForgivesOrderOnly) {
  const RawReply ab =
      Raw("ab", Value::Array({Value::Bulk("a"), Value::Bulk("b")}));
  const RawReply ba =
      Raw("ba", Value::Array({Value::Bulk("b"), Value::Bulk("a")}));
  const RawReply aa =
      Raw("aa", Value::Array({Value::Bulk("a"), Value::Bulk("a")}));
  const RawReply simple =
      Raw("s", Value::Array({Value::SimpleString("b"), Value::Bulk("a")}));
  EXPECT_FALSE(SameReply(ab, ba, {}));
  EXPECT_TRUE(SameReply(ab, ba, Comparison::Unordered()));
  EXPECT_FALSE(SameReply(ab, aa, Comparison::Unordered()));
  EXPECT_FALSE(SameReply(ab, simple, Comparison::Unordered()));
  EXPECT_FALSE(SameReply(ab, ba, Comparison::Pairs()));
}

TEST(ComparisonTest, NearForgivesTimeOnly) {
  const auto integer = [](int64_t i) {
    return Raw(absl::StrCat(":", i), Value::Integer(i));
  };
  EXPECT_TRUE(SameReply(integer(100), integer(98), Comparison::Near(2)));
  EXPECT_FALSE(SameReply(integer(100), integer(97), Comparison::Near(2)));
  EXPECT_FALSE(SameReply(integer(-1), integer(-2), Comparison::Near(2)));
  EXPECT_FALSE(SameReply(integer(0), integer(-1), Comparison::Near(2)));
}

TEST(ComparisonTest, EachLooksIntoExec) {
  Comparison each{.kind = Comparison::Kind::kEach,
                  .each = {Comparison::Near(2), Comparison::Exact()}};
  const auto exec = [](int64_t a, int64_t b) {
    return Raw(absl::StrCat(a, b),
               Value::Array({Value::Integer(a), Value::Integer(b)}));
  };
  EXPECT_TRUE(SameReply(exec(100, 7), exec(99, 7), each));
  EXPECT_FALSE(SameReply(exec(100, 7), exec(99, 8), each));
  each.each.pop_back();
  EXPECT_FALSE(SameReply(exec(100, 7), exec(99, 7), each));
}

TEST(CaseFileTest, ReadsStepsAndDirectives) {
  const auto cases = ParseCases("f",
                                "# c\n== one\n> SET k 1\nOK\n2> KEYS *\n"
                                "@unordered\n1) \"k\"\n2) \"l\"\n\n== two\n"
                                "> TIME\n@any\n> INFO\n@reference\n");
  ASSERT_TRUE(cases.ok()) << cases.status();
  ASSERT_THAT(*cases, SizeIs(2));
  EXPECT_EQ((*cases)[0].name, "one");
  ASSERT_THAT((*cases)[0].steps, SizeIs(2));
  EXPECT_EQ((*cases)[0].steps[1].connection, 2);
  EXPECT_EQ((*cases)[0].steps[1].line, 5);
  EXPECT_EQ((*cases)[0].steps[1].expected, "1) \"k\"\n2) \"l\"");
  EXPECT_TRUE((*cases)[1].steps[1].same_as_reference);
}

TEST(CaseFileTest, RefusesWhatItDoesNotUnderstand) {
  for (const char* text :
       {"> GET k\n(nil)\n", "== a\n(nil)\n", "== a\n> GET k\n",
        "== a\n> GET k\n> GET k\n(nil)\n", "== a\n> GET \"k\n(nil)\n",
        "== a\n> GET k\n@nosuch\n(nil)\n", "== a\n> GET k\n@near\n(nil)\n",
        "== a\n> GET k\n@any\n(nil)\n"}) {
    EXPECT_EQ(ParseCases("f", text).status().code(),
              absl::StatusCode::kInvalidArgument)
        << text;
  }
}

TEST(GeneratorTest, TheSameSeedMakesTheSameCommands) {
  for (size_t i = 0; i < AllGenerators({}).size(); ++i) {
    const auto text = [i](uint64_t seed) {
      Dice dice(seed);
      auto generator = std::move(AllGenerators({})[i]);
      std::string all;
      for (int n = 0; n < 500; ++n) {
        absl::StrAppend(&all, generator->Next(&dice).ToString(), "\n");
      }
      return all;
    };
    EXPECT_EQ(text(1), text(1));
    EXPECT_NE(text(1), text(2));
  }
}

class DifferTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!RealRedisAvailable()) GTEST_SKIP() << "no redis-server here";
    auto one = ServerProcess::Start({.kind = ServerKind::kRedis});
    ASSERT_TRUE(one.ok()) << one.status();
    one_ = *std::move(one);
    // Lacks a command.
    auto two =
        ServerProcess::Start({.kind = ServerKind::kRedis,
                              .args = {"--rename-command", "STRLEN", ""}});
    ASSERT_TRUE(two.ok()) << two.status();
    two_ = *std::move(two);
    a_ = std::make_unique<Target>("a", one_->port());
    b_ = std::make_unique<Target>("b", two_->port());
  }

  std::unique_ptr<ServerProcess> one_;
  std::unique_ptr<ServerProcess> two_;
  std::unique_ptr<Target> a_;
  std::unique_ptr<Target> b_;
};

TEST_F(DifferTest, FindsAndShrinksADifference) {
  auto generator = MakeStringGenerator({});
  const std::string text =
      DiffGenerated(generator.get(), 5, 300, a_.get(), b_.get());
  EXPECT_THAT(text, HasSubstr("seed 5"));
  EXPECT_THAT(text, HasSubstr("enough are these 1:\n"));
  EXPECT_THAT(absl::AsciiStrToUpper(text), HasSubstr("STRLEN K"));
  EXPECT_THAT(text, HasSubstr("b: (error) ERR unknown command"));
}

TEST_F(DifferTest, KeepsTheStepsThatADifferenceNeeds) {
  std::vector<Step> steps;
  for (int i = 0; i < 20; ++i) steps.push_back(Step({"SET", "x", "y"}));
  steps.push_back(Step({"MULTI"}));
  for (int i = 0; i < 20; ++i) steps.push_back(Step({"GET", "x"}));
  steps.push_back(Step({"STRLEN", "x"}));
  steps.back().how = Comparison::Ignore();  // Seen in what EXEC says.
  steps.push_back(Step({"EXEC"}));
  Differ differ(a_.get(), b_.get());
  const auto difference = differ.Run(steps);
  ASSERT_TRUE(difference.ok()) << difference.status();
  ASSERT_TRUE(difference->found);
  EXPECT_EQ(difference->step, steps.size() - 1);
  const std::vector<Step> few =
      differ.Shrink(steps, *difference, absl::Seconds(10));
  std::vector<std::string> lines;
  for (const Step& step : few) lines.push_back(step.ToString());
  EXPECT_THAT(lines, ElementsAre("1> MULTI", "1> STRLEN x", "1> EXEC"));
}

TEST_F(DifferTest, SeesADifferenceThatOnlyTheStateShows) {
  // STRLEN is refused by one and aborts its transaction: no reply shows it.
  std::vector<Step> steps = {Step({"MULTI"}), Step({"SET", "k", "v"}),
                             Step({"STRLEN", "k"}), Step({"EXEC"})};
  for (Step& step : steps) step.how = Comparison::Ignore();
  Differ differ(a_.get(), b_.get());
  const auto difference = differ.Run(steps);
  ASSERT_TRUE(difference.ok()) << difference.status();
  ASSERT_TRUE(difference->found);
  EXPECT_EQ(difference->step, steps.size());
  EXPECT_THAT(difference->ours, HasSubstr("db0 string k: \"v\""));
}

TEST_F(DifferTest, SaysWhichCommandAServerDiedOf) {
  Differ differ(a_.get(), b_.get());
  const auto difference =
      differ.Run({Step({"SET", "k", "v"}), Step({"SHUTDOWN", "NOSAVE"})});
  EXPECT_THAT(std::string(difference.status().message()),
              HasSubstr("SHUTDOWN NOSAVE"));
  (void)one_->WaitForExit(net::Deadline::Never());  // Asked for.
  (void)two_->WaitForExit(net::Deadline::Never());
}

TEST_F(DifferTest, CasesSayWhereTheyFail) {
  const auto cases = ParseCases(
      "f.txt", "== right\n> SET k 1\nOK\n== wrong\n> GET k\n\"1\"\n");
  ASSERT_TRUE(cases.ok()) << cases.status();
  const std::vector<std::string> failures =
      RunCases("f.txt", *cases, a_.get(), nullptr);
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_THAT(failures[0], HasSubstr("f.txt:5: wrong"));
  EXPECT_THAT(failures[0], HasSubstr("received: (nil)"));
}

}  // namespace
}  // namespace holdfast::test
