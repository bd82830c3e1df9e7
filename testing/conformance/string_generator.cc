// The string family.

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

class StringGenerator final : public Generator {
 public:
  explicit StringGenerator(const GeneratorOptions& options)
      : options_(options) {}

  absl::string_view name() const override { return "string"; }

  Step Next(Dice* dice) override {
    Args args = Command(dice);
    if (dice->OneIn(40)) Spoil(dice, &args);
    if (dice->OneIn(8)) args[0] = absl::AsciiStrToLower(args[0]);
    return Step(std::move(args));
  }

 private:
  static std::string Key(Dice* dice) {
    return absl::StrCat("k", dice->Below(6));
  }

  static std::string Text(Dice* dice) {
    switch (dice->Below(8)) {
      case 0:
        return "";
      case 1:
        return std::string("\x00\r\n\xff", 4);
      case 2:
        return std::string(static_cast<size_t>(dice->Between(1, 120)), 'x');
      case 3:
        return dice->Pick<std::string>({"ohmytext", "mynewtext", "abcabcabd"});
      default:
        return Number(dice);
    }
  }

  // Also what is nearly a number.
  static std::string Number(Dice* dice) {
    return dice->Pick<std::string>({"0",
                                    "1",
                                    "-1",
                                    "10",
                                    "42",
                                    "-0",
                                    "00",
                                    "012",
                                    " 7",
                                    "7 ",
                                    "+3",
                                    "",
                                    "9223372036854775807",
                                    "-9223372036854775808",
                                    "9223372036854775808",
                                    "9223372036854775800",
                                    "-9223372036854775800",
                                    "99999999999999999999",
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

  static std::string Offset(Dice* dice) {
    return dice->Pick<std::string>({"0", "1", "5", "20", "300", "-1", "-3",
                                    "-300", "536870912", "9223372036854775807",
                                    "-9223372036854775808", "x", ""});
  }

  static void Append(Args* args, Args more) {
    args->insert(args->end(), more.begin(), more.end());
  }

  // Far away, already past, or refused.
  static void AppendExpiry(Dice* dice, Args* args) {
    switch (dice->Below(5)) {
      case 0:
        Append(args, {"EX", dice->Pick<std::string>(
                                {"100", "86400", "0", "-1", "x", "1.5",
                                 "9223372036854775807", "9223372036854775"})});
        break;
      case 1:
        Append(args,
               {"PX", dice->Pick<std::string>({"100000", "86400000", "0", "-5",
                                               "", "9223372036854775807"})});
        break;
      case 2:
        Append(args,
               {"EXAT", dice->Pick<std::string>({"33177117420", "1", "0", "-1",
                                                 "y", "9223372036854775807"})});
        break;
      case 3:
        Append(args, {"PXAT", dice->Pick<std::string>(
                                  {"33177117420000", "1", "0", "-1"})});
        break;
      default:
        args->push_back(dice->Pick<std::string>({"KEEPTTL", "PERSIST"}));
    }
  }

  Args Set(Dice* dice) {
    Args args = {"SET", Key(dice), Text(dice)};
    while (dice->OneIn(2) && args.size() < 9) {
      switch (dice->Below(4)) {
        case 0:
          args.push_back(dice->Pick<std::string>({"NX", "XX", "nx", "xx"}));
          break;
        case 1:
          args.push_back(dice->Pick<std::string>({"GET", "get", "KEEPTTL"}));
          break;
        case 2:
          AppendExpiry(dice, &args);
          break;
        default:
          if (dice->OneIn(6)) args.push_back("NOSUCH");
      }
    }
    return args;
  }

  Args Lcs(Dice* dice) {
    Args args = {"LCS", Key(dice), Key(dice)};
    while (dice->OneIn(2) && args.size() < 9) {
      switch (dice->Below(4)) {
        case 0:
          args.push_back("LEN");
          break;
        case 1:
          args.push_back("IDX");
          break;
        case 2:
          Append(&args, {"MINMATCHLEN", dice->Pick<std::string>(
                                            {"0", "1", "2", "4", "-1", "x"})});
          break;
        default:
          args.push_back("WITHMATCHLEN");
      }
    }
    return args;
  }

  Args Command(Dice* dice) {
    switch (dice->Below(26)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return Set(dice);
      case 4:
      case 5:
        return {"GET", Key(dice)};
      case 6: {
        Args args = {"GETEX", Key(dice)};
        if (!dice->OneIn(3)) AppendExpiry(dice, &args);
        if (dice->OneIn(10)) AppendExpiry(dice, &args);
        return args;
      }
      case 7:
        return {"GETDEL", Key(dice)};
      case 8:
        return {"GETSET", Key(dice), Text(dice)};
      case 9:
        return {"SETNX", Key(dice), Text(dice)};
      case 10:
        return {dice->Pick<std::string>({"SETEX", "PSETEX"}), Key(dice),
                dice->Pick<std::string>(
                    {"100000", "0", "-1", "x", "9223372036854775807"}),
                Text(dice)};
      case 11:
        return {"MGET", Key(dice), Key(dice), Key(dice)};
      case 12: {
        Args args = {dice->Pick<std::string>({"MSET", "MSETNX"}), Key(dice),
                     Text(dice), Key(dice), Text(dice)};
        if (dice->OneIn(6)) args.push_back(Key(dice));
        return args;
      }
      case 13:
        return {"APPEND", Key(dice), Text(dice)};
      case 14:
        return {"STRLEN", Key(dice)};
      case 15:
        return {"SETRANGE", Key(dice), Offset(dice), Text(dice)};
      case 16:
        return {dice->Pick<std::string>({"GETRANGE", "SUBSTR"}), Key(dice),
                Offset(dice), Offset(dice)};
      case 17:
      case 18:
        return {dice->Pick<std::string>({"INCR", "DECR"}), Key(dice)};
      case 19:
      case 20:
        return {dice->Pick<std::string>({"INCRBY", "DECRBY"}), Key(dice),
                Number(dice)};
      case 21:
      case 22:
        return {"INCRBYFLOAT", Key(dice), Number(dice)};
      case 23:
        return Lcs(dice);
      case 24:
        return {dice->Pick<std::string>({"TTL", "PTTL", "EXPIRETIME", "TYPE"}),
                Key(dice)};
      default:
        if (dice->OneIn(3) && options_.lists) {
          return {"LPUSH", Key(dice), "element"};
        }
        return {"DEL", Key(dice)};
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

  const GeneratorOptions options_;
};

}  // namespace

std::unique_ptr<Generator> MakeStringGenerator(
    const GeneratorOptions& options) {
  return std::make_unique<StringGenerator>(options);
}

}  // namespace holdfast::test
