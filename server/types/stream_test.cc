#include "server/types/stream.h"

#include <sys/mman.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/support/dice.h"

namespace holdfast::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using AppendResult = Stream::AppendResult;
using ClaimResult = Stream::ClaimResult;
using Kind = StreamNewId::Kind;
using Fields = std::vector<std::string>;

constexpr StreamLimits kDefaults = {4096, 100};
constexpr int64_t kNow = 1700000000000;

AppendResult Append(Stream* stream, const StreamNewId& new_id,
                    const Fields& fields, StreamLimits limits = kDefaults,
                    StreamId* id = nullptr) {
  StreamId ignored;
  const std::vector<absl::string_view> views(fields.begin(), fields.end());
  return stream->Append(new_id, kNow, views, limits,
                        id == nullptr ? &ignored : id);
}

AppendResult Add(Stream* stream, StreamId id, const Fields& fields = {"f", "v"},
                 StreamLimits limits = kDefaults) {
  return Append(stream, {Kind::kGiven, id}, fields, limits);
}

// 1-0 to n-0, nodes of `per_node` entries.
Stream Rows(uint64_t n, size_t per_node) {
  Stream stream;
  for (uint64_t i = 1; i <= n; ++i) {
    EXPECT_EQ(Add(&stream, {i, 0}, {"f", absl::StrCat(i)}, {0, per_node}),
              AppendResult::kAppended);
  }
  return stream;
}

std::string Text(const StreamEntry& entry) {
  std::string out = entry.id().ToString();
  entry.ForEachField([&](absl::string_view f, absl::string_view v) {
    absl::StrAppend(&out, " ", f, "=", v);
  });
  return out;
}

std::vector<std::string> Range(const Stream& stream,
                               StreamId start = StreamId::Min(),
                               StreamId end = StreamId::Max(),
                               bool reverse = false, size_t count = 0) {
  std::vector<std::string> out;
  const size_t n =
      stream.Range(start, end, reverse, count, [&](const StreamEntry& entry) {
        out.push_back(Text(entry));
        return true;
      });
  EXPECT_EQ(n, out.size());
  return out;
}

std::string Ids(const Stream& stream) {
  return absl::StrJoin(Range(stream), " ",
                       [](std::string* out, const std::string& e) {
                         out->append(e.substr(0, e.find('-')));
                       });
}

std::string Hex(const Stream& stream) {
  std::string out;
  for (const auto& [id, node] : stream.nodes()) {
    absl::StrAppend(&out, id.ToString(), ":",
                    absl::BytesToHexString(node.bytes()), " ");
  }
  return out;
}

// The bytes are those of redis-server 7.0.15, taken from DUMP.
TEST(StreamTest, NodesAreWhatRedisWrites) {
  Stream stream;
  Add(&stream, {5, 3}, {"a", "1", "bc", "xyz"});
  Add(&stream, {5, 4}, {"a", "2", "bc", "w"});
  Add(&stream, {6, 0}, {"other", "300"});
  EXPECT_TRUE(stream.Delete({5, 4}));
  EXPECT_EQ(Hex(stream),
            "5-3:"
            "47000000190002010101020181610282626303000102010001000101018378797a"
            "0405010301000101010201817702050100010101dffd020101856f7468657206c1"
            "2c020601ff ");
}

TEST(StreamTest, IdsRise) {
  Stream stream;
  StreamId id;
  EXPECT_EQ(Append(&stream, {Kind::kAuto, {}}, {"f", "v"}, kDefaults, &id),
            AppendResult::kAppended);
  EXPECT_EQ(id, (StreamId{kNow, 0}));
  EXPECT_EQ(Append(&stream, {Kind::kAuto, {}}, {"f", "v"}, kDefaults, &id),
            AppendResult::kAppended);
  EXPECT_EQ(id, (StreamId{kNow, 1}));
  EXPECT_EQ(Add(&stream, {kNow, 1}), AppendResult::kNotGreater);
  EXPECT_EQ(Add(&stream, {kNow, 0}), AppendResult::kNotGreater);
  EXPECT_EQ(Add(&stream, {1, UINT64_MAX}), AppendResult::kNotGreater);
  EXPECT_EQ(Append(&stream, {Kind::kAutoSequence, {kNow - 1, 0}}, {"f", "v"}),
            AppendResult::kNotGreater);
  EXPECT_EQ(Append(&stream, {Kind::kAutoSequence, {kNow, 0}}, {"f", "v"},
                   kDefaults, &id),
            AppendResult::kAppended);
  EXPECT_EQ(id, (StreamId{kNow, 2}));
  EXPECT_EQ(Append(&stream, {Kind::kAutoSequence, {kNow + 1, 0}}, {"f", "v"},
                   kDefaults, &id),
            AppendResult::kAppended);
  EXPECT_EQ(id, (StreamId{kNow + 1, 0}));
  // A clock behind the last id does not matter.
  EXPECT_EQ(Append(&stream, {Kind::kAuto, {}}, {"f", "v"}, kDefaults, &id),
            AppendResult::kAppended);
  EXPECT_EQ(id, (StreamId{kNow + 1, 1}));
  EXPECT_EQ(Add(&stream, {kNow + 1, UINT64_MAX}), AppendResult::kAppended);
  EXPECT_EQ(Append(&stream, {Kind::kAutoSequence, {kNow + 1, 0}}, {"f", "v"}),
            AppendResult::kSequenceExhausted);
  EXPECT_EQ(Append(&stream, {Kind::kAuto, {}}, {"f", "v"}, kDefaults, &id),
            AppendResult::kAppended);
  EXPECT_EQ(id, (StreamId{kNow + 2, 0}));
  EXPECT_EQ(Add(&stream, StreamId::Max()), AppendResult::kAppended);
  for (const Kind kind : {Kind::kAuto, Kind::kAutoSequence, Kind::kGiven}) {
    EXPECT_EQ(Append(&stream, {kind, StreamId::Max()}, {"f", "v"}),
              AppendResult::kIdsExhausted);
  }
  EXPECT_EQ(stream.size(), 8u);
  EXPECT_EQ(stream.meta().entries_added, 8u);
}

