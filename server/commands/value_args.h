#ifndef HOLDFAST_SERVER_COMMANDS_VALUE_ARGS_H_
#define HOLDFAST_SERVER_COMMANDS_VALUE_ARGS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/command/context.h"
#include "server/keyspace/entry.h"

// What several families ask of their arguments: expiry options, long doubles,
// the limit on a string's length. Functions that take a context reply with
// Redis's error text themselves and then return false; the caller just returns.
namespace holdfast::server {

// How an expiry was given. The absolute ones count from the Unix epoch.
enum class ExpiryForm : uint8_t {
  kNone,
  kSeconds,
  kMilliseconds,
  kUnixSeconds,
  kUnixMilliseconds
};

// The options after SET's value and after GETEX's key.
struct ValueOptions {
  bool only_if_missing = false;  // NX
  bool only_if_present = false;  // XX
  bool return_old = false;       // GET
  bool keep_expiry = false;      // KEEPTTL
  bool remove_expiry = false;    // PERSIST
  ExpiryForm expiry = ExpiryForm::kNone;
  size_t expiry_arg = 0;  // Where its number stands, when there is one.
};

// Which of them a command knows: SET has no PERSIST; GETEX has no NX, XX, GET
// and KEEPTTL.
enum class ValueOptionSet : uint8_t { kSet, kGetEx };

// Reads the options from argument `first` on. An option may come twice, and
// then the last one counts, but those that exclude each other are a syntax
// error. The expiry's number is not looked at yet: Redis looks at other things
// first.
bool ParseValueOptions(CommandContext& ctx, size_t first, ValueOptionSet known,
                       ValueOptions* options);

// Argument `arg` as the point in milliseconds since the Unix epoch at which a
// key shall expire. Refuses what is no integer, not positive, or beyond int64
// in milliseconds ("ERR invalid expire time in 'set' command"). The point may
// be in the past. REQUIRES: form is not kNone.
bool ParseExpiry(CommandContext& ctx, size_t arg, ExpiryForm form,
                 int64_t* when_ms);

// Parses what strtold does, all of it: decimal, exponent, hexadecimal, "inf".
// False for NaN, overflow to infinity, underflow to zero, a leading space and
// text of kMaxLongDoubleChars or more. What INCRBYFLOAT and HINCRBYFLOAT
// accept.
inline constexpr size_t kMaxLongDoubleChars = 5 * 1024;
bool ParseLongDouble(absl::string_view text, long double* value);

// At most 17 digits after the point, without trailing zeros, never an exponent
// and never "-0": the form in which these commands store and reply.
std::string FormatLongDouble(long double value);

// False, with the error replied, for an entry that is there and no string.
bool CheckString(CommandContext& ctx, const Entry* entry);

// Whether a string of `length` bytes may grow by `extra` (proto-max-bulk-len).
// What the primary has let pass is let pass. REQUIRES: both >= 0.
bool CheckStringLength(CommandContext& ctx, int64_t length, int64_t extra);

// Reads BLPOP's timeout: seconds, with a fraction, 0 for ever. False after it
// has replied an error.
bool ParseBlockTimeout(CommandContext& ctx, absl::string_view text,
                       absl::Duration* timeout);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_VALUE_ARGS_H_
