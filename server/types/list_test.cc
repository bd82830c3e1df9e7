#include "server/types/list.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/types/limits.h"
#include "server/types/listpack.h"
#include "testing/support/dice.h"

namespace holdfast::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Model = std::vector<std::string>;

constexpr ListLimits kRedisDefault = {-2};

Model Contents(const List& list, bool backwards = false) {
  Model out;
  list.Visit(backwards ? -1 : 0, SIZE_MAX, backwards,
             [&](absl::string_view e) { out.emplace_back(e); });
  EXPECT_EQ(out.size(), list.size());
  return out;
}

std::string At(const List& list, int64_t index) {
  char scratch[List::kScratch];
  absl::string_view element;
  return list.At(index, scratch, &element) ? std::string(element) : "(none)";
}

List Of(const Model& elements, const ListLimits& limits = kRedisDefault) {
  List list;
  for (const std::string& e : elements) list.PushBack(e, limits);
  return list;
}

struct NodeView {
  bool is_plain;
  size_t bytes;
  size_t count;
};

// The nodes, each of which must be what a loader takes.
std::vector<NodeView> Nodes(const List& list) {
  std::vector<NodeView> out;
  list.ForEachNode([&](bool is_plain, absl::string_view bytes) {
    NodeView node{is_plain, bytes.size(), 1};
    if (!is_plain) {
      absl::StatusOr<Listpack> block = Listpack::FromBytes(bytes);
      ASSERT_TRUE(block.ok()) << block.status();
      node.count = block->size();
    }
    EXPECT_GT(node.count, 0u);
    out.push_back(node);
  });
  size_t count = 0;
  for (const NodeView& node : out) count += node.count;
  EXPECT_EQ(count, list.size());
  EXPECT_EQ(std::max<size_t>(out.size(), 1), list.FreeEffort());
  return out;
}

TEST(ListTest, BeginsEmptyAndOwnsNothing) {
  List list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.size(), 0u);
  EXPECT_EQ(list.MemoryUsage(), 0u);
  std::string element = "untouched";
  EXPECT_FALSE(list.PopFront(&element));
  EXPECT_FALSE(list.PopBack(&element));
  EXPECT_EQ(element, "untouched");
  EXPECT_FALSE(list.Seek(0).valid());
  EXPECT_FALSE(list.Seek(-1).valid());
  EXPECT_FALSE(list.Find("a").valid());
  EXPECT_FALSE(list.SetAt(0, "a", kRedisDefault));
  EXPECT_EQ(list.Remove("a", 0, ListEnd::kTail, kRedisDefault), 0u);
  list.Trim(0, 10);
  list.Search("a", ListEnd::kTail, 0,
              [](size_t) { return ADD_FAILURE(), true; });
  EXPECT_THAT(Contents(list), IsEmpty());
  EXPECT_THAT(Contents(list, true), IsEmpty());
  EXPECT_THAT(Nodes(list), IsEmpty());
  EXPECT_TRUE(list.Clone().empty());
  EXPECT_EQ(list.EncodingName(), "quicklist");
}

TEST(ListTest, PushesAndPopsAtBothEnds) {
  for (const int64_t fill : {-2, 1, 2}) {
    List list;
    list.PushFront("b", {fill});
    list.PushFront("a", {fill});
    list.PushBack("c", {fill});
    list.PushBack("", {fill});
    EXPECT_THAT(Contents(list), ElementsAre("a", "b", "c", ""));
    std::string element;
    EXPECT_TRUE(list.PopBack(&element));
    EXPECT_EQ(element, "");
    EXPECT_TRUE(list.PopFront(&element));
    EXPECT_EQ(element, "a");
    EXPECT_TRUE(list.PopFront(&element));
    EXPECT_TRUE(list.PopFront(&element));
    EXPECT_EQ(element, "c");
    EXPECT_TRUE(list.empty());
    EXPECT_EQ(list.MemoryUsage(), 0u);
  }
}

