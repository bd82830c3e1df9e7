#include "net/socket/options.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "net/socket/errors.h"

namespace holdfast::net {
namespace {

// One option and whether its absence was logged: part of logging, hence global.
struct Option {
  int level;
  int number;
  const char* name;
  std::atomic<bool> logged{false};
};

Option no_delay{IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY"};
Option keep_alive{SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE"};
Option keep_idle{IPPROTO_TCP, TCP_KEEPIDLE, "TCP_KEEPIDLE"};
Option keep_interval{IPPROTO_TCP, TCP_KEEPINTVL, "TCP_KEEPINTVL"};
Option keep_count{IPPROTO_TCP, TCP_KEEPCNT, "TCP_KEEPCNT"};
Option user_timeout{IPPROTO_TCP, TCP_USER_TIMEOUT, "TCP_USER_TIMEOUT"};
Option send_buffer{SOL_SOCKET, SO_SNDBUF, "SO_SNDBUF"};
Option receive_buffer{SOL_SOCKET, SO_RCVBUF, "SO_RCVBUF"};

bool Set(int fd, Option& option, int value) {
  if (setsockopt(fd, option.level, option.number, &value, sizeof(value)) == 0) {
    return true;
  }
  const int err = errno;
  if (!option.logged.exchange(true)) {
    LOG(WARNING) << "cannot set " << option.name << " to " << value << ": "
                 << ErrnoStatus(err, "setsockopt").message()
                 << "; going on without it";
  }
  return false;
}

bool IsUnix(int fd) {
  int domain = 0;
  socklen_t length = sizeof(domain);
  return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 &&
         domain == AF_UNIX;
}

int KeepAliveSeconds(absl::Duration d) {
  return static_cast<int>(
      std::clamp<int64_t>(absl::ToInt64Seconds(d), 1, 32767));
}

const char* StateName(int state) {
  switch (state) {
    case TCP_ESTABLISHED:
      return "ESTABLISHED";
    case TCP_SYN_SENT:
      return "SYN_SENT";
    case TCP_SYN_RECV:
      return "SYN_RECV";
    case TCP_FIN_WAIT1:
      return "FIN_WAIT1";
    case TCP_FIN_WAIT2:
      return "FIN_WAIT2";
    case TCP_TIME_WAIT:
      return "TIME_WAIT";
    case TCP_CLOSE:
      return "CLOSE";
    case TCP_CLOSE_WAIT:
      return "CLOSE_WAIT";
    case TCP_LAST_ACK:
      return "LAST_ACK";
    case TCP_LISTEN:
      return "LISTEN";
    case TCP_CLOSING:
      return "CLOSING";
    default:
      return "UNKNOWN";
  }
}

}  // namespace

KeepAlive KeepAlive::FromRedisConf(absl::Duration idle) {
  return {idle, std::max(idle / 3, absl::Seconds(1)), 3};
}

bool SetNoDelay(int fd, bool on) {
  return IsUnix(fd) || Set(fd, no_delay, on ? 1 : 0);
}

bool SetKeepAlive(int fd, const KeepAlive& times) {
  if (IsUnix(fd)) return true;
  // Each on its own: one that is missing does not cost the others.
  bool ok = Set(fd, keep_alive, 1);
  ok &= Set(fd, keep_idle, KeepAliveSeconds(times.idle));
  ok &= Set(fd, keep_interval, KeepAliveSeconds(times.interval));
  ok &= Set(fd, keep_count, std::clamp(times.count, 1, 127));
  return ok;
}

bool DisableKeepAlive(int fd) { return IsUnix(fd) || Set(fd, keep_alive, 0); }

bool SetUserTimeout(int fd, absl::Duration timeout) {
  if (IsUnix(fd)) return true;
  const int64_t ms =
      std::clamp<int64_t>(absl::ToInt64Milliseconds(timeout), 0, INT32_MAX);
  return Set(fd, user_timeout, static_cast<int>(ms));
}

bool SetBufferSizes(int fd, int send_bytes, int receive_bytes) {
  bool ok = true;
  if (send_bytes > 0) ok &= Set(fd, send_buffer, send_bytes);
  if (receive_bytes > 0) ok &= Set(fd, receive_buffer, receive_bytes);
  return ok;
}

void ApplyOptions(int fd, const TcpOptions& options) {
  SetBufferSizes(fd, options.send_buffer_bytes, options.receive_buffer_bytes);
  if (IsUnix(fd)) return;
  if (options.no_delay) SetNoDelay(fd, true);
  if (options.keep_alive) SetKeepAlive(fd, options.keep_alive_times);
  if (options.user_timeout > absl::ZeroDuration()) {
    SetUserTimeout(fd, options.user_timeout);
  }
}

absl::Status SetNonBlocking(int fd, bool on) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return ErrnoStatus(errno, "fcntl");
  const int wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
  if (wanted != flags && fcntl(fd, F_SETFL, wanted) != 0) {
    return ErrnoStatus(errno, "fcntl");
  }
  return absl::OkStatus();
}

std::string TcpInfo::ToString() const {
  return absl::StrCat(
      "state=", state, ",rtt_us=", absl::ToInt64Microseconds(rtt),
      ",rttvar_us=", absl::ToInt64Microseconds(rtt_variance),
      ",rto_ms=", absl::ToInt64Milliseconds(rto), ",unacked=", unacked_segments,
      ",retransmits=", retransmits, ",total_retransmits=", total_retransmits,
      ",lost=", lost_segments, ",cwnd=", congestion_window,
      ",last_sent_ms=", absl::ToInt64Milliseconds(since_last_sent),
      ",last_received_ms=", absl::ToInt64Milliseconds(since_last_received),
      ",outq_bytes=", unsent_bytes);
}

absl::StatusOr<TcpInfo> GetTcpInfo(int fd) {
  tcp_info raw;
  memset(&raw, 0, sizeof(raw));
  socklen_t length = sizeof(raw);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &raw, &length) != 0) {
    return absl::FailedPreconditionError(
        ErrnoStatus(errno, "TCP_INFO").message());
  }
  TcpInfo info;
  info.state = StateName(raw.tcpi_state);
  info.rtt = absl::Microseconds(raw.tcpi_rtt);
  info.rtt_variance = absl::Microseconds(raw.tcpi_rttvar);
  info.rto = absl::Microseconds(raw.tcpi_rto);
  info.unacked_segments = raw.tcpi_unacked;
  info.retransmits = raw.tcpi_retransmits;
  info.total_retransmits = raw.tcpi_total_retrans;
  info.lost_segments = raw.tcpi_lost;
  info.congestion_window = raw.tcpi_snd_cwnd;
  info.since_last_sent = absl::Milliseconds(raw.tcpi_last_data_sent);
  info.since_last_received = absl::Milliseconds(raw.tcpi_last_data_recv);
  int unsent;
  if (ioctl(fd, SIOCOUTQ, &unsent) == 0) info.unsent_bytes = unsent;
  return info;
}

}  // namespace holdfast::net
