// The sorted set family.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "testing/conformance/generator.h"
#include "testing/support/dice.h"

namespace holdfast::test {
namespace {

using Args = std::vector<std::string>;

// Keys z0 to z4 have scores of all sorts, and members enough to leave the small
// form now and then; in l0 and l1 all scores are 0, for ranges of members,
// which mean nothing elsewhere.
class ZsetGenerator final : public Generator {
 public:
  explicit ZsetGenerator(const GeneratorOptions& options) : options_(options) {}

  absl::string_view name() const override { return "zset"; }

  Step Next(Dice* dice) override {
    Args args = Command(dice);
    if (dice->OneIn(40)) Spoil(dice, &args);
    if (dice->OneIn(8)) args[0] = absl::AsciiStrToLower(args[0]);
    Step step(std::move(args), dice->OneIn(3) ? 2 : 1);
    const std::string command = absl::AsciiStrToLower(step.args[0]);
    if (command == "hello") step.how = Comparison::Ignore();
    if (command == "zscan")
      step.how = {.kind = Comparison::Kind::kEach,
                  .each = {Comparison::Exact(), Comparison::Pairs()}};
    return step;
  }

 private:
  static std::string Key(Dice* dice) {
    return absl::StrCat("z", dice->Below(5));
  }
  static std::string LexKey(Dice* dice) {
    return absl::StrCat("l", dice->Below(2));
  }
  // Now and then a set, a string or nothing at all.
  static std::string Source(Dice* dice) {
    if (dice->OneIn(6)) return absl::StrCat("s", dice->Below(2));
    if (dice->OneIn(30)) return "string";
    return dice->OneIn(5) ? LexKey(dice) : Key(dice);
  }

  static std::string Member(Dice* dice) {
    if (dice->OneIn(30)) return std::string(65, 'm');
    if (dice->OneIn(20))
      return dice->Pick<std::string>({"", std::string("\x00\r\n\xff", 4), "-1",
                                      "007", "9223372036854775807", "1.5"});
    // Few enough to meet again.
    return dice->OneIn(4) ? absl::StrCat(dice->Below(20))
                          : absl::StrCat("m", dice->Below(20));
  }

  static std::string Score(Dice* dice) {
    if (dice->OneIn(2)) return absl::StrCat(dice->Between(-5, 5));
    return dice->Pick<std::string>({"0",
                                    "-0",
                                    "1.5",
                                    "-2.25",
                                    "0.1",
                                    "3.0",
                                    "1e3",
                                    "+7",
                                    "0x10",
                                    "inf",
                                    "-inf",
                                    "+inf",
                                    "Infinity",
                                    "1e300",
                                    "-1e300",
                                    "1e17",
                                    "1e18",
                                    "1e22",
                                    "4611686018427387904",
                                    "9007199254740993",
                                    "1e-300",
                                    "3.141592653589793",
                                    "nan",
                                    "",
                                    " 1",
                                    "1 ",
                                    "abc",
                                    "1e400",
                                    "5.0e-3",
                                    "123456789012345680000"});
  }

  static std::string ScoreBound(Dice* dice) {
    if (dice->OneIn(3)) return absl::StrCat("(", dice->Between(-5, 5));
    if (dice->OneIn(3)) return absl::StrCat(dice->Between(-5, 5));
    return dice->Pick<std::string>({"-inf", "+inf", "(-inf", "(+inf", "inf",
                                    "(1.5", "1e17", "(0.1", "", "(", "nan",
                                    "(nan", "x", "1x", "1e400", "[1"});
  }

  static std::string LexBound(Dice* dice) {
    if (dice->OneIn(3)) return dice->OneIn(2) ? "-" : "+";
    if (dice->OneIn(12))
      return dice->Pick<std::string>({"", "[", "(", "-x", "+x", "x", "m1"});
    return absl::StrCat(dice->OneIn(2) ? "[" : "(", Member(dice));
  }

  static std::string Index(Dice* dice) {
    if (dice->OneIn(12))
      return dice->Pick<std::string>({"x", "", "1.5", "9223372036854775807",
                                      "-9223372036854775808",
                                      "9223372036854775808"});
    return absl::StrCat(dice->Between(-12, 12));
  }

  static void Append(Args* args, const Args& more) {
    args->insert(args->end(), more.begin(), more.end());
  }

  static void AppendLimit(Dice* dice, Args* args) {
    Append(args, {"LIMIT",
                  dice->OneIn(8) ? Index(dice) : absl::StrCat(dice->Below(6)),
                  dice->OneIn(4) ? Index(dice) : absl::StrCat(dice->Below(9))});
    if (dice->OneIn(30)) args->pop_back();
  }

  Args Add(Dice* dice) {
    Args args = {"ZADD", Key(dice)};
    while (dice->OneIn(3) && args.size() < 6) {
      args.push_back(dice->Pick<std::string>(
          {"NX", "XX", "GT", "LT", "CH", "INCR", "gt"}));
    }
    const int pairs =
        dice->OneIn(2) ? 1 : static_cast<int>(dice->Between(1, 6));
    for (int i = 0; i < pairs; ++i) Append(&args, {Score(dice), Member(dice)});
    return args;
  }

