#ifndef HOLDFAST_NET_SOCKET_OPTIONS_H_
#define HOLDFAST_NET_SOCKET_OPTIONS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace holdfast::net {

// tcp(7): the first probe after `idle` of silence, then one each `interval`;
// dead after `count` unanswered ones. Whole seconds, 1 to 32767.
struct KeepAlive {
  absl::Duration idle;
  absl::Duration interval;
  int count;

  // A client: noticed dead within 2 minutes.
  static KeepAlive ForClients() {
    return {absl::Seconds(60), absl::Seconds(10), 6};
  }
  // A replication link: within 30 seconds.
  static KeepAlive ForLinks() {
    return {absl::Seconds(15), absl::Seconds(5), 3};
  }
  // As tcp-keepalive in redis.conf: probes after `idle`, at a third of it, 3.
  static KeepAlive FromRedisConf(absl::Duration idle);
};

struct TcpOptions {
  bool no_delay = true;
  bool keep_alive = true;
  KeepAlive keep_alive_times = KeepAlive::ForClients();
  // TCP_USER_TIMEOUT (RFC 5482): how long sent data may stay unacknowledged;
  // keepalive does not fire while there is some. Zero: the kernel's default.
  absl::Duration user_timeout = absl::ZeroDuration();
  int send_buffer_bytes = 0;     // SO_SNDBUF, 0: the kernel's choice.
  int receive_buffer_bytes = 0;  // SO_RCVBUF, 0: the kernel's choice.
};

// Sets what applies to the socket; TCP options are passed over on unix sockets.
// An option that this kernel lacks is left out and logged once a process, since
// deadlines hold without it. Thread-safe, does not block.
void ApplyOptions(int fd, const TcpOptions& options);

// The single ones, for CONFIG SET on a live connection. False when it could
// not be set (logged once).
bool SetNoDelay(int fd, bool on);
bool SetKeepAlive(int fd, const KeepAlive& times);
bool DisableKeepAlive(int fd);
bool SetUserTimeout(int fd, absl::Duration timeout);
bool SetBufferSizes(int fd, int send_bytes, int receive_bytes);
// O_NONBLOCK.
absl::Status SetNonBlocking(int fd, bool on);

// What the kernel knows of a TCP connection (TCP_INFO), for diagnostics.
struct TcpInfo {
  std::string state;   // "ESTABLISHED", "CLOSE_WAIT", ...
  absl::Duration rtt;  // Smoothed.
  absl::Duration rtt_variance;
  absl::Duration rto;
  uint32_t unacked_segments = 0;
  uint32_t retransmits = 0;        // In a row, now.
  uint32_t total_retransmits = 0;  // Of the connection.
  uint32_t lost_segments = 0;
  uint32_t congestion_window = 0;  // Segments.
  absl::Duration since_last_sent;
  absl::Duration since_last_received;
  int unsent_bytes = -1;  // SIOCOUTQ: unsent and unacknowledged.

  // "state=ESTABLISHED,rtt_us=85,...": INFO's key=value style, no spaces.
  std::string ToString() const;
};

// kFailedPrecondition for anything but a TCP socket.
absl::StatusOr<TcpInfo> GetTcpInfo(int fd);

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_SOCKET_OPTIONS_H_
