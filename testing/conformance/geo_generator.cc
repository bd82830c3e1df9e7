// The geo family.

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

// Keys g0 to g3 have positions: all over the world, close together, and many at
// the same place, so that distances are equal. "odd" has scores that no
// position has, "string" is none.
class GeoGenerator final : public Generator {
 public:
  absl::string_view name() const override { return "geo"; }

  Step Next(Dice* dice) override {
    Args args = Command(dice);
    if (dice->OneIn(40)) Spoil(dice, &args);
    if (dice->OneIn(8)) args[0] = absl::AsciiStrToLower(args[0]);
    Step step(std::move(args), dice->OneIn(3) ? 2 : 1);
    if (absl::AsciiStrToLower(step.args[0]) == "hello")
      step.how = Comparison::Ignore();
    return step;
  }

 private:
  static std::string Key(Dice* dice) {
    if (dice->OneIn(40)) return "string";
    if (dice->OneIn(20)) return dice->OneIn(2) ? "odd" : "nosuch";
    return absl::StrCat("g", dice->Below(4));
  }
  static std::string Destination(Dice* dice) {
    return dice->OneIn(4) ? Key(dice) : absl::StrCat("d", dice->Below(2));
  }
  static std::string Member(Dice* dice) {
    if (dice->OneIn(60)) return std::string(65, 'm');
    if (dice->OneIn(40))
      return dice->Pick<std::string>(
          {"", std::string("\x00\r\n", 3), "NX", "7"});
    return absl::StrCat("m", dice->Below(30));
  }

  static std::string Number(Dice* dice, double low, double high) {
    // Not a round number of degrees or meters, most of the time.
    const double part = static_cast<double>(dice->Below(1000001)) / 1e6;
    return absl::StrCat(low + (high - low) * part);
  }
  static std::string Longitude(Dice* dice) {
    if (dice->OneIn(60))
      return dice->Pick<std::string>({"180.0001", "-181", "x", "", "nan", "inf",
                                      "1e400", "0x10", " 1", "1e-320"});
    if (dice->OneIn(12))
      return dice->Pick<std::string>({"180", "-180", "0", "-0", "179.9999999"});
    if (dice->OneIn(3)) return absl::StrCat(dice->Between(13, 16));
    return dice->OneIn(2) ? Number(dice, 13, 16) : Number(dice, -180, 180);
  }
  static std::string Latitude(Dice* dice) {
    if (dice->OneIn(60))
      return dice->Pick<std::string>(
          {"85.06", "-86", "90", "x", "", "nan", "-inf", "+5"});
    if (dice->OneIn(12))
      return dice->Pick<std::string>(
          {"85.05112878", "-85.05112878", "0", "66.1", "-66.1", "80.5", "-81"});
    if (dice->OneIn(3)) return absl::StrCat(dice->Between(37, 40));
    return dice->OneIn(2) ? Number(dice, 37, 40) : Number(dice, -85, 85);
  }
  static std::string Size(Dice* dice) {
    if (dice->OneIn(50))
      return dice->Pick<std::string>(
          {"-1", "x", "", "nan", "inf", "1e308", "1.2e305", "-0", "1e-300"});
    switch (dice->Below(5)) {
      case 0:
        return absl::StrCat(dice->Below(3));
      case 1:
        return Number(dice, 0, 1000);
      case 2:
        return Number(dice, 0, 100000);
      case 3:
        return Number(dice, 0, 5000000);
      default:
        return Number(dice, 0, 30000000);
    }
  }
  static std::string Unit(Dice* dice) {
    if (dice->OneIn(60)) return dice->OneIn(2) ? "x" : "";
    return dice->Pick<std::string>({"m", "km", "ft", "mi", "M", "Km"});
  }

  static void Append(Args* args, const Args& more) {
    args->insert(args->end(), more.begin(), more.end());
  }

  static Args Add(Dice* dice) {
    Args args = {"GEOADD", Key(dice)};
    while (dice->OneIn(5) && args.size() < 5)
      args.push_back(dice->Pick<std::string>({"NX", "XX", "CH", "ch", "GT"}));
    int64_t members = dice->Between(1, 4);
    if (dice->OneIn(6)) members = dice->Between(20, 150);
    const bool at_one_place = dice->OneIn(4);
    const std::string longitude = Longitude(dice);
    const std::string latitude = Latitude(dice);
    for (int64_t i = 0; i < members; ++i) {
      Append(&args, {at_one_place ? longitude : Longitude(dice),
                     at_one_place ? latitude : Latitude(dice),
                     members > 4 ? absl::StrCat("n", dice->Below(200))
                                 : Member(dice)});
    }
    return args;
  }

  static void AppendCount(Dice* dice, Args* args) {
    Append(args, {"COUNT", dice->OneIn(15)
                               ? dice->Pick<std::string>(
                                     {"0", "-1", "x", "", "9223372036854775807",
                                      "9223372036854775808"})
                               : absl::StrCat(dice->Between(1, 60))});
    if (dice->OneIn(3)) args->push_back("ANY");
  }

