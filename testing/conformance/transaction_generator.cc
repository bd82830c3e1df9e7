// MULTI, EXEC, DISCARD, WATCH, with connections that get in each other's way.

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "testing/conformance/comparison.h"
#include "testing/conformance/generator.h"
#include "testing/support/dice.h"

namespace holdfast::test {
namespace {

using Args = std::vector<std::string>;

constexpr int kConnections = 3;

class TransactionGenerator final : public Generator {
 public:
  explicit TransactionGenerator(const GeneratorOptions& options)
      : options_(options) {}

  absl::string_view name() const override { return "transaction"; }

  Step Next(Dice* dice) override {
    const int connection = static_cast<int>(dice->Between(1, kConnections));
    State& state = states_[static_cast<size_t>(connection - 1)];
    if (!state.in_multi) {
      Step step(Outside(dice), connection);
      if (step.args[0] == "MULTI" && step.args.size() == 1) {
        state = {.in_multi = true};
      }
      return step;
    }
    Step step(Inside(dice), connection);
    if (step.args.size() == 1 && step.args[0] == "EXEC") {
      step.how = {.kind = Comparison::Kind::kEach, .each = state.queued};
      state = {};
    } else if (step.args.size() == 1 && step.args[0] == "DISCARD") {
      state = {};
    } else if (step.args[0] != "MULTI" && step.args[0] != "WATCH") {
      // Queued, or refused: then EXEC answers no array, and this is not used.
      state.queued.push_back(step.how);
      step.how = Comparison::Exact();
    }
    return step;
  }

 private:
  struct State {
    bool in_multi = false;
    std::vector<Comparison> queued = {};
  };

  static std::string Key(Dice* dice) {
    return absl::StrCat("k", dice->Below(4));
  }

  Args Plain(Dice* dice) {
    switch (dice->Below(13)) {
      case 0:
      case 1:
        return {"SET", Key(dice), absl::StrCat(dice->Below(10))};
      case 2:
        return {"SET", Key(dice), "text", "EX", "1000"};
      case 3:
        return {"GET", Key(dice)};
      case 4:
        return {"INCR", Key(dice)};
      case 5:
        return {"DEL", Key(dice)};
      case 6:
        return {"APPEND", Key(dice), "x"};
      case 7:
        return {"MSET", Key(dice), "1", Key(dice), "2"};
      case 8:
        return {"RENAME", Key(dice), Key(dice)};
      case 9:
        return {"TTL", Key(dice)};
      case 10:
        return {"EXPIRE", Key(dice),
                dice->Pick<std::string>({"1000", "0", "-1"})};
      case 11:
        if (options_.lists) return {"LPUSH", Key(dice), "e"};
        return {"STRLEN", Key(dice)};
      default:
        return {"KEYS", "*"};
    }
  }

  Args Outside(Dice* dice) {
    switch (dice->Below(10)) {
      case 0:
      case 1:
        return {"MULTI"};
      case 2:
      case 3:
        return {"WATCH", Key(dice), Key(dice)};
      case 4:
        return dice->OneIn(3) ? Args{"UNWATCH"} : Plain(dice);
      case 5:
        if (!dice->OneIn(4)) return Plain(dice);
        return dice->Pick<Args>({{"EXEC"},
                                 {"DISCARD"},
                                 {"MULTI", "x"},
                                 {"WATCH"},
                                 {"FLUSHDB"},
                                 {"FLUSHALL"}});
      default:
        return Plain(dice);
    }
  }

  Args Inside(Dice* dice) {
    switch (dice->Below(12)) {
      case 0:
      case 1:
      case 2:
        return {"EXEC"};
      case 3:
        return dice->OneIn(2) ? Args{"DISCARD"} : Plain(dice);
      case 4:
        if (!dice->OneIn(3)) return Plain(dice);
        return dice->Pick<Args>({{"MULTI"},
                                 {"WATCH", "k1"},
                                 {"GET"},
                                 {"NOSUCHCOMMAND", "a"},
                                 {"SET", "k1"},
                                 {"UNWATCH"},
                                 {"FLUSHDB"},
                                 {"SELECT", "0"},
                                 {"PING"}});
      default:
        return Plain(dice);
    }
  }

  const GeneratorOptions options_;
  std::array<State, kConnections> states_;
};

}  // namespace

std::unique_ptr<Generator> MakeTransactionGenerator(
    const GeneratorOptions& options) {
  return std::make_unique<TransactionGenerator>(options);
}

}  // namespace holdfast::test
