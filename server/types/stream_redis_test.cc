// Streams beside those of redis-server: the same commands, then every byte that
// it saves is compared.

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "gtest/gtest.h"
#include "server/types/real_redis_testing.h"
#include "server/types/stream.h"
#include "testing/support/dice.h"

namespace holdfast::server {
namespace {

using Args = std::vector<std::string>;

// Reads what DUMP writes of a stream, as far as 7.0.15 without compression
// does.
class DumpReader {
 public:
  explicit DumpReader(absl::string_view dump) : in_(dump) {}

  void Load(Stream* stream) {
    CHECK_EQ(Byte(), 19);  // RDB_TYPE_STREAM_LISTPACKS_2
    for (uint64_t n = Length(); n > 0; --n) {
      const StreamId id = Id(Bytes(Length()));
      const absl::StatusOr<Listpack> node =
          Listpack::FromBytes(Bytes(Length()));
      CHECK(node.ok()) << node.status();
      CHECK_EQ(stream->LoadNode(id, node->Clone()), absl::OkStatus());
    }
    StreamMeta meta;
    meta.length = Length();
    meta.last_id = LengthId();
    meta.first_id = LengthId();
    meta.max_deleted_id = LengthId();
    meta.entries_added = Length();
    CHECK_EQ(stream->LoadMeta(meta, false), absl::OkStatus());
    for (uint64_t n = Length(); n > 0; --n) {
      const std::string name(Bytes(Length()));
      const StreamId last_id = LengthId();
      const absl::StatusOr<StreamGroup*> group =
          stream->LoadGroup(name, last_id, static_cast<int64_t>(Length()));
      CHECK(group.ok()) << group.status();
      for (uint64_t i = Length(); i > 0; --i) {
        const StreamId id = Id(Bytes(StreamId::kPackedBytes));
        const int64_t time = Time();
        CHECK_EQ((*group)->LoadPending(id, time, Length()), absl::OkStatus());
      }
      for (uint64_t c = Length(); c > 0; --c) {
        const std::string consumer_name(Bytes(Length()));
        const absl::StatusOr<StreamConsumer*> consumer =
            (*group)->LoadConsumer(consumer_name, Time());
        CHECK(consumer.ok()) << consumer.status();
        for (uint64_t i = Length(); i > 0; --i) {
          CHECK_EQ((*group)->LoadConsumerPending(
                       *consumer, Id(Bytes(StreamId::kPackedBytes))),
                   absl::OkStatus());
        }
      }
      CHECK_EQ((*group)->FinishLoading(), absl::OkStatus());
    }
    CHECK_EQ(in_.size(), 10u);  // Version and checksum.
  }

 private:
  int Byte() { return static_cast<unsigned char>(Bytes(1)[0]); }
  absl::string_view Bytes(size_t n) {
    CHECK_LE(n, in_.size());
    const absl::string_view bytes = in_.substr(0, n);
    in_.remove_prefix(n);
    return bytes;
  }
  uint64_t Big(size_t n) {
    uint64_t value = 0;
    while (n-- > 0) value = value << 8 | static_cast<uint64_t>(Byte());
    return value;
  }
  uint64_t Length() {
    const int first = Byte();
    if (first < 0x40) return static_cast<uint64_t>(first);
    if (first < 0x80) return static_cast<uint64_t>(first & 0x3f) << 8 | Big(1);
    if (first == 0x80) return Big(4);
    CHECK_EQ(first, 0x81);
    return Big(8);
  }
  StreamId LengthId() {
    const uint64_t ms = Length();
    return {ms, Length()};
  }
  static StreamId Id(absl::string_view bytes) {
    CHECK_EQ(bytes.size(), StreamId::kPackedBytes);
    char packed[StreamId::kPackedBytes];
    memcpy(packed, bytes.data(), sizeof(packed));
    return StreamId::Unpack(packed);
  }
  int64_t Time() {
    int64_t time;
    memcpy(&time, Bytes(8).data(), 8);
    return time;
  }