TEST(ListTest, IndexesCountFromBothEnds) {
  for (const int64_t fill : {-2, 3}) {
    const List list = Of({"a", "b", "c", "d", "5"}, {fill});
    EXPECT_EQ(At(list, 0), "a");
    EXPECT_EQ(At(list, 4), "5");
    EXPECT_EQ(At(list, -1), "5");
    EXPECT_EQ(At(list, -5), "a");
    for (const int64_t outside :
         {int64_t{5}, int64_t{-6}, INT64_MAX, INT64_MIN})
      EXPECT_EQ(At(list, outside), "(none)");
  }
}

TEST(ListTest, NodesAreAsLargeAsTheFillSays) {
  const std::string value(
      100, 'x');  // 104 bytes in a node: its two ends take two each.
  const struct {
    int64_t fill;
    size_t max_bytes;
    size_t max_count;
  } cases[] = {{-1, 4096, 65535},  {-2, 8192, 65535},
               {-3, 16384, 65535}, {-4, 32768, 65535},
               {-5, 65536, 65535}, {-100, 65536, 65535},
               {1, 8192, 1},       {10, 8192, 10},
               {1000, 8192, 1000}, {INT64_MAX, 8192, 1000},
               {0, 8192, 1}};
  for (const auto& c : cases) {
    for (const ListEnd end : {ListEnd::kHead, ListEnd::kTail}) {
      SCOPED_TRACE(c.fill);
      List list;
      for (int i = 0; i < 2000; ++i) list.Push(end, value, {c.fill});
      const std::vector<NodeView> nodes = Nodes(list);
      const size_t expected =
          std::min(c.max_count, (c.max_bytes - 7 - 8) / 103);
      for (size_t i = 1; i + 1 < nodes.size(); ++i) {
        EXPECT_LE(nodes[i].bytes, c.max_bytes);
        EXPECT_LE(nodes[i].count, c.max_count);
        EXPECT_GE(nodes[i].count + 2, expected);
      }
    }
  }
}

TEST(ListTest, ALargeElementIsAloneInItsNode) {
  List list;
  list.PushBack("a", kRedisDefault);
  list.PushBack(std::string(100000, 'x'), kRedisDefault);
  list.PushBack("b", kRedisDefault);
  std::vector<NodeView> nodes = Nodes(list);
  ASSERT_EQ(nodes.size(), 3u);
  EXPECT_FALSE(nodes[1].is_plain)
      << "Redis 7.0 makes plain nodes from a gigabyte on";
  EXPECT_GT(nodes[1].bytes, 100000u);
  // What DEBUG QUICKLIST-PACKED-THRESHOLD is for.
  list = Of({"a", "b", "abc", "ab", "abcd"}, {-2, 3});
  nodes = Nodes(list);
  ASSERT_EQ(nodes.size(), 4u);
  EXPECT_TRUE(nodes[1].is_plain);
  EXPECT_FALSE(nodes[2].is_plain);
  EXPECT_TRUE(nodes[3].is_plain);
  EXPECT_THAT(Contents(list), ElementsAre("a", "b", "abc", "ab", "abcd"));
  EXPECT_THAT(Contents(list, true), ElementsAre("abcd", "ab", "abc", "b", "a"));
  EXPECT_EQ(list.Remove("abc", 0, ListEnd::kHead, {-2, 3}), 1u);
  EXPECT_TRUE(list.SetAt(1, "long", {-2, 3}));
  EXPECT_TRUE(list.SetAt(-1, "s", {-2, 3}));
  EXPECT_TRUE(list.SetAt(1, "longer", {-2, 3}));
  EXPECT_THAT(Contents(list), ElementsAre("a", "longer", "ab", "s"));
  list.Trim(1, 1);
  EXPECT_THAT(Contents(list), ElementsAre("longer"));
  std::string element;
  EXPECT_TRUE(list.PopBack(&element));
  EXPECT_TRUE(list.empty());
}

TEST(ListTest, SetAtKeepsNodesBounded) {
  List list = Of(Model(60, "x"));
  EXPECT_EQ(Nodes(list).size(), 1u);
  for (int i = 0; i < 60; ++i)
    ASSERT_TRUE(list.SetAt(i, std::string(1000, 'y'), kRedisDefault));
  EXPECT_FALSE(list.SetAt(60, "z", kRedisDefault));
  EXPECT_EQ(Contents(list), Model(60, std::string(1000, 'y')));
  for (const NodeView& node : Nodes(list)) EXPECT_LE(node.bytes, 8192u);
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(list.SetAt(i, "z", kRedisDefault));
  EXPECT_EQ(Contents(list), Model(60, "z"));
}

