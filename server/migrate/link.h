#ifndef HOLDFAST_SERVER_MIGRATE_LINK_H_
#define HOLDFAST_SERVER_MIGRATE_LINK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "net/client/resp_client.h"
#include "net/socket/stop_signal.h"
#include "net/socket/stream.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"

namespace holdfast::server {

// How long MIGRATE waits for its target: for each operation (connecting, 64 KiB
// written, one reply) on its own, as Redis does, and, where more hangs on it
// (keys that stay locked), for all of them together.
struct Patience {
  const net::Clock* clock;
  absl::Duration each;  // Finite.
  net::Deadline all = net::Deadline::Never();
  // Asked about ten times a second: whether to give up (kCancelled).
  std::function<bool()> given_up = [] { return false; };

  net::Deadline Next() const {
    return net::Deadline::Earlier(all, net::Deadline::After(clock, each));
  }
};

// One connection to a target of MIGRATE, with what it remembers of it. One
// thread's at a time. After any failed call it is out of step: drop it.
class MigrateLink {
 public:
  MigrateLink(std::string host, std::string port, bool authenticates,
              std::unique_ptr<net::Stream> stream);

  // Failures: those of net::Stream, kDeadlineExceeded by `patience`.
  absl::Status Write(absl::string_view bytes, const Patience& patience);
  // A line of the target's, without its end. An orderly end is kUnavailable.
  absl::StatusOr<std::string> ReadLine(const Patience& patience);

  const std::string host;
  const std::string port;
  // Only ever used by calls that authenticate (again), or only by others: who
  // has no password does not get a connection that somebody else's opened.
  const bool authenticates;
  // The target's database, -1 when it is not known.
  int64_t selected_db = -1;

 private:
  friend class MigrateLinks;

  net::RespClient client_;
  net::MonoTime last_use_;
};

// The connections of MIGRATE that wait for further use: at most kMost, each for
// at most kIdle. Thread-safe; its lock is a leaf, nothing blocks under it.
class MigrateLinks {
 public:
  static constexpr size_t kMost = 64;
  static constexpr absl::Duration kIdle = absl::Seconds(10);

  // The clock outlives it. Takes a descriptor; make it at start.
  explicit MigrateLinks(const net::Clock* clock) : clock_(clock) {}
  MigrateLinks(const MigrateLinks&) = delete;
  MigrateLinks& operator=(const MigrateLinks&) = delete;

  // The one used last of those that are kept for this target, or null.
  std::unique_ptr<MigrateLink> Take(absl::string_view host,
                                    absl::string_view port, bool authenticates);
  // Connects to a new one. Blocks within `patience`.
  absl::StatusOr<std::unique_ptr<MigrateLink>> Dial(absl::string_view host,
                                                    absl::string_view port,
                                                    bool authenticates,
                                                    const Patience& patience);
  // Keeps it for the next one; closes the one not used for longest if there are
  // too many. REQUIRES: no reply is outstanding.
  void Put(std::unique_ptr<MigrateLink> link);
  // To be called about once a second.
  void CloseIdle();
  // How many are kept: INFO's migrate_cached_sockets.
  size_t size() const;

  // The server ends: connections being made, and what is read or written, are
  // given up.
  void Stop() { stop_.Stop(); }
  bool stopped() const { return stop_.stopped(); }

 private:
  const net::Clock* const clock_;
  net::StopSignal stop_;
  mutable absl::Mutex mu_;
  // The one used last is the last.
  std::vector<std::unique_ptr<MigrateLink>> kept_ ABSL_GUARDED_BY(mu_);
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_MIGRATE_LINK_H_
