#include "testing/conformance/target.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "net/dial/dial.h"
#include "net/resp/reply_decoder.h"
#include "net/resp/reply_writer.h"
#include "net/resp/value.h"
#include "net/socket/stream.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "testing/conformance/comparison.h"
#include "testing/conformance/reply_text.h"

namespace holdfast::test {

using net::Deadline;
using net::ReplyDecoder;
using net::Value;

namespace {

constexpr int kControl = 0;  // A connection of our own, below the callers'.
constexpr int kDatabases = 16;

}  // namespace

Target::Target(std::string name, int port, absl::Duration timeout)
    : name_(std::move(name)), port_(port), timeout_(timeout) {}

absl::Status Target::Reset() {
  connections_.clear();
  const absl::StatusOr<RawReply> reply = Call(kControl, {"FLUSHALL"});
  if (!reply.ok()) return reply.status();
  if (reply->value.is_ok()) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(name_, ": FLUSHALL: ", reply->value.DebugString()));
}

absl::StatusOr<Target::Connection*> Target::Get(int connection) {
  std::unique_ptr<Connection>& c = connections_[connection];
  if (c == nullptr) {
    absl::StatusOr<std::unique_ptr<net::Stream>> stream =
        net::Dial("127.0.0.1", port_);
    if (!stream.ok()) {
      return absl::Status(stream.status().code(),
                          absl::StrCat(name_, ": ", stream.status().message()));
    }
    c = std::make_unique<Connection>();
    c->stream = *std::move(stream);
  }
  return c.get();
}

absl::Status Target::Send(int connection,
                          const std::vector<std::string>& args) {
  const absl::StatusOr<Connection*> c = Get(connection);
  if (!c.ok()) return c.status();
  const std::vector<absl::string_view> views(args.begin(), args.end());
  const absl::Status sent = (*c)->stream->WriteAll(
      net::EncodeCommand(views), Deadline::After(net::Clock::Real(), timeout_));
  if (!sent.ok()) connections_.erase(connection);
  return sent;
}

absl::StatusOr<RawReply> Target::Receive(int connection) {
  const absl::StatusOr<Connection*> got = Get(connection);
  if (!got.ok()) return got.status();
  Connection& c = **got;
  const Deadline deadline = Deadline::After(net::Clock::Real(), timeout_);
  absl::Status failed;
  for (;;) {
    const ReplyDecoder::Result result = c.decoder.Next(&c.buffer);
    if (result == ReplyDecoder::Result::kValue) {
      RawReply reply;
      reply.value = c.decoder.TakeValue();
      const size_t length = c.arrived.size() - c.buffer.size();
      reply.bytes = c.arrived.substr(0, length);
      c.arrived.erase(0, length);
      if (reply.value.is_push()) continue;
      return reply;
    }
    if (result == ReplyDecoder::Result::kError) {
      failed = absl::DataLossError(absl::StrCat(
          c.decoder.error_text(), " in: ", FormatCommand({c.arrived})));
      break;
    }
    const absl::Span<char> area = c.buffer.WriteArea(c.decoder.bytes_wanted());
    const absl::StatusOr<size_t> n = c.stream->ReadSome(area, deadline);
    if (!n.ok() || *n == 0) {
      failed =
          n.ok() ? absl::UnavailableError("closed by the server") : n.status();
      break;
    }
    c.arrived.append(area.data(), *n);
    c.buffer.Commit(*n);
  }
  connections_.erase(connection);
  return absl::Status(failed.code(),
                      absl::StrCat(name_, ": ", failed.message()));
}

absl::StatusOr<RawReply> Target::Call(int connection,
                                      const std::vector<std::string>& args) {
  const absl::Status sent = Send(connection, args);
  if (!sent.ok()) return sent;
  return Receive(connection);
}

absl::StatusOr<std::string> Target::DumpKey(const std::string& key) {
  const absl::StatusOr<RawReply> type = Call(kControl, {"TYPE", key});
  if (!type.ok()) return type.status();
  const absl::StatusOr<RawReply> ttl = Call(kControl, {"PTTL", key});
  if (!ttl.ok()) return ttl.status();
  const std::string& name = type->value.str();
  std::vector<std::string> read;
  bool sort = false;
  size_t group = 1;
  if (name == "string") {
    read = {"GET", key};
  } else if (name == "list") {
    read = {"LRANGE", key, "0", "-1"};
  } else if (name == "set") {
    read = {"SMEMBERS", key};
    sort = true;
  } else if (name == "hash") {
    read = {"HGETALL", key};
    sort = true;
    group = 2;
  } else if (name == "zset") {
    read = {"ZRANGE", key, "0", "-1", "WITHSCORES"};
  } else if (name == "stream") {
    read = {"XRANGE", key, "-", "+"};
  } else {
    return absl::InternalError(absl::StrCat(name_, ": type of ", key, ": ",
                                            type->value.DebugString()));
  }
  const absl::StatusOr<RawReply> content = Call(kControl, read);
  if (!content.ok()) return content.status();
  std::vector<std::string> parts;
  if (content->value.is_array()) {
    for (size_t i = 0; i < content->value.size(); i += group) {
      std::string part;
      for (size_t j = i; j < std::min(i + group, content->value.size()); ++j) {
        absl::StrAppend(&part, content->value[j].DebugString(), " ");
      }
      parts.push_back(part);
    }
    if (sort) std::sort(parts.begin(), parts.end());
  } else {
    parts.push_back(content->value.DebugString());
  }
  return absl::StrCat(name, " ", FormatCommand({key}),
                      ttl->value.integer() >= 0 ? " expires: " : ": ",
                      absl::StrJoin(parts, ", "));
}

absl::StatusOr<std::string> Target::DumpState() {
  std::string dump;
  for (int db = 0; db < kDatabases; ++db) {
    absl::StatusOr<RawReply> reply =
        Call(kControl, {"SELECT", absl::StrCat(db)});
    if (!reply.ok()) return reply.status();
    reply = Call(kControl, {"KEYS", "*"});
    if (!reply.ok()) return reply.status();
    std::vector<std::string> keys;
    for (const Value& key : reply->value.elements()) keys.push_back(key.str());
    std::sort(keys.begin(), keys.end());
    for (const std::string& key : keys) {
      const absl::StatusOr<std::string> line = DumpKey(key);
      if (!line.ok()) return line.status();
      absl::StrAppend(&dump, "db", db, " ", *line, "\n");
    }
  }
  const absl::StatusOr<RawReply> back = Call(kControl, {"SELECT", "0"});
  if (!back.ok()) return back.status();
  return dump;
}

absl::StatusOr<RawReply> Target::Digest() {
  for (int db = 0; db < kDatabases; ++db) {
    absl::StatusOr<RawReply> reply =
        Call(kControl, {"SELECT", absl::StrCat(db)});
    // The tests' databases are small: one call is the whole of it.
    if (reply.ok()) reply = Call(kControl, {"SCAN", "0", "COUNT", "100000"});
    if (!reply.ok()) return reply.status();
  }
  return Call(kControl, {"DEBUG", "DIGEST"});
}

}  // namespace holdfast::test