  absl::string_view in_;
};

// All but times.
std::string Describe(const Stream& stream) {
  const StreamMeta& meta = stream.meta();
  std::string out = absl::StrCat(
      "length ", meta.length, " last ", meta.last_id.ToString(), " first ",
      meta.first_id.ToString(), " deleted ", meta.max_deleted_id.ToString(),
      " added ", meta.entries_added, "\n");
  for (const auto& [id, node] : stream.nodes()) {
    absl::StrAppend(&out, id.ToString(), " ",
                    absl::BytesToHexString(node.bytes()), "\n");
  }
  for (const auto& group : stream.groups()) {
    absl::StrAppend(&out, group->name(), " ", group->last_id.ToString(), " ",
                    group->entries_read, ":");
    for (const auto& [id, pending] : group->pending()) {
      absl::StrAppend(&out, " ", id.ToString(), pending.consumer->name(),
                      pending.delivery_count);
    }
    for (const auto& consumer : group->consumers()) {
      absl::StrAppend(&out, " ", consumer->name(), consumer->pending().size());
    }
    absl::StrAppend(&out, "\n");
  }
  return out;
}

class Pair {
 public:
  Pair(RealRedis* redis, StreamLimits limits, test::Dice* dice)
      : redis_(redis), limits_(limits), dice_(dice) {
    redis_->Call({"FLUSHALL"});
    redis_->Call({"CONFIG", "SET", "stream-node-max-bytes",
                  absl::StrCat(limits.max_bytes)});
    redis_->Call({"CONFIG", "SET", "stream-node-max-entries",
                  absl::StrCat(limits.max_entries)});
    redis_->Call(
        {"XGROUP", "CREATE", "s", "g", "0", "MKSTREAM", "ENTRIESREAD", "0"});
    ours_.CreateGroup("g", {}, 0);
  }

  void Step() {
    switch (dice_->Below(14)) {
      case 0:
        return Delete();
      case 1:
        return Trim();
      case 2:
        return SetId();
      case 3:
        return DeliverNew();
      case 4:
        return DeliverAgain();
      case 5:
        return Claim();
      case 6:
        return Acknowledge();
      case 7:
        if (dice_->OneIn(3)) return GroupSetId();
        return DeleteConsumer();
      default:
        return Append();
    }
  }

  void Compare() {
    const std::string dump = redis_->Call({"DUMP", "s"});
    Stream theirs;
    DumpReader(dump).Load(&theirs);
    ASSERT_EQ(Describe(ours_), Describe(theirs));
    int64_t lag = 0;
    const std::string info = redis_->Call({"XINFO", "GROUPS", "s"});
    const bool known = ours_.Lag(*group(), &lag);
    ASSERT_TRUE(
        absl::EndsWith(info, known ? absl::StrCat(" lag ", lag) : " lag (nil)"))
        << lag << " " << info;
  }

 private:
  StreamGroup* group() { return ours_.FindGroup("g"); }
  StreamConsumer* Consumer(const std::string& name) {
    StreamConsumer* const found = group()->FindConsumer(name);
    return found != nullptr ? found : group()->CreateConsumer(name, 1);
  }
  std::string AnyConsumer() { return dice_->Pick({"alice", "bob", "carol"}); }
  StreamId AnyId() {
    return {static_cast<uint64_t>(dice_->Below(
                static_cast<int64_t>(ours_.meta().last_id.ms) + 3)),
            static_cast<uint64_t>(dice_->Below(3))};
  }
  // The reply's number, or its error.
  std::string Call(const Args& args) { return redis_->Call(args); }

