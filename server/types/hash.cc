#include "server/types/hash.h"

#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "server/text/hash.h"
#include "server/types/dict.h"
#include "server/types/dict_tools.h"
#include "server/types/lent.h"

namespace holdfast::server {
namespace {

using Position = Listpack::Position;

constexpr size_t kGranule =
    16;  // The allocator's own smallest step between size classes.
// Up to so many fields are compared with each other rather than put into a set.
constexpr size_t kFewFields = 16;

// In the words of Redis's log, which tools look for. A packed hash that becomes
// a table while it is loaded is what Redis finds them by.
absl::Status FieldTwice() {
  return absl::InvalidArgumentError(
      "a hash has a field twice: listpack with dup elements");
}

size_t RoundUp(size_t bytes) {
  return (bytes + kGranule - 1) & ~(kGranule - 1);
}

// A field with its value, in one allocation:  Node (16 bytes) field value
struct Node {
  Node* next;
  uint32_t field_length;
  uint32_t value_length;

  char* data() { return reinterpret_cast<char*>(this + 1); }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
  absl::string_view field() const { return {data(), field_length}; }
  absl::string_view value() const {
    return {data() + field_length, value_length};
  }

  // What is allocated is at least this, always.
  static size_t SizeFor(size_t field_length, size_t value_length) {
    return RoundUp(sizeof(Node) + field_length + value_length);
  }

  static Node* New(absl::string_view field, absl::string_view value) {
    CHECK_LE(field.size(), kMaxElementBytes);
    CHECK_LE(value.size(), kMaxElementBytes);
    void* memory = malloc(SizeFor(field.size(), value.size()));
    CHECK(memory != nullptr) << "out of memory for a field of " << field.size()
                             << " + " << value.size() << " bytes";
    auto* node = static_cast<Node*>(memory);
    node->next = nullptr;
    node->field_length = static_cast<uint32_t>(field.size());
    if (!field.empty()) memcpy(node->data(), field.data(), field.size());
    node->PutValue(value);
    return node;
  }

  // Whether a value of this length may take the place of the old one: it fits,
  // and does not leave most of the memory idle.
  bool HasRoomFor(size_t length) {
    const size_t needed = SizeFor(field_length, length);
    if (needed == SizeFor(field_length, value_length)) return true;
    const size_t usable = malloc_usable_size(this);
    return needed <= usable && needed >= usable / 2;
  }

