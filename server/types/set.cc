#include "server/types/set.h"

#include <malloc.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "glog/logging.h"
#include "net/resp/integer.h"
#include "server/text/hash.h"
#include "server/types/dict.h"
#include "server/types/dict_tools.h"
#include "server/types/lent.h"

namespace holdfast::server {
namespace {

using Position = Listpack::Position;

constexpr size_t kMaxDigits = 20;  // Of an int64 with its sign.

// An intset that takes one more must be short of its own bound.
bool IsTooLargeForIntset(size_t size, const SetLimits& limits) {
  return size > std::min(limits.max_intset_entries, Intset::kMaxEntries - 1);
}

// A member:  Node (12 bytes) bytes
struct Node {
  Node* next;
  uint32_t length;

  static constexpr size_t kHeader = 12;

  char* data() { return reinterpret_cast<char*>(this) + kHeader; }
  const char* data() const {
    return reinterpret_cast<const char*>(this) + kHeader;
  }
  absl::string_view member() const { return {data(), length}; }

  static Node* New(absl::string_view member) {
    CHECK_LE(member.size(), kMaxElementBytes);
    void* memory = malloc(std::max(sizeof(Node), kHeader + member.size()));
    CHECK(memory != nullptr)
        << "out of memory for a member of " << member.size() << " bytes";
    auto* node = static_cast<Node*>(memory);
    node->next = nullptr;
    node->length = static_cast<uint32_t>(member.size());
    if (!member.empty()) memcpy(node->data(), member.data(), member.size());
    return node;
  }
};

struct NodeTraits {
  using Node = server::Node;
  using Key = absl::string_view;
  static Node*& Next(Node* n) { return n->next; }
  static uint64_t Hash(const Node* n) { return HashOfBytes(n->member()); }
  static bool Matches(const Node* n, absl::string_view member) {
    return n->member() == member;
  }
};

// An integer as the text that it stands for.
class Digits {
 public:
  explicit Digits(int64_t value)
      : size_(static_cast<size_t>(
            std::to_chars(text_, text_ + sizeof(text_), value).ptr - text_)) {}
  absl::string_view view() const { return {text_, size_}; }

