#include "server/migrate/fake_target.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "net/client/resp_client.h"
#include "net/resp/value.h"
#include "net/socket/socket.h"
#include "net/socket/socket_stream.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"

namespace holdfast::server {
namespace {

std::unique_ptr<net::Listener> Listen() {
  net::TcpListenOptions options;
  options.bind = {"127.0.0.1"};
  auto listener = net::Listener::Tcp(options);
  CHECK(listener.ok()) << listener.status();
  return *std::move(listener);
}

net::Deadline Soon() {
  return net::Deadline::After(net::Clock::Real(), absl::Seconds(20));
}

// A RespClient owns its stream; this one is to be found by HangUp(), too.
class Lent : public net::Stream {
 public:
  explicit Lent(net::Stream* stream) : stream_(*stream) {}
  absl::StatusOr<size_t> ReadSome(absl::Span<char> area,
                                  net::Deadline deadline) override {
    return stream_.ReadSome(area, deadline);
  }
  absl::StatusOr<size_t> TryRead(absl::Span<char> area) override {
    return stream_.TryRead(area);
  }
  absl::StatusOr<size_t> WriteSome(absl::Span<const iovec> parts,
                                   net::Deadline deadline) override {
    return stream_.WriteSome(parts, deadline);
  }
  void Shutdown() override { stream_.Shutdown(); }
  int fd() const override { return stream_.fd(); }

 private:
  net::Stream& stream_;
};

}  // namespace

FakeTarget::FakeTarget(Answer answer)
    : answer_(std::move(answer)),
      listener_(Listen()),
      thread_([this] { Run(); }) {}

FakeTarget::~FakeTarget() {
  listener_->Shutdown();
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    if (stream_ != nullptr) stream_->Shutdown();
  }
  thread_.join();
}

void FakeTarget::HangUp() {
  absl::MutexLock lock(&mu_);
  if (stream_ != nullptr) stream_->Shutdown();
}

int FakeTarget::connections() const {
  absl::MutexLock lock(&mu_);
  return connections_;
}

std::vector<std::string> FakeTarget::commands() const {
  absl::MutexLock lock(&mu_);
  return commands_;
}

void FakeTarget::Run() {
  for (;;) {
    absl::StatusOr<net::Socket> socket = listener_->Accept();
    if (!socket.ok()) return;
    net::SocketStream stream(*std::move(socket));
    {
      absl::MutexLock lock(&mu_);
      if (stopping_) return;
      ++connections_;
      stream_ = &stream;
    }
    Serve(&stream);
    absl::MutexLock lock(&mu_);
    stream_ = nullptr;
  }
}

void FakeTarget::Serve(net::Stream* stream) {
  net::RespClient peer(std::make_unique<Lent>(stream));
  for (;;) {
    const absl::StatusOr<net::Value> request = peer.Receive(Soon());
    if (!request.ok()) return;
    Command command;
    for (const net::Value& word : request->elements()) {
      command.push_back(word.str());
    }
    {
      absl::MutexLock lock(&mu_);
      commands_.push_back(command.size() > 1
                              ? absl::StrCat(command[0], " ", command[1])
                              : command[0]);
    }
    const std::string answer = answer_(command);
    if (answer == kHangUp || !peer.SendRaw(answer, Soon()).ok()) return;
  }
}

}  // namespace holdfast::server