  // Enough at once to outgrow the small form.
  static Args AddMany(Dice* dice) {
    Args args = {"ZADD", Key(dice)};
    const int64_t from = dice->Below(100);
    const int64_t count = dice->Between(20, 140);
    for (int64_t i = from; i < from + count; ++i)
      Append(&args, {absl::StrCat(i % 7), absl::StrCat("n", i)});
    return args;
  }

  static Args AddForLex(Dice* dice) {
    Args args = {"ZADD", LexKey(dice)};
    const int64_t pairs = dice->OneIn(20) ? 140 : dice->Between(1, 5);
    for (int64_t i = 0; i < pairs; ++i)
      Append(&args, {"0", pairs > 5 ? absl::StrCat("x", i) : Member(dice)});
    return args;
  }

  // ZRANGE and ZRANGESTORE from the source key on.
  Args RangeArgs(Dice* dice, bool store) {
    Args args;
    const int64_t by = dice->Below(3);
    if (by == 0) {
      args = {Source(dice), Index(dice), Index(dice)};
    } else if (by == 1) {
      args = {Source(dice), ScoreBound(dice), ScoreBound(dice), "BYSCORE"};
    } else {
      args = {LexKey(dice), LexBound(dice), LexBound(dice), "BYLEX"};
    }
    if (dice->OneIn(3)) args.push_back("REV");
    if (dice->OneIn(by == 0 ? 20 : 3)) AppendLimit(dice, &args);
    if (dice->OneIn(store || by == 2 ? 20 : 3)) args.push_back("WITHSCORES");
    if (dice->OneIn(40)) args.push_back("NOSUCH");
    return args;
  }

  Args OldRange(Dice* dice) {
    const bool reverse = dice->OneIn(2);
    Args args;
    switch (dice->Below(3)) {
      case 0:
        args = {"ZREVRANGE", Source(dice), Index(dice), Index(dice)};
        break;
      case 1:
        args = {reverse ? "ZREVRANGEBYSCORE" : "ZRANGEBYSCORE", Source(dice),
                ScoreBound(dice), ScoreBound(dice)};
        break;
      default:
        args = {reverse ? "ZREVRANGEBYLEX" : "ZRANGEBYLEX", LexKey(dice),
                LexBound(dice), LexBound(dice)};
    }
    if (dice->OneIn(3)) args.push_back("WITHSCORES");
    if (dice->OneIn(4)) AppendLimit(dice, &args);
    if (dice->OneIn(20)) args.push_back(dice->OneIn(2) ? "REV" : "BYSCORE");
    return args;
  }

  Args Combine(Dice* dice) {
    const std::string name =
        dice->Pick<std::string>({"ZUNION", "ZINTER", "ZDIFF", "ZUNIONSTORE",
                                 "ZINTERSTORE", "ZDIFFSTORE", "ZINTERCARD"});
    Args args = {name};
    if (name.find("STORE") != std::string::npos) args.push_back(Key(dice));
    const int64_t keys = dice->Between(1, 4);
    args.push_back(dice->OneIn(30)
                       ? dice->Pick<std::string>({"0", "-1", "x", "9", ""})
                       : absl::StrCat(keys));
    for (int64_t i = 0; i < keys; ++i) args.push_back(Source(dice));
    if (dice->OneIn(3)) {
      args.push_back("WEIGHTS");
      for (int64_t i = 0; i < keys; ++i) {
        args.push_back(dice->Pick<std::string>(
            {"1", "2", "-1", "0", "0.5", "inf", "-inf", "1e300", "3", "1"}));
      }
      if (dice->OneIn(15)) args.back() = dice->OneIn(2) ? "x" : "nan";
      if (dice->OneIn(15)) args.pop_back();
    }
    if (dice->OneIn(3)) {
      Append(&args, {"AGGREGATE",
                     dice->Pick<std::string>({"SUM", "MIN", "MAX", "min"})});
      if (dice->OneIn(15)) args.back() = "AVG";
    }
    if (dice->OneIn(3)) args.push_back("WITHSCORES");
    if (dice->OneIn(name == "ZINTERCARD" ? 2 : 20)) {
      Append(&args, {"LIMIT", dice->Pick<std::string>(
                                  {"0", "1", "2", "100", "-1", "x"})});
    }
    return args;
  }

  Args MultiPop(Dice* dice) {
    const int64_t keys = dice->Between(1, 3);
    Args args = {"ZMPOP", dice->OneIn(20)
                              ? dice->Pick<std::string>({"0", "-1", "x", "8"})
                              : absl::StrCat(keys)};
    for (int64_t i = 0; i < keys; ++i) args.push_back(Source(dice));
    args.push_back(dice->Pick<std::string>({"MIN", "MAX", "min", "max"}));
    if (dice->OneIn(20)) args.back() = "MID";
    if (dice->OneIn(2)) {
      Append(
          &args,
          {"COUNT", dice->Pick<std::string>({"1", "2", "5", "1", "3", "0", "-1",
                                             "x", "9223372036854775807"})});
    }
    if (dice->OneIn(30)) Append(&args, {"COUNT", "1"});
    return args;
  }

