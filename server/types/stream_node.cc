#include "server/types/stream_node.h"

#include <charconv>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"

namespace holdfast::server {
namespace {

using Position = Listpack::Position;
using Item = Listpack::Item;

constexpr int64_t kDeletedFlag = 1;
constexpr int64_t kSameFieldsFlag = 2;
// Elements of an entry beside fields and values: flags, the id's halves, and,
// if the names are not the node's, their number. The last element counts these.
constexpr size_t kFixedElements = 3;

// Text of a number, which a listpack makes a number of again.
class Number {
 public:
  explicit Number(int64_t value)
      : size_(static_cast<size_t>(
            std::to_chars(text_, text_ + sizeof(text_), value).ptr - text_)) {}
  // NOLINTNEXTLINE(google-explicit-constructor): to stand in a list of
  // elements.
  operator absl::string_view() const { return {text_, size_}; }

 private:
  char text_[Item::kScratch];
  size_t size_;
};

size_t CountAt(const Listpack& node, Position at) {
  return static_cast<size_t>(node.Get(at).integer);
}

Position Skip(const Listpack& node, Position at, size_t elements) {
  while (elements-- > 0) at = node.Next(at);
  return at;
}

Position Third(const Listpack& node) { return Skip(node, node.First(), 2); }

StreamId PlusDelta(const StreamId& master, int64_t ms, int64_t seq) {
  return {master.ms + static_cast<uint64_t>(ms),
          master.seq + static_cast<uint64_t>(seq)};
}

bool HasTheseFields(const Listpack& node,
                    absl::Span<const absl::string_view> fields) {
  Position at = Third(node);
  if (CountAt(node, at) != fields.size() / 2) return false;
  for (size_t i = 0; i < fields.size(); i += 2) {
    at = node.Next(at);
    if (!node.Get(at).Equals(fields[i])) return false;
  }
  return true;
}

// Reads elements one after the other, from bytes that may mean anything.
class Checker {
 public:
  explicit Checker(const Listpack& node) : node_(node), at_(node.First()) {}
  bool AtEnd() const { return at_ == Listpack::kEnd; }
  bool Integer(int64_t* value) {
    if (AtEnd()) return false;
    const Item item = node_.Get(at_);
    if (!item.is_integer) return false;
    *value = item.integer;
    at_ = node_.Next(at_);
    return true;
  }
  bool Count(size_t* value) {
    int64_t integer;
    if (!Integer(&integer) || integer < 0) return false;
    *value = static_cast<size_t>(integer);
    return true;
  }
  // Ends with the listpack, however large the number.
  bool Strings(size_t count) {
    for (; count > 0; --count, at_ = node_.Next(at_)) {
      if (AtEnd()) return false;
    }
    return true;
  }

