#include "testing/proxy/shaper.h"

#include <algorithm>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "glog/logging.h"

namespace holdfast::test {

using net::MonoTime;

size_t Shaper::Room(const FlowRule& rule) const {
  if (rule.frozen || ended_) return 0;
  return queued_ >= kMaxQueued ? 0 : kMaxQueued - queued_;
}

void Shaper::Push(absl::string_view bytes, MonoTime now) {
  CHECK(!ended_);
  CHECK_LT(queued_, kMaxQueued);
  if (bytes.empty()) return;
  chunks_.push_back({std::string(bytes), now});
  queued_ += bytes.size();
}

void Shaper::PushEnd(MonoTime now) {
  CHECK(!ended_);
  ended_ = true;
  end_arrived_ = now;
}

// A twentieth of a second's worth: smooth enough, and few wake-ups.
double Shaper::Burst(const FlowRule& rule) {
  return std::max(1.0, static_cast<double>(rule.bytes_per_second) / 20);
}

double Shaper::TokensWanted(const FlowRule& rule) const {
  return std::max(1.0, std::min(static_cast<double>(queued_), Burst(rule) / 2));
}

absl::string_view Shaper::Ready(const FlowRule& rule, MonoTime now) {
  if (rule.bytes_per_second > 0) {
    if (tokens_at_ == MonoTime::Min()) {
      tokens_ = Burst(rule);
    } else {
      tokens_ += absl::ToDoubleSeconds(now - tokens_at_) *
                 static_cast<double>(rule.bytes_per_second);
      tokens_ = std::min(tokens_, Burst(rule));
    }
    tokens_at_ = now;
  }
  if (rule.frozen || chunks_.empty()) return {};
  const Chunk& front = chunks_.front();
  if (now < front.arrived + rule.delay) return {};
  absl::string_view bytes =
      absl::string_view(front.bytes).substr(front_offset_);
  if (rule.trickle > absl::ZeroDuration()) {
    return now < next_trickle_ ? absl::string_view() : bytes.substr(0, 1);
  }
  if (rule.bytes_per_second > 0) {
    bytes = bytes.substr(0, static_cast<size_t>(tokens_));
  }
  return bytes;
}

void Shaper::Pop(size_t n, const FlowRule& rule, MonoTime now) {
  if (n == 0) return;
  CHECK(!chunks_.empty());
  front_offset_ += n;
  CHECK_LE(front_offset_, chunks_.front().bytes.size());
  queued_ -= n;
  if (front_offset_ == chunks_.front().bytes.size()) {
    chunks_.pop_front();
    front_offset_ = 0;
  }
  if (rule.bytes_per_second > 0) tokens_ -= static_cast<double>(n);
  if (rule.trickle > absl::ZeroDuration()) next_trickle_ = now + rule.trickle;
}

bool Shaper::EndReady(const FlowRule& rule, MonoTime now) const {
  return ended_ && chunks_.empty() && !rule.frozen &&
         now >= end_arrived_ + rule.delay;
}

MonoTime Shaper::NextTime(const FlowRule& rule) const {
  if (rule.frozen) return MonoTime::Max();
  if (chunks_.empty()) {
    return ended_ ? end_arrived_ + rule.delay : MonoTime::Max();
  }
  MonoTime when = chunks_.front().arrived + rule.delay;
  if (rule.trickle > absl::ZeroDuration()) {
    when = std::max(when, next_trickle_);
  } else if (rule.bytes_per_second > 0 && tokens_at_ != MonoTime::Min()) {
    const double missing = TokensWanted(rule) - tokens_;
    if (missing > 0) {
      when = std::max(
          when, tokens_at_ +
                    absl::Seconds(missing /
                                  static_cast<double>(rule.bytes_per_second)));
    }
  }
  return when;
}

void Shaper::Discard() {
  chunks_.clear();
  front_offset_ = 0;
  queued_ = 0;
}

}  // namespace holdfast::test