TEST(StreamTest, FirstSequenceOfTheFirstMillisecondIsOne) {
  Stream stream;
  StreamId id;
  EXPECT_EQ(Append(&stream, {Kind::kAutoSequence, {0, 0}}, {"f", "v"},
                   kDefaults, &id),
            AppendResult::kAppended);
  EXPECT_EQ(id, (StreamId{0, 1}));
}

TEST(StreamTest, BeginsNodesWhereItIsTold) {
  EXPECT_EQ(Rows(10, 3).nodes().size(), 4u);
  EXPECT_EQ(Rows(10, 0).nodes().size(), 1u);
  Stream stream;
  for (uint64_t i = 1; i <= 4; ++i)
    Add(&stream, {i, 0}, {"f", std::string(40, 'x')}, {100, 0});
  EXPECT_EQ(stream.nodes().size(), 4u);
  // Deleted entries count as well.
  stream = Rows(3, 3);
  stream.Delete({2, 0});
  Add(&stream, {4, 0}, {"f", "v"}, {0, 3});
  EXPECT_EQ(stream.nodes().size(), 2u);
}

TEST(StreamTest, RangesGoBothWays) {
  const Stream stream = Rows(10, 3);
  EXPECT_THAT(Range(stream, {3, 0}, {5, 0}),
              ElementsAre("3-0 f=3", "4-0 f=4", "5-0 f=5"));
  EXPECT_THAT(Range(stream, {3, 1}, {5, 0}, true),
              ElementsAre("5-0 f=5", "4-0 f=4"));
  EXPECT_THAT(Range(stream, {0, 0}, {1, 0}, true), ElementsAre("1-0 f=1"));
  EXPECT_THAT(Range(stream, {9, 1}, StreamId::Max(), false),
              ElementsAre("10-0 f=10"));
  EXPECT_THAT(Range(stream, {2, 0}, StreamId::Max(), false, 2),
              ElementsAre("2-0 f=2", "3-0 f=3"));
  EXPECT_THAT(Range(stream, {5, 0}, {4, 0}), IsEmpty());
  EXPECT_THAT(Range(stream, {5, 0}, {4, 0}, true), IsEmpty());
  EXPECT_THAT(Range(stream, {4, 1}, {4, 9}), IsEmpty());
  EXPECT_THAT(Range(stream, {11, 0}), IsEmpty());
  EXPECT_THAT(Range(Stream()), IsEmpty());
  EXPECT_THAT(Range(Stream(), {}, StreamId::Max(), true), IsEmpty());
}

TEST(StreamTest, DeletesOnce) {
  Stream stream = Rows(4, 2);
  EXPECT_FALSE(stream.Delete({5, 0}));
  EXPECT_FALSE(stream.Delete({2, 1}));
  EXPECT_TRUE(stream.Delete({1, 0}));
  EXPECT_FALSE(stream.Delete({1, 0}));
  EXPECT_EQ(stream.meta().first_id, (StreamId{2, 0}));
  EXPECT_TRUE(stream.Delete({2, 0}));
  EXPECT_EQ(stream.nodes().size(), 1u) << "a node without entries goes";
  EXPECT_TRUE(stream.Delete({4, 0}));
  EXPECT_TRUE(stream.Delete({3, 0}));
  EXPECT_EQ(stream.meta().first_id, StreamId());
  EXPECT_EQ(stream.meta().max_deleted_id, (StreamId{4, 0}));
  EXPECT_EQ(stream.meta().last_id, (StreamId{4, 0}));
  EXPECT_EQ(stream.meta().entries_added, 4u);
  EXPECT_TRUE(stream.empty());
  EXPECT_TRUE(stream.nodes().empty());
  EXPECT_EQ(stream.LastEntryId(), StreamId());
  EXPECT_EQ(stream.FirstIdWithDeleted(), StreamId::Max());
}