  // In any order, and now and then what does not go together.
  static void AppendOptions(Dice* dice, bool replies, Args* args) {
    const int64_t options = dice->Below(5);
    for (int64_t i = 0; i < options; ++i) {
      switch (dice->Below(8)) {
        case 0:
        case 1:
          if (replies || dice->OneIn(20)) args->push_back("WITHDIST");
          break;
        case 2:
          if (replies || dice->OneIn(20)) args->push_back("WITHHASH");
          break;
        case 3:
          if (replies || dice->OneIn(20)) args->push_back("WITHCOORD");
          break;
        case 4:
          args->push_back("ASC");
          break;
        case 5:
          args->push_back("DESC");
          break;
        default:
          AppendCount(dice, args);
      }
    }
    if (dice->OneIn(60))
      args->push_back(
          dice->Pick<std::string>({"ANY", "COUNT", "NOSUCH", "STORE"}));
  }

  static Args From(Dice* dice) {
    if (dice->OneIn(3)) return {"FROMMEMBER", Member(dice)};
    return {"FROMLONLAT", Longitude(dice), Latitude(dice)};
  }
  static Args By(Dice* dice) {
    if (dice->OneIn(2)) return {"BYRADIUS", Size(dice), Unit(dice)};
    return {"BYBOX", Size(dice), Size(dice), Unit(dice)};
  }

  static Args Search(Dice* dice, bool store) {
    Args args = {store ? "GEOSEARCHSTORE" : "GEOSEARCH"};
    if (store) args.push_back(Destination(dice));
    args.push_back(Key(dice));
    if (!dice->OneIn(40)) Append(&args, From(dice));
    if (!dice->OneIn(40)) Append(&args, By(dice));
    if (dice->OneIn(50)) Append(&args, dice->OneIn(2) ? From(dice) : By(dice));
    AppendOptions(dice, !store, &args);
    if (dice->OneIn(store ? 3 : 60)) args.push_back("STOREDIST");
    return args;
  }

  static Args Radius(Dice* dice) {
    const bool read_only = dice->OneIn(3);
    const bool by_member = dice->OneIn(2);
    Args args = {absl::StrCat(by_member ? "GEORADIUSBYMEMBER" : "GEORADIUS",
                              read_only ? "_RO" : ""),
                 Key(dice)};
    if (by_member) {
      args.push_back(Member(dice));
    } else {
      Append(&args, {Longitude(dice), Latitude(dice)});
    }
    Append(&args, {Size(dice), Unit(dice)});
    const bool store = dice->OneIn(read_only ? 40 : 3);
    AppendOptions(dice, !store, &args);
    while (store && args.back() != "STORE") {
      Append(&args,
             {dice->OneIn(2) ? "STORE" : "STOREDIST", Destination(dice)});
      if (!dice->OneIn(8)) break;
    }
    return args;
  }

  static Args Command(Dice* dice) {
    switch (dice->Below(24)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return Add(dice);
      case 5: {
        Args args = {"GEODIST", Key(dice), Member(dice), Member(dice)};
        if (dice->OneIn(2)) args.push_back(Unit(dice));
        return args;
      }
      case 6:
        return {"GEOPOS", Key(dice), Member(dice), Member(dice), Member(dice)};
      case 7:
        return {"GEOHASH", Key(dice), Member(dice), Member(dice), Member(dice)};
      case 8:
      case 9:
      case 10:
      case 11:
      case 12:
        return Search(dice, false);
      case 13:
      case 14:
        return Search(dice, true);
      case 15:
      case 16:
      case 17:
      case 18:
      case 19:
        return Radius(dice);
      case 20:
        return {"ZADD", "odd",
                dice->Pick<std::string>(
                    {"-1", "inf", "-inf", "1e19", "0.5", "4503599627370495.5",
                     "-1e300", "9007199254740993", "13510798882111488",
                     "18446744073709551616", "1e15"}),
                Member(dice)};
      case 21:
        return {"ZRANGE", Destination(dice), "0", "-1", "WITHSCORES"};
      case 22:
        if (dice->OneIn(3)) return {"SET", "string", "v"};
        if (dice->OneIn(2)) return {"DEL", Destination(dice)};
        return {"ZREM", Key(dice), Member(dice), Member(dice)};
      default:
        if (dice->OneIn(3)) return {"HELLO", dice->OneIn(2) ? "2" : "3"};
        return {"OBJECT", "ENCODING", Destination(dice)};
    }
  }

  static void Spoil(Dice* dice, Args* args) {
    if (dice->OneIn(2)) {
      args->push_back("extra");
    } else if (args->size() > 1) {
      args->pop_back();
    }
  }
};

}  // namespace

std::unique_ptr<Generator> MakeGeoGenerator() {
  return std::make_unique<GeoGenerator>();
}

}  // namespace holdfast::test