  void Append() {
    Args args = {"XADD", "s"};
    StreamNewId new_id = {StreamNewId::Kind::kGiven, AnyId()};
    const StreamId last = ours_.meta().last_id;
    if (!dice_->OneIn(4)) {
      new_id.id =
          dice_->OneIn(2)
              ? StreamId{last.ms, last.seq + 1 +
                                      static_cast<uint64_t>(dice_->Below(300))}
              : StreamId{last.ms + 1, static_cast<uint64_t>(dice_->Below(2))};
    }
    if (new_id.id.IsZero()) return;
    if (dice_->OneIn(4)) {
      new_id.kind = StreamNewId::Kind::kAutoSequence;
      args.push_back(absl::StrCat(new_id.id.ms, "-*"));
    } else {
      args.push_back(new_id.id.ToString());
    }
    const size_t names = args.size();
    for (int64_t i = dice_->Below(3); i >= 0; --i) {
      args.push_back(dice_->Pick({"f", "f", "field", "17", ""}));
      args.push_back(
          dice_->OneIn(2)
              ? absl::StrCat(dice_->Between(-100000, 100000))
              : std::string(static_cast<size_t>(dice_->Below(90)), 'v'));
    }
    const std::vector<absl::string_view> views(
        args.begin() + static_cast<int64_t>(names), args.end());
    StreamId id;
    const Stream::AppendResult result =
        ours_.Append(new_id, 0, views, limits_, &id);
    const std::string theirs = Call(args);
    if (result == Stream::AppendResult::kAppended) {
      ASSERT_EQ(id.ToString(), theirs);
    } else {
      ASSERT_EQ(result, Stream::AppendResult::kNotGreater);
      ASSERT_EQ(theirs,
                "ERR The ID specified in XADD is equal or smaller than the "
                "target stream top item");
    }
  }

  void Delete() {
    const StreamId id = AnyId();
    ASSERT_EQ(Call({"XDEL", "s", id.ToString()}), ours_.Delete(id) ? "1" : "0");
  }

  void Trim() {
    if (!dice_->OneIn(3)) return;
    StreamTrim trim;
    Args args = {"XTRIM", "s"};
    trim.approximate = dice_->OneIn(2);
    const char* const how = trim.approximate ? "~" : "=";
    if (dice_->OneIn(2)) {
      trim.length = static_cast<uint64_t>(
          dice_->Below(static_cast<int64_t>(ours_.size()) + 5));
      args.insert(args.end(), {"MAXLEN", how, absl::StrCat(trim.length)});
    } else {
      trim.by = StreamTrim::By::kMinId;
      const int64_t last = static_cast<int64_t>(ours_.meta().last_id.ms);
      trim.min_id = {static_cast<uint64_t>(
                         last - dice_->Below(std::min<int64_t>(last + 1, 30))),
                     0};
      args.insert(args.end(), {"MINID", how, trim.min_id.ToString()});
    }
    if (trim.approximate) {
      trim.limit = static_cast<uint64_t>(dice_->Below(20));
      args.insert(args.end(), {"LIMIT", absl::StrCat(trim.limit)});
    }
    ASSERT_EQ(Call(args), absl::StrCat(ours_.Trim(trim)));
  }

  void SetId() {
    if (!dice_->OneIn(4)) return;
    const StreamId id = AnyId();
    const int64_t added = dice_->OneIn(2) ? -1 : dice_->Below(100);
    const StreamId deleted = dice_->OneIn(2) ? StreamId() : AnyId();
    if (deleted > id) return;  // For the command to refuse.
    Args args = {"XSETID", "s", id.ToString()};
    if (added >= 0)
      args.insert(args.end(), {"ENTRIESADDED", absl::StrCat(added)});
    if (!deleted.IsZero())
      args.insert(args.end(), {"MAXDELETEDID", deleted.ToString()});
    const std::string theirs = Call(args);
    switch (ours_.SetId(id, added, deleted)) {
      case Stream::SetIdResult::kOk:
        ASSERT_EQ(theirs, "OK");
        break;
      case Stream::SetIdResult::kBelowLastEntry:
        ASSERT_EQ(theirs,
                  "ERR The ID specified in XSETID is smaller than the target "
                  "stream top item");
        break;
      case Stream::SetIdResult::kAddedBelowLength:
        ASSERT_EQ(theirs,
                  "ERR The entries_added specified in XSETID is smaller than "
                  "the target stream length");
    }
  }