TEST(StreamTest, TrimsExactly) {
  Stream stream = Rows(10, 4);
  EXPECT_EQ(stream.Trim({.length = 10}), 0u);
  EXPECT_EQ(stream.Trim({.length = 4}), 6u);
  EXPECT_EQ(Ids(stream), "7 8 9 10");
  EXPECT_EQ(stream.FirstIdWithDeleted(), (StreamId{5, 0}));
  EXPECT_EQ(stream.meta().first_id, (StreamId{7, 0}));
  EXPECT_EQ(stream.meta().max_deleted_id, StreamId()) << "not deleted by id";
  EXPECT_EQ(stream.Trim({.by = StreamTrim::By::kMinId, .min_id = {9, 0}}), 2u);
  EXPECT_EQ(Ids(stream), "9 10");
  EXPECT_EQ(stream.Trim({.length = 0}), 2u);
  EXPECT_TRUE(stream.nodes().empty());
  EXPECT_EQ(stream.meta().first_id, StreamId());
  EXPECT_EQ(stream.Trim({.length = 0}), 0u);
}

TEST(StreamTest, TrimsWholeNodesWithinItsLimit) {
  Stream stream = Rows(10, 4);
  EXPECT_EQ(stream.Trim({.length = 7, .approximate = true}), 0u);
  EXPECT_EQ(stream.Trim({.length = 6, .approximate = true, .limit = 3}), 0u);
  EXPECT_EQ(stream.Trim({.length = 0, .approximate = true, .limit = 4}), 4u);
  EXPECT_EQ(Ids(stream), "5 6 7 8 9 10");
  EXPECT_EQ(stream.Trim({.by = StreamTrim::By::kMinId,
                         .min_id = {8, 0},
                         .approximate = true}),
            0u);
  EXPECT_EQ(stream.Trim({.by = StreamTrim::By::kMinId,
                         .min_id = {8, 1},
                         .approximate = true}),
            4u);
  EXPECT_EQ(Ids(stream), "9 10");
}

// The node stays where Redis leaves one: all of it is deleted, but its last
// entry is not below the id.
TEST(StreamTest, KeepsANodeOfDeletedEntries) {
  Stream stream = Rows(3, 10);
  stream.Delete({3, 0});
  EXPECT_EQ(stream.Trim({.by = StreamTrim::By::kMinId, .min_id = {3, 0}}), 2u);
  EXPECT_TRUE(stream.empty());
  EXPECT_EQ(stream.nodes().size(), 1u);
  EXPECT_EQ(stream.meta().first_id, StreamId());
  EXPECT_THAT(Range(stream), IsEmpty());
  // Now ids may go back behind it.
  EXPECT_EQ(stream.SetId({0, 5}, -1, {}), Stream::SetIdResult::kOk);
  EXPECT_EQ(Add(&stream, {0, 6}), AppendResult::kAppended);
  EXPECT_EQ(Add(&stream, {2, 0}), AppendResult::kAppended);
  EXPECT_EQ(Ids(stream), "0 2");
  EXPECT_TRUE(stream.Delete({0, 6}));
  EXPECT_TRUE(stream.Contains({2, 0}));
}

TEST(StreamTest, SetIdKeepsWhatIsThere) {
  Stream stream = Rows(3, 10);
  EXPECT_EQ(stream.SetId({2, 9}, -1, {}), Stream::SetIdResult::kBelowLastEntry);
  EXPECT_EQ(stream.SetId({9, 0}, 2, {}),
            Stream::SetIdResult::kAddedBelowLength);
  EXPECT_EQ(stream.meta().last_id, (StreamId{3, 0}));
  EXPECT_EQ(stream.SetId({9, 0}, 7, {1, 1}), Stream::SetIdResult::kOk);
  EXPECT_EQ(stream.meta().entries_added, 7u);
  EXPECT_EQ(stream.meta().max_deleted_id, (StreamId{1, 1}));
  EXPECT_EQ(Add(&stream, {9, 0}), AppendResult::kNotGreater);
}

TEST(StreamTest, ClonesDeeply) {
  Stream stream = Rows(5, 2);
  StreamGroup* group = stream.CreateGroup("g", {}, 0);
  StreamConsumer* consumer = group->CreateConsumer("c", 1);
  stream.DeliverNew(group, consumer, 2, false, 9,
                    [](const StreamEntry&, const StreamPending*) {});
  Stream copy = stream.Clone();
  EXPECT_EQ(Hex(copy), Hex(stream));
  EXPECT_EQ(copy.MemoryUsage(), stream.MemoryUsage());
  EXPECT_TRUE(copy.FindGroup("g")->Acknowledge({1, 0}));
  EXPECT_EQ(group->pending().size(), 2u);
  EXPECT_EQ(copy.FindGroup("g")->FindConsumer("c")->pending().size(), 1u);
  EXPECT_NE(copy.FindGroup("g")->FindConsumer("c"), consumer);
  EXPECT_EQ(copy.FindGroup("g")->pending().begin()->second.consumer,
            copy.FindGroup("g")->FindConsumer("c"));
  stream = std::move(copy);
  EXPECT_EQ(stream.FindGroup("g")->pending().size(), 1u);
}

