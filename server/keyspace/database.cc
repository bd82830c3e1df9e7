#include "server/keyspace/database.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "glog/logging.h"

namespace holdfast::server {
namespace {

// Growing strings get as much room again, up to this much more (Redis:
// SDS_MAX_PREALLOC).
constexpr size_t kMaxExtraCapacity = 1 << 20;

}  // namespace

Database::~Database() {
  DbSlot* slots = slots_.load(std::memory_order_acquire);
  if (slots == nullptr) return;
  for (int i = 0; i < kSlots; ++i) {
    slots[i].table.Clear([](Entry* e) { Entry::Free(e); });
    delete slots[i].expiring;
  }
  delete[] slots;
}

Database::DbSlot& Database::SlotFor(Slot slot) {
  DbSlot* slots = slots_.load(std::memory_order_acquire);
  if (slots == nullptr) {
    // Writers of other slots may be here too: the first one's array stays.
    auto* fresh = new DbSlot[kSlots];
    if (slots_.compare_exchange_strong(slots, fresh,
                                       std::memory_order_acq_rel)) {
      slots = fresh;
    } else {
      delete[] fresh;
    }
  }
  return slots[slot];
}

Entry* Database::Find(const KeyRef& key) const {
  const DbSlot* s = SlotIfAny(key.slot);
  return s == nullptr ? nullptr : s->table.Find(key, key.hash);
}

void Database::BeforeChange(Entry* entry) {
  const uint8_t epoch = snapshot_->epoch.load(std::memory_order_relaxed);
  if (entry->epoch_ == epoch) return;
  ChangeObserver* observer =
      snapshot_->observer.load(std::memory_order_relaxed);
  if (observer != nullptr) observer->BeforeChange(*this, *entry);
  entry->epoch_ = epoch;
}

void Database::InsertNew(DbSlot& s, const KeyRef& key, Entry* entry) {
  entry->tag_ = static_cast<uint8_t>(key.hash);
  entry->epoch_ = snapshot_->epoch.load(std::memory_order_relaxed);
  s.table.Insert(entry, key.hash);
  group(key.slot).keys.fetch_add(1, std::memory_order_relaxed);
  if (entry->has_expiry()) AddExpiring(s, key.slot, entry);
}

void Database::AddExpiring(DbSlot& s, Slot slot, Entry* entry) {
  if (s.expiring == nullptr) s.expiring = new ExpiringList;
  CHECK_LT(s.expiring->size(), uint64_t{1} << 32);
  entry->expiry()->volatile_index = static_cast<uint32_t>(s.expiring->size());
  s.expiring->push_back(entry);
  group(slot).expiring.fetch_add(1, std::memory_order_relaxed);
}

void Database::RemoveExpiring(DbSlot& s, Slot slot, Entry* entry) {
  ExpiringList& list = *s.expiring;
  const uint32_t index = entry->expiry()->volatile_index;
  DCHECK_EQ(list[index], entry);
  list[index] = list.back();
  list[index]->expiry()->volatile_index = index;
  list.pop_back();
  group(slot).expiring.fetch_sub(1, std::memory_order_relaxed);
  if (list.empty()) {
    delete s.expiring;
    s.expiring = nullptr;
  } else if (list.capacity() > 64 && list.size() < list.capacity() / 4) {
    list.shrink_to_fit();
  }
}

void Database::ReplaceAt(DbSlot& s, Slot slot, Entry** link, Entry* fresh,
                         OldValue old_value) {
  Entry* old = *link;
  fresh->tag_ = old->tag_;
  fresh->epoch_ = snapshot_->epoch.load(std::memory_order_relaxed);
  if (old->has_expiry() && fresh->has_expiry()) {
    const uint32_t index = old->expiry()->volatile_index;
    fresh->expiry()->volatile_index = index;
    (*s.expiring)[index] = fresh;
  } else if (old->has_expiry()) {
    RemoveExpiring(s, slot, old);
  } else if (fresh->has_expiry()) {
    AddExpiring(s, slot, fresh);
  }
  Dict<EntryTraits>::Replace(link, fresh);
  if (old_value == OldValue::kFree) EndValue(old);
  Entry::FreeShell(old);
}

Entry* Database::SetString(const KeyRef& key, absl::string_view value,
                           Expiry expiry, IfInteger if_integer) {
  DbSlot& s = SlotFor(key.slot);
  Entry** link = s.table.FindLink(key, key.hash);
  if (link == nullptr) {
    Entry* fresh = Entry::NewString(key.bytes, value,
                                    expiry.when_ms != kNoExpiry, if_integer);
    if (expiry.when_ms != kNoExpiry) fresh->expiry()->when_ms = expiry.when_ms;
    InsertNew(s, key, fresh);
    return fresh;
  }
  Entry* old = *link;
  BeforeChange(old);
  const int64_t when = expiry.keep ? old->expire_ms() : expiry.when_ms;
  if (old->has_expiry() == (when != kNoExpiry) &&
      old->OverwriteString(value, if_integer)) {
    if (when != kNoExpiry) old->expiry()->when_ms = when;
    return old;
  }
  Entry* fresh =
      Entry::NewString(key.bytes, value, when != kNoExpiry, if_integer);
  if (when != kNoExpiry) fresh->expiry()->when_ms = when;
  ReplaceAt(s, key.slot, link, fresh, OldValue::kFree);
  return fresh;
}

void Database::EndValue(Entry* entry) {
  // As many allocations are freed in some microseconds.
  constexpr size_t kLargeEffort = 64;
  if (entry->type() == ValueType::kString ||
      snapshot_->large_values == nullptr ||
      ObjectFreeEffort(entry->type(), entry->object()) <= kLargeEffort) {
    return entry->FreeValue();
  }
  snapshot_->large_values->Take(entry->TakeObject());
}

Entry* Database::SetObject(const KeyRef& key, Object value, Expiry expiry) {
  DbSlot& s = SlotFor(key.slot);
  Entry** link = s.table.FindLink(key, key.hash);
  int64_t when = expiry.when_ms;
  if (link != nullptr) {
    BeforeChange(*link);
    if (expiry.keep) when = (*link)->expire_ms();
  }
  Entry* fresh =
      Entry::NewObject(key.bytes, std::move(value), when != kNoExpiry);
  if (when != kNoExpiry) fresh->expiry()->when_ms = when;
  if (link == nullptr) {
    InsertNew(s, key, fresh);
  } else {
    ReplaceAt(s, key.slot, link, fresh, OldValue::kFree);
  }
  return fresh;
}

Entry* Database::SetInt(const KeyRef& key, int64_t value) {
  Entry* entry = Find(key);
  if (entry != nullptr && entry->type() == ValueType::kString &&
      entry->encoding() == Encoding::kInt) {
    BeforeChange(entry);
    entry->payload()->integer = value;
    return entry;
  }
  char digits[Entry::kScratch];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  return SetString(key,
                   absl::string_view(digits, static_cast<size_t>(end - digits)),
                   Expiry{.keep = true});
}

char* Database::ResizeString(const KeyRef& key, size_t length,
                             Entry** entry_out) {
  DbSlot& s = SlotFor(key.slot);
  Entry** link = s.table.FindLink(key, key.hash);
  absl::string_view old_bytes;
  char scratch[Entry::kScratch];
  Entry* old = link == nullptr ? nullptr : *link;
  if (old != nullptr) {
    CHECK(old->type() == ValueType::kString);
    BeforeChange(old);
    old_bytes = old->StringBytes(scratch);
  }
  const bool outside =
      old != nullptr && !old->is_inline() && old->encoding() != Encoding::kInt;
  StringBuffer* buffer = outside ? old->payload()->buffer : nullptr;
  const size_t old_length = old_bytes.size();
  if (buffer == nullptr || buffer->capacity < length) {
    // A new string gets just its length; one that grows, room to go on growing.
    const size_t extra =
        old == nullptr ? 0 : std::min(length, kMaxExtraCapacity);
    auto* grown = static_cast<StringBuffer*>(
        realloc(buffer, sizeof(StringBuffer) + length + extra));
    CHECK(grown != nullptr)
        << "out of memory for a string of " << length << " bytes";
    if (buffer == nullptr && old_length > 0)
      memcpy(grown->data(), old_bytes.data(), std::min(old_length, length));
    buffer = grown;
    buffer->capacity = length + extra;
  }
  if (length > old_length)
    memset(buffer->data() + old_length, 0, length - old_length);
  buffer->length = length;
  Entry* entry = old;
  if (old == nullptr) {
    entry = Entry::Allocate(key.bytes, ValueType::kString, Encoding::kRaw,
                            false, false, 0);
    entry->payload()->buffer = buffer;
    InsertNew(s, key, entry);
  } else if (old->is_inline()) {
    entry = old->Reshape(old->has_expiry(), false, 0);
    entry->payload()->buffer = buffer;
    ReplaceAt(s, key.slot, link, entry, OldValue::kTakenOver);
  } else {
    entry->payload()->buffer = buffer;
  }
  entry->encoding_ = static_cast<uint8_t>(Encoding::kRaw) & 0xf;
  if (entry_out != nullptr) *entry_out = entry;
  return buffer->data();
}

Entry* Database::Unlink(DbSlot& s, const KeyRef& key, Entry** link) {
  Entry* entry = s.table.UnlinkAt(link, key.hash);
  group(key.slot).keys.fetch_sub(1, std::memory_order_relaxed);
  if (entry->has_expiry()) RemoveExpiring(s, key.slot, entry);
  return entry;
}

bool Database::Delete(const KeyRef& key) {
  DbSlot* s = SlotIfAny(key.slot);
  Entry** link = s == nullptr ? nullptr : s->table.FindLink(key, key.hash);
  if (link == nullptr) return false;
  BeforeChange(*link);
  Entry* gone = Unlink(*s, key, link);
  EndValue(gone);
  Entry::FreeShell(gone);
  return true;
}

Entry* Database::ApplyExpiry(DbSlot& s, const KeyRef& key, Entry** link,
                             int64_t when_ms) {
  Entry* entry = *link;
  if (entry->has_expiry() != (when_ms != kNoExpiry)) {
    Entry* fresh = entry->Reshape(when_ms != kNoExpiry, entry->is_inline(),
                                  entry->inline_length_);
    if (when_ms != kNoExpiry) fresh->expiry()->when_ms = when_ms;
    ReplaceAt(s, key.slot, link, fresh, OldValue::kTakenOver);
    return fresh;
  }
  if (when_ms != kNoExpiry) entry->expiry()->when_ms = when_ms;
  return entry;
}

Entry* Database::SetExpiry(const KeyRef& key, int64_t when_ms) {
  DbSlot& s = SlotFor(key.slot);
  Entry** link = s.table.FindLink(key, key.hash);
  CHECK(link != nullptr);
  BeforeChange(*link);
  return ApplyExpiry(s, key, link, when_ms);
}

void Database::MoveFrom(Database& source, const KeyRef& from,
                        const KeyRef& to) {
  DbSlot& source_slot = source.SlotFor(from.slot);
  Entry** link = source_slot.table.FindLink(from, from.hash);
  CHECK(link != nullptr);
  source.BeforeChange(*link);
  Entry* old = source.Unlink(source_slot, from, link);
  Entry* fresh =
      Entry::Allocate(to.bytes, old->type(), old->encoding(), old->has_expiry(),
                      old->is_inline(), old->inline_length_);
  fresh->set_access(old->access());
  if (old->has_expiry()) fresh->expiry()->when_ms = old->expiry()->when_ms;
  if (old->is_inline()) {
    memcpy(fresh->inline_data(), old->inline_data(), old->inline_length_);
  } else {
    *fresh->payload() = *old->payload();
  }
  Entry::FreeShell(old);
  InsertNew(SlotFor(to.slot), to, fresh);
}

size_t Database::Size() const {
  size_t sum = 0;
  for (const Group& g : groups_) sum += g.keys.load(std::memory_order_relaxed);
  return sum;
}

size_t Database::ExpiringSize() const {
  size_t sum = 0;
  for (const Group& g : groups_)
    sum += g.expiring.load(std::memory_order_relaxed);
  return sum;
}

size_t Database::SlotSize(Slot slot) const {
  const DbSlot* s = SlotIfAny(slot);
  return s == nullptr ? 0 : s->table.size();
}

uint64_t Database::ScanSlot(Slot slot, uint64_t position, size_t want,
                            size_t max_buckets,
                            absl::FunctionRef<void(Entry*)> fn) const {
  const DbSlot* s = SlotIfAny(slot);
  if (s == nullptr || s->table.empty()) return kScanEnd;
  return s->table.Scan(position, want, max_buckets, fn);
}

Entry* Database::RandomEntry(Slot slot,
                             absl::FunctionRef<uint64_t()> random) const {
  const DbSlot* s = SlotIfAny(slot);
  return s == nullptr ? nullptr : s->table.RandomNode(random);
}

size_t Database::SlotExpiringSize(Slot slot) const {
  const DbSlot* s = SlotIfAny(slot);
  return s == nullptr || s->expiring == nullptr ? 0 : s->expiring->size();
}

Entry* Database::ExpiringEntry(Slot slot, size_t nth) const {
  return (*SlotIfAny(slot)->expiring)[nth];
}

size_t Database::SlotTableBytes(Slot slot) const {
  const DbSlot* s = SlotIfAny(slot);
  if (s == nullptr) return 0;
  return s->table.TableBytes() +
         (s->expiring == nullptr ? 0
                                 : s->expiring->capacity() * sizeof(Entry*));
}

}  // namespace holdfast::server
