#include "server/types/object.h"

#include "glog/logging.h"
#include "server/types/hash.h"
#include "server/types/list.h"
#include "server/types/set.h"
#include "server/types/stream.h"
#include "server/types/zset.h"

namespace holdfast::server {
namespace {

// Calls fn with the value as what it is.
template <typename Fn>
auto Visit(ValueType type, const ObjectBits& bits, Fn&& fn) {
  switch (type) {
    case ValueType::kList:
      return fn(*bits.As<List>());
    case ValueType::kSet:
      return fn(*bits.As<Set>());
    case ValueType::kZset:
      return fn(*bits.As<Zset>());
    case ValueType::kHash:
      return fn(*bits.As<Hash>());
    case ValueType::kStream:
      return fn(*bits.As<Stream>());
    case ValueType::kString:
      break;
  }
  LOG(FATAL) << "a value of type " << static_cast<int>(type) << " is no object";
}

template <typename T>
size_t MemoryUsageOf(const T& value, size_t samples) {
  if constexpr (requires { value.MemoryUsage(samples); }) {
    return value.MemoryUsage(samples);
  } else {
    return value.MemoryUsage();
  }
}

}  // namespace

absl::string_view TypeName(ValueType type) {
  switch (type) {
    case ValueType::kString:
      return "string";
    case ValueType::kList:
      return "list";
    case ValueType::kSet:
      return "set";
    case ValueType::kZset:
      return "zset";
    case ValueType::kHash:
      return "hash";
    case ValueType::kStream:
      return "stream";
  }
  return "unknown";
}

absl::string_view ObjectEncodingName(ValueType type, const ObjectBits& bits) {
  return Visit(type, bits,
               [](const auto& value) { return value.EncodingName(); });
}

size_t ObjectSize(ValueType type, const ObjectBits& bits) {
  return Visit(type, bits, [](const auto& value) { return value.size(); });
}

size_t ObjectMemoryUsage(ValueType type, const ObjectBits& bits,
                         size_t samples) {
  return Visit(type, bits, [samples](const auto& value) {
    return MemoryUsageOf(value, samples);
  });
}

size_t ObjectFreeEffort(ValueType type, const ObjectBits& bits) {
  return Visit(type, bits,
               [](const auto& value) { return value.FreeEffort(); });
}

ObjectBits CloneObject(ValueType type, const ObjectBits& bits) {
  return Visit(type, bits, [type](const auto& value) {
    Object copy(value.Clone());
    DCHECK(copy.type() == type);
    return copy.Release();
  });
}

void FreeObject(ValueType type, ObjectBits* bits) {
  Visit(type, *bits, [](const auto& value) {
    using T = std::decay_t<decltype(value)>;
    const_cast<T&>(value).~T();
  });
}

}  // namespace holdfast::server
