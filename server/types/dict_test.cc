#include "server/types/dict.h"

#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace holdfast::server {
namespace {

struct Item {
  Item* next;
  uint64_t id;
};

uint64_t Mix(
    uint64_t x) {  // splitmix64's finaliser: a good spread of small numbers.
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

struct ItemTraits {
  using Node = Item;
  using Key = uint64_t;
  static Item*& Next(Item* n) { return n->next; }
  static uint64_t Hash(const Item* n) { return Mix(n->id); }
  static bool Matches(const Item* n, uint64_t id) { return n->id == id; }
};

// A table that owns its items, with the std::map it must agree with.
class DictTest : public ::testing::Test {
 protected:
  ~DictTest() override {
    dict_.Clear([](Item* i) { delete i; });
  }
  void Add(uint64_t id) {
    dict_.Insert(new Item{nullptr, id}, Mix(id));
    model_.insert(id);
  }
  void Remove(uint64_t id) {
    Item** link = dict_.FindLink(id, Mix(id));
    ASSERT_NE(link, nullptr);
    delete dict_.UnlinkAt(link, Mix(id));
    model_.erase(id);
  }
  Dict<ItemTraits> dict_;
  std::set<uint64_t> model_;
};

TEST_F(DictTest, AgreesWithAModelWhileItGrowsAndShrinks) {
  std::mt19937_64 random(20261122);
  for (int round = 0; round < 6; ++round) {
    const bool growing = round % 2 == 0;
    for (int i = 0; i < 15000; ++i) {
      const uint64_t id = random() % 40000;
      const bool there = dict_.Find(id, Mix(id)) != nullptr;
      ASSERT_EQ(there, model_.count(id) == 1) << id;
      if (!there && (growing || random() % 8 == 0)) Add(id);
      if (there && (!growing || random() % 8 == 0)) Remove(id);
    }
    ASSERT_EQ(dict_.size(), model_.size());
    std::set<uint64_t> seen;
    dict_.ForEach([&](Item* i) { EXPECT_TRUE(seen.insert(i->id).second); });
    ASSERT_EQ(seen, model_);
  }
}

TEST_F(DictTest, ScanSeesAllThatStaysWhateverIsAddedOrRemovedMeanwhile) {
  for (const uint64_t seed : {1, 2}) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    std::set<uint64_t> staying;
    for (uint64_t id = 0; id < 5000; ++id) {
      Add(id);
      if (id % 10 == 0) staying.insert(id);
    }
    std::set<uint64_t> seen;
    uint64_t next_new = 1000000;
    for (uint64_t position = 0; position < Dict<ItemTraits>::kScanEnd;) {
      position =
          dict_.Scan(position, 10, 100, [&](Item* i) { seen.insert(i->id); });
      // Odd seeds grow the table many times over while it is scanned; even ones
      // empty it.
      for (int i = 0; i < 60; ++i) {
        if (seed % 2 == 1) {
          Add(next_new++);
        } else if (model_.size() > staying.size()) {
          auto it = model_.lower_bound(random() % 5000);
          while (it != model_.end() && staying.count(*it) > 0) ++it;
          if (it != model_.end()) Remove(*it);
        }
      }
    }
    for (const uint64_t id : staying) EXPECT_EQ(seen.count(id), 1u) << id;
    dict_.Clear([](Item* i) { delete i; });
    model_.clear();
  }
}

TEST_F(DictTest, ScanOfAnUnchangedTableSeesEachNodeOnce) {
  for (uint64_t id = 0; id < 20000; ++id) Add(id);
  std::map<uint64_t, int> seen;
  int calls = 0;
  for (uint64_t position = 0; position < Dict<ItemTraits>::kScanEnd; ++calls) {
    position = dict_.Scan(position, 10, 100, [&](Item* i) { ++seen[i->id]; });
  }
  EXPECT_EQ(seen.size(), 20000u);
  for (const auto& [id, times] : seen) EXPECT_EQ(times, 1) << id;
  EXPECT_GT(calls, 1000) << "a call returned far more than it was asked for";
}

TEST_F(DictTest, ReplaceKeepsTheRestOfTheChain) {
  for (uint64_t id = 0; id < 100; ++id) Add(id);
  for (uint64_t id = 0; id < 100; ++id) {
    delete Dict<ItemTraits>::Replace(dict_.FindLink(id, Mix(id)),
                                     new Item{nullptr, id});
  }
  for (uint64_t id = 0; id < 100; ++id)
    EXPECT_NE(dict_.Find(id, Mix(id)), nullptr);
  EXPECT_EQ(dict_.size(), 100u);
}

TEST_F(DictTest, RandomNodesAreSpreadOverAll) {
  for (uint64_t id = 0; id < 100; ++id) Add(id);
  std::mt19937_64 random(7);
  std::map<uint64_t, int> picked;
  for (int i = 0; i < 20000; ++i)
    ++picked[dict_.RandomNode([&] { return random(); })->id];
  EXPECT_EQ(picked.size(), 100u);
  for (const auto& [id, times] : picked) EXPECT_GT(times, 20) << id;
}

TEST_F(DictTest, RandomNodeFindsTheLastOneOfATableThatWasLarge) {
  for (uint64_t id = 0; id < 50000; ++id) Add(id);
  for (uint64_t id = 0; id < 49999; ++id) Remove(id);
  std::mt19937_64 random(7);
  EXPECT_EQ(dict_.RandomNode([&] { return random(); })->id, 49999u);
  EXPECT_LT(dict_.TableBytes(), 50000u);
}

TEST_F(DictTest, AnEmptyTableHoldsNoMemory) {
  for (uint64_t id = 0; id < 5000; ++id) Add(id);
  for (uint64_t id = 0; id < 5000; ++id) Remove(id);
  EXPECT_EQ(dict_.TableBytes(), 0u);
  EXPECT_EQ(dict_.RandomNode([] { return uint64_t{0}; }), nullptr);
  EXPECT_EQ(dict_.Scan(0, 10, 10, [](Item*) { FAIL(); }),
            Dict<ItemTraits>::kScanEnd);
}

}  // namespace
}  // namespace holdfast::server
