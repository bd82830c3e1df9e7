#ifndef HOLDFAST_TESTING_PROXY_SHAPER_H_
#define HOLDFAST_TESTING_PROXY_SHAPER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "net/time/clock.h"

namespace holdfast::test {

// How bytes travel one way. The default lets them pass.
struct FlowRule {
  absl::Duration delay = absl::ZeroDuration();  // From arrival; zero: none.
  int64_t bytes_per_second = 0;                 // 0: no bound.
  absl::Duration trickle =
      absl::ZeroDuration();  // One byte each so long; zero: off.
  bool frozen = false;       // Nothing is taken in and nothing goes out.
};

// The bytes on their way in one direction of one connection: what has arrived
// and when, and how much of it a FlowRule lets go at a given time. Pure: knows
// no socket and no clock. The rule is given with every call, so a changed rule
// holds for bytes that are queued already. Thread-compatible.
class Shaper {
 public:
  // The most bytes that are taken in before some go out.
  static constexpr size_t kMaxQueued = 256 * 1024;

  // How many bytes Push() takes now; zero while frozen and after PushEnd().
  size_t Room(const FlowRule& rule) const;

  // REQUIRES: bytes.size() <= Room(), or more than that only once.
  void Push(absl::string_view bytes, net::MonoTime now);
  // The sender's orderly end; it travels as a byte would.
  void PushEnd(net::MonoTime now);

  // What may go out now: a part of the queue's front, perhaps not all of it
  // that may. Valid until the next call of a non-const function.
  absl::string_view Ready(const FlowRule& rule, net::MonoTime now);
  // The first `n` bytes of what Ready() returned are gone.
  void Pop(size_t n, const FlowRule& rule, net::MonoTime now);

  // Whether all bytes are out and the end may go out too.
  bool EndReady(const FlowRule& rule, net::MonoTime now) const;

  // From when on Ready() or EndReady() lets something that is queued go; in the
  // past when it does already. Max(): only new bytes or another rule can change
  // that. After the end went out it still says when that was.
  net::MonoTime NextTime(const FlowRule& rule) const;

  // Forgets everything queued; later bytes are welcome.
  void Discard();

  size_t queued() const { return queued_; }

 private:
  struct Chunk {
    std::string bytes;
    net::MonoTime arrived;
  };

  static double Burst(const FlowRule& rule);
  // How many tokens are worth a wake-up.
  double TokensWanted(const FlowRule& rule) const;

  std::deque<Chunk> chunks_;
  size_t front_offset_ = 0;  // Of the first chunk: bytes gone.
  size_t queued_ = 0;
  bool ended_ = false;
  net::MonoTime end_arrived_;
  // Token bucket of bytes_per_second.
  double tokens_ = 0;
  net::MonoTime tokens_at_ = net::MonoTime::Min();  // Min(): not begun.
  net::MonoTime next_trickle_ = net::MonoTime::Min();
};

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_PROXY_SHAPER_H_
