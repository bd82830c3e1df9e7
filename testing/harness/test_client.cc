#include "testing/harness/test_client.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "net/client/resp_client.h"
#include "net/dial/dial.h"
#include "net/resp/value.h"
#include "net/socket/stream.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"

namespace holdfast::test {

using net::Deadline;
using net::Value;

namespace {

constexpr size_t kMaxShown = 300;  // Bytes of a command in a failure's text.

std::vector<absl::string_view> Views(const std::vector<std::string>& args) {
  return std::vector<absl::string_view>(args.begin(), args.end());
}

std::string Shown(const std::vector<std::string>& args) {
  std::string text =
      absl::StrJoin(args, " ", [](std::string* out, const std::string& arg) {
        absl::StrAppend(out, absl::CHexEscape(arg.substr(0, kMaxShown)));
      });
  if (text.size() > kMaxShown) text = text.substr(0, kMaxShown) + "...";
  return text;
}

}  // namespace

TestClient::TestClient(int port, absl::Duration timeout)
    : timeout_(timeout),
      port_(port),
      pushes_(std::make_unique<std::vector<Value>>()) {
  net::DialOptions options;
  options.timeout = timeout;
  absl::StatusOr<std::unique_ptr<net::Stream>> stream =
      net::Dial("127.0.0.1", port, options);
  if (!stream.ok()) {
    Broken("connecting", stream.status());
    return;
  }
  client_ = std::make_unique<net::RespClient>(*std::move(stream));
  client_->set_push_handler([pushes = pushes_.get()](Value push) {
    pushes->push_back(std::move(push));
  });
}

Value TestClient::Broken(absl::string_view what, const absl::Status& status) {
  client_.reset();
  const std::string text = absl::StrCat("TESTCLIENT port ", port_, ": ", what,
                                        ": ", status.ToString());
  ADD_FAILURE() << text;
  return Value::Error(text);
}

absl::StatusOr<Value> TestClient::TryDoArgs(
    const std::vector<std::string>& args) {
  if (!connected()) return absl::FailedPreconditionError("not connected");
  absl::StatusOr<Value> reply = client_->Call(Views(args), FromNow());
  if (!reply.ok()) client_.reset();
  return reply;
}

Value TestClient::DoArgs(const std::vector<std::string>& args) {
  absl::StatusOr<Value> reply = TryDoArgs(args);
  return reply.ok() ? *std::move(reply) : Broken(Shown(args), reply.status());
}

void TestClient::SendArgs(const std::vector<std::string>& args) {
  const absl::Status sent =
      connected() ? client_->Send(Views(args), FromNow())
                  : absl::FailedPreconditionError("not connected");
  if (!sent.ok()) Broken(absl::StrCat("sending ", Shown(args)), sent);
}

void TestClient::SendRaw(absl::string_view bytes) {
  const absl::Status sent =
      connected() ? client_->SendRaw(bytes, FromNow())
                  : absl::FailedPreconditionError("not connected");
  if (!sent.ok()) Broken("sending raw bytes", sent);
}

absl::StatusOr<Value> TestClient::TryReceive(absl::Duration timeout) {
  if (!connected()) return absl::FailedPreconditionError("not connected");
  return client_->Receive(Deadline::After(net::Clock::Real(), timeout));
}

Value TestClient::Receive() {
  absl::StatusOr<Value> reply = TryReceive(timeout_);
  return reply.ok() ? *std::move(reply) : Broken("receiving", reply.status());
}

::testing::AssertionResult TestClient::Silent(absl::Duration timeout) {
  const absl::StatusOr<Value> reply = TryReceive(timeout);
  if (reply.ok()) {
    return ::testing::AssertionFailure() << "received " << *reply;
  }
  if (reply.status().code() != absl::StatusCode::kDeadlineExceeded) {
    return ::testing::AssertionFailure() << reply.status();
  }
  return ::testing::AssertionSuccess();
}

std::vector<Value> TestClient::Pipeline(
    const std::vector<std::vector<std::string>>& commands) {
  std::vector<Value> replies;
  if (!connected()) {
    Broken("pipeline", absl::FailedPreconditionError("not connected"));
    return replies;
  }
  for (const auto& command : commands) client_->Queue(Views(command));
  const Deadline deadline = FromNow();
  const absl::Status sent = client_->Flush(deadline);
  if (!sent.ok()) {
    Broken("pipeline", sent);
    return replies;
  }
  for (const auto& command : commands) {
    absl::StatusOr<Value> reply = client_->ReceiveReply(deadline);
    if (!reply.ok()) {
      Broken(absl::StrCat("reply to ", Shown(command)), reply.status());
      break;
    }
    replies.push_back(*std::move(reply));
  }
  return replies;
}

std::map<std::string, std::string> TestClient::Info(absl::string_view section) {
  const Value reply = section.empty() ? Do("INFO") : Do("INFO", section);
  std::map<std::string, std::string> fields;
  if (!connected()) return fields;  // Reported.
  if (!reply.is_string()) {
    ADD_FAILURE() << "INFO " << section << ": " << reply;
    return fields;
  }
  for (absl::string_view line : absl::StrSplit(reply.str(), "\r\n")) {
    if (line.empty() || line[0] == '#') continue;
    const std::pair<std::string, std::string> field =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    fields.insert(field);
  }
  return fields;
}

std::string TestClient::InfoField(absl::string_view section,
                                  absl::string_view field) {
  const std::map<std::string, std::string> fields = Info(section);
  const auto it = fields.find(std::string(field));
  if (it != fields.end()) return it->second;
  ADD_FAILURE() << "INFO " << section << " has no " << field;
  return "";
}

int64_t TestClient::InfoInt(absl::string_view section,
                            absl::string_view field) {
  const std::string text = InfoField(section, field);
  int64_t number = 0;
  EXPECT_TRUE(absl::SimpleAtoi(text, &number))
      << section << " " << field << " is '" << text << "'";
  return number;
}

std::string TestClient::Config(absl::string_view name) {
  const Value reply = Do("CONFIG", "GET", name);
  const Value* const value = reply.Find(name);
  if (value != nullptr) return value->str();
  ADD_FAILURE() << "CONFIG GET " << name << ": " << reply;
  return "";
}

::testing::AssertionResult TestClient::IsClosed(absl::Duration timeout) {
  if (!connected()) return ::testing::AssertionSuccess();
  const Deadline deadline = Deadline::After(net::Clock::Real(), timeout);
  std::string said;
  for (;;) {
    const absl::StatusOr<Value> reply = client_->Receive(deadline);
    if (reply.ok()) {
      if (said.size() < kMaxShown) {
        absl::StrAppend(&said, reply->DebugString(), " ");
      }
      continue;
    }
    if (reply.status().code() == absl::StatusCode::kDeadlineExceeded) {
      return ::testing::AssertionFailure()
             << "still open after " << absl::FormatDuration(timeout)
             << ", received: " << said;
    }
    client_.reset();
    return ::testing::AssertionSuccess() << "received: " << said;
  }
}

}  // namespace holdfast::test
