#include "testing/conformance/differ.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "testing/conformance/comparison.h"
#include "testing/conformance/generator.h"
#include "testing/conformance/reply_text.h"
#include "testing/conformance/target.h"
#include "testing/support/dice.h"

namespace holdfast::test {
namespace {

constexpr size_t kMaxShown = 2000;

std::string Cut(std::string text) {
  if (text.size() > kMaxShown) text = text.substr(0, kMaxShown) + " ...";
  return text;
}

// As redis-cli prints it, and the bytes, for where only these differ.
std::string Shown(const RawReply& reply) {
  return Cut(absl::StrCat(FormatReply(reply.value), "    [",
                          FormatCommand({reply.bytes}), "]"));
}

// Only the lines that the other text has not.
std::string LinesOnlyIn(absl::string_view text, absl::string_view other) {
  const std::vector<absl::string_view> others = absl::StrSplit(other, '\n');
  std::string only;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (std::find(others.begin(), others.end(), line) == others.end()) {
      absl::StrAppend(&only, line, "\n");
    }
  }
  return Cut(only.empty() ? "(nothing that the other lacks)" : only);
}

}  // namespace

absl::StatusOr<Difference> Differ::Run(const std::vector<Step>& steps) {
  for (Target* target : {ours_, theirs_}) {
    const absl::Status reset = target->Reset();
    if (!reset.ok()) return reset;
  }
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    const auto failed = [&](const absl::Status& status) {
      return absl::Status(status.code(),
                          absl::StrCat("step ", i, ", ", step.ToString(), ": ",
                                       status.message()));
    };
    for (Target* target : {ours_, theirs_}) {
      const absl::Status sent = target->Send(step.connection, step.args);
      if (!sent.ok()) return failed(sent);
    }
    const absl::StatusOr<RawReply> ours = ours_->Receive(step.connection);
    if (!ours.ok()) return failed(ours.status());
    const absl::StatusOr<RawReply> theirs = theirs_->Receive(step.connection);
    if (!theirs.ok()) return failed(theirs.status());
    if (!SameReply(*ours, *theirs, step.how)) {
      return Difference{.found = true,
                        .step = i,
                        .ours = Shown(*ours),
                        .theirs = Shown(*theirs)};
    }
  }
  return CompareState(steps.size());
}

absl::StatusOr<Difference> Differ::CompareState(size_t step) {
  const absl::StatusOr<std::string> ours = ours_->DumpState();
  if (!ours.ok()) return ours.status();
  const absl::StatusOr<std::string> theirs = theirs_->DumpState();
  if (!theirs.ok()) return theirs.status();
  if (*ours != *theirs) {
    return Difference{.found = true,
                      .step = step,
                      .ours = LinesOnlyIn(*ours, *theirs),
                      .theirs = LinesOnlyIn(*theirs, *ours)};
  }
  const absl::StatusOr<RawReply> our_digest = ours_->Digest();
  if (!our_digest.ok()) return our_digest.status();
  const absl::StatusOr<RawReply> their_digest = theirs_->Digest();
  if (!their_digest.ok()) return their_digest.status();
  if (!our_digest->value.is_error() && !their_digest->value.is_error() &&
      our_digest->bytes != their_digest->bytes) {
    return Difference{
        .found = true,
        .step = step,
        .ours = absl::StrCat("DEBUG DIGEST ", Shown(*our_digest), " of\n",
                             Cut(*ours)),
        .theirs = absl::StrCat("DEBUG DIGEST ", Shown(*their_digest))};
  }
  return Difference{.found = false, .step = step, .ours = "", .theirs = ""};
}

std::vector<Step> Differ::Shrink(std::vector<Step> steps,
                                 const Difference& difference,
                                 absl::Duration bound) {
  const bool in_state = difference.step >= steps.size();
  // With a differing reply the last step stays, and must still differ.
  if (!in_state) steps.resize(difference.step + 1);
  const size_t kept = in_state ? 0 : 1;
  const net::Deadline deadline =
      net::Deadline::After(net::Clock::Real(), bound);
  for (size_t piece = steps.size() / 2; piece > 0; piece /= 2) {
    for (size_t at = 0; at + kept < steps.size() && !deadline.Expired();) {
      const size_t n = std::min(piece, steps.size() - kept - at);
      std::vector<Step> fewer(steps);
      fewer.erase(fewer.begin() + static_cast<ptrdiff_t>(at),
                  fewer.begin() + static_cast<ptrdiff_t>(at + n));
      const absl::StatusOr<Difference> still = Run(fewer);
      if (!still.ok()) return steps;  // A server has gone.
      // An earlier difference would do as well, but is another story.
      if (still->found && still->step + kept == fewer.size()) {
        steps = std::move(fewer);
      } else {
        at += n;
      }
    }
  }
  return steps;
}

std::string DiffGenerated(Generator* generator, uint64_t seed, int count,
                          Target* ours, Target* theirs,
                          absl::Duration shrink_bound) {
  Dice dice(seed);
  std::vector<Step> steps;
  for (int i = 0; i < count; ++i) steps.push_back(generator->Next(&dice));
  Differ differ(ours, theirs);
  const absl::StatusOr<Difference> difference = differ.Run(steps);
  const std::string head = absl::StrCat("generator ", generator->name(),
                                        ", seed ", seed, ", ", count, " steps");
  if (!difference.ok()) {
    return absl::StrCat(head, ": ", difference.status().ToString());
  }
  if (!difference->found) return "";
  const std::vector<Step> few = differ.Shrink(steps, *difference, shrink_bound);
  // Once more: the replies of the small run, not those of the long one.
  const absl::StatusOr<Difference> again = differ.Run(few);
  const Difference& shown = again.ok() && again->found ? *again : *difference;
  std::string text = absl::StrCat(
      head, ": differs at step ", difference->step,
      difference->step == steps.size() ? " (the state at the end)" : "",
      "; enough are these ", few.size(), ":\n");
  for (const Step& step : few) {
    absl::StrAppend(&text, "  ", step.ToString(), "\n");
  }
  absl::StrAppend(&text, ours->name(), ": ", shown.ours, "\n", theirs->name(),
                  ": ", shown.theirs);
  return text;
}

}  // namespace holdfast::test
