#include "server/pubsub/subscriber_table.h"

#include "absl/hash/hash.h"

namespace holdfast::server {

SubscriberTable::SubscriberTable(size_t stripes) {
  for (size_t i = 0; i < stripes; ++i)
    stripes_.push_back(std::make_unique<Stripe>());
}

SubscriberTable::Stripe& SubscriberTable::StripeOf(absl::string_view name) {
  return *stripes_[absl::Hash<absl::string_view>()(name) % stripes_.size()];
}

void SubscriberTable::Add(absl::string_view name, Session* session) {
  Stripe& stripe = StripeOf(name);
  absl::MutexLock lock(&stripe.mu);
  Sessions& sessions = stripe.names[name];
  if (sessions.empty()) size_.fetch_add(1, std::memory_order_release);
  sessions.insert(session);
}

void SubscriberTable::Remove(absl::string_view name, Session* session) {
  Stripe& stripe = StripeOf(name);
  absl::MutexLock lock(&stripe.mu);
  const auto it = stripe.names.find(name);
  if (it == stripe.names.end()) return;
  it->second.erase(session);
  if (!it->second.empty()) return;
  stripe.names.erase(it);
  size_.fetch_sub(1, std::memory_order_release);
}

void SubscriberTable::With(absl::string_view name,
                           absl::FunctionRef<void(const Sessions&)> use) {
  if (size() == 0) return;
  Stripe& stripe = StripeOf(name);
  absl::MutexLock lock(&stripe.mu);
  const auto it = stripe.names.find(name);
  if (it != stripe.names.end()) use(it->second);
}

void SubscriberTable::ForEach(
    absl::FunctionRef<void(absl::string_view, const Sessions&)> use) {
  if (size() == 0) return;
  for (const std::unique_ptr<Stripe>& stripe : stripes_) {
    absl::MutexLock lock(&stripe->mu);
    for (const auto& [name, sessions] : stripe->names) use(name, sessions);
  }
}

size_t SubscriberTable::SubscribersOf(absl::string_view name) {
  size_t n = 0;
  With(name, [&n](const Sessions& sessions) { n = sessions.size(); });
  return n;
}

}  // namespace holdfast::server
