#include "server/connection/prefetch.h"

#include <array>
#include <cstddef>

#include "absl/types/span.h"
#include "net/resp/lookahead.h"

namespace holdfast::server {
namespace {

// As many as the cache can fetch at a time, and few enough to be still there
// when their turn comes.
constexpr size_t kAhead = 16;

// Calls fn under the slot's shared lock, if that can be had at once.
template <typename Fn>
void IfFree(SlotTable::Stripe& stripe, Fn&& fn) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (!stripe.mu.ReaderTryLock()) return;
  fn();
  stripe.mu.ReaderUnlock();
}

}  // namespace

int PrefetchKeys(Keyspace* keyspace, int db, absl::string_view input) {
  std::array<absl::string_view, kAhead> names;
  const size_t n = net::PeekFirstArguments(input, absl::MakeSpan(names));
  if (n < 2) return 0;
  SlotTable& slots = keyspace->slots();
  std::array<KeyRef, kAhead> keys;
  for (size_t i = 0; i < n; ++i) {
    keys[i] = KeyRef(names[i]);
    __builtin_prefetch(&slots[keys[i].slot], 1);
  }
  // Each round looks only at what the one before has asked for.
  IfFree(slots[keys[0].slot], [&] {
    const Database& database = keyspace->db(db);
    for (size_t i = 0; i < n; ++i) database.PrefetchSlot(keys[i].slot);
  });
  for (size_t i = 0; i < n; ++i) {
    IfFree(slots[keys[i].slot],
           [&] { keyspace->db(db).PrefetchBucket(keys[i]); });
  }
  for (size_t i = 0; i < n; ++i) {
    IfFree(slots[keys[i].slot],
           [&] { keyspace->db(db).PrefetchEntry(keys[i]); });
  }
  return static_cast<int>(n);
}

}  // namespace holdfast::server
