// The list family. Blocking commands are sent with timeouts that are soon over.

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

class ListGenerator final : public Generator {
 public:
  absl::string_view name() const override { return "list"; }

  Step Next(Dice* dice) override {
    Args args = Command(dice);
    if (dice->OneIn(60)) args.push_back("extra");
    if (dice->OneIn(8)) args[0] = absl::AsciiStrToLower(args[0]);
    return Step(std::move(args));
  }

 private:
  static std::string Key(Dice* dice) {
    return absl::StrCat("l", dice->Below(5));
  }
  static std::string Element(Dice* dice) {
    if (dice->OneIn(3)) return absl::StrCat(dice->Between(-3, 300));
    // Some beyond what a listpack holds in a node.
    if (dice->OneIn(40)) return std::string(9000, 'e');
    return dice->Pick<std::string>(
        {"a", "b", "c", "", "01", "-0", "9223372036854775807",
         "-9223372036854775808", "9223372036854775808",
         std::string("\x00\r\n\xff", 4), std::string(70, 'x')});
  }
  static std::string Index(Dice* dice) {
    return dice->OneIn(15)
               ? dice->Pick<std::string>({"x", "", "1.5", "9223372036854775807",
                                          "-9223372036854775808", "100000"})
               : absl::StrCat(dice->Between(-8, 8));
  }
  static std::string End(Dice* dice) {
    return dice->OneIn(20) ? "middle"
                           : dice->Pick<std::string>({"LEFT", "RIGHT", "left"});
  }
  static std::string Timeout(Dice* dice) {
    return dice->OneIn(5) ? dice->Pick<std::string>({"-1", "x", "nan", ""})
                          : "0.002";
  }
  static void AppendElements(Dice* dice, Args* args) {
    do {
      args->push_back(Element(dice));
    } while (!dice->OneIn(3) && args->size() < 12);
  }

  static Args Position(Dice* dice) {
    Args args = {"LPOS", Key(dice), Element(dice)};
    while (dice->OneIn(2) && args.size() < 9) {
      args.push_back(
          dice->Pick<std::string>({"RANK", "COUNT", "MAXLEN", "at"}));
      if (!dice->OneIn(12))
        args.push_back(
            dice->Pick<std::string>({"1", "2", "-1", "-2", "0", "3", "100", "x",
                                     "9223372036854775807"}));
    }
    return args;
  }

  static Args PopMany(Dice* dice, bool blocking) {
    Args args = {blocking ? "BLMPOP" : "LMPOP"};
    if (blocking) args.push_back(Timeout(dice));
    Args keys;
    do {
      keys.push_back(Key(dice));
    } while (dice->OneIn(2) && keys.size() < 4);
    args.push_back(dice->OneIn(12)
                       ? dice->Pick<std::string>({"0", "-1", "x", "9"})
                       : absl::StrCat(keys.size()));
    args.insert(args.end(), keys.begin(), keys.end());
    args.push_back(End(dice));
    if (dice->OneIn(2)) {
      args.push_back("COUNT");
      args.push_back(dice->Pick<std::string>({"1", "2", "10", "0", "-1", "x"}));
    }
    return args;
  }

  Args Command(Dice* dice) {
    switch (dice->Below(26)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5: {
        Args args = {dice->Pick<std::string>(
                         {"LPUSH", "RPUSH", "RPUSH", "LPUSHX", "RPUSHX"}),
                     Key(dice)};
        AppendElements(dice, &args);
        return args;
      }
      case 6:
      case 7: {
        Args args = {dice->Pick<std::string>({"LPOP", "RPOP"}), Key(dice)};
        if (dice->OneIn(2))
          args.push_back(dice->Pick<std::string>(
              {"0", "1", "2", "100", "-1", "x", "9223372036854775807"}));
        return args;
      }
      case 8:
      case 9:
        return {"LRANGE", Key(dice), Index(dice), Index(dice)};
      case 10:
        return {"LRANGE", Key(dice), "0", "-1"};
      case 11:
        return {"LINDEX", Key(dice), Index(dice)};
      case 12:
      case 13:
        return {"LINSERT", Key(dice),
                dice->OneIn(15) ? "BESIDE"
                                : dice->Pick<std::string>({"BEFORE", "AFTER"}),
                Element(dice), Element(dice)};
      case 14:
      case 15:
        return {"LSET", Key(dice), Index(dice), Element(dice)};
      case 16:
        return {"LREM", Key(dice), Index(dice), Element(dice)};
      case 17:
        return {"LTRIM", Key(dice), Index(dice), Index(dice)};
      case 18:
        return Position(dice);
      case 19:
        return {"LMOVE", Key(dice), Key(dice), End(dice), End(dice)};
      case 20:
        return {"RPOPLPUSH", Key(dice), Key(dice)};
      case 21:
        return PopMany(dice, false);
      case 22:
        return dice->OneIn(4) ? PopMany(dice, true) : Args{"LLEN", Key(dice)};
      case 23:
        if (!dice->OneIn(4)) return {"TYPE", Key(dice)};
        return dice->OneIn(2)
                   ? Args{dice->Pick<std::string>({"BLPOP", "BRPOP"}),
                          Key(dice), Key(dice), Timeout(dice)}
                   : Args{"BLMOVE",  Key(dice), Key(dice),
                          End(dice), End(dice), Timeout(dice)};
      case 24:
        if (!dice->OneIn(4)) return {"LLEN", Key(dice)};
        return {"BRPOPLPUSH", Key(dice), Key(dice), Timeout(dice)};
      default:
        if (dice->OneIn(4)) return {"SET", Key(dice), "text"};
        return dice->OneIn(2) ? Args{"DEL", Key(dice)}
                              : Args{"EXPIRE", Key(dice), "1000"};
    }
  }
};

}  // namespace

std::unique_ptr<Generator> MakeListGenerator() {
  return std::make_unique<ListGenerator>();
}

}  // namespace holdfast::test
