// Unions, intersections and differences of sorted sets and of sets, whose
// members count as having the score 1.

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/zset_handlers.h"
#include "server/engine/engine.h"
#include "server/text/double.h"
#include "server/types/set.h"

namespace holdfast::server {
namespace {

enum class Operation : uint8_t { kUnion, kIntersection, kDifference };
enum class Aggregate : uint8_t { kSum, kMin, kMax };
// What becomes of the result.
enum class Outcome : uint8_t { kReply, kStore, kCount };

// What one key gives; neither of the two for a key that is not there.
struct Source {
  const Zset* zset = nullptr;
  const Set* set = nullptr;
  double weight = 1;

  size_t size() const {
    if (zset != nullptr) return zset->size();
    return set != nullptr ? set->size() : 0;
  }
  bool SameAs(const Source& other) const {
    return zset == other.zset && set == other.set;
  }
  bool Score(absl::string_view member, double* score) const {
    if (zset != nullptr) return zset->Score(member, score);
    *score = 1;
    return set != nullptr && set->Contains(member);
  }
  // Calls fn(member, score) for all, in any order, until it returns false.
  template <typename Fn>
  void ForEach(Fn&& fn) const {
    if (zset != nullptr) return zset->ForRanks({0, zset->size()}, false, fn);
    if (set == nullptr) return;
    // In steps, since a walk over a set cannot be left.
    constexpr size_t kStep = 256;
    bool more = true;
    uint64_t cursor = 0;
    do {
      cursor = set->Scan(cursor, kStep, [&](absl::string_view member) {
        more = more && fn(member, 1.0);
      });
    } while (more && cursor != 0);
  }
};

struct Combination {
  Operation operation;
  Outcome outcome;
  std::vector<Source> sources;
  Aggregate aggregate = Aggregate::kSum;
  bool with_scores = false;
  int64_t limit = 0;  // Of a count; 0: none.
};

struct Element {
  std::string member;
  double score;
};
using Elements = std::vector<Element>;

// No score is ever NaN: what would be one (an infinity times 0, or plus the
// other infinity) is 0.
double OrZero(double score) { return std::isnan(score) ? 0 : score; }

// `so_far` and another score of the same member.
double Aggregated(double so_far, double other, Aggregate how) {
  switch (how) {
    case Aggregate::kSum:
      return OrZero(so_far + other);
    case Aggregate::kMin:
      return other < so_far ? other : so_far;
    case Aggregate::kMax:
      return other > so_far ? other : so_far;
  }
  return so_far;
}

// --- The arguments ---

bool FindSources(CommandContext& ctx, Db& db, size_t first, size_t count,
                 Combination* c) {
  c->sources.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const absl::string_view key = ctx.arg(first + i);
    const Entry* const entry = db.Find(key);
    if (entry == nullptr) continue;
    if (entry->type() == ValueType::kZset) {
      c->sources[i].zset = entry->As<Zset>();
    } else if (entry->type() == ValueType::kSet) {
      c->sources[i].set = entry->As<Set>();
    } else {
      ctx.Error(errors::kWrongType);
      return false;
    }
  }
  return true;
}

bool ParseWeights(CommandContext& ctx, size_t first, Combination* c) {
  for (size_t i = 0; i < c->sources.size(); ++i) {
    if (!ParseDouble(ctx.arg(first + i), &c->sources[i].weight)) {
      ctx.Error("ERR weight value is not a float");
      return false;
    }
  }
  return true;
}

bool ParseAggregate(CommandContext& ctx, size_t arg, Combination* c) {
  if (ctx.ArgIs(arg, "SUM")) {
    c->aggregate = Aggregate::kSum;
  } else if (ctx.ArgIs(arg, "MIN")) {
    c->aggregate = Aggregate::kMin;
  } else if (ctx.ArgIs(arg, "MAX")) {
    c->aggregate = Aggregate::kMax;
  } else {
    ctx.Error(errors::kSyntax);
    return false;
  }
  return true;
}

// What follows the keys.
bool ParseOptions(CommandContext& ctx, size_t first, Combination* c) {
  const bool counts = c->outcome == Outcome::kCount;
  const bool weighs = !counts && c->operation != Operation::kDifference;
  for (size_t i = first; i < ctx.argc();) {
    const size_t following = ctx.argc() - i - 1;
    if (weighs && following >= c->sources.size() && ctx.ArgIs(i, "WEIGHTS")) {
      if (!ParseWeights(ctx, i + 1, c)) return false;
      i += 1 + c->sources.size();
    } else if (weighs && following >= 1 && ctx.ArgIs(i, "AGGREGATE")) {
      if (!ParseAggregate(ctx, i + 1, c)) return false;
      i += 2;
    } else if (c->outcome == Outcome::kReply && ctx.ArgIs(i, "WITHSCORES")) {
      c->with_scores = true;
      ++i;
    } else if (counts && following >= 1 && ctx.ArgIs(i, "LIMIT")) {
      if (!ctx.IntArgInRange(i + 1, 0, std::numeric_limits<int64_t>::max(),
                             &c->limit, "ERR LIMIT can't be negative"))
        return false;
      i += 2;
    } else {
      ctx.Error(errors::kSyntax);
      return false;
    }
  }
  return true;
}

// --- The operations ---

// Smallest first, which is also the order in which Redis adds scores up.
void SortBySize(std::vector<Source>* sources) {
  std::stable_sort(
      sources->begin(), sources->end(),
      [](const Source& a, const Source& b) { return a.size() < b.size(); });
}

// Calls fn(member, score) for what is in all sources, until it returns false.
template <typename Fn>
void Intersect(const Combination& c, Fn&& fn) {
  const Source& smallest = c.sources[0];
  smallest.ForEach([&](absl::string_view member, double first) {
    double score = OrZero(smallest.weight * first);
    for (size_t i = 1; i < c.sources.size(); ++i) {
      double other = 0;
      if (!c.sources[i].Score(member, &other)) return true;
      score = Aggregated(score, c.sources[i].weight * other, c.aggregate);
    }
    return static_cast<bool>(fn(member, score));
  });
}

Elements Union(const Combination& c) {
  absl::flat_hash_map<std::string, double> scores;
  scores.reserve(c.sources.back().size());
  for (const Source& source : c.sources) {
    source.ForEach([&](absl::string_view member, double raw) {
      const double score = OrZero(source.weight * raw);
      const auto [at, is_new] = scores.try_emplace(member, score);
      if (!is_new) at->second = Aggregated(at->second, score, c.aggregate);
      return true;
    });
  }
  Elements result;
  result.reserve(scores.size());
  while (!scores.empty()) {
    auto node = scores.extract(scores.begin());
    result.push_back({std::move(node.key()), node.mapped()});
  }
  return result;
}

// Every element of the first source is looked for in all others, the largest
// first: O(N*M) for N elements and M sources.
Elements DifferenceByLookup(const Combination& c) {
  const Source& first = c.sources[0];
  std::vector<Source> others(c.sources.begin() + 1, c.sources.end());
  SortBySize(&others);
  std::reverse(others.begin(), others.end());
  Elements result;
  first.ForEach([&](absl::string_view member, double score) {
    for (const Source& other : others) {
      double ignored = 0;
      if (other.Score(member, &ignored)) return true;
    }
    result.push_back({std::string(member), score});
    return true;
  });
  return result;
}

// The first source's elements less those of the others: O(all elements).
Elements DifferenceByRemoval(const Combination& c) {
  absl::flat_hash_map<std::string, double> left;
  left.reserve(c.sources[0].size());
  c.sources[0].ForEach([&](absl::string_view member, double score) {
    left.emplace(member, score);
    return true;
  });
  for (size_t i = 1; i < c.sources.size() && !left.empty(); ++i) {
    c.sources[i].ForEach([&](absl::string_view member, double) {
      left.erase(member);
      return !left.empty();
    });
  }
  Elements result;
  for (auto& [member, score] : left) result.push_back({member, score});
  return result;
}

Elements Difference(const Combination& c) {
  size_t by_lookup = 0;
  size_t by_removal = 0;
  for (size_t i = 0; i < c.sources.size(); ++i) {
    if (c.sources[0].size() == 0 ||
        (i > 0 && c.sources[i].SameAs(c.sources[0])))
      return {};
    by_lookup += c.sources[0].size();
    by_removal += c.sources[i].size();
  }
  // Lookups end at the first find.
  return by_lookup / 2 <= by_removal ? DifferenceByLookup(c)
                                     : DifferenceByRemoval(c);
}

Elements Combined(const Combination& c) {
  if (c.operation == Operation::kUnion) return Union(c);
  if (c.operation == Operation::kDifference) return Difference(c);
  Elements result;
  Intersect(c, [&](absl::string_view member, double score) {
    result.push_back({std::string(member), score});
    return true;
  });
  return result;
}

// --- The outcomes ---

void ReplyWithCount(CommandContext& ctx, const Combination& c) {
  int64_t count = 0;
  Intersect(c, [&](absl::string_view, double) { return ++count != c.limit; });
  ctx.reply().Integer(count);
}

void ReplyWithElements(CommandContext& ctx, Elements elements,
                       bool with_scores) {
  std::sort(elements.begin(), elements.end(),
            [](const Element& a, const Element& b) {
              return std::tie(a.score, a.member) < std::tie(b.score, b.member);
            });
  ElementWriter writer(&ctx.reply(), with_scores);
  writer.Header(elements.size());
  for (const Element& e : elements) writer.Element(e.member, e.score);
}

absl::string_view StoreEvent(Operation operation) {
  switch (operation) {
    case Operation::kUnion:
      return "zunionstore";
    case Operation::kIntersection:
      return "zinterstore";
    case Operation::kDifference:
      return "zdiffstore";
  }
  return "";
}

void Combine(CommandContext& ctx, Operation operation, Outcome outcome) {
  Combination c = {.operation = operation, .outcome = outcome, .sources = {}};
  const size_t number = outcome == Outcome::kStore ? 2 : 1;
  int64_t numkeys = 0;
  if (!ctx.IntArg(number, &numkeys)) return;
  if (numkeys < 1) {
    return ctx.Error(absl::StrCat("ERR at least 1 input key is needed for '",
                                  ctx.spec().full_name, "' command"));
  }
  if (numkeys > static_cast<int64_t>(ctx.argc() - number - 1))
    return ctx.Error(errors::kSyntax);
  const size_t keys = static_cast<size_t>(numkeys);
  Db db = ctx.db();
  if (!FindSources(ctx, db, number + 1, keys, &c) ||
      !ParseOptions(ctx, number + 1 + keys, &c))
    return;
  if (operation != Operation::kDifference) SortBySize(&c.sources);
  if (outcome == Outcome::kCount) return ReplyWithCount(ctx, c);
  Elements elements = Combined(c);
  if (outcome == Outcome::kReply)
    return ReplyWithElements(ctx, std::move(elements), c.with_scores);
  // In the form that it is to have from the first element on, as in Redis: the
  // small one has no -0.
  PackedLimits limits = ZsetLimitsOf(ctx.engine().config());
  if (elements.size() > limits.max_entries ||
      std::any_of(elements.begin(), elements.end(), [&limits](const auto& e) {
        return e.member.size() > limits.max_value;
      })) {
    limits = {0, 0};
  }
  Zset result;
  for (const Element& e : elements) result.Add(e.member, e.score, {}, limits);
  StoreResult(ctx, db, ctx.arg(1), std::move(result), StoreEvent(operation));
}

}  // namespace

void ZUnionCommand(CommandContext& ctx) {
  Combine(ctx, Operation::kUnion, Outcome::kReply);
}
void ZUnionStoreCommand(CommandContext& ctx) {
  Combine(ctx, Operation::kUnion, Outcome::kStore);
}
void ZInterCommand(CommandContext& ctx) {
  Combine(ctx, Operation::kIntersection, Outcome::kReply);
}
void ZInterStoreCommand(CommandContext& ctx) {
  Combine(ctx, Operation::kIntersection, Outcome::kStore);
}
void ZInterCardCommand(CommandContext& ctx) {
  Combine(ctx, Operation::kIntersection, Outcome::kCount);
}
void ZDiffCommand(CommandContext& ctx) {
  Combine(ctx, Operation::kDifference, Outcome::kReply);
}
void ZDiffStoreCommand(CommandContext& ctx) {
  Combine(ctx, Operation::kDifference, Outcome::kStore);
}

}  // namespace holdfast::server
