#ifndef HOLDFAST_TESTING_CONFORMANCE_REPLY_TEXT_H_
#define HOLDFAST_TESTING_CONFORMANCE_REPLY_TEXT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "net/resp/value.h"

// Commands and replies as text, the way redis-cli reads and prints them at a
// terminal. Pure functions.
namespace holdfast::test {

// A reply: `(integer) 1`, `"a\x00"`, `OK`, `(nil)`, `(error) ERR ...`,
// `1) "a"`, nested with indents. Lines are separated by LF, none at the end.
std::string FormatReply(const net::Value& reply);

// Splits a command line: words at spaces, "..." with \n \r \t \a \b \" \\ \xHH,
// '...' with \'. kInvalidArgument for unbalanced quotes or an empty line.
absl::StatusOr<std::vector<std::string>> SplitCommand(absl::string_view line);

// The inverse: can be pasted into redis-cli.
std::string FormatCommand(const std::vector<std::string>& args);

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_CONFORMANCE_REPLY_TEXT_H_
