// The stream family.

#include <algorithm>
#include <cstdint>
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

// Few streams, groups, consumers and ids, so that they meet. Ids are given, not
// made from the time; idle times are 0 or for ever, and where replies show
// times, these are left out of the comparison.
class StreamGenerator final : public Generator {
 public:
  absl::string_view name() const override { return "stream"; }

  Step Next(Dice* dice) override {
    Args args = first_ ? NodeEntries("100") : Command(dice);
    first_ = false;
    if (dice->OneIn(40)) Spoil(dice, &args);
    if (dice->OneIn(8)) args[0] = absl::AsciiStrToLower(args[0]);
    Step step(std::move(args), dice->OneIn(3) ? 2 : 1);
    step.how = How(step.args);
    return step;
  }

 private:
  using Kind = Comparison::Kind;

  static Comparison How(const Args& args) {
    const std::string command = absl::AsciiStrToLower(args[0]);
    const std::string sub =
        args.size() > 1 ? absl::AsciiStrToLower(args[1]) : "";
    if (command == "hello") return Comparison::Ignore();
    // [id, consumer, idle, deliveries], one of them at most.
    if (command == "xpending" && args.size() > 3) {
      Comparison entry = {.kind = Kind::kEach, .each = {}};
      entry.each.assign(4, Comparison::Exact());
      entry.each[2] = Comparison::Near(kSlow);
      return {.kind = Kind::kEach, .each = {entry}};
    }
    if (command == "xinfo" && sub == "stream") {
      if (args.size() > 3) return Comparison::Type();  // FULL shows times.
      // The nodes of the radix tree.
      Comparison all = {.kind = Kind::kEach, .each = {}};
      all.each.assign(20, Comparison::Exact());
      all.each[5] = Comparison::Ignore();
      return all;
    }
    if (command == "xinfo" && (sub == "consumers" || sub == "help"))
      return Comparison::Type();
    if (command == "xgroup" && sub == "help") return Comparison::Type();
    return Comparison::Exact();
  }

  static std::string Key(Dice* dice) {
    if (dice->OneIn(40)) return "string";
    if (dice->OneIn(40)) return "nosuch";
    return absl::StrCat("x", dice->Below(3));
  }
  static std::string Group(Dice* dice) {
    if (dice->OneIn(40)) return dice->OneIn(2) ? "" : "nosuch";
    return absl::StrCat("g", dice->Below(2));
  }
  static std::string Consumer(Dice* dice) {
    return absl::StrCat("c", dice->Below(3));
  }

  // Of an entry that may be there.
  std::string Id(Dice* dice) {
    if (dice->OneIn(20)) return BadId(dice);
    const int64_t ms = std::max<int64_t>(latest_ - dice->Below(30), 0);
    if (dice->OneIn(3)) return absl::StrCat(ms);
    return absl::StrCat(ms, "-", dice->Below(2));
  }
  static std::string BadId(Dice* dice) {
    return dice->Pick<std::string>({"",
                                    "x",
                                    "-",
                                    "+",
                                    "(",
                                    "(1",
                                    "1-",
                                    "-1",
                                    "1-x",
                                    "1-1-1",
                                    "0-0",
                                    "0",
                                    "$",
                                    ">",
                                    "*",
                                    " 1",
                                    "007-01",
                                    "1-*",
                                    "18446744073709551615-18446744073709551615",
                                    "18446744073709551615",
                                    "18446744073709551616",
                                    "9223372036854775808-1",
                                    std::string(200, '1')});
  }
  std::string NewId(Dice* dice) {
    if (dice->OneIn(9)) {
      const std::string id = Id(dice);
      // Would make ids from the time; or be the end of the stream too often.
      return id == "*" || (id.size() > 18 && !dice->OneIn(10)) ? "x" : id;
    }
    latest_ += dice->Below(3);
    return absl::StrCat(latest_, dice->OneIn(3) ? "-1" : "-*");
  }
  std::string Bound(Dice* dice) {
    if (dice->OneIn(3)) return dice->OneIn(2) ? "-" : "+";
    if (dice->OneIn(4)) return absl::StrCat("(", Id(dice));
    return Id(dice);
  }
  static std::string Number(Dice* dice) {
    if (dice->OneIn(10))
      return dice->Pick<std::string>(
          {"x", "", "1.5", "-1", "0", "9223372036854775807",
           "-9223372036854775808", "9223372036854775808", " 1"});
    return absl::StrCat(dice->Below(8));
  }
  static std::string Word(Dice* dice) {
    return dice->Pick<std::string>({"a", "b", "12", "-7", "",
                                    std::string("\x00\r\n\xff", 4),
                                    std::string(70, 'w'), "f", "v"});
  }
  static std::string MinIdle(Dice* dice) {
    return dice->Pick<std::string>(
        {"0", "0", "0", "0", "-5", "x", "9223372036854775807", "10000000000"});
  }

  static void Append(Args* args, const Args& more) {
    args->insert(args->end(), more.begin(), more.end());
  }

