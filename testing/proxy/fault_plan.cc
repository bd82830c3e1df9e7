#include "testing/proxy/fault_plan.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "net/socket/stop_signal.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "testing/proxy/fault_proxy.h"
#include "testing/proxy/shaper.h"
#include "testing/support/dice.h"

namespace holdfast::test {
namespace {

using Kind = FaultEvent::Kind;
using net::Deadline;

struct KindName {
  Kind kind;
  absl::string_view name;
};
constexpr KindName kKindNames[] = {
    {Kind::kCutNow, "cut_now"},      {Kind::kCutAfter, "cut_after"},
    {Kind::kCorrupt, "corrupt"},     {Kind::kHalfClose, "half_close"},
    {Kind::kFreeze, "freeze"},       {Kind::kDelay, "delay"},
    {Kind::kThrottle, "throttle"},   {Kind::kTrickle, "trickle"},
    {Kind::kRefuse, "refuse"},       {Kind::kBlackHole, "black_hole"},
    {Kind::kPartition, "partition"},
};

// Looks at the stop signal this often while it waits for the proxy.
constexpr absl::Duration kSlice = absl::Milliseconds(5);

// In [1 us, max], whole microseconds, so that it prints exactly.
absl::Duration UpTo(Dice* dice, absl::Duration max) {
  return absl::Microseconds(
      1 + dice->Below(std::max<int64_t>(1, absl::ToInt64Microseconds(max))));
}

// Sleeps; kCancelled when stopped.
absl::Status Rest(absl::Duration d, const net::StopSignal* stop) {
  const Deadline until = Deadline::After(net::Clock::Real(), d);
  static const net::StopSignal* const kNever = new net::StopSignal;
  if ((stop != nullptr ? stop : kNever)->WaitUntil(until)) {
    return absl::CancelledError("the fault plan was stopped");
  }
  return absl::OkStatus();
}

// Until `done` or `hold` has passed.
template <typename Done>
absl::Status Await(FaultProxy* proxy, absl::Duration hold,
                   const net::StopSignal* stop, Done done) {
  const Deadline deadline = Deadline::After(net::Clock::Real(), hold);
  while (!deadline.Expired()) {
    if (proxy->WaitFor(done, std::min(kSlice, deadline.Remaining()))) break;
    if (stop != nullptr && stop->stopped()) {
      return absl::CancelledError("the fault plan was stopped");
    }
  }
  return absl::OkStatus();
}

absl::Status PlayRule(FaultProxy* proxy, const FaultEvent& e,
                      const FlowRule& rule, const net::StopSignal* stop) {
  proxy->SetRule(e.direction, rule);
  const absl::Status rested = Rest(e.hold, stop);
  proxy->Pass(e.direction);
  return rested;
}

absl::Status PlayEvent(FaultProxy* proxy, const FaultEvent& e,
                       const net::StopSignal* stop) {
  switch (e.kind) {
    case Kind::kCutNow:
      proxy->CutNow(e.cut);
      return absl::OkStatus();
    case Kind::kCutAfter: {
      const int64_t before = proxy->stats().cuts;
      proxy->CutAfter(e.direction, e.amount, e.cut);
      const absl::Status status =
          Await(proxy, e.hold, stop,
                [before](const ProxyStats& s) { return s.cuts > before; });
      proxy->DisarmCut(e.direction);
      return status;
    }
    case Kind::kCorrupt: {
      const int64_t before = proxy->stats().corrupted;
      proxy->CorruptAt(e.direction, e.amount);
      return Await(proxy, e.hold, stop, [before](const ProxyStats& s) {
        return s.corrupted > before;
      });
    }
    case Kind::kHalfClose:
      proxy->HalfClose(e.direction);
      return absl::OkStatus();
    case Kind::kFreeze:
      return PlayRule(proxy, e, {.frozen = true}, stop);
    case Kind::kDelay:
      return PlayRule(proxy, e, {.delay = absl::Microseconds(e.amount)}, stop);
    case Kind::kThrottle:
      return PlayRule(proxy, e, {.bytes_per_second = e.amount}, stop);
    case Kind::kTrickle:
      return PlayRule(proxy, e, {.trickle = absl::Microseconds(e.amount)},
                      stop);
    case Kind::kRefuse: {
      proxy->SetAcceptMode(AcceptMode::kRefuse);
      const absl::Status rested = Rest(e.hold, stop);
      proxy->SetAcceptMode(AcceptMode::kForward);
      return rested;
    }
    case Kind::kBlackHole: {
      proxy->SetAcceptMode(AcceptMode::kBlackHole);
      const absl::Status rested = Rest(e.hold, stop);
      proxy->SetAcceptMode(AcceptMode::kForward);
      proxy->CutNow(e.cut);
      return rested;
    }
    case Kind::kPartition: {
      proxy->Partition();
      const absl::Status rested = Rest(e.hold, stop);
      proxy->Heal();
      return rested;
    }
  }
  LOG(FATAL) << "unknown fault";
}

absl::string_view NameOf(Kind kind) {
  for (const KindName& k : kKindNames) {
    if (k.kind == kind) return k.name;
  }
  LOG(FATAL) << "unknown fault";
}

absl::StatusOr<FaultEvent> ParseEvent(absl::string_view line) {
  FaultEvent event;
  bool have_kind = false;
  for (absl::string_view word :
       absl::StrSplit(line, ' ', absl::SkipWhitespace())) {
    bool ok = true;
    absl::string_view value = word;
    if (absl::ConsumePrefix(&value, "pause=")) {
      ok = absl::ParseDuration(value, &event.pause);
    } else if (absl::ConsumePrefix(&value, "hold=")) {
      ok = absl::ParseDuration(value, &event.hold);
    } else if (absl::ConsumePrefix(&value, "amount=")) {
      ok = absl::SimpleAtoi(value, &event.amount) && event.amount >= 0;
    } else if (word == "kind=rst") {
      event.cut = CutKind::kRst;
    } else if (word == "kind=fin") {
      event.cut = CutKind::kFin;
    } else if (word == "to_server") {
      event.direction = Direction::kToServer;
    } else if (word == "to_client") {
      event.direction = Direction::kToClient;
    } else {
      const KindName* const found =
          std::find_if(std::begin(kKindNames), std::end(kKindNames),
                       [&](const KindName& k) { return k.name == word; });
      ok = found != std::end(kKindNames) && !have_kind;
      if (ok) event.kind = found->kind;
      have_kind = true;
    }
    if (!ok) {
      return absl::InvalidArgumentError(
          absl::StrCat("fault plan: '", word, "' in: ", line));
    }
  }
  if (!have_kind) {
    return absl::InvalidArgumentError(
        absl::StrCat("fault plan: no fault in: ", line));
  }
  return event;
}

}  // namespace

std::string FaultEvent::ToString() const {
  return absl::StrCat(
      "pause=", absl::FormatDuration(pause), " ", NameOf(kind), " ",
      direction == Direction::kToServer ? "to_server" : "to_client",
      " amount=", amount, " kind=", cut == CutKind::kRst ? "rst" : "fin",
      " hold=", absl::FormatDuration(hold));
}

FaultPlan FaultPlan::Random(uint64_t seed, const Options& options) {
  CHECK(!options.kinds.empty());
  Dice dice(seed);
  std::vector<FaultEvent> events;
  for (int i = 0; i < options.events; ++i) {
    FaultEvent e;
    e.kind = options.kinds[static_cast<size_t>(
        dice.Below(static_cast<int64_t>(options.kinds.size())))];
    e.pause = UpTo(&dice, options.max_pause);
    e.hold = UpTo(&dice, options.max_hold);
    e.direction =
        dice.Below(2) == 0 ? Direction::kToServer : Direction::kToClient;
    e.cut = dice.Below(2) == 0 ? CutKind::kRst : CutKind::kFin;
    switch (e.kind) {
      case Kind::kCutAfter:
      case Kind::kCorrupt:
        e.amount = dice.Below(std::max<int64_t>(1, options.max_cut_bytes));
        break;
      case Kind::kDelay:
        e.amount = 100 + dice.Below(50'000);
        break;
      case Kind::kThrottle:
        e.amount = 1000 + dice.Below(1'000'000);
        break;
      case Kind::kTrickle:
        e.amount = 10 + dice.Below(2'000);
        break;
      default:
        break;
    }
    events.push_back(e);
  }
  return FaultPlan(std::move(events));
}

FaultPlan FaultPlan::RandomCuts(uint64_t seed, int events,
                                int64_t max_cut_bytes) {
  Options options;
  options.events = events;
  options.max_cut_bytes = max_cut_bytes;
  options.max_hold = absl::Seconds(2);
  options.kinds = {Kind::kCutAfter};
  return Random(seed, options);
}

absl::StatusOr<FaultPlan> FaultPlan::Parse(absl::string_view text) {
  std::vector<FaultEvent> events;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    absl::StatusOr<FaultEvent> event = ParseEvent(line);
    if (!event.ok()) return event.status();
    events.push_back(*event);
  }
  return FaultPlan(std::move(events));
}

std::string FaultPlan::ToString() const {
  std::string text;
  for (const FaultEvent& e : events_)
    absl::StrAppend(&text, e.ToString(), "\n");
  return text;
}

absl::Status FaultPlan::Play(FaultProxy* proxy,
                             const net::StopSignal* stop) const {
  absl::Status status;
  for (const FaultEvent& e : events_) {
    status = Rest(e.pause, stop);
    if (status.ok()) status = PlayEvent(proxy, e, stop);
    if (!status.ok()) break;
  }
  proxy->Heal();
  return status;
}

}  // namespace holdfast::test