using Model = std::map<StreamId, Fields>;

std::vector<std::string> Range(const Model& model, StreamId start, StreamId end,
                               bool reverse, size_t count) {
  std::vector<std::string> out;
  for (const auto& [id, fields] : model) {
    if (id < start || id > end) continue;
    std::string text = id.ToString();
    for (size_t i = 0; i < fields.size(); i += 2)
      absl::StrAppend(&text, " ", fields[i], "=", fields[i + 1]);
    out.push_back(text);
  }
  if (reverse) std::reverse(out.begin(), out.end());
  if (count > 0 && out.size() > count) out.resize(count);
  return out;
}

StreamId RandomId(test::Dice* dice, const StreamId& last) {
  return {static_cast<uint64_t>(dice->Below(static_cast<int64_t>(last.ms) + 3)),
          static_cast<uint64_t>(dice->Below(3))};
}

// What was saved can be loaded, and is the same.
void CheckReload(const Stream& stream) {
  Stream loaded;
  for (const auto& [id, node] : stream.nodes()) {
    const absl::StatusOr<Listpack> copy = Listpack::FromBytes(node.bytes());
    ASSERT_TRUE(copy.ok());
    const absl::Status status = loaded.LoadNode(id, copy->Clone());
    ASSERT_TRUE(status.ok()) << status;
  }
  const absl::Status status = loaded.LoadMeta(stream.meta(), false);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(Hex(loaded), Hex(stream));
  ASSERT_EQ(Range(loaded), Range(stream));
}

TEST(StreamTest, DoesWhatAModelDoes) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    test::Dice dice(seed);
    Stream stream;
    Model model;
    const StreamLimits limits = {static_cast<size_t>(dice.Pick({0, 60, 300})),
                                 static_cast<size_t>(dice.Pick({0, 1, 5}))};
    for (int step = 0; step < 400; ++step) {
      const StreamId last = stream.meta().last_id;
      switch (dice.Below(10)) {
        case 0: {
          const StreamId id = RandomId(&dice, last);
          ASSERT_EQ(stream.Delete(id), model.erase(id) > 0);
          break;
        }
        case 1: {
          const auto length = static_cast<uint64_t>(dice.Below(60));
          const uint64_t over =
              model.size() > length ? model.size() - length : 0;
          if (!dice.OneIn(4)) break;
          ASSERT_EQ(stream.Trim({.length = length}), over);
          for (uint64_t i = 0; i < over; ++i) model.erase(model.begin());
          break;
        }
        case 2: {
          if (!dice.OneIn(4)) break;
          const StreamId id = RandomId(&dice, last);
          const size_t before = model.size();
          model.erase(model.begin(), model.lower_bound(id));
          ASSERT_EQ(stream.Trim({.by = StreamTrim::By::kMinId, .min_id = id}),
                    before - model.size());
          break;
        }
        case 3: {
          const StreamId start = RandomId(&dice, last);
          const StreamId end = RandomId(&dice, last);
          const bool reverse = dice.OneIn(2);
          const auto count = static_cast<size_t>(dice.Below(5));
          ASSERT_EQ(Range(stream, start, end, reverse, count),
                    Range(model, start, end, reverse, count));
          break;
        }
        default: {
          const StreamId id =
              dice.OneIn(3)
                  ? StreamId{last.ms,
                             last.seq + 1 +
                                 static_cast<uint64_t>(dice.Below(500))}
                  : StreamId{last.ms + 1, static_cast<uint64_t>(dice.Below(3))};
          Fields fields;
          for (int64_t i = dice.Below(3); i >= 0; --i) {
            fields.push_back(dice.OneIn(3) ? absl::StrCat(dice.Below(3))
                                           : "field");
            fields.push_back(
                std::string(static_cast<size_t>(dice.Below(30)), 'v'));
          }
          ASSERT_EQ(Add(&stream, id, fields, limits), AppendResult::kAppended);
          model[id] = fields;
        }
      }
      ASSERT_EQ(stream.size(), model.size());
      ASSERT_EQ(stream.meta().first_id,
                model.empty() ? StreamId() : model.begin()->first);
      ASSERT_EQ(stream.LastEntryId(),
                model.empty() ? StreamId() : model.rbegin()->first);
    }
    EXPECT_EQ(Range(stream), Range(model, {}, StreamId::Max(), false, 0));
    EXPECT_EQ(Range(stream, {}, StreamId::Max(), true),
              Range(model, {}, StreamId::Max(), true, 0));
    ASSERT_NO_FATAL_FAILURE(CheckReload(stream));
  }
}