  void PutValue(absl::string_view value) {
    value_length = static_cast<uint32_t>(value.size());
    if (!value.empty())
      memcpy(data() + field_length, value.data(), value.size());
  }
};

struct NodeTraits {
  using Node = server::Node;
  using Key = absl::string_view;
  static Node*& Next(Node* n) { return n->next; }
  static uint64_t Hash(const Node* n) { return HashOfBytes(n->field()); }
  static bool Matches(const Node* n, absl::string_view field) {
    return n->field() == field;
  }
};

// Whether a field comes twice. REQUIRES: pairs of even number.
bool HasDuplicates(const Listpack& pairs, size_t fields) {
  char scratch[Listpack::Item::kScratch];
  absl::flat_hash_set<std::string> seen;
  for (Position at = pairs.First(); at != Listpack::kEnd;) {
    const absl::string_view field = pairs.Get(at).Bytes(scratch);
    const Position next = pairs.Next(pairs.Next(at));
    if (fields <= kFewFields) {
      if (pairs.Find(field, next, 1) != Listpack::kEnd) return true;
    } else if (!seen.emplace(field).second) {
      return true;
    }
    at = next;
  }
  return false;
}

template <typename Fn>
void ForEachPair(const Listpack& pairs, Fn&& fn) {
  char field[Listpack::Item::kScratch];
  char value[Listpack::Item::kScratch];
  for (Position at = pairs.First(); at != Listpack::kEnd;) {
    const Position value_at = pairs.Next(at);
    fn(pairs.Get(at).Bytes(field), pairs.Get(value_at).Bytes(value));
    at = pairs.Next(value_at);
  }
}

}  // namespace

struct Hash::Table {
  Dict<NodeTraits> fields;
};

void Hash::Free() {
  if (rep_.tag() == Form::kTable) {
    table()->fields.Clear([](Node* n) { free(n); });
    delete table();
  } else {
    Listpack::Adopt(rep_.as<unsigned char>());
  }
}

Hash Hash::Clone() const {
  Hash copy;
  if (never_filled()) return copy;
  if (rep_.tag() == Form::kPacked) {
    copy.rep_ = {Form::kPacked, Reading<Listpack>(rep_)->Clone().Release()};
    return copy;
  }
  copy.rep_ = {Form::kTable, new Table};
  table()->fields.ForEach([&](const Node* n) {
    copy.table()->fields.Insert(Node::New(n->field(), n->value()),
                                HashOfBytes(n->field()));
  });
  return copy;
}

absl::StatusOr<Hash> Hash::FromListpack(Listpack pairs,
                                        const PackedLimits& limits) {
  const size_t elements = pairs.size();
  if (elements % 2 != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a hash of ", elements, " elements has a field without a value"));
  }
  Hash hash;
  if (elements / 2 <= limits.max_entries) {
    if (HasDuplicates(pairs, elements / 2)) return FieldTwice();
    hash.rep_ = {Form::kPacked, pairs.Release()};
    return hash;
  }
  hash.rep_ = {Form::kTable, new Table};
  bool duplicates = false;
  ForEachPair(pairs, [&](absl::string_view field, absl::string_view value) {
    if (!duplicates && !hash.SetInTable(field, value)) duplicates = true;
  });
  if (duplicates) return FieldTwice();
  return hash;
}

size_t Hash::size() const {
  if (never_filled()) return 0;
  return rep_.tag() == Form::kTable ? table()->fields.size()
                                    : Reading<Listpack>(rep_)->size() / 2;
}

absl::string_view Hash::EncodingName() const {
  return rep_.tag() == Form::kTable ? "hashtable" : "listpack";
}

size_t Hash::MemoryUsage(size_t samples) const {
  if (never_filled()) return 0;
  if (rep_.tag() == Form::kPacked)
    return Reading<Listpack>(rep_)->MemoryUsage();
  return malloc_usable_size(table()) + DictMemory(table()->fields, samples);
}

size_t Hash::FreeEffort() const {
  return rep_.tag() == Form::kTable ? table()->fields.size() : 1;
}

absl::string_view Hash::PackedBytes() const {
  if (never_filled() || rep_.tag() == Form::kTable) return {};
  return Reading<Listpack>(rep_)->bytes();
}

bool Hash::Get(absl::string_view field, char (&scratch)[kScratch],
               absl::string_view* value) const {
  if (never_filled()) return false;
  if (rep_.tag() == Form::kTable) {
    const Node* node = table()->fields.Find(field, HashOfBytes(field));
    if (node == nullptr) return false;
    *value = node->value();
    return true;
  }
  const Reading<Listpack> pairs(rep_);
  const Position at = pairs->Find(field, pairs->First(), 1);
  if (at == Listpack::kEnd) return false;
  *value = pairs->Get(pairs->Next(at)).Bytes(scratch);
  return true;
}

bool Hash::Contains(absl::string_view field) const {
  if (never_filled()) return false;
  if (rep_.tag() == Form::kTable)
    return table()->fields.Find(field, HashOfBytes(field)) != nullptr;
  const Reading<Listpack> pairs(rep_);
  return pairs->Find(field, pairs->First(), 1) != Listpack::kEnd;
}

bool Hash::Set(absl::string_view field, absl::string_view value,
               const PackedLimits& limits) {
  if (rep_.tag() == Form::kTable) return SetInTable(field, value);
  if (never_filled()) rep_ = {Form::kPacked, Listpack().Release()};
  if (field.size() > limits.max_value || value.size() > limits.max_value ||
      !Reading<Listpack>(rep_)->FitsAnother(field.size() + value.size() + 20)) {
    ToTable();
    return SetInTable(field, value);
  }
  bool is_new = false;
  bool too_many = false;
  {
    Writing<Listpack, Form> pairs(&rep_);
    const Position at = pairs->Find(field, pairs->First(), 1);
    is_new = at == Listpack::kEnd;
    if (is_new) {
      pairs->InsertAll(Listpack::kEnd, {field, value});
    } else {
      pairs->Replace(pairs->Next(at), value);
    }
    // Even if it is not new: the limit may have come down.
    too_many = pairs->size() / 2 > limits.max_entries;
  }
  if (too_many) ToTable();
  return is_new;
}

bool Hash::SetInTable(absl::string_view field, absl::string_view value) {
  Dict<NodeTraits>& fields = table()->fields;
  const uint64_t hash = HashOfBytes(field);
  Node** link = fields.FindLink(field, hash);
  if (link == nullptr) {
    fields.Insert(Node::New(field, value), hash);
    return true;
  }
  if ((*link)->HasRoomFor(value.size())) {
    (*link)->PutValue(value);
  } else {
    free(fields.Replace(link, Node::New(field, value)));
  }
  return false;
}

void Hash::ToTable() {
  const Listpack pairs = Listpack::Adopt(rep_.as<unsigned char>());
  rep_ = {Form::kTable, new Table};
  // A listpack of ours has no field twice.
  ForEachPair(pairs, [this](absl::string_view field, absl::string_view value) {
    table()->fields.Insert(Node::New(field, value), HashOfBytes(field));
  });
}

bool Hash::Erase(absl::string_view field) {
  if (never_filled()) return false;
  if (rep_.tag() == Form::kTable) {
    const uint64_t hash = HashOfBytes(field);
    Node** link = table()->fields.FindLink(field, hash);
    if (link == nullptr) return false;
    free(table()->fields.UnlinkAt(link, hash));
    return true;
  }
  Writing<Listpack, Form> pairs(&rep_);
  const Position at = pairs->Find(field, pairs->First(), 1);
  if (at == Listpack::kEnd) return false;
  pairs->Erase(at, 2);
  GiveBackSpare(&*pairs, pairs->size() / 2);
  return true;
}

void Hash::RandomField(absl::FunctionRef<uint64_t()> random, Visitor fn) const {
  CHECK(!empty());
  if (rep_.tag() == Form::kTable) {
    const Node* node = PickFairly(table()->fields, random);
    fn(node->field(), node->value());
    return;
  }
  const Reading<Listpack> pairs(rep_);
  const Position at =
      pairs->Seek(static_cast<int64_t>(random() % (pairs->size() / 2)) * 2);
  char field[kScratch];
  char value[kScratch];
  fn(pairs->Get(at).Bytes(field), pairs->Get(pairs->Next(at)).Bytes(value));
}

void Hash::ForEach(Visitor fn) const {
  if (never_filled()) return;
  if (rep_.tag() == Form::kTable) {
    table()->fields.ForEach(
        [fn](const Node* n) { fn(n->field(), n->value()); });
  } else {
    ForEachPair(*Reading<Listpack>(rep_), fn);
  }
}

uint64_t Hash::Scan(uint64_t cursor, size_t count, Visitor fn) const {
  if (rep_.tag() == Form::kTable) {
    return ScanDict(table()->fields, cursor, count,
                    [fn](const Node* n) { fn(n->field(), n->value()); });
  }
  ForEach(fn);
  return 0;
}

}  // namespace holdfast::server
