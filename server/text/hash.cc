#include "server/text/hash.h"

#include <random>

#include "absl/hash/hash.h"

namespace holdfast::server {
namespace {

uint64_t RandomSeed() {
  std::random_device device;
  return (uint64_t{device()} << 32) ^ device();
}

}  // namespace

uint64_t HashOfBytes(absl::string_view bytes) {
  static const uint64_t seed = RandomSeed();
  return absl::HashOf(seed, bytes);
}

}  // namespace holdfast::server