TEST(StreamTest, CountsItsMemory) {
  Stream stream;
  for (uint64_t i = 1; i <= 10000; ++i)
    Add(&stream, {1700000000000 + i, 0}, {"sensor", "1234", "temp", "19.8"});
  const size_t bytes = stream.MemoryUsage();
  RecordProperty("bytes_per_entry", absl::StrCat(bytes / 10000));
  EXPECT_LT(bytes, 10000u * 32);
  EXPECT_EQ(stream.FreeEffort(), 100u);
  stream.Trim({.length = 100});
  EXPECT_LT(stream.MemoryUsage(), bytes / 50);
}

TEST(StreamTest, RefusesEntriesThatNoListpackHolds) {
  // Address space alone: it is refused before a byte is read.
  constexpr size_t kBytes = size_t{1} << 30;
  void* const room = mmap(nullptr, kBytes, PROT_READ,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(room, MAP_FAILED);
  const absl::string_view huge(static_cast<const char*>(room), kBytes);
  Stream stream;
  StreamId id;
  EXPECT_EQ(stream.Append({}, kNow, {"f", huge}, kDefaults, &id),
            AppendResult::kTooLarge);
  EXPECT_EQ(stream.Append({}, kNow, {"f", huge.substr(0, kBytes - 40)},
                          kDefaults, &id),
            AppendResult::kTooLarge);
  EXPECT_EQ(stream.Append({}, kNow, {huge, huge, huge, huge}, kDefaults, &id),
            AppendResult::kTooLarge);
  EXPECT_TRUE(stream.nodes().empty());
  munmap(room, kBytes);
}

// --- Loading what may be anything ---

Listpack ListOf(const std::vector<std::string>& elements) {
  Listpack lp;
  for (const std::string& e : elements) lp.Append(e);
  return lp;
}

TEST(StreamTest, RefusesNodesThatAreNone) {
  // Live, deleted, one name, its end; flags, ms, seq, value, back.
  const std::vector<std::string> good = {"1", "0", "1", "f", "0",
                                         "2", "0", "0", "v", "4"};
  Stream stream;
  ASSERT_TRUE(stream.LoadNode({5, 0}, ListOf(good)).ok());
  const std::map<size_t, std::vector<std::string>> changes = {
      {0, {"x", "0", "2", "-1", "9223372036854775807", "1.5"}},
      {1, {"x", "1", "-1"}},
      {2, {"x", "0", "2", "-1", "9223372036854775807"}},
      {4, {"x", "1"}},
      {5, {"x", "0", "1", "3", "4", "-1", "6"}},
      {6, {"x", "-6"}},
      {7, {"x"}},
      {9, {"x", "3", "5", "0", "-4", "9223372036854775807"}}};
  for (const auto& [at, values] : changes) {
    for (const std::string& value : values) {
      std::vector<std::string> bad = good;
      bad[at] = value;
      Stream fresh;
      if (at == 6 && value == "-6")
        fresh.LoadNode({1, 0}, ListOf(good)).IgnoreError();
      const absl::Status status = fresh.LoadNode({5, 0}, ListOf(bad));
      if (at == 6 && value == "-6")
        continue;  // Wraps round: a later id, and good.
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument)
          << at << " " << value;
    }
  }
  for (size_t n = 0; n < good.size(); ++n) {
    Stream fresh;
    EXPECT_FALSE(
        fresh
            .LoadNode({5, 0}, ListOf({good.begin(),
                                      good.begin() + static_cast<int64_t>(n)}))
            .ok())
        << n;
  }
  std::vector<std::string> longer = good;
  longer.push_back("4");
  EXPECT_FALSE(Stream().LoadNode({5, 0}, ListOf(longer)).ok());
  // An entry with names of its own.
  EXPECT_TRUE(Stream()
                  .LoadNode({5, 0}, ListOf({"1", "0", "1", "f", "0", "0", "0",
                                            "0", "1", "n", "v", "6"}))
                  .ok());
  EXPECT_FALSE(Stream()
                   .LoadNode({5, 0}, ListOf({"1", "0", "1", "f", "0", "0", "0",
                                             "0", "0", "4"}))
                   .ok());
  EXPECT_FALSE(
      Stream()
          .LoadNode({5, 0}, ListOf({"1", "0", "1", "f", "0", "0", "0", "0",
                                    "9223372036854775807", "n", "v", "6"}))
          .ok());
}

TEST(StreamTest, RefusesNodesOutOfOrder) {
  const Stream whole = Rows(6, 2);
  const auto node = [&](uint64_t id) {
    return whole.nodes().find({id, 0})->second.Clone();
  };
  Stream stream;
  EXPECT_TRUE(stream.LoadNode({3, 0}, node(3)).ok());
  EXPECT_FALSE(stream.LoadNode({3, 0}, node(3)).ok()) << "twice";
  EXPECT_FALSE(stream.LoadNode({1, 0}, node(1)).ok());
  EXPECT_FALSE(stream
                   .LoadNode({4, 0}, ListOf({"1", "0", "1", "f", "0", "2", "0",
                                             "0", "v", "4"}))
                   .ok())
      << "4-0 is in the first node";
  EXPECT_TRUE(stream.LoadNode({5, 0}, node(5)).ok());
  EXPECT_EQ(Ids(stream), "3 4 5 6");
}

