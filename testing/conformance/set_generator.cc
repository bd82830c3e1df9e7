// The set family.

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

// What SPOP takes is the server's choice, so it only takes all or nothing here.
class SetGenerator final : public Generator {
 public:
  absl::string_view name() const override { return "set"; }

  Step Next(Dice* dice) override {
    Args args = Command(dice);
    if (dice->OneIn(8)) args[0] = absl::AsciiStrToLower(args[0]);
    Step step(std::move(args));
    const std::string command = absl::AsciiStrToLower(step.args[0]);
    if (command == "spop") step.how = Comparison::Unordered();
    if (command == "srandmember" && step.args.size() == 3 &&
        (step.args[2] == "1000" || step.args[2] == "0"))
      step.how = Comparison::Unordered();
    return step;
  }

 private:
  static std::string Key(Dice* dice) {
    return absl::StrCat("s", dice->Below(5));
  }
  static std::string Member(Dice* dice) {
    if (dice->OneIn(3)) return absl::StrCat(dice->Between(-5, 15));
    if (dice->OneIn(60)) return std::string(100, 'm');
    return dice->Pick<std::string>(
        {"a", "b", "c", "d", "", "1", "01", "-0", "+1", " 1",
         "9223372036854775807", "-9223372036854775808", "9223372036854775808",
         std::string("\x00\r\n\xff", 4)});
  }
  static void AppendMembers(Dice* dice, Args* args) {
    // Most sets stay sets of integers for a while.
    const bool integers = !dice->OneIn(4);
    do {
      args->push_back(integers ? absl::StrCat(dice->Between(-5, 15))
                               : Member(dice));
    } while (!dice->OneIn(3) && args->size() < 12);
  }
  static void AppendKeys(Dice* dice, Args* args) {
    do {
      args->push_back(Key(dice));
    } while (dice->OneIn(2) && args->size() < 8);
  }

  static Args InterCard(Dice* dice) {
    Args args = {"SINTERCARD"};
    Args keys;
    AppendKeys(dice, &keys);
    args.push_back(dice->OneIn(6)
                       ? dice->Pick<std::string>(
                             {"0", "-1", "x", "9", "9223372036854775807", "1"})
                       : absl::StrCat(keys.size()));
    args.insert(args.end(), keys.begin(), keys.end());
    if (dice->OneIn(2)) {
      args.push_back(dice->OneIn(10) ? "LIMITED" : "LIMIT");
      if (!dice->OneIn(10))
        args.push_back(dice->Pick<std::string>({"0", "1", "3", "-1", "x"}));
    }
    return args;
  }

  static Args Scan(Dice* dice) {
    Args args = {
        "SSCAN", Key(dice),
        dice->Pick<std::string>({"0", "0", "0", "-0", "", "x", "1.5"})};
    while (dice->OneIn(2) && args.size() < 7) {
      if (dice->OneIn(2)) {
        args.push_back("MATCH");
        args.push_back(dice->Pick<std::string>({"*", "1*", "[a-c]", "", "?"}));
      } else {
        args.push_back(dice->OneIn(6) ? "NOVALUES" : "COUNT");
        args.push_back(dice->Pick<std::string>({"1000", "0", "x"}));
      }
    }
    args.push_back("COUNT");
    args.push_back("1000");
    return args;
  }

  Args Command(Dice* dice) {
    switch (dice->Below(24)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4: {
        Args args = {"SADD", Key(dice)};
        AppendMembers(dice, &args);
        return args;
      }
      case 5:
      case 6: {
        Args args = {dice->Pick<std::string>({"SREM", "SMISMEMBER"}),
                     Key(dice)};
        AppendMembers(dice, &args);
        return args;
      }
      case 7:
      case 8:
        return {"SMOVE", Key(dice), Key(dice), Member(dice)};
      case 9:
        return {"SISMEMBER", Key(dice), Member(dice)};
      case 10:
        return {dice->Pick<std::string>({"SCARD", "SMEMBERS", "TYPE"}),
                Key(dice)};
      case 11:
        return {"SPOP", Key(dice),
                dice->Pick<std::string>({"0", "1000", "-1", "x", "1000"})};
      case 12: {
        Args args = {"SRANDMEMBER", Key(dice)};
        if (dice->OneIn(6)) return args;
        args.push_back(dice->Pick<std::string>(
            {"1000", "0", "-4", "2", "x", "-9223372036854775808"}));
        if (dice->OneIn(12)) args.push_back("extra");
        return args;
      }
      case 13:
      case 14:
      case 15:
      case 16: {
        Args args = {dice->Pick<std::string>({"SINTER", "SUNION", "SDIFF"})};
        AppendKeys(dice, &args);
        return args;
      }
      case 17:
      case 18:
      case 19: {
        Args args = {dice->Pick<std::string>(
                         {"SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"}),
                     Key(dice)};
        if (!dice->OneIn(20)) AppendKeys(dice, &args);
        return args;
      }
      case 20:
        return InterCard(dice);
      case 21:
        return Scan(dice);
      case 22:
        return {"SMEMBERS", Key(dice)};
      default:
        if (dice->OneIn(4)) return {"SET", Key(dice), "text"};
        return dice->OneIn(2) ? Args{"DEL", Key(dice)}
                              : Args{"EXPIRE", Key(dice), "1000"};
    }
  }
};

}  // namespace

std::unique_ptr<Generator> MakeSetGenerator() {
  return std::make_unique<SetGenerator>();
}

}  // namespace holdfast::test
