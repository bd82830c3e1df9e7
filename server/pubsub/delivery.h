#ifndef HOLDFAST_SERVER_PUBSUB_DELIVERY_H_
#define HOLDFAST_SERVER_PUBSUB_DELIVERY_H_

#include "absl/strings/string_view.h"
#include "net/time/clock.h"
#include "server/config/config.h"
#include "server/session/session.h"
#include "server/stats/stats.h"

namespace holdfast::server {

// Puts what one thread has for the client of another into that client's
// mailbox. Never waits: the mailbox of a client that does not read is closed
// once it is beyond its client-output-buffer-limit, upon which the client's own
// thread ends it; nobody else notices. Thread-safe.
class Delivery {
 public:
  // All outlive it.
  Delivery(const Config* config, const net::Clock* clock, Stats* stats)
      : config_(*config), clock_(*clock), stats_(*stats) {}

  // `value` is one whole value of the client's protocol. Takes the mailbox's
  // lock, a leaf. A session without a mailbox gets nothing.
  void Send(Session* session, absl::string_view value);

 private:
  const Config& config_;
  const net::Clock& clock_;
  Stats& stats_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PUBSUB_DELIVERY_H_