TEST(StreamTest, RefusesMetaThatDoesNotFit) {
  const StreamMeta good = Rows(3, 10).meta();
  const auto load = [&](const StreamMeta& meta, bool old) {
    Stream stream;
    EXPECT_TRUE(
        stream.LoadNode({1, 0}, Rows(3, 10).nodes().begin()->second.Clone())
            .ok());
    const absl::Status status = stream.LoadMeta(meta, old);
    if (status.ok()) {
      EXPECT_EQ(stream.meta().first_id, good.first_id);
    }
    return status.ok();
  };
  EXPECT_TRUE(load(good, false));
  EXPECT_TRUE(load({.length = 3, .last_id = {3, 0}}, true));
  for (const bool old : {true, false}) {
    StreamMeta bad = good;
    bad.length = 2;
    EXPECT_FALSE(load(bad, old));
    bad = good;
    bad.last_id = {2, 9};
    EXPECT_FALSE(load(bad, old));
  }
  StreamMeta bad = good;
  bad.first_id = {2, 0};
  EXPECT_FALSE(load(bad, false));
  bad = good;
  bad.entries_added = 2;
  EXPECT_FALSE(load(bad, false));
  EXPECT_FALSE(Stream().LoadMeta(good, false).ok());
  EXPECT_TRUE(Stream().LoadMeta({}, false).ok());
}

// XSETID and XGROUP may set them to the highest number: from then on they stay,
// so that what is saved can be loaded. Redis wraps; its files are taken.
TEST(StreamTest, CountsOfEntriesEndAtTheHighestNumber) {
  Stream stream = Rows(2, 1);
  StreamGroup* group = stream.CreateGroup("g", {}, INT64_MAX);
  StreamConsumer* consumer = group->CreateConsumer("c", 1);
  ASSERT_EQ(stream.SetId({8, 8}, INT64_MAX, {}), Stream::SetIdResult::kOk);
  Add(&stream, {9, 9}, {"f", "v"});
  EXPECT_EQ(stream.meta().entries_added, uint64_t{INT64_MAX});
  const auto ignore = [](const StreamEntry&, const StreamPending*) {};
  EXPECT_EQ(stream.DeliverNew(group, consumer, 0, true, 1, ignore), 3u);
  EXPECT_EQ(group->entries_read, INT64_MAX);
  int64_t lag = -1;
  EXPECT_TRUE(stream.Lag(*group, &lag));
  EXPECT_EQ(lag, 0);
  group->entries_read = StreamGroup::kEntriesReadUnknown;
  group->last_id = {1, 7};
  EXPECT_FALSE(stream.Lag(*group, &lag));

  Stream loaded;
  StreamMeta meta;
  meta.entries_added = uint64_t{1} << 63;
  EXPECT_TRUE(loaded.LoadMeta(meta, false).ok());
  EXPECT_EQ(loaded.meta().entries_added, uint64_t{INT64_MAX});
  const absl::StatusOr<StreamGroup*> wrapped =
      loaded.LoadGroup("g", {}, INT64_MIN);
  ASSERT_TRUE(wrapped.ok());
  EXPECT_EQ((*wrapped)->entries_read, StreamGroup::kEntriesReadUnknown);
}

// Whatever is changed in a node: what is taken can be used.
TEST(StreamTest, SurvivesBrokenNodes) {
  Stream whole = Rows(3, 10);
  Add(&whole, {9, 9}, {"other", "value", "f", "300"});
  whole.Delete({2, 0});
  const std::string good(whole.nodes().begin()->second.bytes());
  test::Dice dice(3);
  int taken = 0;
  for (int i = 0; i < 30000; ++i) {
    std::string bad = good;
    for (int64_t n = dice.Below(3); n >= 0; --n) {
      bad[static_cast<size_t>(
          dice.Between(6, static_cast<int64_t>(bad.size()) - 1))] =
          static_cast<char>(dice.OneIn(2) ? dice.Below(8) : dice.Below(256));
    }
    absl::StatusOr<Listpack> lp = Listpack::FromBytes(bad);
    if (!lp.ok()) continue;
    Stream stream;
    if (!stream.LoadNode({1, 0}, std::move(*lp)).ok()) continue;
    ++taken;
    std::vector<std::string> all = Range(stream);
    ASSERT_EQ(all.size(), stream.size());
    std::reverse(all.begin(), all.end());
    ASSERT_EQ(Range(stream, {}, StreamId::Max(), true), all);
    stream.LoadMeta({.length = stream.size(), .last_id = StreamId::Max()}, true)
        .IgnoreError();
    stream.Trim({.length = 1});
    ASSERT_LE(stream.size(), 1u);
  }
  EXPECT_GT(taken, 100);
}