  void AppendTrim(Dice* dice, Args* args) {
    const bool max_len = dice->OneIn(2);
    args->push_back(max_len ? "MAXLEN" : "MINID");
    if (dice->OneIn(2))
      args->push_back(dice->Pick<std::string>({"~", "=", "~", "?"}));
    args->push_back(max_len ? Number(dice) : Id(dice));
    if (dice->OneIn(5)) Append(args, {"LIMIT", Number(dice)});
    if (dice->OneIn(40)) Append(args, {"MINID", "1"});
  }

  Args Add(Dice* dice) {
    Args args = {"XADD", Key(dice)};
    if (dice->OneIn(10)) args.push_back("NOMKSTREAM");
    if (dice->OneIn(8)) AppendTrim(dice, &args);
    args.push_back(NewId(dice));
    const int64_t pairs = dice->OneIn(3) ? dice->Between(1, 4) : 1;
    for (int64_t i = 0; i < pairs; ++i) Append(&args, {Word(dice), Word(dice)});
    return args;
  }

  Args Range(Dice* dice) {
    Args args = {dice->OneIn(2) ? "XRANGE" : "XREVRANGE", Key(dice)};
    Append(&args, {Bound(dice), Bound(dice)});
    if (dice->OneIn(3)) Append(&args, {"COUNT", Number(dice)});
    return args;
  }

  // Never waits for long.
  void AppendStreams(Dice* dice, bool group, Args* args) {
    args->push_back("STREAMS");
    const int64_t keys = dice->OneIn(3) ? 2 : 1;
    for (int64_t i = 0; i < keys; ++i) args->push_back(Key(dice));
    for (int64_t i = 0; i < keys; ++i) {
      if (group ? !dice->OneIn(4) : dice->OneIn(6)) {
        args->push_back(group ? ">" : "$");
      } else {
        args->push_back(dice->OneIn(2) ? "0" : Id(dice));
      }
    }
    if (dice->OneIn(40)) args->pop_back();
  }
  static void AppendReadOptions(Dice* dice, Args* args) {
    if (dice->OneIn(3)) Append(args, {"COUNT", Number(dice)});
    if (dice->OneIn(10)) {
      Append(args,
             {"BLOCK", dice->Pick<std::string>({"1", "1", "2", "-1", "x", "1.5",
                                                "9223372036854775808"})});
    }
  }
  Args Read(Dice* dice) {
    Args args = {"XREAD"};
    AppendReadOptions(dice, &args);
    if (dice->OneIn(50)) args.push_back("NOACK");
    if (dice->OneIn(50)) Append(&args, {"GROUP", "g0", "c0"});
    AppendStreams(dice, false, &args);
    return args;
  }
  Args ReadGroup(Dice* dice) {
    Args args = {"XREADGROUP"};
    if (!dice->OneIn(50)) Append(&args, {"GROUP", Group(dice), Consumer(dice)});
    AppendReadOptions(dice, &args);
    if (dice->OneIn(5)) args.push_back("NOACK");
    AppendStreams(dice, true, &args);
    return args;
  }

  Args GroupCommand(Dice* dice) {
    Args args;
    switch (dice->Below(9)) {
      case 0:
      case 1:
      case 2:
        args = {"XGROUP", "CREATE", Key(dice), Group(dice),
                dice->Pick<std::string>({"0", "$", "0", "5-1", "x"})};
        if (dice->OneIn(2)) args.push_back("MKSTREAM");
        break;
      case 3:
      case 4:
        args = {"XGROUP", "SETID", Key(dice), Group(dice),
                dice->OneIn(2) ? Id(dice) : "0"};
        break;
      case 5:
        if (dice->OneIn(8)) return {"XGROUP", "HELP"};
        return {"XGROUP", "DESTROY", Key(dice), Group(dice)};
      case 6:
        return {"XGROUP", "DELCONSUMER", Key(dice), Group(dice),
                Consumer(dice)};
      case 7:
        return {"XGROUP", "CREATECONSUMER", Key(dice), Group(dice),
                Consumer(dice)};
      default:
        return {"XGROUP", dice->OneIn(2) ? "NOSUCH" : "CREATE", Key(dice),
                Group(dice)};
    }
    if (dice->OneIn(3)) Append(&args, {"ENTRIESREAD", Number(dice)});
    if (dice->OneIn(40)) args.push_back("NOSUCH");
    return args;
  }

  Args Pending(Dice* dice) {
    Args args = {"XPENDING", Key(dice), Group(dice)};
    if (dice->OneIn(2)) return args;
    if (dice->OneIn(3)) Append(&args, {"IDLE", MinIdle(dice)});
    // One at a time, so that the comparison can leave its time out.
    Append(&args,
           {Bound(dice), Bound(dice),
            dice->OneIn(10) ? dice->Pick<std::string>({"0", "-1", "x"}) : "1"});
    if (dice->OneIn(2)) args.push_back(Consumer(dice));
    return args;
  }

