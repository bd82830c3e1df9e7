#include "server/persist/rdb/object_exercise.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "server/types/hash.h"
#include "server/types/limits.h"
#include "server/types/list.h"
#include "server/types/object.h"
#include "server/types/set.h"
#include "server/types/stream.h"
#include "server/types/stream_groups.h"
#include "server/types/stream_id.h"
#include "server/types/stream_node.h"
#include "server/types/zset.h"

namespace holdfast::server {
namespace {

constexpr PackedLimits kPacked = {4, 16};
constexpr int kChanges = 8;

using Random = std::mt19937_64;

std::string SomeValue(Random& random) {
  switch (random() % 4) {
    case 0:
      return absl::StrCat(static_cast<int64_t>(random() >> random() % 64));
    case 1:
      return std::string(random() % 100, 'x');
    case 2:
      return absl::StrCat("_", random() % 10);
    default:
      return "";
  }
}

// One of those that are there, or another.
std::string SomeElement(Random& random, const std::vector<std::string>& there) {
  if (there.empty() || random() % 4 == 0) return SomeValue(random);
  return there[random() % there.size()];
}

// Every scan ends, and has seen everything.
template <typename T, typename... Rest>
void CheckScan(const T& value) {
  size_t seen = 0;
  uint64_t cursor = 0;
  const auto count = [&seen](absl::string_view, auto...) { ++seen; };
  do {
    cursor = value.Scan(cursor, 3, count);
  } while (cursor != 0);
  CHECK_GE(seen, value.size());
}

void Exercise(Hash* hash, Random& random) {
  std::vector<std::string> fields;
  char scratch[Hash::kScratch];
  absl::string_view value;
  hash->ForEach([&](absl::string_view field, absl::string_view) {
    fields.emplace_back(field);
  });
  CHECK_EQ(fields.size(), hash->size());
  for (const std::string& field : fields) {
    CHECK(hash->Get(field, scratch, &value));
  }
  CheckScan(*hash);
  const auto draw = [&random] { return random(); };
  for (int i = 0; i < kChanges && !hash->empty(); ++i) {
    hash->RandomField(draw, [](absl::string_view, absl::string_view) {});
    const std::string field = SomeElement(random, fields);
    const bool there = hash->Contains(field);
    const size_t size = hash->size();
    if (random() % 3 == 0) {
      CHECK_EQ(hash->Erase(field), there);
      CHECK_EQ(hash->size(), size - (there ? 1 : 0));
    } else {
      CHECK_NE(hash->Set(field, SomeValue(random), kPacked), there);
      CHECK(hash->Get(field, scratch, &value));
    }
  }
}

void Exercise(Set* set, Random& random) {
  std::vector<std::string> members;
  set->ForEach([&](absl::string_view member) { members.emplace_back(member); });
  CHECK_EQ(members.size(), set->size());
  for (const std::string& member : members) CHECK(set->Contains(member));
  CheckScan(*set);
  const auto draw = [&random] { return random(); };
  for (int i = 0; i < kChanges && !set->empty(); ++i) {
    set->RandomMember(draw, [](absl::string_view) {});
    const std::string member = SomeElement(random, members);
    const bool there = set->Contains(member);
    switch (random() % 3) {
      case 0:
        CHECK_EQ(set->Erase(member), there);
        break;
      case 1:
        CHECK_NE(set->Add(member, {4, kPacked}), there);
        CHECK(set->Contains(member));
        break;
      default:
        set->PopRandom(draw, [](absl::string_view) {});
    }
  }
}

void Exercise(Zset* zset, Random& random) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const double scores[] = {0, -1.5, 7, kInfinity, -kInfinity, 1e300};
  std::vector<std::string> members;
  zset->ForEach([&](absl::string_view member, double score) {
    CHECK(!std::isnan(score));
    members.emplace_back(member);
  });
  CHECK_EQ(members.size(), zset->size());
  double score = 0;
  size_t rank = 0;
  for (const std::string& member : members) {
    CHECK(zset->Score(member, &score));
    CHECK(zset->Rank(member, random() % 2 == 0, &rank));
    CHECK_LT(rank, zset->size());
  }
  CheckScan(*zset);
  const auto draw = [&random] { return random(); };
  const auto ignore = [](absl::string_view, double) { return true; };
  for (int i = 0; i < kChanges && !zset->empty(); ++i) {
    zset->Random(draw, [](absl::string_view, double) {});
    zset->At(random() % zset->size(), [](absl::string_view, double) {});
    const Zset::Ranks by_score = zset->RanksByScore(
        {scores[random() % 6], scores[random() % 6], random() % 2 == 0, false});
    zset->ForRanks(by_score, random() % 2 == 0, ignore);
    const std::string member = SomeElement(random, members);
    const Zset::Ranks by_lex = zset->RanksByLex(
        {{LexBound::Kind::kInclusive, member}, {LexBound::Kind::kMax, ""}});
    zset->ForRanks(by_lex, false, ignore);
    const bool there = zset->Contains(member);
    switch (random() % 4) {
      case 0:
        CHECK_EQ(zset->Erase(member), there);
        break;
      case 1:
        zset->EraseRanks(random() % 2 == 0 ? by_score : by_lex);
        break;
      default:
        zset->Add(member, scores[random() % 6],
                  {.increment = random() % 4 == 0}, kPacked);
        CHECK(zset->Contains(member) || !there);
    }
  }
}

void Exercise(List* list, Random& random) {
  constexpr ListLimits kLimits = {4, 64};
  size_t elements = 0;
  std::vector<std::string> values;
  list->ForEach([&](absl::string_view value) {
    ++elements;
    values.emplace_back(value);
  });
  CHECK_EQ(elements, list->size());
  char scratch[List::kScratch];
  absl::string_view found;
  for (size_t i = 0; i < elements; ++i) {
    CHECK(list->At(static_cast<int64_t>(i), scratch, &found));
    CHECK(found == values[i]);
  }
  for (int i = 0; i < kChanges && !list->empty(); ++i) {
    const auto at = static_cast<int64_t>(random() % (list->size() + 2)) -
                    static_cast<int64_t>(random() % 2 * list->size());
    const std::string value = SomeElement(random, values);
    list->Search(value, ListEnd::kTail, 0, [](size_t) { return true; });
    list->Visit(at, 5, random() % 2 == 0, [](absl::string_view) {});
    const ListEnd end = random() % 2 == 0 ? ListEnd::kHead : ListEnd::kTail;
    switch (random() % 6) {
      case 0:
        list->Push(end, value, kLimits);
        break;
      case 1:
        CHECK(list->Pop(end, [](absl::string_view) {}));
        break;
      case 2:
        list->SetAt(at, value, kLimits);
        break;
      case 3: {
        const List::Cursor beside = list->Find(value);
        if (beside.valid()) {
          list->Insert(beside, random() % 2 == 0, SomeValue(random), kLimits);
        }
        break;
      }
      case 4:
        list->Remove(value, 1 + random() % 2, end, kLimits);
        break;
      default:
        list->Trim(random() % 2, list->size() - 1);
    }
  }
}

void ExerciseGroup(Stream* stream, StreamGroup* group,
                   const std::vector<StreamId>& ids, Random& random) {
  int64_t lag = 0;
  stream->Lag(*group, &lag);
  StreamConsumer* consumer = group->FindConsumer("fuzz");
  if (consumer == nullptr) consumer = group->CreateConsumer("fuzz", 1);
  std::vector<StreamId> pending;
  for (const auto& [id, delivery] : group->pending()) {
    CHECK(delivery.consumer != nullptr);
    CHECK(delivery.consumer->pending().contains(id));
    pending.push_back(id);
  }
  for (const StreamId& id : pending) {
    if (random() % 2 == 0) continue;
    StreamPending now;
    stream->Claim(
        group, id, {.now_ms = 1}, [consumer] { return consumer; }, &now);
    if (random() % 2 == 0) group->Acknowledge(id);
  }
  stream->DeliverNew(group, consumer, random() % 4, random() % 2 == 0, 2,
                     [](const StreamEntry&, const StreamPending*) {});
  stream->DeliverAgain(group, consumer, {}, 10, 3,
                       [](const StreamId&, const StreamEntry*) {});
  if (!ids.empty()) stream->EstimateEntriesRead(ids[random() % ids.size()]);
  if (random() % 2 == 0) {
    group->DeleteConsumer(group->consumers().begin()->get());
  }
}

void Exercise(Stream* stream, Random& random) {
  std::vector<StreamId> ids;
  for (const bool reverse : {false, true}) {
    ids.clear();
    stream->Range(
        StreamId::Min(), StreamId::Max(), reverse, 0,
        [&](const StreamEntry& entry) {
          entry.ForEachField([](absl::string_view, absl::string_view) {});
          ids.push_back(entry.id());
          return true;
        });
    CHECK_EQ(ids.size(), stream->size());
  }
  for (const StreamId& id : ids) CHECK(stream->Contains(id));
  stream->LastEntryId();
  stream->FirstIdWithDeleted();
  std::vector<StreamGroup*> groups;
  for (const auto& group : stream->groups()) groups.push_back(group.get());
  for (StreamGroup* group : groups) ExerciseGroup(stream, group, ids, random);
  for (int i = 0; i < kChanges; ++i) {
    const StreamId id =
        ids.empty() ? StreamId{random(), 1} : ids[random() % ids.size()];
    switch (random() % 4) {
      case 0:
        if (stream->Delete(id)) CHECK(!stream->Contains(id));
        break;
      case 1: {
        const std::string value = SomeValue(random);
        const absl::string_view fields[] = {"item", value};
        StreamId added;
        stream->Append({}, 5, fields, {4096, 5}, &added);
        break;
      }
      case 2:
        stream->Trim({.by = StreamTrim::By::kLength,
                      .length = stream->size() / 2,
                      .approximate = random() % 2 == 0});
        break;
      default:
        stream->Trim({.by = StreamTrim::By::kMinId, .min_id = id});
    }
    size_t left = 0;
    stream->Range(StreamId::Min(), StreamId::Max(), false, 0,
                  [&left](const StreamEntry&) { return ++left > 0; });
    CHECK_EQ(left, stream->size());
  }
  for (StreamGroup* group : groups) ExerciseGroup(stream, group, ids, random);
}

}  // namespace

void ExerciseCopyOf(ValueType type, const ObjectBits& bits, uint64_t seed) {
  Random random(seed);
  Object copy(type, CloneObject(type, bits));
  switch (type) {
    case ValueType::kHash:
      Exercise(copy.As<Hash>(), random);
      break;
    case ValueType::kSet:
      Exercise(copy.As<Set>(), random);
      break;
    case ValueType::kZset:
      Exercise(copy.As<Zset>(), random);
      break;
    case ValueType::kList:
      Exercise(copy.As<List>(), random);
      break;
    case ValueType::kStream:
      Exercise(copy.As<Stream>(), random);
      break;
    case ValueType::kString:
      LOG(FATAL) << "not an object";
  }
  CHECK_GT(ObjectMemoryUsage(type, bits, 0), 0u);
  CHECK_GT(ObjectFreeEffort(type, bits), 0u);
}

}  // namespace holdfast::server
