#include "testing/conformance/case_file.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "testing/conformance/comparison.h"
#include "testing/conformance/reply_text.h"
#include "testing/conformance/target.h"

namespace holdfast::test {
namespace {

constexpr int kMaxConnection = 9;

// "> SET k v" or "2> SET k v".
bool ParsePrompt(absl::string_view line, int* connection,
                 absl::string_view* command) {
  *connection = 1;
  if (!line.empty() && line[0] >= '1' && line[0] <= '0' + kMaxConnection) {
    *connection = line[0] - '0';
    line.remove_prefix(1);
  }
  if (!absl::ConsumePrefix(&line, "> ")) return false;
  *command = line;
  return true;
}

bool ParseDirective(absl::string_view line, CaseStep* step) {
  const std::vector<absl::string_view> words =
      absl::StrSplit(line, ' ', absl::SkipWhitespace());
  const absl::string_view name = words[0];
  if (name == "@near") {
    step->how = Comparison::Near(0);
    return words.size() == 2 &&
           absl::SimpleAtoi(words[1], &step->how.tolerance);
  }
  if (words.size() != 1) return false;
  if (name == "@reference") {
    step->same_as_reference = true;
  } else if (name == "@unordered") {
    step->how = Comparison::Unordered();
  } else if (name == "@pairs") {
    step->how = Comparison::Pairs();
  } else if (name == "@type") {
    step->how = Comparison::Type();
  } else if (name == "@any") {
    step->how = Comparison::Ignore();
  } else {
    return false;
  }
  return true;
}

// Printed replies are compared as text, so "unordered" sorts lines without
// their numbers, and "near" looks at the one integer.
std::vector<std::string> WithoutNumbers(absl::string_view text, size_t group) {
  std::vector<std::string> groups;
  size_t i = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const size_t end = line.find(") ");
    if (end != absl::string_view::npos) line.remove_prefix(end + 2);
    if (i++ % group == 0) {
      groups.emplace_back(line);
    } else {
      absl::StrAppend(&groups.back(), "\n", line);
    }
  }
  std::sort(groups.begin(), groups.end());
  return groups;
}

bool SameText(absl::string_view want, absl::string_view got,
              const Comparison& how) {
  switch (how.kind) {
    case Comparison::Kind::kIgnore:
      return true;
    case Comparison::Kind::kUnordered:
      return WithoutNumbers(want, 1) == WithoutNumbers(got, 1);
    case Comparison::Kind::kPairs:
      return WithoutNumbers(want, 2) == WithoutNumbers(got, 2);
    case Comparison::Kind::kNear: {
      int64_t a = 0;
      int64_t b = 0;
      return absl::ConsumePrefix(&want, "(integer) ") &&
             absl::ConsumePrefix(&got, "(integer) ") &&
             absl::SimpleAtoi(want, &a) && absl::SimpleAtoi(got, &b) &&
             std::abs(a - b) <= how.tolerance;
    }
    case Comparison::Kind::kType:
      return want.substr(0, 2) == got.substr(0, 2);
    case Comparison::Kind::kExact:
    case Comparison::Kind::kEach:
      break;
  }
  return want == got;
}

// Nothing when the step is as it should be.
std::string RunStep(const CaseStep& step, Target* target, Target* reference) {
  const absl::StatusOr<RawReply> reply =
      target->Call(step.connection, step.args);
  if (!reply.ok()) return reply.status().ToString();
  const std::string got = FormatReply(reply->value);
  absl::StatusOr<RawReply> theirs = absl::NotFoundError("");
  if (reference != nullptr) {
    // Also where the expectation is written down: it keeps the state alike.
    theirs = reference->Call(step.connection, step.args);
    if (!theirs.ok()) return theirs.status().ToString();
  }
  if (step.same_as_reference) {
    if (!theirs.ok() ||
        SameReply(*reply, *theirs, Comparison::For(step.args))) {
      return "";
    }
    return absl::StrCat("reference: ", FormatReply(theirs->value),
                        "\nreceived:  ", got);
  }
  if (SameText(step.expected, got, step.how)) return "";
  return absl::StrCat("expected: ", step.expected, "\nreceived: ", got);
}

}  // namespace

absl::StatusOr<std::vector<Case>> ParseCases(absl::string_view file_name,
                                             absl::string_view text) {
  std::vector<Case> cases;
  std::vector<std::string> reply;
  CaseStep* step = nullptr;
  int number = 0;
  const auto error = [&](absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat(file_name, ":", number, ": ", what));
  };
  const auto finish = [&]() {
    if (step == nullptr) return true;
    step->expected = absl::StrJoin(reply, "\n");
    const bool wants_text =
        !step->same_as_reference && step->how.kind != Comparison::Kind::kIgnore;
    const bool ok = wants_text != reply.empty();
    reply.clear();
    step = nullptr;
    return ok;
  };
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    // Spaces at the end of a reply count.
    const absl::string_view stripped = absl::StripTrailingAsciiWhitespace(line);
    if (stripped.empty()) line = stripped;
    int connection = 0;
    absl::string_view command = line;
    if (line.empty() || (step == nullptr && line[0] == '#')) continue;
    if (absl::ConsumePrefix(&line, "== ")) {
      if (!finish()) return error("the command before has no reply");
      cases.push_back({.name = std::string(stripped.substr(3)), .steps = {}});
    } else if (ParsePrompt(line, &connection, &command)) {
      if (!finish()) return error("the command before has no reply");
      if (cases.empty()) return error("a command before the first case");
      absl::StatusOr<std::vector<std::string>> args = SplitCommand(command);
      if (!args.ok()) return error(args.status().message());
      cases.back().steps.emplace_back();
      step = &cases.back().steps.back();
      step->line = number;
      step->connection = connection;
      step->args = *std::move(args);
    } else if (step == nullptr) {
      return error("a reply without a command");
    } else if (line[0] == '@' && reply.empty()) {
      if (!ParseDirective(line, step)) return error("unknown directive");
    } else {
      reply.emplace_back(line);
    }
  }
  if (!finish()) return error("the last command has no reply");
  return cases;
}

absl::StatusOr<std::vector<Case>> ReadCases(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  std::ostringstream text;
  text << file.rdbuf();
  return ParseCases(path, text.str());
}

std::vector<std::string> RunCases(absl::string_view file_name,
                                  const std::vector<Case>& cases,
                                  Target* target, Target* reference) {
  std::vector<std::string> failures;
  for (const Case& c : cases) {
    absl::Status reset = target->Reset();
    if (reset.ok() && reference != nullptr) reset = reference->Reset();
    if (!reset.ok()) {
      failures.push_back(reset.ToString());
      return failures;
    }
    for (const CaseStep& step : c.steps) {
      const std::string failure = RunStep(step, target, reference);
      if (failure.empty()) continue;
      failures.push_back(absl::StrCat(file_name, ":", step.line, ": ", c.name,
                                      "\n> ", FormatCommand(step.args), "\n",
                                      failure));
    }
  }
  return failures;
}

}  // namespace holdfast::test
