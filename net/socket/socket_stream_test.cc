#include "net/socket/socket_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "net/socket/errors.h"
#include "net/socket/socket.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "net/time/manual_clock.h"

namespace holdfast::net {
namespace {

Deadline In(absl::Duration d) { return Deadline::After(Clock::Real(), d); }
Deadline Soon() { return In(absl::Milliseconds(40)); }
Deadline Late() { return In(absl::Seconds(60)); }

class Stopwatch {
 public:
  absl::Duration elapsed() const { return Clock::Real()->Now() - start_; }

 private:
  const MonoTime start_ = Clock::Real()->Now();
};

// Both ends of a TCP connection over the loopback.
std::pair<Socket, Socket> TcpPair(int buffer_bytes = 0) {
  Socket listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in addr{};
  addr.sin_family = AF_INET;
  addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(addr);
  if (buffer_bytes > 0) {
    setsockopt(listener.fd(), SOL_SOCKET, SO_RCVBUF, &buffer_bytes,
               sizeof(buffer_bytes));
    setsockopt(listener.fd(), SOL_SOCKET, SO_SNDBUF, &buffer_bytes,
               sizeof(buffer_bytes));
  }
  auto* sa = reinterpret_cast<sockaddr*>(&addr);
  EXPECT_EQ(bind(listener.fd(), sa, length), 0);
  EXPECT_EQ(listen(listener.fd(), 1), 0);
  EXPECT_EQ(getsockname(listener.fd(), sa, &length), 0);
  Socket client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (buffer_bytes > 0) {
    setsockopt(client.fd(), SOL_SOCKET, SO_RCVBUF, &buffer_bytes,
               sizeof(buffer_bytes));
    setsockopt(client.fd(), SOL_SOCKET, SO_SNDBUF, &buffer_bytes,
               sizeof(buffer_bytes));
  }
  EXPECT_EQ(connect(client.fd(), sa, length), 0);
  Socket server(accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_TRUE(server.valid());
  return {std::move(client), std::move(server)};
}

struct Streams {
  std::unique_ptr<SocketStream> a;
  std::unique_ptr<SocketStream> b;
};

class SocketStreamTest : public testing::TestWithParam<bool> {
 protected:
  static Streams Make(int buffer_bytes = 0) {
    std::pair<Socket, Socket> pair;
    if (GetParam()) {
      pair = TcpPair(buffer_bytes);
    } else {
      auto p = Socket::Pair();
      EXPECT_TRUE(p.ok());
      pair = *std::move(p);
      if (buffer_bytes > 0) {
        for (int fd : {pair.first.fd(), pair.second.fd()}) {
          setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_bytes,
                     sizeof(buffer_bytes));
        }
      }
    }
    return {std::make_unique<SocketStream>(std::move(pair.first)),
            std::make_unique<SocketStream>(std::move(pair.second))};
  }

  static absl::StatusOr<std::string> Read(SocketStream& s, Deadline d,
                                          size_t n = 4096) {
    std::string area(n, '\0');
    auto got = s.ReadSome(absl::MakeSpan(area), d);
    if (!got.ok()) return got.status();
    area.resize(*got);
    return area;
  }

  // Takes `total` bytes, a little at a time with pauses in between, over half
  // a second; returns how many came.
  static size_t ReadSlowly(SocketStream& s, size_t total) {
    const size_t piece = total / 24;
    size_t got = 0;
    while (got < total) {
      auto bytes = Read(s, Late(), piece);
      if (!bytes.ok() || bytes->empty()) break;
      got += bytes->size();
      absl::SleepFor(absl::Milliseconds(25));
    }
    return got;
  }

  // Writes until the kernel takes no more.
  static void FillUp(SocketStream& s) {
    const std::string chunk(4096, 'f');
    const iovec part{const_cast<char*>(chunk.data()), chunk.size()};
    while (s.WriteSome(absl::MakeConstSpan(&part, 1), In(-absl::Seconds(1)))
               .ok()) {
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Kinds, SocketStreamTest, testing::Values(false, true),
                         [](const auto& param) {
                           return param.param ? "Tcp" : "Unix";
                         });

TEST_P(SocketStreamTest, CarriesBytesBothWays) {
  Streams s = Make();
  ASSERT_TRUE(s.a->WriteAll("ping", Late()).ok());
  EXPECT_EQ(Read(*s.b, Late()).value(), "ping");
  ASSERT_TRUE(s.b->WriteAll("pong", Deadline::Never()).ok());
  EXPECT_EQ(Read(*s.a, Deadline::Never()).value(), "pong");
}

TEST_P(SocketStreamTest, AReadTimesOutAtItsDeadline) {
  Streams s = Make();
  Stopwatch watch;
  EXPECT_TRUE(absl::IsDeadlineExceeded(Read(*s.a, Soon()).status()));
  EXPECT_GE(watch.elapsed(), absl::Milliseconds(40));
  EXPECT_LT(watch.elapsed(), absl::Seconds(5));
  // And does no harm.
  ASSERT_TRUE(s.b->WriteAll("x", Late()).ok());
  EXPECT_EQ(Read(*s.a, Late()).value(), "x");
}

TEST_P(SocketStreamTest, AnExpiredDeadlineStillTakesWhatIsThere) {
  Streams s = Make();
  const Deadline expired = In(-absl::Seconds(1));
  EXPECT_TRUE(absl::IsDeadlineExceeded(Read(*s.a, expired).status()));
  char c;
  EXPECT_TRUE(
      absl::IsDeadlineExceeded(s.a->TryRead(absl::MakeSpan(&c, 1)).status()));
  ASSERT_TRUE(s.b->WriteAll("xy", Late()).ok());
  EXPECT_EQ(Read(*s.a, Late(), 1).value(), "x");
  EXPECT_EQ(Read(*s.a, expired).value(), "y");
}

TEST_P(SocketStreamTest, ALongDeadlineBeforeAShortOneDoesNotStretchIt) {
  Streams s = Make();
  ASSERT_TRUE(s.b->WriteAll("x", Late()).ok());
  EXPECT_EQ(Read(*s.a, Late()).value(), "x");  // Arms 60 s.
  ASSERT_TRUE(s.b->WriteAll("y", Late()).ok());
  EXPECT_EQ(Read(*s.a, Deadline::Never()).value(), "y");  // Arms none.
  Stopwatch watch;
  EXPECT_TRUE(absl::IsDeadlineExceeded(Read(*s.a, Soon()).status()));
  EXPECT_LT(watch.elapsed(), absl::Seconds(5));
}

TEST_P(SocketStreamTest, AShortDeadlineBeforeALongOneDoesNotCutIt) {
  Streams s = Make();
  EXPECT_TRUE(
      absl::IsDeadlineExceeded(Read(*s.a, In(absl::Milliseconds(5))).status()));
  Stopwatch watch;
  EXPECT_TRUE(absl::IsDeadlineExceeded(
      Read(*s.a, In(absl::Milliseconds(60))).status()));
  EXPECT_GE(watch.elapsed(), absl::Milliseconds(60));
}

TEST_P(SocketStreamTest, FollowsAManualClock) {
  Streams s = Make(4096);
  ManualClock clock;
  const Deadline deadline = Deadline::After(&clock, absl::Hours(1));
  std::thread mover([&] { clock.Advance(absl::Hours(1)); });
  EXPECT_TRUE(absl::IsDeadlineExceeded(Read(*s.a, deadline).status()));
  mover.join();
}

TEST_P(SocketStreamTest, OrderlyEndIsZeroBytes) {
  Streams s = Make();
  ASSERT_TRUE(s.b->WriteAll("last", Late()).ok());
  s.b.reset();
  EXPECT_EQ(Read(*s.a, Late()).value(), "last");
  EXPECT_EQ(Read(*s.a, Late()).value(), "");
  EXPECT_EQ(Read(*s.a, Late()).value(), "");
}

TEST_P(SocketStreamTest, WritingToAGonePeerFailsWithoutASignal) {
  Streams s = Make();
  s.b.reset();
  absl::Status status;
  for (int i = 0; i < 1000 && status.ok(); ++i) {
    status = s.a->WriteAll("x", Late());
  }
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_TRUE(ErrnoOf(status) == EPIPE || ErrnoOf(status) == ECONNRESET);
}

TEST_P(SocketStreamTest, ResetCarriesItsErrno) {
  Streams s = Make();
  ASSERT_TRUE(s.a->WriteAll("unread", Late()).ok());
  if (GetParam()) {
    const linger hard{1, 0};
    setsockopt(s.b->fd(), SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  }
  s.b.reset();  // With input unread: a reset on both kinds.
  const absl::Status status = Read(*s.a, Late()).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(ErrnoOf(status), ECONNRESET);
}

TEST_P(SocketStreamTest, ShutdownWakesABlockedReader) {
  Streams s = Make();
  std::atomic<bool> reading{false};
  std::thread reader([&] {
    reading = true;
    EXPECT_TRUE(absl::IsCancelled(Read(*s.a, Deadline::Never()).status()));
  });
  while (!reading) std::this_thread::yield();
  s.a->Shutdown();
  reader.join();
  EXPECT_TRUE(absl::IsCancelled(Read(*s.a, Late()).status()));
  EXPECT_TRUE(absl::IsCancelled(s.a->WriteAll("x", Late())));
  EXPECT_GE(s.a->fd(), 0);
  s.a->Shutdown();
  EXPECT_EQ(Read(*s.b, Late()).value(), "");
}

TEST_P(SocketStreamTest, ShutdownWakesABlockedWriter) {
  Streams s = Make(4096);
  FillUp(*s.a);
  std::thread writer([&] {
    EXPECT_TRUE(absl::IsCancelled(
        s.a->WriteAll(std::string(1 << 20, 'x'), Deadline::Never())));
  });
  s.a->Shutdown();
  writer.join();
}

TEST_P(SocketStreamTest, AWriteThatTimesOutPartWayBreaksTheStream) {
  Streams s = Make(4096);
  const std::string big(8 << 20, 'x');
  Stopwatch watch;
  EXPECT_TRUE(absl::IsDeadlineExceeded(s.a->WriteAll(big, Soon())));
  EXPECT_GE(watch.elapsed(), absl::Milliseconds(40));
  EXPECT_LT(watch.elapsed(), absl::Seconds(5));
  EXPECT_TRUE(s.a->broken());
  // Room or not, nothing may follow half a command.
  while (Read(*s.b, In(absl::Milliseconds(20)), 1 << 16).ok()) {
  }
  EXPECT_TRUE(absl::IsFailedPrecondition(s.a->WriteAll("x", Late())));
  const iovec part{const_cast<char*>("x"), 1};
  EXPECT_TRUE(absl::IsFailedPrecondition(
      s.a->WriteSome(absl::MakeConstSpan(&part, 1), Late()).status()));
  EXPECT_TRUE(absl::IsDeadlineExceeded(Read(*s.b, Soon()).status()));
}

TEST_P(SocketStreamTest, AWriteThatTimesOutBeforeItsFirstByteDoesNot) {
  Streams s = Make(4096);
  FillUp(*s.a);
  EXPECT_TRUE(absl::IsDeadlineExceeded(s.a->WriteAll("x", Soon())));
  EXPECT_FALSE(s.a->broken());
  while (Read(*s.b, Soon(), 1 << 16).ok()) {
  }
  EXPECT_TRUE(s.a->WriteAll("x", Late()).ok());
}

TEST_P(SocketStreamTest, WritesManyPartsInOrder) {
  Streams s = Make(16384);
  std::vector<std::string> texts;
  std::vector<iovec> parts;
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    texts.push_back(i % 7 == 0 ? "" : std::string(i % 500, 'a' + i % 26));
    expected += texts.back();
  }
  for (std::string& t : texts) parts.push_back({t.data(), t.size()});
  std::thread writer([&] {
    EXPECT_TRUE(s.a->WriteAll(parts, Late()).ok());
    s.a->Shutdown();
  });
  std::string got;
  while (true) {
    auto piece = Read(*s.b, Late());
    ASSERT_TRUE(piece.ok());
    if (piece->empty()) break;
    got += *piece;
  }
  writer.join();
  EXPECT_TRUE(got == expected);
}

TEST_P(SocketStreamTest, NothingToWriteIsNothing) {
  Streams s = Make();
  EXPECT_TRUE(s.a->WriteAll("", Late()).ok());
  EXPECT_TRUE(s.a->WriteAll(absl::Span<const iovec>(), Late()).ok());
  const iovec none[2] = {{nullptr, 0}, {nullptr, 0}};
  EXPECT_EQ(s.a->WriteSome(none, Late()).value(), 0u);
  EXPECT_TRUE(
      s.a->WriteAllWithProgress("", absl::Seconds(1), Clock::Real()).ok());
}

TEST_P(SocketStreamTest, AStalledPeerIsNoticed) {
  Streams s = Make(4096);
  Stopwatch watch;
  const absl::Status status = s.a->WriteAllWithProgress(
      std::string(8 << 20, 'x'), absl::Milliseconds(80), Clock::Real());
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_GE(watch.elapsed(), absl::Milliseconds(80));
  EXPECT_LT(watch.elapsed(), absl::Seconds(5));
  EXPECT_TRUE(s.a->broken());
}

TEST_P(SocketStreamTest, ASlowPeerIsNotAStalledOne) {
  Streams s = Make(4096);
  const std::string text(100'000, 'x');
  // The reader takes much longer for all of it than the timeout, but goes on.
  std::thread reader([&] {
    const size_t got = ReadSlowly(*s.b, text.size());
    EXPECT_EQ(got, text.size());
  });
  Stopwatch watch;
  EXPECT_TRUE(
      s.a->WriteAllWithProgress(text, absl::Milliseconds(400), Clock::Real())
          .ok());
  reader.join();
  EXPECT_FALSE(s.a->broken());
}

TEST_P(SocketStreamTest, UnacknowledgedBytesAreCounted) {
  Streams s = Make(4096);
  EXPECT_EQ(s.a->UnacknowledgedBytes(), 0);
  FillUp(*s.a);
  EXPECT_GT(s.a->UnacknowledgedBytes(), 0);
}

TEST(SocketTest, OwnsItsDescriptor) {
  auto pair = Socket::Pair();
  ASSERT_TRUE(pair.ok());
  const int fd = pair->first.fd();
  Socket moved = std::move(pair->first);
  EXPECT_FALSE(pair->first.valid());
  EXPECT_EQ(moved.fd(), fd);
  moved = Socket();
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
  const int kept = pair->second.Release();
  EXPECT_NE(fcntl(kept, F_GETFD), -1);
  close(kept);
}

}  // namespace
}  // namespace holdfast::net
