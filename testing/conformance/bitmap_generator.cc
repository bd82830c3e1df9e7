// The bitmap family.

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

class BitmapGenerator final : public Generator {
 public:
  absl::string_view name() const override { return "bitmap"; }

  Step Next(Dice* dice) override {
    Args args = Command(dice);
    if (dice->OneIn(50)) {
      if (dice->OneIn(2)) {
        args.push_back("extra");
      } else {
        args.pop_back();
      }
    }
    if (dice->OneIn(8)) args[0] = absl::AsciiStrToLower(args[0]);
    return Step(std::move(args));
  }

 private:
  static std::string Key(Dice* dice) {
    return absl::StrCat("b", dice->Below(6));
  }

  static std::string Value(Dice* dice) {
    if (dice->OneIn(4))
      return dice->Pick<std::string>(
          {"", "0", "12345", "-7", "foobar", "9223372036854775807", "1.5"});
    // Long rows of equal bits as well as mixed ones.
    std::string bytes(static_cast<size_t>(dice->Between(1, 90)),
                      dice->Pick<char>({'\0', '\xff', 'a'}));
    if (dice->OneIn(3)) bytes.resize(bytes.size() + 600, bytes[0]);
    for (int i = dice->Between(0, 4); i > 0; --i) {
      bytes[static_cast<size_t>(dice->Below(static_cast<int>(bytes.size())))] =
          static_cast<char>(dice->Below(256));
    }
    return bytes;
  }

  static std::string Hostile(Dice* dice) {
    return dice->Pick<std::string>(
        {"-1", "x", "", " 1", "01", "+1", "1.0", "4294967296", "#", "#x", "#-1",
         "##1", "#536870912", "9223372036854775807", "-9223372036854775808",
         "9223372036854775808"});
  }
  // Few long ones: each costs its bytes on both sides.
  static std::string Offset(Dice* dice) {
    if (dice->OneIn(15)) return Hostile(dice);
    if (dice->OneIn(40)) return "70000";
    return absl::StrCat(dice->Below(dice->OneIn(3) ? 800 : 40));
  }
  static std::string FieldOffset(Dice* dice) {
    if (dice->OneIn(3)) return absl::StrCat("#", dice->Below(10));
    return Offset(dice);
  }
  static std::string Index(Dice* dice) {
    if (dice->OneIn(10)) return Hostile(dice);
    if (dice->OneIn(3)) return absl::StrCat(dice->Between(-800, 800));
    return absl::StrCat(dice->Between(-20, 20));
  }
  static std::string Unit(Dice* dice) {
    if (dice->OneIn(20)) return "bits";
    return dice->Pick<std::string>({"BIT", "bit", "BYTE", "byte"});
  }

  static std::string FieldType(Dice* dice) {
    if (dice->OneIn(20))
      return dice->Pick<std::string>(
          {"u64", "i65", "u0", "i", "", "x8", "8", "i-1", "I8", "u 8"});
    if (dice->OneIn(3))
      return dice->Pick<std::string>({"u1", "i1", "u63", "i63", "i64", "u8"});
    return dice->OneIn(2) ? absl::StrCat("u", dice->Between(1, 63))
                          : absl::StrCat("i", dice->Between(1, 64));
  }
  static std::string FieldValue(Dice* dice) {
    if (dice->OneIn(20)) return Hostile(dice);
    if (dice->OneIn(3))
      return dice->Pick<std::string>(
          {"9223372036854775807", "-9223372036854775808",
           "-9223372036854775681", "-9223372036854775680",
           "4611686018427387904", "-4611686018427387905", "255", "256", "127",
           "128", "-128", "-129"});
    return absl::StrCat(dice->Between(-300, 300));
  }
  static Args BitField(Dice* dice) {
    const bool read_only = dice->OneIn(4);
    Args args = {read_only ? "BITFIELD_RO" : "BITFIELD", Key(dice)};
    const auto append = [&args](Args more) {
      args.insert(args.end(), more.begin(), more.end());
    };
    while (!dice->OneIn(4) && args.size() < 24) {
      switch (read_only && !dice->OneIn(10) ? 0 : dice->Below(5)) {
        case 0:
          append({"GET", FieldType(dice), FieldOffset(dice)});
          break;
        case 1:
          append({"SET", FieldType(dice), FieldOffset(dice), FieldValue(dice)});
          break;
        case 2:
        case 3:
          append(
              {"INCRBY", FieldType(dice), FieldOffset(dice), FieldValue(dice)});
          break;
        default:
          append({"OVERFLOW", dice->OneIn(20) ? "x"
                                              : dice->Pick<std::string>(
                                                    {"WRAP", "SAT", "FAIL"})});
      }
    }
    return args;
  }

  static Args Command(Dice* dice) {
    switch (dice->Below(24)) {
      case 0:
      case 1:
        return {"SET", Key(dice), Value(dice)};
      case 2:
        return {"SET", Key(dice), Value(dice), "EX", "100000"};
      case 3:
      case 4:
      case 5:
        return {"SETBIT", Key(dice), Offset(dice),
                dice->OneIn(20) ? dice->Pick<std::string>({"2", "-1", "x", ""})
                                : absl::StrCat(dice->Below(2))};
      case 6:
        return {"GETBIT", Key(dice), Offset(dice)};
      case 7:
      case 8:
      case 9: {
        Args args = {"BITCOUNT", Key(dice)};
        if (dice->OneIn(4)) return args;
        args.push_back(Index(dice));
        args.push_back(Index(dice));
        if (!dice->OneIn(3)) args.push_back(Unit(dice));
        return args;
      }
      case 10:
      case 11:
      case 12: {
        Args args = {
            "BITPOS", Key(dice),
            dice->OneIn(20) ? Hostile(dice) : absl::StrCat(dice->Below(2))};
        if (dice->OneIn(4)) return args;
        args.push_back(Index(dice));
        if (dice->OneIn(3)) return args;
        args.push_back(Index(dice));
        if (!dice->OneIn(3)) args.push_back(Unit(dice));
        return args;
      }
      case 13:
      case 14:
      case 15: {
        Args args = {"BITOP",
                     dice->OneIn(20) ? "NAND"
                                     : dice->Pick<std::string>(
                                           {"AND", "OR", "XOR", "NOT", "not"}),
                     Key(dice), Key(dice)};
        while (dice->OneIn(2) && (args[1].size() != 3 || args[1][0] != 'N') &&
               args.size() < 9)
          args.push_back(dice->OneIn(8) ? "nosuch" : Key(dice));
        return args;
      }
      case 16:
        return {"GET", Key(dice)};
      case 17:
        return dice->OneIn(3) ? Args{"DEL", Key(dice)} : Args{"TTL", Key(dice)};
      case 18:
        return dice->OneIn(4) ? Args{"LPUSH", Key(dice), "element"}
                              : Args{"OBJECT", "ENCODING", Key(dice)};
      default:
        return BitField(dice);
    }
  }
};

}  // namespace

std::unique_ptr<Generator> MakeBitmapGenerator() {
  return std::make_unique<BitmapGenerator>();
}

}  // namespace holdfast::test
