#ifndef HOLDFAST_TESTING_PROXY_PROXY_ENGINE_H_
#define HOLDFAST_TESTING_PROXY_PROXY_ENGINE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <ostream>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "net/dial/resolver.h"
#include "net/socket/socket.h"
#include "net/time/clock.h"
#include "testing/proxy/shaper.h"
#include "testing/support/port_reservation.h"

namespace holdfast::test {

enum class Direction { kToServer = 0, kToClient = 1 };

// How a connection is cut. kRst: both ends get a reset (ECONNRESET); what was
// forwarded before it can still be read. kFin: both ends get an orderly end.
enum class CutKind { kRst, kFin };

// What happens to new connections.
enum class AcceptMode {
  kForward,
  kRefuse,     // ECONNREFUSED: nobody listens, but the port stays ours.
  kBlackHole,  // Accepted, then neither read nor answered.
};

struct ProxyStats {
  int64_t accepted = 0;          // Connections, black holes included.
  int64_t black_holes = 0;       // Of those.
  int64_t connect_failures = 0;  // The target did not take the connection.
  int64_t open = 0;              // Now.
  int64_t cuts = 0;              // Connections that CutNow/CutAfter ended.
  int64_t corrupted = 0;         // Bytes.
  // Indexed by Direction: read from the sender, and handed to the receiver.
  int64_t bytes_in[2] = {0, 0};
  int64_t bytes_out[2] = {0, 0};

  int64_t in(Direction d) const { return bytes_in[static_cast<int>(d)]; }
  int64_t out(Direction d) const { return bytes_out[static_cast<int>(d)]; }
};
std::ostream& operator<<(std::ostream& os, const ProxyStats& stats);

// What holds until it is changed.
struct ProxySettings {
  net::ResolvedAddress target;
  FlowRule rules[2];  // By Direction.
  AcceptMode accept = AcceptMode::kForward;
  bool partitioned = false;
};

// What happens once.
struct ProxyOrder {
  enum What {
    kCutNow,         // cut
    kArmCut,         // direction, offset, cut
    kDisarmCut,      // direction
    kArmCorruption,  // direction, offset, mask
    kHalfClose,      // direction
    kDisarmAll,
  };
  What what;
  Direction direction = Direction::kToServer;
  CutKind cut = CutKind::kRst;
  int64_t offset = 0;
  uint8_t mask = 0;
};

// The sockets of a FaultProxy and what is done with them: a poll(2) loop over
// non-blocking sockets, one Step() a turn, all in one thread. FaultProxy is the
// face of it for other threads.
class ProxyEngine {
 public:
  static constexpr size_t kMaxConnections = 1024;  // More are reset at once.

  // `wake_fd` is an eventfd that ends Step()'s wait; it is read empty.
  ProxyEngine(PortReservation port, int wake_fd);
  ~ProxyEngine();  // Resets what is open.

  absl::Status Listen();

  // Changes the settings and carries out the orders; no byte moves.
  void TakeUp(const ProxySettings& settings,
              absl::Span<const ProxyOrder> orders);

  // Waits until something can be done, or for the wake_fd, and does it.
  void Step();

  const ProxyStats& stats() const { return stats_; }

 private:
  struct Connection;
  struct Armed {
    bool on = false;
    int64_t at = 0;  // In bytes_out of the direction.
    CutKind cut = CutKind::kRst;
    uint8_t mask = 0;
  };

  const FlowRule& RuleOf(int direction) const;
  void Accept();
  // When full, gives up the oldest black hole: its client is likely gone, and
  // we cannot know without reading.
  void MakeRoom();
  void RemoveGone();
  void StartConnecting(Connection* c);
  // Poll events that the connection is interested in now.
  short Interest(const Connection& c, int leg) const;
  void Receive(Connection* c, int direction, net::MonoTime now);
  void Forward(Connection* c, int direction, net::MonoTime now);
  // Ends the connection as `kind` says; with `flush` its receiver in
  // `direction` first gets what it was sent.
  void BeginCut(Connection* c, CutKind kind, bool flush, int direction);
  void ContinueCut(Connection* c, net::MonoTime now);
  void Serve(Connection* c, short client_events, short server_events);
  void Reset(Connection* c);

  const PortReservation port_;
  const int wake_fd_;
  net::Socket listener_;  // None while refusing.
  ProxySettings settings_;
  Armed cut_[2];
  Armed corruption_[2];
  ProxyStats stats_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<char> scratch_;
};

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_PROXY_PROXY_ENGINE_H_
