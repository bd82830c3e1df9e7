#include "server/types/object.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/types/hash.h"
#include "server/types/limits.h"
#include "server/types/list.h"
#include "server/types/set.h"
#include "server/types/stream.h"
#include "server/types/zset.h"

namespace holdfast::server {
namespace {

constexpr PackedLimits kPacked = {4, 64};

// One of each, with `n` elements.
std::vector<Object> OneOfEach(int n) {
  List list;
  Set set;
  Zset zset;
  Hash hash;
  Stream stream;
  for (int i = 0; i < n; ++i) {
    const std::string name = absl::StrCat("name ", i);
    list.PushBack(name, ListLimits{.fill = 2});
    set.Add(name, SetLimits{4, kPacked});
    zset.Add(name, i, {}, kPacked, nullptr);
    hash.Set(name, "value", kPacked);
    StreamId id;
    const absl::string_view fields[] = {"field", "value"};
    EXPECT_EQ(stream.Append({}, 1 + i, fields, StreamLimits{0, 2}, &id),
              Stream::AppendResult::kAppended);
  }
  std::vector<Object> all;
  all.emplace_back(std::move(list));
  all.emplace_back(std::move(set));
  all.emplace_back(std::move(zset));
  all.emplace_back(std::move(hash));
  all.emplace_back(std::move(stream));
  return all;
}

// That nothing leaks or is freed twice, asan sees.
TEST(ObjectTest, IsMovedClonedAndFreedAsWhatItIs) {
  for (const int n : {1, 3, 100}) {
    for (Object& object : OneOfEach(n)) {
      const ValueType type = object.type();
      SCOPED_TRACE(absl::StrCat(TypeName(type), " of ", n));
      EXPECT_EQ(object.size(), static_cast<size_t>(n));
      Object moved(std::move(object));
      EXPECT_EQ(moved.type(), type);
      ObjectBits bits = moved.Release();
      const ObjectBits cloned = CloneObject(type, bits);
      Object copy(type, cloned);
      EXPECT_GT(ObjectMemoryUsage(type, bits, 0), 0u);
      EXPECT_GE(ObjectFreeEffort(type, bits), n == 100 ? 10u : 0u);
      EXPECT_EQ(ObjectEncodingName(type, bits),
                ObjectEncodingName(type, cloned));
      Object again(type, bits);
      again = Object(List());
      EXPECT_EQ(again.type(), ValueType::kList);
    }
  }
}

TEST(ObjectTest, NamesItsEncodingAsRedisDoes) {
  const auto names = [](int n) {
    std::string all;
    for (Object& object : OneOfEach(n)) {
      const ValueType type = object.type();
      const ObjectBits bits = object.Release();
      absl::StrAppend(&all, TypeName(type), " ", ObjectEncodingName(type, bits),
                      ", ");
      Object(type, bits);
    }
    return all;
  };
  EXPECT_EQ(names(2),
            "list quicklist, set hashtable, zset listpack, hash listpack, "
            "stream stream, ");
  EXPECT_EQ(names(50),
            "list quicklist, set hashtable, zset skiplist, hash hashtable, "
            "stream stream, ");
}

}  // namespace
}  // namespace holdfast::server