 private:
  const Listpack& node_;
  Position at_;
};

bool CheckEntry(Checker* in, const StreamId& master, size_t master_count,
                StreamId* id, bool* deleted) {
  int64_t flags;
  int64_t ms;
  int64_t seq;
  if (!in->Integer(&flags) || (flags & ~(kDeletedFlag | kSameFieldsFlag)) != 0)
    return false;
  if (!in->Integer(&ms) || !in->Integer(&seq)) return false;
  size_t expected = kFixedElements;
  if ((flags & kSameFieldsFlag) != 0) {
    if (!in->Strings(master_count)) return false;
    expected += master_count;
  } else {
    size_t count;
    // Twice, so that no doubled number overflows.
    if (!in->Count(&count) || count == 0 || !in->Strings(count) ||
        !in->Strings(count))
      return false;
    expected += 2 * count + 1;
  }
  size_t said;
  if (!in->Count(&said) || said != expected) return false;
  *id = PlusDelta(master, ms, seq);
  *deleted = (flags & kDeletedFlag) != 0;
  return true;
}

}  // namespace

void StreamEntry::ForEachField(
    absl::FunctionRef<void(absl::string_view, absl::string_view)> visit) const {
  char name_scratch[Item::kScratch];
  char value_scratch[Item::kScratch];
  Position name = fields_;
  Position value = values_;
  for (size_t i = 0; i < field_count_; ++i) {
    visit(node_->Get(name).Bytes(name_scratch),
          node_->Get(value).Bytes(value_scratch));
    if (same_fields_) {
      name = node_->Next(name);
      value = node_->Next(value);
    } else {
      name = node_->Next(value);
      // Behind the last value stands a number, so there is always a next
      // element.
      value = node_->Next(name);
    }
  }
}

StreamNodeCursor::StreamNodeCursor(const StreamId& master, const Listpack& node,
                                   bool reverse)
    : node_(node), master_(master), reverse_(reverse) {
  const Position count_at = Third(node);
  master_count_ = CountAt(node, count_at);
  master_fields_ = node.Next(count_at);
  at_ = reverse ? node.Last()
                : node.Next(Skip(node, master_fields_, master_count_));
}

Listpack::Position StreamNodeCursor::ReadAt(Position flags,
                                            StreamEntry* entry) const {
  const int64_t bits = node_.Get(flags).integer;
  const Position ms = node_.Next(flags);
  const Position seq = node_.Next(ms);
  entry->node_ = &node_;
  entry->flags_ = flags;
  entry->id_ =
      PlusDelta(master_, node_.Get(ms).integer, node_.Get(seq).integer);
  entry->deleted_ = (bits & kDeletedFlag) != 0;
  entry->same_fields_ = (bits & kSameFieldsFlag) != 0;
  if (entry->same_fields_) {
    entry->field_count_ = master_count_;
    entry->fields_ = master_fields_;
    entry->values_ = node_.Next(seq);
    return entry->values_;
  }
  const Position count_at = node_.Next(seq);
  entry->field_count_ = CountAt(node_, count_at);
  entry->fields_ = node_.Next(count_at);
  entry->values_ = node_.Next(entry->fields_);
  return entry->fields_;
}

bool StreamNodeCursor::Next(StreamEntry* entry) {
  if (at_ == Listpack::kEnd) return false;
  if (!reverse_) {
    const Position begin = ReadAt(at_, entry);
    const size_t strings = entry->field_count_ * (entry->same_fields_ ? 1 : 2);
    at_ = node_.Next(Skip(node_, begin, strings));  // Over the last element.
    return true;
  }
  size_t back = CountAt(node_, at_);
  if (back == 0) {  // The end of the node's own fields.
    at_ = Listpack::kEnd;
    return false;
  }
  Position flags = at_;
  while (back-- > 0) flags = node_.Previous(flags);
  ReadAt(flags, entry);
  at_ = node_.Previous(flags);
  return true;
}

StreamNodeCounts CountsOf(const Listpack& node) {
  const Position live = node.First();
  return {CountAt(node, live), CountAt(node, node.Next(live))};
}

void SetCounts(const StreamNodeCounts& counts, Listpack* node) {
  const Position live =
      node->Replace(node->First(), Number(static_cast<int64_t>(counts.live)));
  node->Replace(node->Next(live), Number(static_cast<int64_t>(counts.deleted)));
}

void MarkDeleted(const StreamEntry& entry, Listpack* node) {
  // All four combinations of flags take one byte.
  node->Replace(entry.flags_,
                Number(node->Get(entry.flags_).integer | kDeletedFlag));
}

void AppendToStreamNode(const StreamId& master, const StreamId& id,
                        absl::Span<const absl::string_view> fields,
                        Listpack* node) {
  DCHECK(!fields.empty() && fields.size() % 2 == 0);
  const size_t count = fields.size() / 2;
  const Number count_text(static_cast<int64_t>(count));
  const Number zero(0);
  const Number one(1);
  absl::InlinedVector<absl::string_view, 32> elements;
  const bool fresh = node->empty();
  const bool same_fields = fresh || HasTheseFields(*node, fields);
  if (fresh) {
    elements.insert(elements.end(), {one, zero, count_text});
    for (size_t i = 0; i < fields.size(); i += 2) elements.push_back(fields[i]);
    elements.push_back(zero);
  } else {
    const Position live = node->First();
    node->Replace(live, Number(node->Get(live).integer + 1));
  }
  const Number flags(same_fields ? kSameFieldsFlag : 0);
  const Number ms(static_cast<int64_t>(id.ms - master.ms));
  const Number seq(static_cast<int64_t>(id.seq - master.seq));
  const Number back(static_cast<int64_t>(
      kFixedElements + (same_fields ? count : 2 * count + 1)));
  elements.insert(elements.end(), {flags, ms, seq});
  if (same_fields) {
    for (size_t i = 1; i < fields.size(); i += 2) elements.push_back(fields[i]);
  } else {
    elements.push_back(count_text);
    elements.insert(elements.end(), fields.begin(), fields.end());
  }
  elements.push_back(back);
  node->InsertAll(Listpack::kEnd, elements);
}

absl::Status CheckStreamNode(const StreamId& master, const Listpack& node,
                             const StreamId& previous, size_t* live,
                             StreamId* last) {
  const auto broken = [&](absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat("a stream's node ", master.ToString(), " ", what));
  };
  Checker in(node);
  size_t said_live;
  size_t said_deleted;
  size_t master_count;
  int64_t end;
  if (!in.Count(&said_live) || !in.Count(&said_deleted) ||
      !in.Count(&master_count) || master_count == 0 ||
      !in.Strings(master_count) || !in.Integer(&end) || end != 0) {
    return broken("has no proper head");
  }
  *live = 0;
  *last = previous;
  size_t deleted_count = 0;
  while (!in.AtEnd()) {
    StreamId id;
    bool deleted;
    if (!CheckEntry(&in, master, master_count, &id, &deleted))
      return broken("has a broken entry");
    if (deleted) {
      ++deleted_count;
      continue;
    }
    if (id <= *last) return broken("has ids that do not rise");
    *last = id;
    ++*live;
  }
  if (*live != said_live || deleted_count != said_deleted)
    return broken("has wrong counts");
  if (*live + deleted_count == 0) return broken("has no entries");
  return absl::OkStatus();
}

}  // namespace holdfast::server
