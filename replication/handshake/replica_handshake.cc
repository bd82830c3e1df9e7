#include "replication/handshake/replica_handshake.h"

#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "net/resp/integer.h"
#include "replication/events/causes.h"

namespace holdfast::replication {
namespace {

constexpr size_t kIdDigits = 40;
constexpr size_t kMaxQuoted = 128;  // Of a peer's line, in our texts.

std::string Quote(absl::string_view line) {
  return absl::CHexEscape(line.substr(0, kMaxQuoted));
}

bool IsReplicationId(absl::string_view text) {
  if (text.size() != kIdDigits) return false;
  for (const char c : text) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

// Errors by which a primary says "not now".
bool IsTransient(absl::string_view reply) {
  return absl::StartsWith(reply, "-NOMASTERLINK") ||
         absl::StartsWith(reply, "-LOADING") ||
         absl::StartsWith(reply, "-MASTERDOWN") ||
         absl::StartsWith(reply, "-BUSY");
}

// Errors that come of who we are; whatever follows would fail, too.
bool IsAccess(absl::string_view reply) {
  return absl::StartsWith(reply, "-NOAUTH") ||
         absl::StartsWith(reply, "-WRONGPASS") ||
         absl::StartsWith(reply, "-DENIED");
}

}  // namespace

ReplicaHandshake::ReplicaHandshake(HandshakeParams params)
    : params_(std::move(params)) {
  Enter(Step::kPing);
}

absl::string_view ReplicaHandshake::step() const {
  switch (step_) {
    case Step::kPing:
      return "ping";
    case Step::kAuth:
      return "auth";
    case Step::kPort:
      return "listening-port";
    case Step::kIp:
      return "ip-address";
    case Step::kCapa:
      return "capa";
    case Step::kPsync:
      return "psync";
  }
  return "";
}

ReplicaHandshake::Progress ReplicaHandshake::Enter(Step step) {
  step_ = step;
  switch (step) {
    case Step::kPing:
      command_ = {"PING"};
      break;
    case Step::kAuth:
      if (params_.password.empty()) return Enter(Step::kPort);
      command_ = {"AUTH"};
      if (!params_.user.empty()) command_.push_back(params_.user);
      command_.push_back(params_.password);
      break;
    case Step::kPort:
      command_ = {"REPLCONF", "listening-port", absl::StrCat(params_.port)};
      break;
    case Step::kIp:
      if (params_.announce_ip.empty()) return Enter(Step::kCapa);
      command_ = {"REPLCONF", "ip-address", params_.announce_ip};
      break;
    case Step::kCapa:
      // Redis passes over capabilities that it does not know.
      command_ = {"REPLCONF", "capa", "eof",     "capa",
                  "psync2",   "capa", "holdfast"};
      break;
    case Step::kPsync:
      if (params_.replication_id.empty()) {
        command_ = {"PSYNC", "?", "-1"};
      } else {
        // The wire counts from one: the first byte that is missing.
        command_ = {"PSYNC", params_.replication_id,
                    absl::StrCat(params_.offset + 1)};
      }
      break;
  }
  return Progress::kSend;
}

ReplicaHandshake::Progress ReplicaHandshake::OnLine(absl::string_view line) {
  if (line.empty()) return Progress::kWait;
  if (line[0] != '+' && line[0] != '-') return Protocol(line);
  switch (step_) {
    case Step::kPing:
      if (absl::StartsWith(line, "-NOAUTH") && params_.password.empty()) {
        step_ = Step::kAuth;  // That is where it fails.
        return Fail(cause::WithStep(cause::kHandshakeRefused, step()),
                    "Unable to AUTH to MASTER: it demands a password and "
                    "masterauth is not set");
      }
      // These say that it lives and knows us not well enough yet.
      if (line[0] == '+' || absl::StartsWith(line, "-NOAUTH") ||
          absl::StartsWith(line, "-NOPERM") ||
          absl::StartsWith(line, "-ERR operation not permitted")) {
        return Enter(Step::kAuth);
      }
      return Refused(line);
    case Step::kAuth:
      // In words that Redis has, too: people and tools look for them in the
      // log.
      if (line[0] == '-') {
        transient_ = IsTransient(line);
        return Fail(
            cause::WithStep(cause::kHandshakeRefused, step()),
            absl::StrCat("Unable to AUTH to MASTER: ", Quote(line.substr(1))));
      }
      return Enter(Step::kPort);
    case Step::kPort:
    case Step::kIp:
    case Step::kCapa:
      return OnReplconf(line);
    case Step::kPsync:
      return OnPsync(line);
  }
  return Protocol(line);
}

ReplicaHandshake::Progress ReplicaHandshake::OnReplconf(
    absl::string_view line) {
  // An old or limited primary need not know these; PSYNC decides.
  if (line[0] == '-' && (IsAccess(line) || IsTransient(line)))
    return Refused(line);
  if (step_ == Step::kPort) return Enter(Step::kIp);
  if (step_ == Step::kIp) return Enter(Step::kCapa);
  peer_is_holdfast_ = line == "+OK holdfast";
  return Enter(Step::kPsync);
}

ReplicaHandshake::Progress ReplicaHandshake::OnPsync(absl::string_view line) {
  if (line[0] == '-') return Refused(line);
  const std::vector<absl::string_view> words =
      absl::StrSplit(line, ' ', absl::SkipEmpty());
  if (words[0] == "+FULLRESYNC") {
    if (words.size() != 3 || !IsReplicationId(words[1]) ||
        !net::ParseInteger(words[2], &offset_) || offset_ < 0 ||
        offset_ > std::numeric_limits<int64_t>::max() / 2) {
      return Protocol(line);
    }
    full_resync_ = true;
    replication_id_ = std::string(words[1]);
    return Progress::kDone;
  }
  if (words[0] == "+CONTINUE") {
    if (params_.replication_id.empty()) {
      return Fail(std::string(cause::kProtocolError),
                  absl::StrCat(
                      "the primary continues a stream that was not asked for: ",
                      Quote(line)));
    }
    if (words.size() > 2 || (words.size() == 2 && !IsReplicationId(words[1])))
      return Protocol(line);
    if (words.size() == 2) replication_id_ = std::string(words[1]);
    return Progress::kDone;
  }
  return Protocol(line);
}

ReplicaHandshake::Progress ReplicaHandshake::Refused(absl::string_view reply) {
  transient_ = IsTransient(reply);
  return Fail(cause::WithStep(cause::kHandshakeRefused, step()),
              absl::StrCat(transient_ ? "the primary is not ready: "
                                      : "the primary answered: ",
                           Quote(reply.substr(1))));
}

ReplicaHandshake::Progress ReplicaHandshake::Protocol(absl::string_view line) {
  return Fail(std::string(cause::kProtocolError),
              absl::StrCat("unexpected reply to the step '", step(),
                           "': ", Quote(line)));
}

ReplicaHandshake::Progress ReplicaHandshake::Fail(std::string cause,
                                                  std::string error) {
  cause_ = std::move(cause);
  error_ = std::move(error);
  command_.clear();
  return Progress::kFailed;
}

}  // namespace holdfast::replication
