#include "replication/replica/fake_primary.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "glog/logging.h"
#include "gtest/gtest.h"
#include "net/resp/reply_writer.h"
#include "net/socket/poll.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "server/persist/rdb/byte_sink.h"
#include "server/persist/rdb/records.h"
#include "server/persist/rdb/stream_writer.h"

namespace holdfast::replication {
namespace {

net::Deadline In(absl::Duration d) {
  return net::Deadline::After(net::Clock::Real(), d);
}
constexpr absl::Duration kPatience = absl::Seconds(10);

}  // namespace

PrimaryEnd::PrimaryEnd(net::Socket socket) : stream_(std::move(socket)) {}

bool PrimaryEnd::Fill() {
  const auto n = stream_.ReadSome(input_.WriteArea(), In(kPatience));
  if (!n.ok() || *n == 0) {
    ADD_FAILURE() << "reading from the replica: "
                  << (n.ok() ? "closed" : n.status().ToString());
    return false;
  }
  input_.Commit(*n);
  return true;
}

std::vector<std::string> PrimaryEnd::Command() {
  for (;;) {
    switch (decoder_.Next(&input_)) {
      case net::RequestDecoder::Result::kCommand:
        return {decoder_.args().begin(), decoder_.args().end()};
      case net::RequestDecoder::Result::kEmpty:
        ++newlines_;
        break;
      case net::RequestDecoder::Result::kError:
        ADD_FAILURE() << decoder_.error_text();
        return {};
      case net::RequestDecoder::Result::kNeedMore:
        if (!Fill()) return {};
    }
  }
}

std::string PrimaryEnd::CommandLine() { return absl::StrJoin(Command(), " "); }

void PrimaryEnd::AwaitNewlines(int count) {
  while (newlines_ < count) {
    switch (decoder_.Next(&input_)) {
      case net::RequestDecoder::Result::kEmpty:
        ++newlines_;
        break;
      case net::RequestDecoder::Result::kNeedMore:
        if (!Fill()) return;
        break;
      default:
        ADD_FAILURE() << "something else than a newline";
        return;
    }
  }
}

void PrimaryEnd::AwaitAck(int64_t offset) {
  for (;;) {
    const std::vector<std::string> command = Command();
    if (command.size() != 3 || command[0] != "REPLCONF" ||
        command[1] != "ACK") {
      ADD_FAILURE() << "no ACK but '" << absl::StrJoin(command, " ") << "'";
      return;
    }
    int64_t acknowledged = -1;
    ASSERT_TRUE(absl::SimpleAtoi(command[2], &acknowledged));
    ASSERT_LE(acknowledged, offset);
    if (acknowledged == offset) return;
  }
}

void PrimaryEnd::Write(absl::string_view bytes) {
  const absl::Status status = stream_.WriteAll(bytes, In(kPatience));
  EXPECT_TRUE(status.ok()) << status;
}

bool PrimaryEnd::TryWrite(absl::string_view bytes) {
  return stream_.WriteAll(bytes, In(kPatience)).ok();
}

void PrimaryEnd::Reset() {
  const linger hard = {1, 0};
  setsockopt(stream_.fd(), SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
}

void PrimaryEnd::HalfClose() { shutdown(stream_.fd(), SHUT_WR); }

bool PrimaryEnd::ClosedByReplica(absl::Duration within) {
  const net::Deadline deadline = In(within);
  char drop[4096];
  for (;;) {
    const auto n = stream_.ReadSome(absl::MakeSpan(drop), deadline);
    if (!n.ok()) return !absl::IsDeadlineExceeded(n.status());
    if (*n == 0) return true;
  }
}

std::string PrimaryEnd::Greet(bool holdfast) {
  for (;;) {
    std::vector<std::string> command = Command();
    if (command.empty()) return "";
    if (command[0] == "PSYNC") {
      command.erase(command.begin());
      return absl::StrJoin(command, " ");
    }
    const bool capa = command.size() > 1 && command[1] == "capa";
    Write(command[0] == "PING" ? "+PONG\r\n"
          : capa && holdfast   ? "+OK holdfast\r\n"
                               : "+OK\r\n");
  }
}

FakePrimary::FakePrimary()
    : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  PCHECK(listener_.valid());
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  PCHECK(bind(listener_.fd(), reinterpret_cast<sockaddr*>(&address),
              sizeof(address)) == 0);
  PCHECK(listen(listener_.fd(), 16) == 0);
  socklen_t length = sizeof(address);
  PCHECK(getsockname(listener_.fd(), reinterpret_cast<sockaddr*>(&address),
                     &length) == 0);
  port_ = ntohs(address.sin_port);
}

std::unique_ptr<PrimaryEnd> FakePrimary::Accept(absl::Duration within) {
  pollfd p{listener_.fd(), POLLIN, 0};
  const auto ready = net::PollUntil(absl::MakeSpan(&p, 1), In(within));
  if (!ready.ok() || *ready == 0) {
    ADD_FAILURE() << "no connection came";
    return nullptr;
  }
  net::Socket socket(accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
  PCHECK(socket.valid());
  return std::make_unique<PrimaryEnd>(std::move(socket));
}

bool FakePrimary::NobodyComes(absl::Duration during) {
  pollfd p{listener_.fd(), POLLIN, 0};
  const auto ready = net::PollUntil(absl::MakeSpan(&p, 1), In(during));
  return ready.ok() && *ready == 0;
}

std::string MakeRdb(const std::vector<RdbKey>& keys, int stream_db) {
  server::StringSink sink;
  const server::RdbOptions options;
  server::RdbStreamWriter writer(&sink, options);
  server::RdbInfo info;
  info.redis_ver = "7.0.15";
  info.has_replication = true;
  info.repl_id = kTestHistory;
  info.repl_stream_db = stream_db;
  CHECK(writer.Header(info).ok());
  for (const RdbKey& key : keys) {
    server::RecordChunk chunk;
    chunk.SelectDb(static_cast<uint64_t>(key.db));
    server::RecordMeta meta;
    meta.expire_ms = key.expire_ms;
    server::AppendStringRecord(key.key, key.value, meta, options,
                               chunk.records());
    CHECK(writer.Chunk(chunk).ok());
  }
  CHECK(writer.Finish().ok());
  return sink.contents();
}

std::string Resp(absl::string_view words) {
  const std::vector<absl::string_view> args = absl::StrSplit(words, ' ');
  return net::EncodeCommand(args);
}

}  // namespace holdfast::replication
