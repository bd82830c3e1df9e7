#ifndef HOLDFAST_TESTING_PROXY_FAULT_PLAN_H_
#define HOLDFAST_TESTING_PROXY_FAULT_PLAN_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "net/socket/stop_signal.h"
#include "testing/proxy/fault_proxy.h"

namespace holdfast::test {

// One fault of a plan. What a field means depends on the kind.
struct FaultEvent {
  enum class Kind {
    kCutNow,     // cut
    kCutAfter,   // direction, amount (bytes), cut, hold: at most so long
    kCorrupt,    // direction, amount (offset), hold: at most so long
    kHalfClose,  // direction
    kFreeze,     // direction, hold
    kDelay,      // direction, amount (microseconds), hold
    kThrottle,   // direction, amount (bytes a second), hold
    kTrickle,    // direction, amount (microseconds a byte), hold
    kRefuse,     // hold; connections there are go on
    kBlackHole,  // hold; ends with a cut, or its victims would hang for ever
    kPartition,  // hold
  };

  Kind kind = Kind::kCutNow;
  absl::Duration pause;  // Before it.
  Direction direction = Direction::kToServer;
  CutKind cut = CutKind::kRst;
  int64_t amount = 0;
  absl::Duration hold;  // Then it is undone.

  // "pause=12ms cut_after to_client amount=4711 kind=rst hold=1s": one line,
  // read back by FaultPlan::Parse().
  std::string ToString() const;
};

// A list of faults, in order: made from a seed, printed by the test that uses
// it, and read back from that print to see the failure again. A value type.
class FaultPlan {
 public:
  struct Options {
    int events = 20;
    absl::Duration max_pause = absl::Milliseconds(50);
    absl::Duration max_hold = absl::Milliseconds(200);
    int64_t max_cut_bytes = 64 * 1024;
    // Drawn from with equal chance; name one twice to have it more often.
    // Corruption is left out by default: RESP has no checksum, so most
    // corrupted bytes are undetectable.
    std::vector<FaultEvent::Kind> kinds = {
        FaultEvent::Kind::kCutAfter,  FaultEvent::Kind::kCutAfter,
        FaultEvent::Kind::kCutAfter,  FaultEvent::Kind::kCutNow,
        FaultEvent::Kind::kHalfClose, FaultEvent::Kind::kFreeze,
        FaultEvent::Kind::kDelay,     FaultEvent::Kind::kThrottle,
        FaultEvent::Kind::kRefuse,    FaultEvent::Kind::kBlackHole,
        FaultEvent::Kind::kPartition,
    };
  };

  FaultPlan() = default;
  explicit FaultPlan(std::vector<FaultEvent> events)
      : events_(std::move(events)) {}

  // The same plan for the same seed and options, on every machine.
  static FaultPlan Random(uint64_t seed, const Options& options);
  static FaultPlan Random(uint64_t seed) { return Random(seed, Options()); }

  // Only cuts, each at a byte drawn from [0, max_cut_bytes) in either
  // direction: for tests that no write is lost or doubled.
  static FaultPlan RandomCuts(uint64_t seed, int events, int64_t max_cut_bytes);

  // Reads what ToString() prints. kInvalidArgument names the line. Empty lines
  // and lines that begin with '#' are skipped.
  static absl::StatusOr<FaultPlan> Parse(absl::string_view text);

  // One line an event.
  std::string ToString() const;

  const std::vector<FaultEvent>& events() const& { return events_; }
  std::vector<FaultEvent> events() && { return std::move(events_); }

  // Plays the plan; afterwards the proxy is healed. Blocks for at most the sum
  // of pauses and holds, and milliseconds an event. kCancelled when `stop`
  // (may be null) is raised, also within milliseconds.
  absl::Status Play(FaultProxy* proxy,
                    const net::StopSignal* stop = nullptr) const;

 private:
  std::vector<FaultEvent> events_;
};

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_PROXY_FAULT_PLAN_H_
