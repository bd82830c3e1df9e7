#include "server/keyspace/slot_table.h"

#include <algorithm>

#include "glog/logging.h"

namespace holdfast::server {

void SlotSetLock::PassGate(bool write) {
  CHECK(holds_nothing());
  if (!write) return;
  gate_stripe_ = gate_->LockShared();
  gate_shared_ = true;
}

void SlotSetLock::LockOne(Slot slot, bool exclusive, bool write) {
  PassGate(write);
  absl::Mutex& mu = (*table_)[slot].mu;
  if (exclusive) {
    mu.Lock();
  } else {
    mu.ReaderLock();
  }
  held_.push_back({slot, exclusive});
}

void SlotSetLock::LockMany(absl::Span<const SlotUse> uses, bool write) {
  PassGate(write);
  held_.assign(uses.begin(), uses.end());
  std::sort(held_.begin(), held_.end(), [](const SlotUse& a, const SlotUse& b) {
    return a.slot != b.slot ? a.slot < b.slot : a.exclusive > b.exclusive;
  });
  held_.erase(std::unique(held_.begin(), held_.end(),
                          [](const SlotUse& a, const SlotUse& b) {
                            return a.slot == b.slot;
                          }),
              held_.end());
  for (const SlotUse& use : held_) {
    absl::Mutex& mu = (*table_)[use.slot].mu;
    if (use.exclusive) {
      mu.Lock();
    } else {
      mu.ReaderLock();
    }
  }
}

void SlotSetLock::LockAll() {
  CHECK(holds_nothing());
  gate_->LockExclusive();
  for (int i = 0; i < kSlots; ++i) (*table_)[static_cast<Slot>(i)].mu.Lock();
  all_ = true;
}

void SlotSetLock::LockGateOnly() { PassGate(true); }

bool SlotSetLock::TryAlso(Slot slot) {
  if (Holds(slot, true)) return true;
  if (Holds(slot, false) || !(*table_)[slot].mu.TryLock()) return false;
  const auto at = std::lower_bound(
      held_.begin(), held_.end(), slot,
      [](const SlotUse& use, Slot wanted) { return use.slot < wanted; });
  held_.insert(at, {slot, true});
  return true;
}

void SlotSetLock::Release() {
  if (all_) {
    for (int i = kSlots; i-- > 0;) (*table_)[static_cast<Slot>(i)].mu.Unlock();
    gate_->UnlockExclusive();
    all_ = false;
    return;
  }
  for (auto it = held_.rbegin(); it != held_.rend(); ++it) {
    absl::Mutex& mu = (*table_)[it->slot].mu;
    if (it->exclusive) {
      mu.Unlock();
    } else {
      mu.ReaderUnlock();
    }
  }
  held_.clear();
  if (gate_shared_) gate_->UnlockShared(gate_stripe_);
  gate_shared_ = false;
}

bool SlotSetLock::Holds(Slot slot, bool exclusive) const {
  if (all_) return true;
  if (held_.size() == 1)
    return held_[0].slot == slot && (held_[0].exclusive || !exclusive);
  const auto it = std::lower_bound(
      held_.begin(), held_.end(), slot,
      [](const SlotUse& use, Slot wanted) { return use.slot < wanted; });
  return it != held_.end() && it->slot == slot && (it->exclusive || !exclusive);
}

SlotGuard::SlotGuard(const SlotSetLock& unit, Slot slot, bool exclusive)
    : mu_(nullptr), exclusive_(exclusive) {
  if (unit.Holds(slot, exclusive)) return;
  mu_ = &(*unit.table())[slot].mu;
  if (exclusive_) {
    mu_->Lock();
  } else {
    mu_->ReaderLock();
  }
}

SlotGuard::~SlotGuard() {
  if (mu_ == nullptr) return;
  if (exclusive_) {
    mu_->Unlock();
  } else {
    mu_->ReaderUnlock();
  }
}

}  // namespace holdfast::server
