#ifndef HOLDFAST_SERVER_COMMANDS_KEYS_TESTING_H_
#define HOLDFAST_SERVER_COMMANDS_KEYS_TESTING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "net/time/manual_clock.h"
#include "server/config/config.h"
#include "server/dispatch/dispatcher.h"
#include "server/engine/engine.h"
#include "server/session/session.h"

namespace holdfast::server {

// For the tests of the commands on keys: an engine with these families, strings
// and transactions, a clock that stands still, DEBUG allowed, a log that is on,
// and a client. Lines are split at spaces; "''" is an empty word.
class KeysTest : public testing::Test {
 protected:
  KeysTest();

  // The reply as bytes.
  std::string Do(absl::Span<const absl::string_view> args);
  std::string Do(absl::string_view line);
  // As another client, in database 0.
  std::string DoAsOther(absl::string_view line);
  // What the log gained by this line: commands as words, joined by "; ".
  std::string EffectsOf(absl::string_view line);

  void Advance(absl::Duration d);
  int64_t NowMs() const;
  void BecomeReplica(bool replica) { engine_.role().is_replica.store(replica); }
  // As a command that came from the primary.
  absl::Status Apply(absl::string_view line);

  // RESP of replies.
  static std::string Int(int64_t i);
  static std::string Bulk(absl::string_view s);
  // The bulk strings of an array reply, sorted.
  static std::vector<std::string> Sorted(absl::string_view reply);

  net::ManualClock clock_;
  Engine engine_;
  Session session_;
  Dispatcher dispatcher_;
  Session other_session_;
  Dispatcher other_;

 private:
  Engine* Prepare();
  std::string TakeEffects();

  int64_t read_ = 0;
};

inline constexpr char kOkReply[] = "+OK\r\n";
inline constexpr char kNullReply[] = "$-1\r\n";
inline constexpr char kSyntaxReply[] = "-ERR syntax error\r\n";
inline constexpr char kNotIntegerReply[] =
    "-ERR value is not an integer or out of range\r\n";
inline constexpr char kDbRangeReply[] = "-ERR DB index is out of range\r\n";
inline constexpr char kNoKeyReply[] = "-ERR no such key\r\n";

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_KEYS_TESTING_H_