// --- Groups ---

class GroupTest : public ::testing::Test {
 protected:
  GroupTest() : stream(Rows(5, 2)) {
    group = stream.CreateGroup("g", {}, 0);
    alice = group->CreateConsumer("alice", 1);
    bob = group->CreateConsumer("bob", 1);
  }
  std::vector<std::string> Deliver(StreamConsumer* to, size_t count,
                                   bool no_ack = false) {
    std::vector<std::string> out;
    stream.DeliverNew(
        group, to, count, no_ack, kNow,
        [&](const StreamEntry& entry, const StreamPending* pending) {
          EXPECT_EQ(pending == nullptr, no_ack);
          out.push_back(Text(entry));
        });
    return out;
  }
  ClaimResult Claim(StreamId id, StreamConsumer* to, StreamClaim claim = {}) {
    if (claim.now_ms == 0) claim.now_ms = claim.delivery_time_ms = kNow + 100;
    asked = false;
    return stream.Claim(
        group, id, claim,
        [&] {
          asked = true;
          return to;
        },
        &pending);
  }
  std::string Pending() {
    return absl::StrJoin(
        group->pending(), " ", [&](std::string* out, const auto& p) {
          EXPECT_TRUE(p.second.consumer->pending().contains(p.first));
          absl::StrAppend(out, p.first.ms, p.second.consumer->name(),
                          p.second.delivery_count);
        });
  }

  Stream stream;
  StreamGroup* group;
  StreamConsumer* alice;
  StreamConsumer* bob;
  StreamPending pending;
  bool asked = false;
};

TEST_F(GroupTest, DeliversEachEntryOnce) {
  EXPECT_THAT(Deliver(alice, 2), ElementsAre("1-0 f=1", "2-0 f=2"));
  EXPECT_THAT(Deliver(bob, 1, true), ElementsAre("3-0 f=3"));
  EXPECT_THAT(Deliver(bob, 0), ElementsAre("4-0 f=4", "5-0 f=5"));
  EXPECT_THAT(Deliver(bob, 0), IsEmpty());
  EXPECT_EQ(Pending(), "1alice1 2alice1 4bob1 5bob1");
  EXPECT_EQ(group->entries_read, 5);
  EXPECT_TRUE(group->Acknowledge({4, 0}));
  EXPECT_FALSE(group->Acknowledge({4, 0}));
  EXPECT_FALSE(group->Acknowledge({3, 0}));
  EXPECT_EQ(Pending(), "1alice1 2alice1 5bob1");
  // Back again: what is pending goes to who asks now.
  group->last_id = {1, 0};
  EXPECT_EQ(Deliver(bob, 1).size(), 1u);
  EXPECT_EQ(Pending(), "1alice1 2bob1 5bob1");
  group->last_id = StreamId::Max();
  EXPECT_THAT(Deliver(bob, 0), IsEmpty());
}

TEST_F(GroupTest, DeliversAgainWhatIsPending) {
  Deliver(alice, 3);
  stream.Delete({2, 0});
  std::vector<std::string> seen;
  const auto visit = [&](const StreamId& id, const StreamEntry* entry) {
    seen.push_back(entry == nullptr ? id.ToString() + " gone" : Text(*entry));
  };
  EXPECT_EQ(stream.DeliverAgain(group, alice, {2, 0}, 0, kNow, visit), 2u);
  EXPECT_THAT(seen, ElementsAre("2-0 gone", "3-0 f=3"));
  EXPECT_EQ(Pending(), "1alice1 2alice1 3alice2");
  EXPECT_EQ(stream.DeliverAgain(group, alice, {}, 1, kNow, visit), 1u);
  EXPECT_EQ(Pending(), "1alice2 2alice1 3alice2");
  EXPECT_EQ(stream.DeliverAgain(group, bob, {}, 0, kNow, visit), 0u);
}

