#include "net/socket/peer_watch.h"

#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "glog/logging.h"

namespace holdfast::net {
namespace {

constexpr uint64_t kStop = 0;  // No connection has this id.

}  // namespace

PeerWatch::~PeerWatch() {
  if (thread_.joinable()) {
    const uint64_t one = 1;
    PCHECK(write(stop_fd_, &one, sizeof(one)) == sizeof(one));
    thread_.join();
  }
  if (epoll_fd_ >= 0) close(epoll_fd_);
  if (stop_fd_ >= 0) close(stop_fd_);
}

bool PeerWatch::Start() {
  if (started_) return true;
  if (epoll_fd_ < 0) epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  if (stop_fd_ < 0) stop_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = kStop;
  if (epoll_fd_ < 0 || stop_fd_ < 0 ||
      epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, stop_fd_, &event) != 0) {
    LOG_FIRST_N(WARNING, 1) << "Clients that leave while they wait for a key "
                               "are noticed late: epoll: "
                            << strerror(errno);
    return false;
  }
  thread_ = std::thread([this] { Run(); });
  started_ = true;
  return true;
}

uint64_t PeerWatch::Watch(int fd, std::function<void()> gone) {
  absl::MutexLock lock(&mu_);
  if (!Start()) return 0;
  const uint64_t id = ++last_id_;
  epoll_event event = {};
  event.events = EPOLLRDHUP | EPOLLONESHOT;  // EPOLLHUP and EPOLLERR always.
  event.data.u64 = id;
  if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) return 0;
  watched_[id] = {fd, std::move(gone)};
  return id;
}

void PeerWatch::Unwatch(uint64_t id) {
  absl::MutexLock lock(&mu_);
  const auto it = watched_.find(id);
  if (it == watched_.end()) return;
  if (epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, it->second.fd, nullptr) != 0) {
    LOG(DFATAL) << "epoll_ctl: " << strerror(errno);
  }
  watched_.erase(it);
}

void PeerWatch::Run() {
  pthread_setname_np(pthread_self(), "peer-watch");
  constexpr int kMost = 64;
  epoll_event events[kMost];
  for (;;) {
    const int n = epoll_wait(epoll_fd_, events, kMost, -1);
    if (n < 0) {
      PCHECK(errno == EINTR) << "epoll_wait";
      continue;
    }
    absl::MutexLock lock(&mu_);
    for (int i = 0; i < n; ++i) {
      if (events[i].data.u64 == kStop) return;
      // It may have been unwatched since.
      const auto it = watched_.find(events[i].data.u64);
      if (it != watched_.end()) it->second.gone();
    }
  }
}

}  // namespace holdfast::net
