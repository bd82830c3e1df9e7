// Keys as such: existence, expiry, names, databases.

#include <cstdint>
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

class KeyGenerator final : public Generator {
 public:
  explicit KeyGenerator(const GeneratorOptions& options) : options_(options) {}

  absl::string_view name() const override { return "key"; }

  Step Next(Dice* dice) override {
    Args args = Command(dice);
    if (dice->OneIn(50)) args.push_back("extra");
    if (dice->OneIn(8)) args[0] = absl::AsciiStrToLower(args[0]);
    return Step(std::move(args), static_cast<int>(dice->Between(1, 2)));
  }

 private:
  // Some share a hash tag, others a prefix.
  static std::string Key(Dice* dice) {
    return dice->Pick<std::string>(
        {"k1", "k2", "k3", "{tag}a", "{tag}b", "other", "k[1]"});
  }
  static std::string Db(Dice* dice) {
    return dice->OneIn(12) ? dice->Pick<std::string>({"16", "-1", "x", "99999"})
                           : absl::StrCat(dice->Below(3));
  }

  Args Make(Dice* dice) {
    switch (dice->Below(4)) {
      case 0:
        if (options_.lists) return {"RPUSH", Key(dice), "a", "b"};
        break;
      case 1:
        if (options_.sets) return {"SADD", Key(dice), "m", "n"};
        break;
      case 2:
        return {"SET", Key(dice), "v", "EX", "1000"};
      default:
        break;
    }
    return {"SET", Key(dice), absl::StrCat(dice->Below(100))};
  }

  // Seconds: beyond any run, and hardly ever the same twice, so that GT and LT
  // do not depend on what passes between two commands.
  static int64_t FarAway(Dice* dice) {
    return dice->Between(100000, 1000000000);
  }

  static Args Expire(Dice* dice) {
    Args args;
    switch (dice->Below(4)) {
      case 0:
        args = {"EXPIRE", Key(dice),
                dice->OneIn(2) ? absl::StrCat(FarAway(dice))
                               : dice->Pick<std::string>(
                                     {"0", "-1", "x", "9223372036854775807",
                                      "-9223372036854775808"})};
        break;
      case 1:
        args = {"PEXPIRE", Key(dice),
                dice->OneIn(2)
                    ? absl::StrCat(FarAway(dice) * 1000)
                    : dice->Pick<std::string>(
                          {"0", "-1", "1.5", "9223372036854775807"})};
        break;
      case 2:
        args = {"EXPIREAT", Key(dice),
                dice->Pick<std::string>({"33177117420", "33177117421", "1", "0",
                                         "-1", "9223372036854775807"})};
        break;
      default:
        args = {"PEXPIREAT", Key(dice),
                dice->Pick<std::string>(
                    {"33177117420000", "33177117429999", "1", "0"})};
    }
    while (dice->OneIn(2) && args.size() < 6) {
      args.push_back(dice->Pick<std::string>(
          {"NX", "XX", "GT", "LT", "nx", "xx", "gt", "lt", "ZZ"}));
    }
    return args;
  }

  static Args Copy(Dice* dice) {
    Args args = {"COPY", Key(dice), Key(dice)};
    if (dice->OneIn(3)) {
      args.push_back("DB");
      args.push_back(Db(dice));
    }
    if (dice->OneIn(2)) args.push_back("REPLACE");
    if (dice->OneIn(20)) args.push_back("NOSUCH");
    return args;
  }

  Args Command(Dice* dice) {
    switch (dice->Below(24)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return Make(dice);
      case 4:
        return {dice->Pick<std::string>({"DEL", "UNLINK"}), Key(dice),
                Key(dice)};
      case 5:
        return {dice->Pick<std::string>({"EXISTS", "TOUCH"}), Key(dice),
                Key(dice), Key(dice)};
      case 6:
        return {"TYPE", Key(dice)};
      case 7:
      case 8:
      case 9:
        return Expire(dice);
      case 10:
        return {"PERSIST", Key(dice)};
      case 11:
      case 12:
        return {dice->Pick<std::string>(
                    {"TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"}),
                Key(dice)};
      case 13:
      case 14:
        return {dice->Pick<std::string>({"RENAME", "RENAMENX"}), Key(dice),
                Key(dice)};
      case 15:
      case 16:
        return Copy(dice);
      case 17:
        if (options_.move_db) return {"MOVE", Key(dice), Db(dice)};
        return {"DBSIZE"};
      case 18:
        return {"SELECT", Db(dice)};
      case 19:
        return {"DBSIZE"};
      case 20:
        return {"KEYS",
                dice->Pick<std::string>(
                    {"*", "k*", "k?", "k[12]", "k[^1]", "{tag}*", "k\\[1\\]",
                     "", "nosuch", "*a*", "k[1-2]", "[a-o]*", "**", "k["})};
      case 21:
        return {"RANDOMKEY"};
      case 22:
        return dice->OneIn(4) ? Args{"FLUSHDB"}
                              : Args{"SCAN", "0", "COUNT", "1000"};
      default:
        if (options_.move_db && dice->OneIn(3)) {
          return {"SWAPDB", Db(dice), Db(dice)};
        }
        return {"GET", Key(dice)};
    }
  }

  const GeneratorOptions options_;
};

}  // namespace

std::unique_ptr<Generator> MakeKeyGenerator(const GeneratorOptions& options) {
  return std::make_unique<KeyGenerator>(options);
}

}  // namespace holdfast::test