  void DeliverNew() {
    const std::string name = AnyConsumer();
    const bool no_ack = dice_->OneIn(4);
    const auto count = static_cast<size_t>(dice_->Between(1, 4));
    Args args = {"XREADGROUP", "GROUP", "g",
                 name,         "COUNT", absl::StrCat(count)};
    if (no_ack) args.push_back("NOACK");
    args.insert(args.end(), {"STREAMS", "s", ">"});
    redis_->Call(args);
    // XREADGROUP asks first whether there is anything, and makes no consumer if
    // not.
    if (ours_.LastEntryId() <= group()->last_id) return;
    ours_.DeliverNew(group(), Consumer(name), count, no_ack, 1,
                     [](const StreamEntry&, const StreamPending*) {});
  }

  void DeliverAgain() {
    const std::string name = AnyConsumer();
    StreamId start = AnyId();
    redis_->Call({"XREADGROUP", "GROUP", "g", name, "COUNT", "3", "STREAMS",
                  "s", start.ToString()});
    start.Increment();
    ours_.DeliverAgain(group(), Consumer(name), start, 3, 1,
                       [](const StreamId&, const StreamEntry*) {});
  }

  void Claim() {
    const std::string name = AnyConsumer();
    const StreamId id = AnyId();
    StreamClaim claim;
    Args args = {"XCLAIM", "s", "g", name, "0", id.ToString()};
    if (dice_->OneIn(2)) {
      claim.force = true;
      args.push_back("FORCE");
    }
    if (dice_->OneIn(3)) {
      claim.retry_count = dice_->Below(5);
      args.insert(args.end(), {"RETRYCOUNT", absl::StrCat(claim.retry_count)});
    }
    claim.just_id = dice_->OneIn(2);
    if (claim.just_id) args.push_back("JUSTID");
    StreamPending pending;
    redis_->Call(args);
    ours_.Claim(
        group(), id, claim, [&] { return Consumer(name); }, &pending);
  }

  void Acknowledge() {
    const StreamId id = AnyId();
    ASSERT_EQ(Call({"XACK", "s", "g", id.ToString()}),
              group()->Acknowledge(id) ? "1" : "0");
  }

  void GroupSetId() {
    const StreamId id = AnyId();
    redis_->Call({"XGROUP", "SETID", "s", "g", id.ToString()});
    group()->last_id = id;
    group()->entries_read = StreamGroup::kEntriesReadUnknown;
  }

  void DeleteConsumer() {
    const std::string name = AnyConsumer();
    redis_->Call({"XGROUP", "DELCONSUMER", "s", "g", name});
    StreamConsumer* const consumer = group()->FindConsumer(name);
    if (consumer != nullptr) group()->DeleteConsumer(consumer);
  }

  RealRedis* const redis_;
  const StreamLimits limits_;
  test::Dice* const dice_;
  Stream ours_;
};

TEST(StreamRedisTest, SavesTheSameBytes) {
  if (!RealRedis::Available()) GTEST_SKIP() << "no redis-server 7.0 here";
  RealRedis redis;
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    test::Dice dice(seed);
    const StreamLimits limits = {
        static_cast<size_t>(dice.Pick({0, 100, 400, 4096})),
        static_cast<size_t>(dice.Pick({0, 1, 3, 10}))};
    Pair pair(&redis, limits, &dice);
    for (int step = 0; step < 300; ++step) {
      ASSERT_NO_FATAL_FAILURE(pair.Step()) << "step " << step;
      if (dice.OneIn(10)) {
        ASSERT_NO_FATAL_FAILURE(pair.Compare()) << "step " << step;
      }
    }
    ASSERT_NO_FATAL_FAILURE(pair.Compare());
  }
}

}  // namespace
}  // namespace holdfast::server
