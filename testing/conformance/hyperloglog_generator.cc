// The HyperLogLog family. GET shows that the values are the same to the byte.

#include <algorithm>
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

class HyperLogLogGenerator final : public Generator {
 public:
  absl::string_view name() const override { return "hyperloglog"; }

  Step Next(Dice* dice) override {
    if (elements_ == 0) {  // A server keeps it from one run to the next.
      ++elements_;
      return Step({"CONFIG", "SET", "hll-sparse-max-bytes", "3000"});
    }
    Args args = Command(dice);
    if (dice->OneIn(8)) args[0] = absl::AsciiStrToLower(args[0]);
    return Step(std::move(args));
  }

 private:
  static std::string Key(Dice* dice) {
    return absl::StrCat("h", dice->Below(5));
  }

  std::string Element(Dice* dice) {
    switch (dice->Below(6)) {
      case 0:
        return absl::StrCat(dice->Below(30));
      case 1:
        return std::string(static_cast<size_t>(dice->Below(30)),
                           static_cast<char>(dice->Below(256)));
      default:
        return absl::StrCat("element:", ++elements_);
    }
  }

  // One that no PFADD has made: any registers in any runs.
  static std::string Crafted(Dice* dice) {
    std::string value = "HYLL";
    value.push_back(dice->OneIn(8) ? '\x02' : dice->OneIn(3) ? '\0' : '\x01');
    value.append(3, '\0');
    value.append(7, static_cast<char>(dice->Below(3)));
    value.push_back(dice->OneIn(2) ? '\x80' : '\0');
    if (value[4] == '\0') {
      const bool whole = !dice->OneIn(3);
      const size_t size = whole ? 12288 : 12287;
      for (size_t i = 0; i < size; ++i)
        value.push_back(static_cast<char>(dice->Below(256)));
      return value;
    }
    int left = 16384;
    while (left > 0) {
      const int length = dice->Between(1, dice->OneIn(3) ? 4000 : 60);
      const int used = std::min(left, length);
      if (dice->OneIn(2) && used <= 4) {
        value.push_back(
            static_cast<char>(0x80 | dice->Below(32) << 2 | (used - 1)));
      } else if (used <= 64 && !dice->OneIn(8)) {
        value.push_back(static_cast<char>(used - 1));
      } else {
        value.push_back(static_cast<char>(0x40 | (used - 1) >> 8));
        value.push_back(static_cast<char>((used - 1) & 0xff));
      }
      left -= used;
    }
    return value;
  }

  // A sparse one without its end, or with too much of it. Under a key of its
  // own, for Redis may change a corrupt one and then say that it is corrupt.
  static Args Corrupt(Dice* dice) {
    if (dice->OneIn(2)) {
      std::string value = Crafted(dice);
      value[4] = '\x01';
      value.resize(std::min<size_t>(value.size(), 2000));
      value[15] = '\x80';
      if (dice->OneIn(2)) value.resize(value.size() * 2 / 3, '\0');
      if (dice->OneIn(3)) value.append("\x80\x81\x7f\x01", 4);
      return {"SET", "corrupt", value};
    }
    return dice->Pick<Args>({{"PFCOUNT", "corrupt"},
                             {"PFCOUNT", "corrupt", "nosuch"},
                             {"PFMERGE", "h0", "corrupt"},
                             {"PFDEBUG", "ENCODING", "corrupt"},
                             {"PFADD", "corrupt"}});
  }

  Args Command(Dice* dice) {
    if (dice->OneIn(20)) return Corrupt(dice);
    switch (dice->Below(24)) {
      case 0:
        return {"SET", Key(dice), Crafted(dice)};
      case 1:
        return {"CONFIG", "SET", "hll-sparse-max-bytes",
                dice->Pick<std::string>(
                    {"3000", "3000", "100", "19", "0", "16384", "40"})};
      case 2:
        return dice->OneIn(3) ? Args{"DEL", Key(dice)}
                              : Args{"STRLEN", Key(dice)};
      case 3:
        return {"GET", Key(dice)};
      case 4:
        return {"PFDEBUG",
                dice->Pick<std::string>(
                    {"DECODE", "decode", "ENCODING", "GETREG", "NOSUCH"}),
                Key(dice)};
      case 5:
        return dice->OneIn(8) ? Args{"PFDEBUG", "TODENSE", Key(dice)}
                              : Args{"PFDEBUG", "ENCODING", Key(dice)};
      case 6:
        return dice->OneIn(10) ? Args{"LPUSH", Key(dice), "element"}
                               : Args{"SETRANGE", Key(dice), "15", "\x80"};
      case 7:
        return dice->OneIn(6)
                   ? Args{"SET", Key(dice),
                          dice->Pick<std::string>({"HYLL", "", "123", "text"})}
                   : Args{"EXPIRE", Key(dice), "100000"};
      case 8:
      case 9:
      case 10:
        return {"PFCOUNT", Key(dice)};
      case 11: {
        Args args = {"PFCOUNT", Key(dice), Key(dice)};
        while (dice->OneIn(2)) args.push_back(Key(dice));
        return args;
      }
      case 12:
      case 13: {
        Args args = {"PFMERGE", Key(dice)};
        while (!dice->OneIn(3)) args.push_back(Key(dice));
        return args;
      }
      default: {
        Args args = {"PFADD", Key(dice)};
        // Some at once, so that they become large.
        for (int n = dice->OneIn(4) ? dice->Below(120) : dice->Below(6); n > 0;
             --n)
          args.push_back(Element(dice));
        return args;
      }
    }
  }

  int elements_ = 0;
};

}  // namespace

std::unique_ptr<Generator> MakeHyperLogLogGenerator() {
  return std::make_unique<HyperLogLogGenerator>();
}

}  // namespace holdfast::test