TEST(ListTest, InsertsBesideWhatWasFound) {
  for (const int64_t fill : {-2, 1, 2, 3}) {
    List list = Of({"a", "b", "b", "c"}, {fill});
    EXPECT_FALSE(list.Find("x").valid());
    list.Insert(list.Find("b"), false, "before", {fill});
    list.Insert(list.Find("b"), true, "after", {fill});
    list.Insert(list.Seek(0), false, "first", {fill});
    list.Insert(list.Seek(-1), true, "last", {fill});
    EXPECT_THAT(Contents(list), ElementsAre("first", "a", "before", "b",
                                            "after", "b", "c", "last"));
    for (const NodeView& node : Nodes(list))
      EXPECT_LE(node.count, fill < 0 ? 10u : static_cast<size_t>(fill));
  }
}

TEST(ListTest, InsertionInTheMiddleSplitsFullNodes) {
  List list;
  for (int i = 0; i < 3000; ++i)
    list.PushBack(absl::StrCat("element:", i), kRedisDefault);
  const size_t before = Nodes(list).size();
  for (int i = 0; i < 3000; ++i)
    list.Insert(list.Seek(1500), i % 2 == 0, std::string(20, 'i'),
                kRedisDefault);
  EXPECT_EQ(list.size(), 6000u);
  EXPECT_EQ(At(list, 0), "element:0");
  EXPECT_EQ(At(list, -1), "element:2999");
  const std::vector<NodeView> nodes = Nodes(list);
  EXPECT_GT(nodes.size(), before);
  EXPECT_LT(nodes.size(), 4 * before) << "halves are put together again";
  for (const NodeView& node : nodes) EXPECT_LE(node.bytes, 8192u);
}

TEST(ListTest, HalvesOfASplitNodeGoToNeighboursThatHaveRoom) {
  List list = Of({"a", "b", "c", "d", "e", "f", "g", "h"}, {4});
  list.Trim(3, 5);
  list.Insert(list.Find("e"), true, "new", {4});
  EXPECT_THAT(Contents(list), ElementsAre("d", "e", "new", "f", "g", "h"));
  EXPECT_EQ(Nodes(list).size(), 2u);
}

TEST(ListTest, RemovesFromTheEndThatItIsTold) {
  for (const int64_t fill : {-2, 1, 2, 4}) {
    SCOPED_TRACE(fill);
    const List list = Of({"x", "x", "a", "x", "x", "x", "b", "x"}, {fill});
    List l = list.Clone();
    EXPECT_EQ(l.Remove("x", 3, ListEnd::kHead, {fill}), 3u);
    EXPECT_THAT(Contents(l), ElementsAre("a", "x", "x", "b", "x"));
    l = list.Clone();
    EXPECT_EQ(l.Remove("x", 3, ListEnd::kTail, {fill}), 3u);
    EXPECT_THAT(Contents(l), ElementsAre("x", "x", "a", "x", "b"));
    l = list.Clone();
    EXPECT_EQ(l.Remove("x", 0, ListEnd::kTail, {fill}), 6u);
    EXPECT_THAT(Contents(l), ElementsAre("a", "b"));
    EXPECT_EQ(l.Remove("c", 0, ListEnd::kHead, {fill}), 0u);
    EXPECT_EQ(l.Remove("a", 9, ListEnd::kHead, {fill}), 1u);
    EXPECT_EQ(l.Remove("b", 9, ListEnd::kTail, {fill}), 1u);
    EXPECT_TRUE(l.empty());
  }
  List numbers = Of({"1", "01", "1", "1.0"});
  EXPECT_EQ(numbers.Remove("1", 0, ListEnd::kHead, kRedisDefault), 2u);
  EXPECT_THAT(Contents(numbers), ElementsAre("01", "1.0"));
}

