#include "server/types/zset.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "server/text/double.h"
#include "server/types/lent.h"

namespace holdfast::server {
namespace {

using Position = Listpack::Position;
using Item = Listpack::Item;
using Scratch = char[Item::kScratch];

// More than any score takes in a listpack, with what Listpack adds to a member.
constexpr size_t kPackedOverhead = 64;

bool ReadScore(const Item& item, double* score) {
  if (!item.is_integer) return ParsePackedScore(item.text, score);
  *score = static_cast<double>(item.integer);
  return true;
}

double ScoreAt(const Listpack& lp, Position at) {
  double score = 0;
  CHECK(ReadScore(lp.Get(at), &score))
      << "a score that was no number when it was packed";
  return score;
}

bool Above(double score, const ScoreRange& range) {
  return range.min_exclusive ? score > range.min : score >= range.min;
}
bool Below(double score, const ScoreRange& range) {
  return range.max_exclusive ? score < range.max : score <= range.max;
}

bool Above(absl::string_view member, const LexBound& min) {
  switch (min.kind) {
    case LexBound::Kind::kMin:
      return true;
    case LexBound::Kind::kMax:
      return false;
    case LexBound::Kind::kInclusive:
      return member >= min.member;
    case LexBound::Kind::kExclusive:
      return member > min.member;
  }
  return false;
}
bool Below(absl::string_view member, const LexBound& max) {
  switch (max.kind) {
    case LexBound::Kind::kMin:
      return false;
    case LexBound::Kind::kMax:
      return true;
    case LexBound::Kind::kInclusive:
      return member <= max.member;
    case LexBound::Kind::kExclusive:
      return member < max.member;
  }
  return false;
}

// How many elements come before the first for which `before(member at, score
// at)` is false.
template <typename Before>
size_t CountPacked(const Listpack& lp, Before&& before) {
  size_t count = 0;
  for (Position at = lp.First(); at != Listpack::kEnd; ++count) {
    const Position score_at = lp.Next(at);
    if (!before(at, score_at)) break;
    at = lp.Next(score_at);
  }
  return count;
}

Zset::Ranks RanksOf(size_t first, size_t end) {
  return {first, std::max(first, end)};
}

// `at` is a member.
template <typename Visit>
auto VisitPacked(const Listpack& lp, Position at, Visit&& visit) {
  Scratch scratch;
  return visit(lp.Get(at).Bytes(scratch), ScoreAt(lp, lp.Next(at)));
}

void InsertInOrder(Listpack* lp, absl::string_view member, double score) {
  Scratch scratch;
  const auto comes_before = [&](Position at, double other) {
    return other < score ||
           (other == score && lp->Get(at).Bytes(scratch) < member);
  };
  Position at = Listpack::kEnd;
  // Scores that rise with time are common, so the end is tried first.
  const Position last_score = lp->Last();
  if (last_score != Listpack::kEnd &&
      !comes_before(lp->Previous(last_score), ScoreAt(*lp, last_score))) {
    for (at = lp->First(); at != Listpack::kEnd;) {
      const Position score_at = lp->Next(at);
      if (!comes_before(at, ScoreAt(*lp, score_at))) break;
      at = lp->Next(score_at);
    }
  }
  char buffer[kDoubleChars];
  lp->InsertAll(at, {member, FormatPackedScore(score, buffer)});
}

// What becomes of an existing score. kUpdated: it is *score now.
Zset::AddResult Decide(double current, Zset::AddFlags flags, double* score) {
  if (flags.only_new) return Zset::AddResult::kSkipped;
  if (flags.increment) *score += current;
  if (std::isnan(*score)) return Zset::AddResult::kNotANumber;
  if ((flags.only_less && *score >= current) ||
      (flags.only_greater && *score <= current)) {
    return Zset::AddResult::kSkipped;
  }
  return *score == current ? Zset::AddResult::kUnchanged
                           : Zset::AddResult::kUpdated;
}

}  // namespace

bool ParseLexBound(absl::string_view text, LexBound* bound) {
  if (text.empty()) return false;
  // Redis compares these as C strings.
  const bool alone = text.size() == 1 || text[1] == '\0';
  const absl::string_view member = text.substr(1);
  switch (text[0]) {
    case '-':
      *bound = {LexBound::Kind::kMin, {}};
      return alone;
    case '+':
      *bound = {LexBound::Kind::kMax, {}};
      return alone;
    case '[':
      *bound = {LexBound::Kind::kInclusive, member};
      return true;
    case '(':
      *bound = {LexBound::Kind::kExclusive, member};
      return true;
    default:
      return false;
  }
}

Zset::Zset() : rep_(Form::kPacked, Listpack().Release()) {}

void Zset::Free() {
  if (is_table()) {
    delete table();
  } else {
    Listpack::Adopt(rep_.as<unsigned char>());
  }
}

Zset Zset::Clone() const {
  Zset copy;
  if (!is_table()) {
    *Writing<Listpack, Form>(&copy.rep_) = Reading<Listpack>(rep_)->Clone();
    return copy;
  }
  auto* fresh = new ZsetTable;
  copy.Free();
  copy.rep_ = Tagged<Form>(Form::kTable, fresh);
  ZsetTable::Appender appender(fresh);
  ForEach([&](absl::string_view member, double score) {
    appender.Append(member, score);
  });
  return copy;
}

ZsetTable* Zset::ToTable() {
  auto* fresh = new ZsetTable;
  {
    ZsetTable::Appender appender(fresh);
    ForEach([&](absl::string_view member, double score) {
      appender.Append(member, score);
    });
  }
  Free();
  rep_ = Tagged<Form>(Form::kTable, fresh);
  return fresh;
}

absl::StatusOr<Zset> Zset::FromListpack(Listpack listpack,
                                        const PackedLimits& limits) {
  const size_t elements = listpack.size();
  if (elements % 2 != 0)
    return absl::InvalidArgumentError(
        "a sorted set's listpack has a member without a score");
  struct Element {
    std::string member;
    double score;
  };
  const bool packed = elements / 2 <= limits.max_entries;
  Zset zset;
  // The small form has to be looked at as a whole; the large one looks for
  // itself.
  std::vector<Element> all;
  ZsetTable* const table = packed ? nullptr : zset.ToTable();
  Scratch scratch;
  for (Position at = listpack.First(); at != Listpack::kEnd;
       at = listpack.Next(at)) {
    const absl::string_view member = listpack.Get(at).Bytes(scratch);
    at = listpack.Next(at);
    double score;
    if (!ReadScore(listpack.Get(at), &score)) {
      return absl::InvalidArgumentError(
          "a sorted set's listpack has a score that is no number");
    }
    if (packed) {
      all.push_back({std::string(member), score});
    } else if (table->Find(member) == nullptr) {
      table->Insert(member, score);
    } else {
      return absl::InvalidArgumentError(
          "a sorted set's listpack has a member twice");
    }
  }
  if (!packed) return zset;

  const auto in_order = [](const Element& a, const Element& b) {
    return a.score < b.score || (a.score == b.score && a.member < b.member);
  };
  const bool sorted = std::is_sorted(all.begin(), all.end(), in_order);
  if (!sorted) {
    std::sort(all.begin(), all.end(), in_order);
    Writing<Listpack, Form> fresh(&zset.rep_);
    char buffer[kDoubleChars];
    for (const Element& e : all) {
      if (!fresh->FitsAnother(e.member.size() + kPackedOverhead)) {
        return absl::InvalidArgumentError(
            "a sorted set's listpack is too large");
      }
      fresh->InsertAll(Listpack::kEnd,
                       {e.member, FormatPackedScore(e.score, buffer)});
    }
  } else {
    *Writing<Listpack, Form>(&zset.rep_) = std::move(listpack);
  }
  std::sort(all.begin(), all.end(), [](const Element& a, const Element& b) {
    return a.member < b.member;
  });
  const auto twice = std::adjacent_find(
      all.begin(), all.end(),
      [](const Element& a, const Element& b) { return a.member == b.member; });
  if (twice != all.end())
    return absl::InvalidArgumentError(
        "a sorted set's listpack has a member twice");
  return zset;
}

size_t Zset::size() const {
  return is_table() ? table()->size() : Reading<Listpack>(rep_)->size() / 2;
}

absl::string_view Zset::EncodingName() const {
  return is_table() ? "skiplist" : "listpack";
}

size_t Zset::MemoryUsage() const {
  return is_table() ? table()->MemoryUsage()
                    : Reading<Listpack>(rep_)->MemoryUsage();
}

size_t Zset::FreeEffort() const { return is_table() ? table()->size() : 1; }

absl::string_view Zset::PackedBytes() const {
  return is_table() ? absl::string_view() : Reading<Listpack>(rep_)->bytes();
}

Zset::AddResult Zset::Add(absl::string_view member, double score,
                          AddFlags flags, const PackedLimits& limits,
                          double* new_score) {
  if (std::isnan(score)) return AddResult::kNotANumber;
  double ignored;
  if (new_score == nullptr) new_score = &ignored;
  if (!is_table()) {
    bool too_large = false;
    const AddResult result =
        AddPacked(member, score, flags, limits, new_score, &too_large);
    if (!too_large) return result;
    ToTable();
  }
  return AddToTable(member, score, flags, new_score);
}

Zset::AddResult Zset::AddPacked(absl::string_view member, double score,
                                AddFlags flags, const PackedLimits& limits,
                                double* new_score, bool* too_large) {
  Writing<Listpack, Form> lp(&rep_);
  const Position at = lp->Find(member, lp->First(), 1);
  if (at != Listpack::kEnd) {
    const AddResult result = Decide(ScoreAt(*lp, lp->Next(at)), flags, &score);
    if (result != AddResult::kUpdated && result != AddResult::kUnchanged)
      return result;
    if (!lp->FitsAnother(kPackedOverhead)) {  // For a longer score.
      *too_large = true;
      return AddResult::kSkipped;
    }
    *new_score = score;
    if (result == AddResult::kUpdated) {
      lp->Erase(at, 2);
      InsertInOrder(&*lp, member, score);
    }
    return result;
  }
  if (flags.only_existing) return AddResult::kSkipped;
  if (lp->size() / 2 + 1 > limits.max_entries ||
      member.size() > limits.max_value ||
      !lp->FitsAnother(member.size() + kPackedOverhead)) {
    *too_large = true;
    return AddResult::kSkipped;
  }
  InsertInOrder(&*lp, member, score);
  *new_score = score;
  return AddResult::kAdded;
}

Zset::AddResult Zset::AddToTable(absl::string_view member, double score,
                                 AddFlags flags, double* new_score) {
  ZsetTable::Node* const node = table()->Find(member);
  AddResult result = AddResult::kAdded;
  if (node != nullptr) {
    result = Decide(node->score(), flags, &score);
    if (result != AddResult::kUpdated && result != AddResult::kUnchanged)
      return result;
    if (result == AddResult::kUpdated) table()->SetScore(node, score);
  } else {
    if (flags.only_existing) return AddResult::kSkipped;
    table()->Insert(member, score);
  }
  *new_score = score;
  return result;
}

bool Zset::Erase(absl::string_view member) {
  if (is_table()) {
    ZsetTable::Node* const node = table()->Find(member);
    if (node == nullptr) return false;
    table()->Erase(node);
    return true;
  }
  Writing<Listpack, Form> lp(&rep_);
  const Position at = lp->Find(member, lp->First(), 1);
  if (at == Listpack::kEnd) return false;
  lp->Erase(at, 2);
  GiveBackSpare(&*lp, lp->size() / 2);
  return true;
}

bool Zset::Score(absl::string_view member, double* score) const {
  if (is_table()) {
    const ZsetTable::Node* const node = table()->Find(member);
    if (node != nullptr) *score = node->score();
    return node != nullptr;
  }
  const Reading<Listpack> lp(rep_);
  const Position at = lp->Find(member, lp->First(), 1);
  if (at == Listpack::kEnd) return false;
  *score = ScoreAt(*lp, lp->Next(at));
  return true;
}

bool Zset::Contains(absl::string_view member) const {
  double ignored;
  return Score(member, &ignored);
}

bool Zset::Rank(absl::string_view member, bool reverse, size_t* rank) const {
  if (is_table()) {
    const ZsetTable::Node* const node = table()->Find(member);
    if (node == nullptr) return false;
    *rank = table()->RankOf(node);
  } else {
    const Reading<Listpack> lp(rep_);
    *rank = CountPacked(*lp, [&](Position at, Position) {
      return !lp->Get(at).Equals(member);
    });
    if (*rank == lp->size() / 2) return false;
  }
  if (reverse) *rank = size() - 1 - *rank;
  return true;
}

void Zset::At(size_t rank, Visitor visit) const {
  if (is_table()) {
    const ZsetTable::Node* const node = table()->At(rank);
    visit(node->member(), node->score());
  } else {
    const Reading<Listpack> lp(rep_);
    VisitPacked(*lp, lp->Seek(static_cast<int64_t>(2 * rank)), visit);
  }
}

Zset::Ranks Zset::RanksByScore(const ScoreRange& range) const {
  if (is_table()) {
    return RanksOf(table()->CountWhile([&](const ZsetTable::Node* n) {
      return !Above(n->score(), range);
    }),
                   table()->CountWhile([&](const ZsetTable::Node* n) {
                     return Below(n->score(), range);
                   }));
  }
  const Reading<Listpack> lp(rep_);
  return RanksOf(CountPacked(*lp,
                             [&](Position, Position at) {
                               return !Above(ScoreAt(*lp, at), range);
                             }),
                 CountPacked(*lp, [&](Position, Position at) {
                   return Below(ScoreAt(*lp, at), range);
                 }));
}

Zset::Ranks Zset::RanksByLex(const LexRange& range) const {
  if (is_table()) {
    return RanksOf(table()->CountWhile([&](const ZsetTable::Node* n) {
      return !Above(n->member(), range.min);
    }),
                   table()->CountWhile([&](const ZsetTable::Node* n) {
                     return Below(n->member(), range.max);
                   }));
  }
  const Reading<Listpack> lp(rep_);
  Scratch scratch;
  return RanksOf(CountPacked(*lp,
                             [&](Position at, Position) {
                               return !Above(lp->Get(at).Bytes(scratch),
                                             range.min);
                             }),
                 CountPacked(*lp, [&](Position at, Position) {
                   return Below(lp->Get(at).Bytes(scratch), range.max);
                 }));
}

void Zset::ForRanks(Ranks ranks, bool reverse, StoppableVisitor visit) const {
  size_t left = ranks.size();
  if (left == 0) return;
  const size_t start = reverse ? ranks.end - 1 : ranks.first;
  if (is_table()) {
    for (const ZsetTable::Node* n = table()->At(start); left > 0;
         --left, n = reverse ? n->back() : n->next()) {
      if (!visit(n->member(), n->score())) return;
    }
    return;
  }
  const Reading<Listpack> lp(rep_);
  for (Position at = lp->Seek(static_cast<int64_t>(2 * start));; --left) {
    if (!VisitPacked(*lp, at, visit) || left == 1) return;
    at = reverse ? lp->Previous(lp->Previous(at)) : lp->Next(lp->Next(at));
  }
}

void Zset::EraseRanks(Ranks ranks, Visitor visit) {
  ForRanks(ranks, false, [&](absl::string_view member, double score) {
    visit(member, score);
    return true;
  });
  EraseRanks(ranks);
}

void Zset::EraseRanks(Ranks ranks) {
  if (ranks.size() == 0) return;
  if (is_table()) {
    table()->EraseRange(ranks.first, ranks.size());
  } else {
    Writing<Listpack, Form> lp(&rep_);
    lp->Erase(lp->Seek(static_cast<int64_t>(2 * ranks.first)),
              2 * ranks.size());
    GiveBackSpare(&*lp, lp->size() / 2);
  }
}

bool Zset::Pop(size_t rank, std::string* member, double* score) {
  if (empty()) return false;
  EraseRanks({rank, rank + 1}, [&](absl::string_view m, double s) {
    member->assign(m.data(), m.size());
    *score = s;
  });
  return true;
}

void Zset::ForEach(Visitor visit) const {
  ForRanks({0, size()}, false, [&](absl::string_view member, double score) {
    visit(member, score);
    return true;
  });
}

void Zset::Random(absl::FunctionRef<uint64_t()> random, Visitor visit) const {
  At(random() % size(), visit);
}

uint64_t Zset::Scan(uint64_t cursor, size_t count, Visitor visit) const {
  if (!is_table()) {
    ForEach(visit);
    return 0;
  }
  return table()->Scan(cursor, count, [&](const ZsetTable::Node* n) {
    visit(n->member(), n->score());
  });
}

}  // namespace holdfast::server
