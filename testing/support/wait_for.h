#ifndef HOLDFAST_TESTING_SUPPORT_WAIT_FOR_H_
#define HOLDFAST_TESTING_SUPPORT_WAIT_FOR_H_

#include <algorithm>
#include <functional>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"

namespace holdfast::test {

// Waiting for a state of another process, which cannot wake us: looks, pauses
// 5 ms, looks again. (Inside one process wait on a condition variable instead.)
inline constexpr absl::Duration kPollPause = absl::Milliseconds(5);
inline constexpr absl::Duration kWaitTimeout = absl::Seconds(15);

// Until `done` is true. It may note what it saw, which is printed on timeout.
//   EXPECT_TRUE(WaitFor([&](std::string* seen) { ... }));
inline ::testing::AssertionResult WaitFor(
    const std::function<bool(std::string* seen)>& done,
    absl::Duration timeout = kWaitTimeout) {
  const net::Deadline deadline =
      net::Deadline::After(net::Clock::Real(), timeout);
  for (int looks = 1;; ++looks) {
    // Before the look, so that the last look is after the deadline.
    const bool last = deadline.Expired();
    std::string seen;
    if (done(&seen)) return ::testing::AssertionSuccess();
    if (last) {
      return ::testing::AssertionFailure()
             << "not within " << absl::FormatDuration(timeout) << " (" << looks
             << " looks); last seen: " << (seen.empty() ? "-" : seen);
    }
    absl::SleepFor(std::min(kPollPause, deadline.Remaining()));
  }
}

inline ::testing::AssertionResult WaitFor(
    const std::function<bool()>& done, absl::Duration timeout = kWaitTimeout) {
  return WaitFor([&](std::string*) { return done(); }, timeout);
}

// Until what `probe` returns matches.
//   EXPECT_TRUE(WaitForValue([&] { return client.Do("GET", "k"); }, IsNil()));
template <typename Probe, typename Matcher>
::testing::AssertionResult WaitForValue(Probe probe, Matcher matcher,
                                        absl::Duration timeout = kWaitTimeout) {
  using T = std::decay_t<decltype(probe())>;
  const ::testing::Matcher<T> wanted = ::testing::SafeMatcherCast<T>(matcher);
  return WaitFor(
      [&](std::string* seen) {
        const T value = probe();
        if (wanted.Matches(value)) return true;
        std::ostringstream text;
        wanted.DescribeTo(&text);
        *seen = absl::StrCat(::testing::PrintToString(value), ", wanted what ",
                             text.str());
        return false;
      },
      timeout);
}

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_SUPPORT_WAIT_FOR_H_