TEST(ListTest, ManyRemovalsLeaveNeitherTinyNodesNorSpareMemory) {
  for (const ListEnd from : {ListEnd::kHead, ListEnd::kTail}) {
    List list;
    for (int i = 0; i < 20000; ++i)
      list.PushBack(absl::StrCat(i % 50, ":", 1000), kRedisDefault);
    const size_t full = list.MemoryUsage();
    const size_t nodes = Nodes(list).size();
    for (int i = 1; i < 50; ++i)
      EXPECT_EQ(list.Remove(absl::StrCat(i, ":", 1000), 0, from, kRedisDefault),
                400u);
    EXPECT_EQ(Contents(list), Model(400, "0:1000"));
    EXPECT_LT(list.MemoryUsage(), full / 10);
    EXPECT_LT(Nodes(list).size(), nodes / 10);
  }
}

TEST(ListTest, RemovalsOneByOneGiveMemoryBack) {
  for (const bool in_ring : {false, true}) {
    List list;
    for (int i = 0; i < 500; ++i)
      list.PushBack(absl::StrCat("e", i), kRedisDefault);
    if (in_ring) list.AppendPlain("by itself");
    EXPECT_GT(list.MemoryUsage(), 2500u);
    for (int i = 0; i < 495; ++i)
      ASSERT_EQ(
          list.Remove(absl::StrCat("e", i), 1, ListEnd::kHead, kRedisDefault),
          1u);
    EXPECT_LT(list.MemoryUsage(), 500u);
    EXPECT_EQ(list.FreeEffort(), in_ring ? 2u : 1u);
  }
}

TEST(ListTest, PopsGiveMemoryBack) {
  List list;
  for (int i = 0; i < 2000; ++i) list.PushBack("element", {-5});
  EXPECT_GT(list.MemoryUsage(), 15000u);
  std::string element;
  for (int i = 0; i < 1990; ++i)
    (i % 2 == 0 ? list.PopFront(&element) : list.PopBack(&element));
  EXPECT_LT(list.MemoryUsage(), 500u);
}

TEST(ListTest, TrimKeepsARange) {
  Model all;
  for (int i = 0; i < 100; ++i) all.push_back(absl::StrCat("e", i));
  for (const int64_t fill : {-2, 1, 7}) {
    const List list = Of(all, {fill});
    for (const size_t start : {0, 1, 7, 50, 98, 99, 100, 1000}) {
      for (const size_t count : {size_t{0}, size_t{1}, size_t{3}, size_t{50},
                                 size_t{100}, SIZE_MAX}) {
        List l = list.Clone();
        l.Trim(start, count);
        const auto begin =
            all.begin() + static_cast<int64_t>(std::min<size_t>(start, 100));
        const size_t kept =
            std::min<size_t>(count, static_cast<size_t>(all.end() - begin));
        ASSERT_EQ(Contents(l), Model(begin, begin + static_cast<int64_t>(kept)))
            << start << "+" << count;
        ASSERT_EQ(l.empty(), kept == 0);
      }
    }
  }
}

TEST(ListTest, VisitsFromAnyIndexBothWays) {
  for (const int64_t fill : {-2, 2}) {
    const List list = Of({"a", "b", "c", "d", "e"}, {fill});
    const auto visited = [&](int64_t index, size_t count, bool backwards) {
      std::string out;
      list.Visit(index, count, backwards,
                 [&](absl::string_view e) { absl::StrAppend(&out, e); });
      return out;
    };
    EXPECT_EQ(visited(1, 3, false), "bcd");
    EXPECT_EQ(visited(3, 99, false), "de");
    EXPECT_EQ(visited(3, 3, true), "dcb");
    EXPECT_EQ(visited(-2, 99, true), "dcba");
    EXPECT_EQ(visited(0, 99, true), "a");
    EXPECT_EQ(visited(0, 0, false), "");
    EXPECT_EQ(visited(5, 1, false), "");
    EXPECT_EQ(visited(-6, 1, true), "");
  }
}

