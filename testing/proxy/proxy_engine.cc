#include "testing/proxy/proxy_engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "glog/logging.h"
#include "net/socket/errors.h"
#include "net/socket/options.h"
#include "net/socket/poll.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"

namespace holdfast::test {

using net::Clock;
using net::Deadline;
using net::MonoTime;

namespace {

constexpr int kClient = 0;
constexpr int kServer = 1;
constexpr int kBacklog = 511;
// Connections accepted, or reads of one socket, before others have a turn.
constexpr int kMaxPerTurn = 64;
constexpr size_t kReadSize = 64 * 1024;
// How long a cut waits for bytes forwarded before it to be acknowledged, or
// for the peer's own end.
constexpr absl::Duration kCutPatience = absl::Seconds(1);

// Direction d (0: to the server) reads from leg d and writes to the other.
int SourceOf(int direction) { return direction; }
int SinkOf(int direction) { return 1 - direction; }

bool WouldBlock(int err) { return err == EAGAIN || err == EWOULDBLOCK; }

void CloseWithReset(net::Socket* socket) {
  if (!socket->valid()) return;
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket->fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  socket->Close();
}

int Unacknowledged(int fd) {
  int bytes = 0;
  return ioctl(fd, SIOCOUTQ, &bytes) < 0 ? 0 : bytes;
}

}  // namespace

std::ostream& operator<<(std::ostream& os, const ProxyStats& s) {
  return os << "accepted=" << s.accepted << " black_holes=" << s.black_holes
            << " connect_failures=" << s.connect_failures << " open=" << s.open
            << " cuts=" << s.cuts << " corrupted=" << s.corrupted
            << " to_server=" << s.bytes_in[0] << "/" << s.bytes_out[0]
            << " to_client=" << s.bytes_in[1] << "/" << s.bytes_out[1];
}

struct ProxyEngine::Connection {
  enum State {
    kConnecting,  // The server leg.
    kOpen,
    kBlackHole,  // No server leg.
    kCutting,    // ContinueCut() has the rest to do.
    kGone,       // To be removed.
  };
  State state = kConnecting;
  net::Socket legs[2];                    // kClient, kServer.
  Shaper shapers[2];                      // By direction.
  bool source_ended[2] = {false, false};  // No more to read.
  bool sink_ended[2] = {false, false};    // Our end has been sent.
  bool swallow[2] = {false, false};       // HalfClose(): read and forget.
  bool sink_full[2] = {false, false};     // Wait for POLLOUT.