  // Of all elements at once: cursors are each server's own.
  Args Scan(Dice* dice) {
    Args args = {"ZSCAN", Source(dice),
                 dice->OneIn(10) ? dice->Pick<std::string>(
                                       {"x", "", "1x", "99999999999999999999"})
                                 : "0"};
    if (dice->OneIn(3)) Append(&args, {"MATCH", "*1*"});
    Append(&args,
           {"COUNT", dice->OneIn(10) ? dice->Pick<std::string>({"0", "-1", "x"})
                                     : "100000"});
    if (dice->OneIn(30)) Append(&args, {"TYPE", "zset"});
    return args;
  }

  Args Command(Dice* dice) {
    switch (dice->Below(34)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return Add(dice);
      case 5:
        if (dice->OneIn(4)) return AddMany(dice);
        return Add(dice);
      case 6:
      case 7:
        return AddForLex(dice);
      case 8:
        return {"ZINCRBY", Key(dice), Score(dice), Member(dice)};
      case 9:
        return {"ZREM", Source(dice), Member(dice), Member(dice), Member(dice)};
      case 10:
        return {"ZCARD", Source(dice)};
      case 11:
        return {"ZSCORE", Source(dice), Member(dice)};
      case 12:
        return {"ZMSCORE", Source(dice), Member(dice), Member(dice)};
      case 13:
      case 14:
        return {dice->Pick<std::string>({"ZRANK", "ZREVRANK"}), Source(dice),
                Member(dice)};
      case 15:
        return {"ZCOUNT", Source(dice), ScoreBound(dice), ScoreBound(dice)};
      case 16:
        return {"ZLEXCOUNT", LexKey(dice), LexBound(dice), LexBound(dice)};
      case 17:
      case 18: {
        Args args = {"ZRANGE"};
        Append(&args, RangeArgs(dice, false));
        return args;
      }
      case 19:
      case 20:
        return OldRange(dice);
      case 21: {
        Args args = {"ZRANGESTORE", Key(dice)};
        Append(&args, RangeArgs(dice, true));
        return args;
      }
      case 22:
        if (dice->OneIn(3))
          return {"ZREMRANGEBYLEX", LexKey(dice), LexBound(dice),
                  LexBound(dice)};
        return {"ZREMRANGEBYSCORE", Key(dice), ScoreBound(dice),
                ScoreBound(dice)};
      case 23:
        return {"ZREMRANGEBYRANK", Key(dice), Index(dice), Index(dice)};
      case 24: {
        Args args = {dice->Pick<std::string>({"ZPOPMIN", "ZPOPMAX"}),
                     Source(dice)};
        if (dice->OneIn(2))
          args.push_back(dice->Pick<std::string>(
              {"0", "1", "3", "2", "-1", "x", "9223372036854775807"}));
        return args;
      }
      case 25:
        return MultiPop(dice);
      case 26:
      case 27:
      case 28:
        return Combine(dice);
      case 29:
        return Scan(dice);
      case 30: {
        Args args = {"ZRANDMEMBER", Source(dice)};
        if (dice->OneIn(2))
          args.push_back(dice->Pick<std::string>(
              {"0", "1", "5", "-3", "100", "x", "-9223372036854775808"}));
        if (args.size() == 3 && dice->OneIn(2))
          args.push_back(dice->OneIn(6) ? "WITHSCORE" : "WITHSCORES");
        return args;
      }
      case 31:
        if (options_.sets)
          return {"SADD", absl::StrCat("s", dice->Below(2)), Member(dice),
                  dice->OneIn(2) ? Member(dice) : "5"};
        return {"SET", "string", "v"};
      case 32:
        if (dice->OneIn(2)) return {"HELLO", dice->OneIn(2) ? "2" : "3"};
        return {dice->Pick<std::string>({"OBJECT"}), "ENCODING", Key(dice)};
      default:
        if (dice->OneIn(3)) return {"SET", "string", "v"};
        return {"DEL", dice->OneIn(3) ? LexKey(dice) : Key(dice)};
    }
  }

  // One argument too few or too many. The one command that takes more than in
  // Redis 7.0 stays as it is.
  static void Spoil(Dice* dice, Args* args) {
    if ((*args)[0].find("RANK") != std::string::npos) return;
    if (dice->OneIn(2)) {
      args->push_back("extra");
    } else if (args->size() > 1) {
      args->pop_back();
    }
  }

  const GeneratorOptions options_;
};

}  // namespace

std::unique_ptr<Generator> MakeZsetGenerator(const GeneratorOptions& options) {
  return std::make_unique<ZsetGenerator>(options);
}

}  // namespace holdfast::test