TEST(ListTest, SearchSaysIndexesFromTheHead) {
  for (const int64_t fill : {-2, 2}) {
    const List list = Of({"x", "a", "x", "7", "x", "a"}, {fill});
    const auto found = [&](absl::string_view value, ListEnd from,
                           size_t max_compared, size_t stop_after) {
      std::vector<size_t> out;
      list.Search(value, from, max_compared, [&](size_t index) {
        out.push_back(index);
        return out.size() < stop_after;
      });
      return out;
    };
    EXPECT_THAT(found("x", ListEnd::kHead, 0, 99), ElementsAre(0, 2, 4));
    EXPECT_THAT(found("x", ListEnd::kTail, 0, 99), ElementsAre(4, 2, 0));
    EXPECT_THAT(found("x", ListEnd::kTail, 0, 2), ElementsAre(4, 2));
    EXPECT_THAT(found("x", ListEnd::kHead, 2, 99), ElementsAre(0));
    EXPECT_THAT(found("x", ListEnd::kTail, 1, 99), IsEmpty());
    EXPECT_THAT(found("7", ListEnd::kTail, 0, 99), ElementsAre(3));
    EXPECT_THAT(found("07", ListEnd::kTail, 0, 99), IsEmpty());
  }
}

TEST(ListTest, TakesBlocksFromALoader) {
  Listpack block;
  block.InsertAll(Listpack::kEnd, {"1", "two", "3"});
  List list;
  list.AppendBlock(Listpack(), kRedisDefault);
  EXPECT_TRUE(list.empty());
  list.AppendBlock(block.Clone(), kRedisDefault);
  EXPECT_EQ(Nodes(list).size(), 1u);
  list.AppendPlain("p");
  list.AppendBlock(block.Clone(), kRedisDefault);
  list.AppendBlock(Listpack(), kRedisDefault);
  list.AppendBlock(block.Clone(), kRedisDefault);
  EXPECT_EQ(Nodes(list).size(), 3u) << "small ones are put together";
  EXPECT_THAT(Contents(list), ElementsAre("1", "two", "3", "p", "1", "two", "3",
                                          "1", "two", "3"));
  // A block of more elements than any node of ours is not worked in as it is.
  Listpack huge;
  const std::vector<absl::string_view> ones(70000, "1");
  huge.InsertAll(Listpack::kEnd, ones);
  List large;
  large.AppendBlock(std::move(huge), kRedisDefault);
  EXPECT_EQ(large.size(), 70000u);
  for (const NodeView& node : Nodes(large)) EXPECT_LE(node.bytes, 8192u);
  Listpack one;
  one.Append(std::string(100000, 'x'));
  large.AppendBlock(std::move(one), kRedisDefault);
  EXPECT_EQ(At(large, -1), std::string(100000, 'x'));
  List plain;
  plain.AppendPlain("");
  EXPECT_TRUE(Nodes(plain)[0].is_plain);
  EXPECT_FALSE(plain.empty());
  EXPECT_EQ(plain.size(), 1u);
}

std::string RandomElement(test::Dice* dice) {
  switch (dice->Below(8)) {
    case 0:
      return absl::StrCat(dice->Between(INT64_MIN / 4, INT64_MAX / 4) >>
                          dice->Below(62));
    case 1:
      return std::string(static_cast<size_t>(dice->Below(600)), 'v');
    case 2:
      return std::string(
          static_cast<size_t>(dice->OneIn(20) ? dice->Below(12000) : 3), 'w');
    default:
      return absl::StrCat("e", dice->Below(12));
  }
}

size_t RemoveFromModel(Model* model, const std::string& value, size_t max,
                       bool backwards) {
  size_t removed = 0;
  if (backwards) std::reverse(model->begin(), model->end());
  model->erase(std::remove_if(model->begin(), model->end(),
                              [&](const std::string& e) {
                                if (e != value || (max != 0 && removed == max))
                                  return false;
                                ++removed;
                                return true;
                              }),
               model->end());
  if (backwards) std::reverse(model->begin(), model->end());
  return removed;
}

