#ifndef HOLDFAST_TESTING_CONFORMANCE_CASE_FILE_H_
#define HOLDFAST_TESTING_CONFORMANCE_CASE_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "testing/conformance/comparison.h"
#include "testing/conformance/target.h"

namespace holdfast::test {

// One command and what it must answer.
struct CaseStep {
  int line = 0;  // In the file.
  int connection = 1;
  std::vector<std::string> args;
  // The reply as redis-cli prints it; lines joined by LF.
  std::string expected;
  // "@reference": the same as the reference server, no text.
  bool same_as_reference = false;
  Comparison how;
};

struct Case {
  std::string name;
  std::vector<CaseStep> steps;
};

// Cases of one command family, read from a text file:
//
//   # A comment.
//   == SET with NX leaves an existing key alone
//   > SET k 1
//   OK
//   > SET k 2 NX
//   (nil)
//   2> KEYS *            (a second connection)
//   @unordered
//   1) "k"
//   > TTL k
//   @near 2
//   (integer) 100
//   > OBJECT HELP
//   @reference
//
// A case begins with all databases empty and fresh connections. Between a
// command and its reply may stand one of @reference, @unordered, @pairs,
// @near N, @type and @any (no text follows @reference and @any).
// kInvalidArgument names file and line.
absl::StatusOr<std::vector<Case>> ParseCases(absl::string_view file_name,
                                             absl::string_view text);
absl::StatusOr<std::vector<Case>> ReadCases(const std::string& path);

// Runs the cases. Returns one text a failure, none when all is well.
// `reference` may be null: then what is compared with it is only run.
std::vector<std::string> RunCases(absl::string_view file_name,
                                  const std::vector<Case>& cases,
                                  Target* target, Target* reference);

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_CONFORMANCE_CASE_FILE_H_