TEST_F(GroupTest, ClaimsWhatIsPendingAndIdle) {
  Deliver(alice, 3);
  stream.Delete({2, 0});
  EXPECT_EQ(Claim({4, 0}, bob), ClaimResult::kNotPending);
  EXPECT_EQ(Claim({9, 0}, bob, {.force = true}), ClaimResult::kNotPending);
  EXPECT_EQ(Claim({1, 0}, bob, {.now_ms = kNow + 9, .min_idle_ms = 10}),
            ClaimResult::kNotIdle);
  EXPECT_FALSE(asked);
  EXPECT_EQ(Claim({1, 0}, bob, {.now_ms = kNow + 10, .min_idle_ms = 10}),
            ClaimResult::kClaimed);
  EXPECT_TRUE(asked);
  EXPECT_EQ(Pending(), "1bob2 2alice1 3alice1");
  EXPECT_EQ(Claim({2, 0}, bob), ClaimResult::kDeleted);
  EXPECT_FALSE(asked);
  EXPECT_EQ(pending.consumer, alice);
  EXPECT_EQ(Claim({2, 0}, bob), ClaimResult::kNotPending);
  EXPECT_EQ(Claim({3, 0}, bob, {.just_id = true}), ClaimResult::kClaimed);
  EXPECT_EQ(Claim({4, 0}, bob, {.min_idle_ms = 1000, .force = true}),
            ClaimResult::kClaimed);
  EXPECT_EQ(Claim({5, 0}, bob, {.retry_count = 7, .force = true}),
            ClaimResult::kClaimed);
  EXPECT_EQ(pending.delivery_count, 7u);
  EXPECT_EQ(Pending(), "1bob2 3bob1 4bob2 5bob7");
  EXPECT_TRUE(alice->pending().empty());
}

TEST_F(GroupTest, TimesFromFilesDoNotOverflow) {
  ASSERT_TRUE(group->LoadPending({1, 0}, INT64_MIN, 1).ok());
  ASSERT_TRUE(group->LoadConsumerPending(alice, {1, 0}).ok());
  EXPECT_EQ(Claim({1, 0}, bob, {.now_ms = kNow, .min_idle_ms = INT64_MAX}),
            ClaimResult::kClaimed);
  group->Redeliver({1, 0}, INT64_MAX, 1);
  EXPECT_EQ(Claim({1, 0}, bob, {.now_ms = -5, .min_idle_ms = 1}),
            ClaimResult::kNotIdle);
}

TEST_F(GroupTest, ConsumersGoWithWhatIsTheirs) {
  Deliver(alice, 2);
  Deliver(bob, 2);
  EXPECT_EQ(group->CreateConsumer("alice", 5), nullptr);
  EXPECT_EQ(group->FindConsumer("carol"), nullptr);
  group->DeleteConsumer(alice);
  EXPECT_EQ(group->FindConsumer("alice"), nullptr);
  EXPECT_EQ(Pending(), "3bob1 4bob1");
  EXPECT_EQ(stream.CreateGroup("g", {}, 0), nullptr);
  EXPECT_FALSE(stream.DestroyGroup("h"));
  EXPECT_TRUE(stream.DestroyGroup("g"));
  EXPECT_EQ(stream.FindGroup("g"), nullptr);
}

TEST_F(GroupTest, LagIsKnownAsLongAsNothingIsMissing) {
  int64_t lag = -7;
  EXPECT_TRUE(stream.Lag(*group, &lag));
  EXPECT_EQ(lag, 5);
  Deliver(alice, 2);
  EXPECT_TRUE(stream.Lag(*group, &lag));
  EXPECT_EQ(lag, 3);
  stream.Delete({4, 0});
  EXPECT_FALSE(stream.Lag(*group, &lag)) << "a gap ahead";
  Deliver(alice, 0);
  EXPECT_TRUE(stream.Lag(*group, &lag));
  EXPECT_EQ(lag, 0);
  EXPECT_EQ(group->entries_read, 5);
  EXPECT_EQ(stream.EstimateEntriesRead({9, 0}),
            StreamGroup::kEntriesReadUnknown);
  EXPECT_EQ(stream.EstimateEntriesRead({5, 0}), 5);
  EXPECT_EQ(stream.EstimateEntriesRead({1, 0}),
            StreamGroup::kEntriesReadUnknown);
  EXPECT_EQ(Stream().EstimateEntriesRead({9, 0}), 0);
  EXPECT_TRUE(Stream().Lag(*group, &lag));
  EXPECT_EQ(lag, 0);
}

TEST_F(GroupTest, RefusesGroupsThatDoNotFit) {
  EXPECT_FALSE(stream.LoadGroup("g", {}, 0).ok());
  const absl::StatusOr<StreamGroup*> loaded = stream.LoadGroup("h", {1, 0}, -1);
  ASSERT_TRUE(loaded.ok());
  StreamGroup* const h = *loaded;
  EXPECT_TRUE(h->LoadPending({1, 0}, 5, 1).ok());
  EXPECT_FALSE(h->LoadPending({1, 0}, 5, 1).ok());
  const absl::StatusOr<StreamConsumer*> c = h->LoadConsumer("c", 5);
  ASSERT_TRUE(c.ok());
  EXPECT_FALSE(h->LoadConsumer("c", 5).ok());
  EXPECT_FALSE(h->LoadConsumerPending(*c, {2, 0}).ok());
  EXPECT_FALSE(h->FinishLoading().ok());
  EXPECT_TRUE(h->LoadConsumerPending(*c, {1, 0}).ok());
  EXPECT_FALSE(h->LoadConsumerPending(*c, {1, 0}).ok());
  EXPECT_TRUE(h->FinishLoading().ok());
}

}  // namespace
}  // namespace holdfast::server
