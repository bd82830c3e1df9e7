// The hash family.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "testing/conformance/comparison.h"
#include "testing/conformance/generator.h"
#include "testing/support/dice.h"

namespace holdfast::test {
namespace {

using Args = std::vector<std::string>;

class HashGenerator final : public Generator {
 public:
  absl::string_view name() const override { return "hash"; }

  Step Next(Dice* dice) override {
    Args args = Command(dice);
    if (dice->OneIn(40)) Spoil(dice, &args);
    if (dice->OneIn(8)) args[0] = absl::AsciiStrToLower(args[0]);
    Step step(std::move(args));
    const std::string command = absl::AsciiStrToLower(step.args[0]);
    if (command == "hscan") step.how = Comparison::Unordered();
    if (command == "hrandfield") step.how = RandomAnswer(step.args);
    return step;
  }

 private:
  static std::string Key(Dice* dice) {
    return absl::StrCat("h", dice->Below(4));
  }
  static std::string Field(Dice* dice) {
    if (dice->OneIn(12)) return std::string("\x00\r\n\xff", 4);
    if (dice->OneIn(60)) return std::string(70, 'f');
    return dice->Pick<std::string>({"a", "b", "c", "d", "e", "", "1", "2"});
  }

  // Also what is nearly a number, and what ends the small form.
  static std::string Value(Dice* dice) {
    if (dice->OneIn(80)) return std::string(100, 'v');
    return dice->Pick<std::string>({"0",
                                    "1",
                                    "-1",
                                    "42",
                                    "-0",
                                    "012",
                                    " 7",
                                    "+3",
                                    "",
                                    "9223372036854775807",
                                    "-9223372036854775808",
                                    "9223372036854775808",
                                    "1.5",
                                    "-2.25",
                                    "0.1",
                                    "1e3",
                                    "5.0e-3",
                                    "3.0",
                                    "inf",
                                    "-inf",
                                    "nan",
                                    "0x10",
                                    "1e400",
                                    "abc",
                                    "1.7976931348623157e308"});
  }

  static void AppendPairs(Dice* dice, Args* args) {
    do {
      args->push_back(Field(dice));
      args->push_back(Value(dice));
    } while (dice->OneIn(2) && args->size() < 12);
  }
  static void AppendFields(Dice* dice, Args* args) {
    do {
      args->push_back(Field(dice));
    } while (dice->OneIn(2) && args->size() < 10);
  }

  static Args Random(Dice* dice) {
    Args args = {"HRANDFIELD", Key(dice)};
    if (dice->OneIn(4)) return args;
    args.push_back(dice->Pick<std::string>({"0", "1", "100", "-3", "-50", "2",
                                            "x", "", "-9223372036854775808",
                                            "9223372036854775807", "1.5"}));
    if (dice->OneIn(2))
      args.push_back(dice->OneIn(10) ? "WITHSCORES" : "WITHVALUES");
    return args;
  }
  // Everything if more is asked for than there is, or nothing at all.
  static Comparison RandomAnswer(const Args& args) {
    if (args.size() > 2 && (args[2] == "100" || args[2] == "0"))
      return args.size() == 4 ? Comparison::Pairs() : Comparison::Unordered();
    return Comparison::Type();
  }

  static Args Scan(Dice* dice) {
    Args args = {"HSCAN", Key(dice),
                 dice->Pick<std::string>({"0", "0", "0", "-0", "", "x", " 0",
                                          "99999999999999999999"})};
    while (dice->OneIn(2) && args.size() < 7) {
      switch (dice->Below(4)) {
        case 0:
          args.push_back("MATCH");
          args.push_back(dice->Pick<std::string>({"*", "a", "[a-c]", "", "?"}));
          break;
        case 1:
          args.push_back("COUNT");
          args.push_back(
              dice->Pick<std::string>({"1000", "500", "0", "-1", "x"}));
          break;
        default:
          if (dice->OneIn(6)) args.push_back("TYPE");
      }
    }
    // So that all comes in one call, also from the large form.
    args.push_back("COUNT");
    args.push_back("1000");
    return args;
  }

  Args Command(Dice* dice) {
    switch (dice->Below(24)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        Args args = {dice->Pick<std::string>({"HSET", "HSET", "HMSET"}),
                     Key(dice)};
        AppendPairs(dice, &args);
        return args;
      }
      case 4:
        return {"HSETNX", Key(dice), Field(dice), Value(dice)};
      case 5:
        return {"HGET", Key(dice), Field(dice)};
      case 6:
      case 7:
      case 8: {
        Args args = {dice->Pick<std::string>({"HMGET", "HDEL"}), Key(dice)};
        AppendFields(dice, &args);
        return args;
      }
      case 9:
        return {dice->Pick<std::string>({"HSTRLEN", "HEXISTS"}), Key(dice),
                Field(dice)};
      case 10:
      case 11:
        return {dice->Pick<std::string>({"HGETALL", "HKEYS", "HVALS", "HLEN"}),
                Key(dice)};
      case 12:
      case 13:
      case 14:
        return {"HINCRBY", Key(dice), Field(dice), Value(dice)};
      case 15:
      case 16:
      case 17:
        return {"HINCRBYFLOAT", Key(dice), Field(dice), Value(dice)};
      case 18:
        return Random(dice);
      case 19:
        return Scan(dice);
      case 20:
        return {"OBJECT", "ENCODING", Key(dice)};
      case 21:
        return {dice->Pick<std::string>({"TYPE", "EXISTS", "TTL"}), Key(dice)};
      case 22:
        if (dice->OneIn(3)) return {"SET", Key(dice), "text"};
        return {"HGETALL", Key(dice)};
      default:
        return dice->OneIn(2) ? Args{"DEL", Key(dice)}
                              : Args{"EXPIRE", Key(dice), "1000"};
    }
  }

  // One argument too few or too many.
  static void Spoil(Dice* dice, Args* args) {
    if (dice->OneIn(2)) {
      args->push_back("extra");
    } else if (args->size() > 1) {
      args->pop_back();
    }
  }
};

}  // namespace

std::unique_ptr<Generator> MakeHashGenerator() {
  return std::make_unique<HashGenerator>();
}

}  // namespace holdfast::test
