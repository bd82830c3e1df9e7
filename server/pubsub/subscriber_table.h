#ifndef HOLDFAST_SERVER_PUBSUB_SUBSCRIBER_TABLE_H_
#define HOLDFAST_SERVER_PUBSUB_SUBSCRIBER_TABLE_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "server/session/session.h"

namespace holdfast::server {

// Names (channels or patterns) and who is subscribed to each. Thread-safe: the
// names are spread over stripes with a lock each, so that publishers to
// different channels do not wait for each other.
//
// A session is in the table until it was removed: whoever ends one removes it
// first, after which no callback sees it.
class SubscriberTable {
 public:
  using Sessions = absl::flat_hash_set<Session*>;

  explicit SubscriberTable(size_t stripes);
  SubscriberTable(const SubscriberTable&) = delete;
  SubscriberTable& operator=(const SubscriberTable&) = delete;

  void Add(absl::string_view name, Session* session);
  void Remove(absl::string_view name, Session* session);

  // Calls `use` with the subscribers of `name`, if it has any, under its
  // stripe's lock: calls for one name come one after the other, so that all its
  // subscribers see messages in one order. `use` takes leaf locks only.
  void With(absl::string_view name,
            absl::FunctionRef<void(const Sessions&)> use);
  // The same for every name, stripe by stripe.
  void ForEach(
      absl::FunctionRef<void(absl::string_view name, const Sessions&)> use);

  // How many names have subscribers. 0 is certain for whoever subscribed or
  // unsubscribed before.
  size_t size() const { return size_.load(std::memory_order_acquire); }
  size_t SubscribersOf(absl::string_view name);

 private:
  struct alignas(64) Stripe {
    absl::Mutex mu;
    absl::flat_hash_map<std::string, Sessions> names ABSL_GUARDED_BY(mu);
  };
  Stripe& StripeOf(absl::string_view name);

  std::atomic<size_t> size_{0};
  std::vector<std::unique_ptr<Stripe>> stripes_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PUBSUB_SUBSCRIBER_TABLE_H_