  // kCutting.
  CutKind cut = CutKind::kRst;
  int flush_leg = -1;  // Wait until its bytes are acknowledged.
  bool fin_sent = false;
  MonoTime give_up;
};

ProxyEngine::ProxyEngine(PortReservation port, int wake_fd)
    : port_(std::move(port)), wake_fd_(wake_fd), scratch_(kReadSize) {}

ProxyEngine::~ProxyEngine() {
  for (auto& c : connections_) Reset(c.get());
}

absl::Status ProxyEngine::Listen() {
  net::Socket socket(
      ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return net::ErrnoStatus(errno, "socket");
  const int on = 1;
  setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in addr{};
  addr.sin_family = AF_INET;
  addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  addr.sin_port = htons(static_cast<uint16_t>(port_.port()));
  if (bind(socket.fd(), reinterpret_cast<sockaddr*>(&addr), sizeof addr) < 0 ||
      listen(socket.fd(), kBacklog) < 0) {
    return net::ErrnoStatus(errno,
                            absl::StrCat("listen 127.0.0.1:", port_.port()));
  }
  listener_ = std::move(socket);
  return absl::OkStatus();
}

const FlowRule& ProxyEngine::RuleOf(int direction) const {
  static const FlowRule* const kFrozen = new FlowRule{.frozen = true};
  return settings_.partitioned ? *kFrozen : settings_.rules[direction];
}

void ProxyEngine::TakeUp(const ProxySettings& settings,
                         absl::Span<const ProxyOrder> orders) {
  settings_ = settings;
  if (settings_.accept == AcceptMode::kRefuse) {
    listener_.Close();
  } else if (!listener_.valid()) {
    const absl::Status listening = Listen();
    CHECK(listening.ok()) << listening;  // The port is reserved.
  }
  for (const ProxyOrder& order : orders) {
    const int d = static_cast<int>(order.direction);
    switch (order.what) {
      case ProxyOrder::kCutNow:
        for (auto& c : connections_) {
          BeginCut(c.get(), order.cut, /*flush=*/false, d);
        }
        break;
      case ProxyOrder::kArmCut:
        cut_[d] = {.on = true,
                   .at = stats_.bytes_out[d] + order.offset,
                   .cut = order.cut};
        break;
      case ProxyOrder::kDisarmCut:
        cut_[d].on = false;
        break;
      case ProxyOrder::kArmCorruption:
        corruption_[d] = {.on = true,
                          .at = stats_.bytes_out[d] + order.offset,
                          .mask = order.mask};
        break;
      case ProxyOrder::kHalfClose:
        for (auto& c : connections_) {
          if (c->swallow[d]) continue;
          c->swallow[d] = true;
          if (!c->source_ended[d]) c->shapers[d].PushEnd(Clock::Real()->Now());
        }
        break;
      case ProxyOrder::kDisarmAll:
        for (int i : {0, 1}) cut_[i].on = corruption_[i].on = false;
        break;
    }
  }
  RemoveGone();
}

void ProxyEngine::MakeRoom() {
  if (connections_.size() < kMaxConnections) return;
  for (auto& c : connections_) {
    if (c->state != Connection::kBlackHole) continue;
    Reset(c.get());
    break;
  }
  RemoveGone();
}

void ProxyEngine::Accept() {
  for (int turn = 0; turn < kMaxPerTurn; ++turn) {
    net::Socket client(accept4(listener_.fd(), nullptr, nullptr,
                               SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client.valid()) return;  // EAGAIN, or a client that left meanwhile.
    ++stats_.accepted;
    MakeRoom();
    if (connections_.size() >= kMaxConnections) {
      CloseWithReset(&client);
      continue;
    }
    net::SetNoDelay(client.fd(), true);
    auto c = std::make_unique<Connection>();
    c->legs[kClient] = std::move(client);
    if (settings_.accept == AcceptMode::kBlackHole) {
      c->state = Connection::kBlackHole;
      ++stats_.black_holes;
    } else {
      StartConnecting(c.get());
      if (c->state == Connection::kGone) continue;
    }
    connections_.push_back(std::move(c));
    stats_.open = static_cast<int64_t>(connections_.size());
  }
}

void ProxyEngine::StartConnecting(Connection* c) {
  const net::ResolvedAddress& target = settings_.target;
  net::Socket server(::socket(target.addr()->sa_family,
                              SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (server.valid() &&
      (connect(server.fd(), target.addr(), target.length) == 0 ||
       errno == EINPROGRESS)) {
    net::SetNoDelay(server.fd(), true);
    c->legs[kServer] = std::move(server);
    return;
  }
  ++stats_.connect_failures;
  Reset(c);
}

void ProxyEngine::Reset(Connection* c) {
  CloseWithReset(&c->legs[kClient]);
  CloseWithReset(&c->legs[kServer]);
  c->state = Connection::kGone;
}

void ProxyEngine::BeginCut(Connection* c, CutKind kind, bool flush,
                           int direction) {
  if (c->state == Connection::kCutting || c->state == Connection::kGone) return;
  c->state = Connection::kCutting;
  c->cut = kind;
  c->flush_leg = flush ? SinkOf(direction) : -1;
  c->give_up = Clock::Real()->Now() + kCutPatience;
  ContinueCut(c, Clock::Real()->Now());
}

void ProxyEngine::ContinueCut(Connection* c, MonoTime now) {
  if (c->cut == CutKind::kRst) {
    // A reset throws away what the receiver's kernel does not have yet.
    if (c->flush_leg >= 0 && now < c->give_up &&
        Unacknowledged(c->legs[c->flush_leg].fd()) > 0) {
      return;
    }
    ++stats_.cuts;
    Reset(c);
    return;
  }
  if (!c->fin_sent) {
    for (net::Socket& leg : c->legs) {
      if (leg.valid()) shutdown(leg.fd(), SHUT_WR);
    }
    c->fin_sent = true;
    ++stats_.cuts;
  }
  // Closing with bytes unread would send a reset after all, so what still
  // comes is read and forgotten until the peers have ended too.
  for (net::Socket& leg : c->legs) {
    if (!leg.valid()) continue;
    ssize_t n = 1;
    for (int turn = 0; n > 0 && turn < kMaxPerTurn; ++turn) {
      n = recv(leg.fd(), scratch_.data(), scratch_.size(), 0);
    }
    if (n == 0 || (n < 0 && !WouldBlock(errno))) leg.Close();
  }
  if ((!c->legs[kClient].valid() && !c->legs[kServer].valid()) ||
      now >= c->give_up) {
    c->state = Connection::kGone;
  }
}

void ProxyEngine::Receive(Connection* c, int direction, MonoTime now) {
  const int fd = c->legs[SourceOf(direction)].fd();
  Shaper& shaper = c->shapers[direction];
  const size_t room =
      c->swallow[direction] ? scratch_.size() : shaper.Room(RuleOf(direction));
  if (room == 0) return;
  const ssize_t n =
      recv(fd, scratch_.data(), std::min(room, scratch_.size()), 0);
  if (n > 0) {
    stats_.bytes_in[direction] += n;
    if (!c->swallow[direction]) {
      shaper.Push(absl::string_view(scratch_.data(), static_cast<size_t>(n)),
                  now);
    }
  } else if (n == 0) {
    c->source_ended[direction] = true;
    if (!c->swallow[direction]) shaper.PushEnd(now);
  } else if (!WouldBlock(errno) && errno != EINTR) {
    Reset(c);  // The sender's reset goes on to the receiver.
  }
}

void ProxyEngine::Forward(Connection* c, int direction, MonoTime now) {
  const FlowRule& rule = RuleOf(direction);
  Shaper& shaper = c->shapers[direction];
  const int fd = c->legs[SinkOf(direction)].fd();
  int64_t& out = stats_.bytes_out[direction];
  Armed& cut = cut_[direction];
  Armed& corruption = corruption_[direction];
  for (;;) {
    absl::string_view ready = shaper.Ready(rule, now);
    if (ready.empty()) break;
    if (cut.on) {
      ready = ready.substr(0, static_cast<size_t>(cut.at - out));
      if (ready.empty()) {
        cut.on = false;
        BeginCut(c, cut.cut, /*flush=*/true, direction);
        return;
      }
    }
    std::string spoiled;
    const bool spoil = corruption.on &&
                       corruption.at - out < static_cast<int64_t>(ready.size());
    if (spoil) {
      spoiled = std::string(ready);
      spoiled[static_cast<size_t>(corruption.at - out)] ^=
          static_cast<char>(corruption.mask);
      ready = spoiled;
    }
    const ssize_t n = send(fd, ready.data(), ready.size(), MSG_NOSIGNAL);
    if (n < 0) {
      c->sink_full[direction] = WouldBlock(errno);
      if (!c->sink_full[direction]) Reset(c);
      return;
    }
    c->sink_full[direction] = false;
    out += n;
    if (spoil && out > corruption.at) {
      corruption.on = false;
      ++stats_.corrupted;
    }
    shaper.Pop(static_cast<size_t>(n), rule, now);
    if (cut.on && out >= cut.at) {
      cut.on = false;
      BeginCut(c, cut.cut, /*flush=*/true, direction);
      return;
    }
  }
  if (!c->sink_ended[direction] && shaper.EndReady(rule, now)) {
    c->sink_ended[direction] = true;
    shutdown(fd, SHUT_WR);
  }
}

short ProxyEngine::Interest(const Connection& c, int leg) const {
  switch (c.state) {
    case Connection::kConnecting:
      return leg == kServer ? POLLOUT : 0;
    case Connection::kBlackHole:
    case Connection::kGone:
      return 0;
    case Connection::kCutting:
      return 0;  // Looked at every millisecond.
    case Connection::kOpen:
      break;
  }
  short events = 0;
  const int from = leg;    // The direction that reads from this leg ...
  const int to = 1 - leg;  // ... and the one that writes to it.
  if (!c.source_ended[from] && !RuleOf(from).frozen &&
      (c.swallow[from] || c.shapers[from].Room(RuleOf(from)) > 0)) {
    events |= POLLIN;
  }
  if (c.sink_full[to] && !RuleOf(to).frozen) events |= POLLOUT;
  return events;
}

void ProxyEngine::Serve(Connection* c, short client_events,
                        short server_events) {
  const MonoTime now = Clock::Real()->Now();
  if (c->state == Connection::kCutting) {
    ContinueCut(c, now);
    return;
  }
  if (c->state == Connection::kConnecting && server_events != 0) {
    int err = 0;
    socklen_t length = sizeof err;
    getsockopt(c->legs[kServer].fd(), SOL_SOCKET, SO_ERROR, &err, &length);
    if (err != 0) {
      ++stats_.connect_failures;
      Reset(c);
      return;
    }
    c->state = Connection::kOpen;
  }
  const short events[2] = {client_events, server_events};
  for (int d : {0, 1}) {
    if (c->state != Connection::kOpen) return;
    if (events[SourceOf(d)] & (POLLIN | POLLHUP | POLLERR)) Receive(c, d, now);
    if (c->state != Connection::kOpen) return;
    Forward(c, d, now);
  }
  if (c->state == Connection::kOpen && c->sink_ended[0] && c->sink_ended[1] &&
      c->source_ended[0] && c->source_ended[1]) {
    c->legs[kClient].Close();
    c->legs[kServer].Close();
    c->state = Connection::kGone;
  }
}

void ProxyEngine::Step() {
  // Entries: wake, listener, then two a connection.
  std::vector<pollfd> fds;
  fds.reserve(2 + 2 * connections_.size());
  fds.push_back({wake_fd_, POLLIN, 0});
  fds.push_back({settings_.partitioned ? -1 : listener_.fd(), POLLIN, 0});
  const MonoTime now = Clock::Real()->Now();
  MonoTime until = MonoTime::Max();
  for (const auto& c : connections_) {
    for (int leg : {kClient, kServer}) {
      const short events = Interest(*c, leg);
      // Nothing of interest: not polled, or a hang-up would wake us for ever.
      fds.push_back({events == 0 ? -1 : c->legs[leg].fd(), events, 0});
    }
    if (c->state == Connection::kCutting) {
      until = std::min(until, now + absl::Milliseconds(1));
    } else if (c->state == Connection::kOpen) {
      for (int d : {0, 1}) {
        if (c->sink_full[d] || c->sink_ended[d]) continue;
        until = std::min(until, c->shapers[d].NextTime(RuleOf(d)));
      }
    }
  }
  const absl::StatusOr<int> polled =
      net::PollUntil(absl::MakeSpan(fds), Deadline::At(Clock::Real(), until));
  CHECK(polled.ok()) << polled.status();

  if (fds[0].revents != 0) {
    uint64_t count;
    const ssize_t ignored = read(wake_fd_, &count, sizeof count);
    (void)ignored;  // EAGAIN: nothing to read is what we want.
    return;         // Orders come before any byte.
  }
  for (size_t i = 0; i < connections_.size(); ++i) {
    Serve(connections_[i].get(), fds[2 + 2 * i].revents,
          fds[3 + 2 * i].revents);
  }
  RemoveGone();
  if (fds[1].revents != 0) Accept();
}

void ProxyEngine::RemoveGone() {
  connections_.erase(std::remove_if(connections_.begin(), connections_.end(),
                                    [](const auto& c) {
                                      return c->state == Connection::kGone;
                                    }),
                     connections_.end());
  stats_.open = static_cast<int64_t>(connections_.size());
}

}  // namespace holdfast::test
