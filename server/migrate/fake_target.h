#ifndef HOLDFAST_SERVER_MIGRATE_FAKE_TARGET_H_
#define HOLDFAST_SERVER_MIGRATE_FAKE_TARGET_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "net/listen/listener.h"
#include "net/socket/stream.h"

namespace holdfast::server {

// A target of MIGRATE that a test holds the strings of: a server on a port of
// its own that takes one connection after the other and answers each command by
// calling a function, in a thread of its own.
class FakeTarget {
 public:
  using Command = std::vector<std::string>;
  // The bytes to answer with; one of the words below does something else.
  using Answer = std::function<std::string(const Command& command)>;
  static constexpr absl::string_view kHangUp = "<hang up>";

  explicit FakeTarget(Answer answer);
  ~FakeTarget();
  FakeTarget(const FakeTarget&) = delete;
  FakeTarget& operator=(const FakeTarget&) = delete;

  int port() const { return listener_->port(); }
  // Ends the connection there is.
  void HangUp();
  int connections() const;
  // The first two words of each command so far, joined by blanks.
  std::vector<std::string> commands() const;

 private:
  void Run();
  void Serve(net::Stream* stream);

  const Answer answer_;
  const std::unique_ptr<net::Listener> listener_;
  mutable absl::Mutex mu_;
  net::Stream* stream_ ABSL_GUARDED_BY(mu_) = nullptr;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  int connections_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::string> commands_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;  // Last: it uses the others.
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_MIGRATE_FAKE_TARGET_H_