  Args Claim(Dice* dice) {
    Args args = {"XCLAIM", Key(dice), Group(dice), Consumer(dice),
                 MinIdle(dice)};
    const int64_t ids = dice->Between(1, 4);
    for (int64_t i = 0; i < ids; ++i) args.push_back(Id(dice));
    while (dice->OneIn(2)) {
      switch (dice->Below(6)) {
        case 0:
          Append(&args, {"IDLE", Number(dice)});
          break;
        case 1:
          Append(&args, {"TIME", Number(dice)});
          break;
        case 2:
          Append(&args, {"RETRYCOUNT", Number(dice)});
          break;
        case 3:
          args.push_back("FORCE");
          break;
        case 4:
          args.push_back("JUSTID");
          break;
        default:
          Append(&args, {"LASTID", Id(dice)});
      }
    }
    if (dice->OneIn(40)) args.push_back("NOSUCH");
    return args;
  }

  Args AutoClaim(Dice* dice) {
    Args args = {"XAUTOCLAIM",   Key(dice),     Group(dice),
                 Consumer(dice), MinIdle(dice), Bound(dice)};
    if (dice->OneIn(2)) Append(&args, {"COUNT", Number(dice)});
    if (dice->OneIn(3)) args.push_back("JUSTID");
    return args;
  }

  Args SetId(Dice* dice) {
    Args args = {"XSETID", Key(dice),
                 dice->OneIn(3) ? Id(dice)
                                : absl::StrCat(latest_ + dice->Below(3), "-",
                                               dice->Below(3))};
    if (dice->OneIn(3)) Append(&args, {"ENTRIESADDED", Number(dice)});
    if (dice->OneIn(3)) Append(&args, {"MAXDELETEDID", Id(dice)});
    if (dice->OneIn(40)) args.push_back("NOSUCH");
    return args;
  }

  Args Command(Dice* dice) {
    switch (dice->Below(30)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
        return Add(dice);
      case 7: {
        Args args = {"XTRIM", Key(dice)};
        if (dice->OneIn(3)) AppendTrim(dice, &args);
        return args;
      }
      case 8:
        return {"XDEL", Key(dice), Id(dice), Id(dice)};
      case 9:
        return {"XLEN", Key(dice)};
      case 10:
      case 11:
        return Range(dice);
      case 12:
      case 13:
        return Read(dice);
      case 14:
      case 15:
      case 16:
        return ReadGroup(dice);
      case 17:
      case 18:
        return GroupCommand(dice);
      case 19:
        return {"XACK", Key(dice), Group(dice), Id(dice), Id(dice), Id(dice)};
      case 20:
      case 21:
        return Pending(dice);
      case 22:
      case 23:
        return Claim(dice);
      case 24:
        return AutoClaim(dice);
      case 25:
      case 26:
        switch (dice->Below(5)) {
          case 0: {
            Args args = {"XINFO", "STREAM", Key(dice)};
            if (dice->OneIn(3)) args.push_back("FULL");
            if (dice->OneIn(4)) Append(&args, {"COUNT", Number(dice)});
            return args;
          }
          case 1:
            return {"XINFO", "CONSUMERS", Key(dice), Group(dice)};
          case 2:
            return {"XINFO", dice->OneIn(2) ? "HELP" : "NOSUCH"};
          default:
            return {"XINFO", "GROUPS", Key(dice)};
        }
      case 27:
        if (dice->OneIn(2)) return SetId(dice);
        return {"XINFO", "GROUPS", Key(dice)};
      case 28:
        if (dice->OneIn(2))
          return {"COPY", Key(dice), absl::StrCat("x", dice->Below(3)),
                  "REPLACE"};
        return {"OBJECT", "ENCODING", Key(dice)};
      default:
        if (dice->OneIn(3)) return {"HELLO", dice->OneIn(2) ? "2" : "3"};
        if (dice->OneIn(2)) return {"SET", "string", "v"};
        if (dice->OneIn(3))
          return NodeEntries(dice->Pick<std::string>({"2", "3", "100", "0"}));
        if (dice->OneIn(2)) return {"DEL", Key(dice)};
        return {"TYPE", Key(dice)};
    }
  }

  // One argument too few or too many, unless that would make it wait. CONFIG is
  // another family.
  static void Spoil(Dice* dice, Args* args) {
    if ((*args)[0].find("READ") != std::string::npos || (*args)[0] == "CONFIG")
      return;
    if (dice->OneIn(2)) {
      args->push_back("extra");
    } else if (args->size() > 1) {
      args->pop_back();
    }
  }

  static Args NodeEntries(const std::string& count) {
    return {"CONFIG", "SET", "stream-node-max-entries", count};
  }

  static constexpr int64_t kSlow = 60000;  // ms between the two servers.

  int64_t latest_ = 0;  // About the ms of the newest ids.
  bool first_ = true;   // Then the setting that the last run left is undone.
};

}  // namespace

std::unique_ptr<Generator> MakeStreamGenerator() {
  return std::make_unique<StreamGenerator>();
}

}  // namespace holdfast::test