 private:
  char text_[kMaxDigits];
  size_t size_;
};

template <typename Fn>
void ForEachItem(const Listpack& members, Fn&& fn) {
  char scratch[Listpack::Item::kScratch];
  for (Position at = members.First(); at != Listpack::kEnd;
       at = members.Next(at))
    fn(members.Get(at).Bytes(scratch));
}

}  // namespace

struct Set::Table {
  Dict<NodeTraits> members;
};

void Set::Free() {
  switch (rep_.tag()) {
    case Form::kIntset:
      Intset::Adopt(rep_.as<unsigned char>());
      break;
    case Form::kPacked:
      Listpack::Adopt(rep_.as<unsigned char>());
      break;
    case Form::kTable:
      table()->members.Clear([](Node* n) { free(n); });
      delete table();
  }
}

Set Set::Clone() const {
  Set copy;
  if (never_filled()) return copy;
  switch (rep_.tag()) {
    case Form::kIntset:
      copy.rep_ = {Form::kIntset, Reading<Intset>(rep_)->Clone().Release()};
      break;
    case Form::kPacked:
      copy.rep_ = {Form::kPacked, Reading<Listpack>(rep_)->Clone().Release()};
      break;
    case Form::kTable:
      copy.rep_ = {Form::kTable, new Table};
      table()->members.ForEach([&](const Node* n) {
        copy.table()->members.Insert(Node::New(n->member()),
                                     HashOfBytes(n->member()));
      });
  }
  return copy;
}

Set Set::FromIntset(Intset integers, const SetLimits& limits) {
  Set set;
  set.rep_ = {Form::kIntset, integers.Release()};
  if (IsTooLargeForIntset(set.size(), limits)) set.LeaveIntset(limits);
  return set;
}

size_t Set::size() const {
  if (never_filled()) return 0;
  switch (rep_.tag()) {
    case Form::kIntset:
      return Reading<Intset>(rep_)->size();
    case Form::kPacked:
      return Reading<Listpack>(rep_)->size();
    case Form::kTable:
      break;
  }
  return table()->members.size();
}

absl::string_view Set::EncodingName() const {
  return is_intset() ? "intset" : "hashtable";
}

size_t Set::MemoryUsage(size_t samples) const {
  if (never_filled()) return 0;
  switch (rep_.tag()) {
    case Form::kIntset:
      return Reading<Intset>(rep_)->MemoryUsage();
    case Form::kPacked:
      return Reading<Listpack>(rep_)->MemoryUsage();
    case Form::kTable:
      break;
  }
  return malloc_usable_size(table()) + DictMemory(table()->members, samples);
}

size_t Set::FreeEffort() const {
  return rep_.tag() == Form::kTable ? table()->members.size() : 1;
}

int64_t Set::IntegerAt(size_t index) const {
  CHECK(is_intset() && !never_filled());
  return Reading<Intset>(rep_)->Get(index);
}

absl::string_view Set::IntsetBytes() const {
  if (never_filled() || !is_intset()) return {};
  return Reading<Intset>(rep_)->bytes();
}

bool Set::Contains(absl::string_view member) const {
  if (never_filled()) return false;
  switch (rep_.tag()) {
    case Form::kIntset: {
      int64_t integer = 0;
      return net::ParseInteger(member, &integer) &&
             Reading<Intset>(rep_)->Find(integer);
    }
    case Form::kPacked: {
      const Reading<Listpack> members(rep_);
      return members->Find(member, members->First()) != Listpack::kEnd;
    }
    case Form::kTable:
      break;
  }
  return table()->members.Find(member, HashOfBytes(member)) != nullptr;
}

bool Set::ContainsInteger(int64_t member) const {
  if (!is_intset()) return Contains(Digits(member).view());
  return !never_filled() && Reading<Intset>(rep_)->Find(member);
}

bool Set::Add(absl::string_view member, const SetLimits& limits) {
  if (is_intset()) {
    int64_t integer = 0;
    if (net::ParseInteger(member, &integer)) return AddInteger(integer, limits);
    LeaveIntset(limits);
  }
  return rep_.tag() == Form::kPacked ? AddToPacked(member, limits)
                                     : AddToTable(member);
}

bool Set::AddInteger(int64_t member, const SetLimits& limits) {
  if (!is_intset()) return Add(Digits(member).view(), limits);
  if (never_filled()) rep_ = {Form::kIntset, Intset().Release()};
  bool too_many = false;
  {
    Writing<Intset, Form> integers(&rep_);
    if (!integers->Insert(member)) return false;
    too_many = IsTooLargeForIntset(integers->size(), limits);
  }
  if (too_many) LeaveIntset(limits);
  return true;
}

bool Set::AddToPacked(absl::string_view member, const SetLimits& limits) {
  {
    Writing<Listpack, Form> members(&rep_);
    if (members->Find(member, members->First()) != Listpack::kEnd) return false;
    if (member.size() <= limits.packed.max_value &&
        members->size() < limits.packed.max_entries &&
        members->FitsAnother(member.size() + 10)) {
      members->Append(member);
      return true;
    }
  }
  ToTable();
  return AddToTable(member);
}

bool Set::AddToTable(absl::string_view member) {
  const uint64_t hash = HashOfBytes(member);
  if (table()->members.Find(member, hash) != nullptr) return false;
  table()->members.Insert(Node::New(member), hash);
  return true;
}

void Set::LeaveIntset(const SetLimits& limits) {
  const size_t count = size();
  Intset integers =
      never_filled() ? Intset() : Intset::Adopt(rep_.as<unsigned char>());
  if (count <= limits.packed.max_entries &&
      limits.packed.max_value >= kMaxDigits) {
    Listpack members;
    for (size_t i = 0; i < count; ++i)
      members.Append(Digits(integers.Get(i)).view());
    rep_ = {Form::kPacked, members.Release()};
    return;
  }
  rep_ = {Form::kTable, new Table};
  for (size_t i = 0; i < count; ++i) AddToTable(Digits(integers.Get(i)).view());
}

void Set::ToTable() {
  const Listpack members = Listpack::Adopt(rep_.as<unsigned char>());
  rep_ = {Form::kTable, new Table};
  ForEachItem(members, [this](absl::string_view member) {
    table()->members.Insert(Node::New(member), HashOfBytes(member));
  });
}

bool Set::Erase(absl::string_view member) {
  if (never_filled()) return false;
  switch (rep_.tag()) {
    case Form::kIntset: {
      int64_t integer = 0;
      return net::ParseInteger(member, &integer) && EraseInteger(integer);
    }
    case Form::kPacked: {
      Writing<Listpack, Form> members(&rep_);
      const Position at = members->Find(member, members->First());
      if (at == Listpack::kEnd) return false;
      members->Erase(at);
      GiveBackSpare(&*members, members->size());
      return true;
    }
    case Form::kTable:
      break;
  }
  return EraseFromTable(member);
}

bool Set::EraseInteger(int64_t member) {
  if (!is_intset()) return Erase(Digits(member).view());
  if (never_filled()) return false;
  return Writing<Intset, Form>(&rep_)->Erase(member);
}

bool Set::EraseFromTable(absl::string_view member) {
  const uint64_t hash = HashOfBytes(member);
  Node** link = table()->members.FindLink(member, hash);
  if (link == nullptr) return false;
  free(table()->members.UnlinkAt(link, hash));
  return true;
}

void Set::RandomMember(absl::FunctionRef<uint64_t()> random, Visitor fn) const {
  CHECK(!empty());
  switch (rep_.tag()) {
    case Form::kIntset:
      fn(Digits(Reading<Intset>(rep_)->Random(random)).view());
      break;
    case Form::kPacked: {
      const Reading<Listpack> members(rep_);
      char scratch[Listpack::Item::kScratch];
      fn(members
             ->Get(members->Seek(
                 static_cast<int64_t>(random() % members->size())))
             .Bytes(scratch));
      break;
    }
    case Form::kTable:
      fn(PickFairly(table()->members, random)->member());
  }
}

void Set::PopRandom(absl::FunctionRef<uint64_t()> random, Visitor fn) {
  CHECK(!empty());
  switch (rep_.tag()) {
    case Form::kIntset: {
      Writing<Intset, Form> integers(&rep_);
      const size_t index = random() % integers->size();
      fn(Digits(integers->Get(index)).view());
      integers->EraseAt(index);
      break;
    }
    case Form::kPacked: {
      Writing<Listpack, Form> members(&rep_);
      const Position at =
          members->Seek(static_cast<int64_t>(random() % members->size()));
      char scratch[Listpack::Item::kScratch];
      fn(members->Get(at).Bytes(scratch));
      members->Erase(at);
      GiveBackSpare(&*members, members->size());
      break;
    }
    case Form::kTable: {
      const Node* node = PickFairly(table()->members, random);
      fn(node->member());
      EraseFromTable(node->member());
    }
  }
}

void Set::ForEach(Visitor fn) const {
  if (never_filled()) return;
  switch (rep_.tag()) {
    case Form::kIntset: {
      const Reading<Intset> integers(rep_);
      const size_t count = integers->size();
      for (size_t i = 0; i < count; ++i) fn(Digits(integers->Get(i)).view());
      break;
    }
    case Form::kPacked:
      ForEachItem(*Reading<Listpack>(rep_), fn);
      break;
    case Form::kTable:
      table()->members.ForEach([fn](const Node* n) { fn(n->member()); });
  }
}

uint64_t Set::Scan(uint64_t cursor, size_t count, Visitor fn) const {
  if (rep_.tag() == Form::kTable) {
    return ScanDict(table()->members, cursor, count,
                    [fn](const Node* n) { fn(n->member()); });
  }
  ForEach(fn);
  return 0;
}

}  // namespace holdfast::server
