// SORT and SORT_RO.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "testing/conformance/generator.h"
#include "testing/support/dice.h"

namespace holdfast::test {
namespace {

using Args = std::vector<std::string>;

// Lists n0 and n1 of numbers, l0 and l1 of anything; "ints" is a set of
// integers; "set" and "zset" have an order in Redis that nothing tells: what
// depends on it is neither compared nor stored. Weights and values: w_<element>
// and the hashes o_<element>, both few, so that many are missing.
class SortGenerator final : public Generator {
 public:
  explicit SortGenerator(const GeneratorOptions& options) : options_(options) {}

  absl::string_view name() const override { return "sort"; }

  Step Next(Dice* dice) override {
    // Redis's SORT takes an errno for its own that any number out of range has
    // left, here of an earlier generator: what sets it to 0 comes first, and
    // there is no such number here.
    Args args = Args{"ZADD", "zset", "1", "1"};
    if (started_) args = options_.lists ? Command(dice) : Args{"PING"};
    started_ = true;
    const bool unordered = TakeMark(&args);
    // Nothing but integers goes into "ints".
    if (dice->OneIn(40) && !unordered && args[0] != "SADD") Spoil(dice, &args);
    if (dice->OneIn(8)) args[0] = absl::AsciiStrToLower(args[0]);
    Step step(std::move(args), dice->OneIn(3) ? 2 : 1);
    if (absl::AsciiStrToLower(step.args[0]) == "hello")
      step.how = Comparison::Ignore();
    if (unordered) step.how = Comparison::Type();
    return step;
  }

 private:
  static constexpr char kUnorderedMark[] = "?";

  static bool TakeMark(Args* args) {
    if (args->back() != kUnorderedMark) return false;
    args->pop_back();
    return true;
  }

  static std::string Key(Dice* dice) {
    if (dice->OneIn(30)) return dice->Pick<std::string>({"string", "nosuch"});
    if (dice->OneIn(6)) return "ints";
    return absl::StrCat(dice->OneIn(2) ? "n" : "l", dice->Below(2));
  }
  static std::string Destination(Dice* dice) {
    if (dice->OneIn(8)) return absl::StrCat("n", dice->Below(2));
    if (dice->OneIn(12)) return "string";
    return absl::StrCat("d", dice->Below(2));
  }
  static std::string Integer(Dice* dice) {
    return absl::StrCat(dice->Between(-9, 30));
  }
  static std::string Number(Dice* dice) {
    if (dice->OneIn(3))
      return dice->Pick<std::string>(
          {"1.5", "-2.25", "01", "+1", "1.0", "0x10", "1e2", "-0", "inf",
           "-inf", "9223372036854775807", "1e17", " 3", "", ".5"});
    return Integer(dice);
  }
  static std::string Element(Dice* dice) {
    switch (dice->Below(5)) {
      case 0:
        return dice->Pick<std::string>({std::string("a\0b", 3),
                                        std::string("a\0a", 3), "a", "*", "->",
                                        "\xff", "A", "nan", "1x"});
      case 1:
        return Number(dice);
      case 2:
        return absl::StrCat("x", dice->Below(10));
      default:
        return Integer(dice);
    }
  }

  static std::string Pattern(Dice* dice) {
    return dice->Pick<std::string>(
        {"w_*", "w_*", "w_*", "o_*->f", "o_*->f", "o_*->g", "*", "#", "nosort",
         "o_*", "w_*->f", "o_*->", "o_*->nosuch", "w_**", "->*", "",
         std::string("w\0*", 3), "*->*", "#*"});
  }

  static void Append(Args* args, const Args& more) {
    args->insert(args->end(), more.begin(), more.end());
  }

  static void AppendLimit(Dice* dice, Args* args) {
    const auto number = [&](int64_t low, int64_t high) {
      if (dice->OneIn(15))
        return dice->Pick<std::string>({"x", "", "9223372036854775807",
                                        "-9223372036854775808",
                                        "9223372036854775808", "1.5"});
      return absl::StrCat(dice->Between(low, high));
    };
    Append(args, {"LIMIT", number(-1, 12), number(-1, 40)});
    if (dice->OneIn(30)) args->pop_back();
  }

  static Args Sort(Dice* dice) {
    const bool read_only = dice->OneIn(4);
    Args args = {read_only ? "SORT_RO" : "SORT", Key(dice)};
    const int64_t options = dice->Below(5);
    for (int64_t i = 0; i < options; ++i) {
      switch (dice->Below(9)) {
        case 0:
        case 1:
          Append(&args, {"BY", Pattern(dice)});
          break;
        case 2:
          AppendLimit(dice, &args);
          break;
        case 3:
          Append(&args, {"GET", Pattern(dice)});
          break;
        case 4:
          Append(&args, {"GET", "#", "get", Pattern(dice)});
          break;
        case 5:
          args.push_back(dice->Pick<std::string>({"ASC", "DESC", "desc"}));
          break;
        case 6:
        case 7:
          args.push_back("ALPHA");
          break;
        default:
          if (!read_only || dice->OneIn(10))
            Append(&args, {"STORE", Destination(dice)});
      }
    }
    if (dice->OneIn(60))
      args.push_back(
          dice->Pick<std::string>({"BY", "GET", "STORE", "LIMIT", "NOSUCH"}));
    return args;
  }