TEST(ListTest, DoesWhatAVectorDoes) {
  const ListLimits kinds[] = {{-2}, {-1},      {1},    {2},
                              {5},  {-2, 100}, {4, 4}, {0}};
  for (uint64_t seed = 1; seed <= 24; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    test::Dice dice(seed);
    const ListLimits& limits = kinds[seed % 8];
    const int64_t usual_size = dice.Pick({4, 40, 300});
    List list;
    Model model;
    for (int step = 0; step < 600; ++step) {
      const std::string value = RandomElement(&dice);
      const auto size = static_cast<int64_t>(model.size());
      const int64_t index = size == 0 ? 0 : dice.Below(size);
      const bool coin = dice.OneIn(2);
      int64_t what = dice.Below(12);
      if (size > usual_size && what < 3) what = 5;
      switch (what) {
        case 0:
        case 1:
          list.Push(coin ? ListEnd::kHead : ListEnd::kTail, value, limits);
          model.insert(coin ? model.begin() : model.end(), value);
          break;
        case 2: {  // Many at once, so that there are nodes.
          for (int64_t i = dice.Below(20); i > 0; --i) {
            list.PushBack(value, limits);
            model.push_back(value);
          }
          break;
        }
        case 3:
        case 4:
          if (size == 0) break;
          list.Insert(list.Seek(coin ? index : index - size), coin, value,
                      limits);
          model.insert(model.begin() + index + (coin ? 1 : 0), value);
          break;
        case 5:
        case 6: {
          std::string popped = "(none)";
          ASSERT_EQ(coin ? list.PopFront(&popped) : list.PopBack(&popped),
                    size > 0);
          if (size == 0) break;
          ASSERT_EQ(popped, coin ? model.front() : model.back());
          model.erase(coin ? model.begin() : model.end() - 1);
          break;
        }
        case 7:
        case 8:
          ASSERT_EQ(list.SetAt(coin ? index : index - size, value, limits),
                    size > 0);
          if (size > 0) model[static_cast<size_t>(index)] = value;
          break;
        case 9: {
          const auto max = static_cast<size_t>(dice.Below(4));
          ASSERT_EQ(list.Remove(value, max,
                                coin ? ListEnd::kTail : ListEnd::kHead, limits),
                    RemoveFromModel(&model, value, max, coin));
          break;
        }
        case 10: {
          if (size == 0 || !dice.OneIn(6)) break;
          const int64_t kept = std::min(dice.Below(size) + 1, size - index);
          list.Trim(static_cast<size_t>(index), static_cast<size_t>(kept));
          model.erase(model.begin() + index + kept, model.end());
          model.erase(model.begin(), model.begin() + index);
          break;
        }
        default: {
          const auto found = std::find(model.begin(), model.end(), value);
          const List::Cursor cursor = list.Find(value);
          ASSERT_EQ(cursor.valid(), found != model.end());
          char scratch[List::kScratch];
          if (cursor.valid()) {
            ASSERT_EQ(list.Get(cursor, scratch), value);
          }
          ASSERT_EQ(At(list, index),
                    size == 0 ? "(none)" : model[static_cast<size_t>(index)]);
        }
      }
      ASSERT_EQ(list.size(), model.size()) << "step " << step;
      ASSERT_EQ(list.empty(), model.empty());
      if (step % 20 == 0) {
        ASSERT_EQ(Contents(list), model) << "step " << step;
      }
    }
    EXPECT_EQ(Contents(list), model);
    EXPECT_EQ(Contents(list.Clone()), model);
    Nodes(list);
    std::reverse(model.begin(), model.end());
    EXPECT_EQ(Contents(list, true), model);
    List moved = std::move(list);
    EXPECT_TRUE(list.empty());  // NOLINT: a moved-from list is an empty one.
    std::string element;
    for (const std::string& expected : model) {
      ASSERT_TRUE(moved.PopBack(&element));
      ASSERT_EQ(element, expected);
    }
    EXPECT_EQ(moved.MemoryUsage(), 0u);
  }
}

TEST(ListTest, SaysWhatItOwns) {
  List list;
  for (int i = 0; i < 20000; ++i)
    list.PushBack(absl::StrCat("element:", i), kRedisDefault);
  const double all = static_cast<double>(list.MemoryUsage());
  EXPECT_GT(all, 20000 * 14);
  EXPECT_LT(all, 20000 * 20);
  EXPECT_NEAR(static_cast<double>(list.MemoryUsage(5)), all, all / 5);
}

}  // namespace
}  // namespace holdfast::server