  // All that is sorted by is different for each member here.
  static Args SortUnordered(Dice* dice) {
    Args args = {dice->OneIn(2) ? "SORT" : "SORT_RO",
                 dice->OneIn(2) ? "set" : "zset"};
    const bool is_set = args[1] == "set";
    const int64_t by = dice->Below(4);
    bool ordered = true;
    if (by == 0) {
      Append(&args, {"BY", "nosort"});
      ordered = !is_set;
    } else if (by == 1) {
      Append(&args, {"BY", "w_*"});
    } else if (by == 2) {
      Append(&args, {"BY", "w_*", "ALPHA"});
      ordered = false;
    } else {
      args.push_back("ALPHA");
    }
    if (dice->OneIn(2)) args.push_back("DESC");
    if (dice->OneIn(3)) AppendLimit(dice, &args);
    if (dice->OneIn(3)) Append(&args, {"GET", "#", "GET", "w_*"});
    if (args[0] == "SORT" && (ordered || by == 0) && dice->OneIn(3)) {
      Append(&args, {"STORE", Destination(dice)});
    } else if (!ordered) {
      args.push_back(kUnorderedMark);
    }
    return args;
  }

  Args Fill(Dice* dice) {
    const int64_t count =
        dice->OneIn(5) ? dice->Between(30, 120) : dice->Between(1, 6);
    switch (dice->Below(6)) {
      case 0:
      case 1: {
        Args args = {dice->OneIn(2) ? "RPUSH" : "LPUSH",
                     absl::StrCat("n", dice->Below(2))};
        for (int64_t i = 0; i < count; ++i) args.push_back(Number(dice));
        return args;
      }
      case 2: {
        Args args = {"RPUSH", absl::StrCat("l", dice->Below(2))};
        for (int64_t i = 0; i < count; ++i) args.push_back(Element(dice));
        return args;
      }
      case 3: {
        if (!options_.sets) return {"PING"};
        Args args = {"SADD", "ints"};
        for (int64_t i = 0; i < count; ++i) args.push_back(Integer(dice));
        return args;
      }
      case 4: {
        if (!options_.sets) return {"PING"};
        Args args = {"SADD", "set"};
        for (int64_t i = 0; i < count; ++i)
          args.push_back(
              absl::StrCat(dice->OneIn(2) ? "x" : "", Integer(dice)));
        return args;
      }
      default: {
        Args args = {"ZADD", "zset"};
        for (int64_t i = 0; i < count; ++i)
          Append(&args, {Integer(dice), Integer(dice)});
        return args;
      }
    }
  }

  Args Weight(Dice* dice) {
    const std::string element = dice->OneIn(4) ? Element(dice) : Integer(dice);
    if (dice->OneIn(2)) {
      return {"SET", absl::StrCat(dice->OneIn(8) ? "" : "w_", element),
              dice->OneIn(5) ? Element(dice) : Number(dice)};
    }
    if (!options_.hashes || dice->OneIn(8))
      return {"DEL", absl::StrCat("w_", element), absl::StrCat("o_", element)};
    return {"HSET", absl::StrCat("o_", element), dice->OneIn(2) ? "f" : "g",
            Number(dice)};
  }

  Args Command(Dice* dice) {
    switch (dice->Below(20)) {
      case 0:
      case 1:
      case 2:
        return Fill(dice);
      case 3:
      case 4:
      case 5:
      case 6:
        return Weight(dice);
      case 7:
      case 8:
        return SortUnordered(dice);
      case 9:
        if (dice->OneIn(4)) return {"HELLO", dice->OneIn(2) ? "2" : "3"};
        if (dice->OneIn(3)) return {"SET", "string", "v"};
        return {"DEL", dice->OneIn(3) ? "set" : Key(dice)};
      case 10:
        return {"LRANGE", Destination(dice), "0", "-1"};
      case 11: {
        Args args = Sort(dice);
        args.insert(args.begin(), {"COMMAND", "GETKEYS"});
        return args;
      }
      default:
        return Sort(dice);
    }
  }

  static void Spoil(Dice* dice, Args* args) {
    if (dice->OneIn(2)) {
      args->push_back("extra");
    } else if (args->size() > 1) {
      args->pop_back();
    }
  }

  const GeneratorOptions options_;
  bool started_ = false;
};

}  // namespace

std::unique_ptr<Generator> MakeSortGenerator(const GeneratorOptions& options) {
  return std::make_unique<SortGenerator>(options);
}

}  // namespace holdfast::test
