#include "server/command/typed.h"

#include <cstddef>

namespace holdfast::server {
namespace {

size_t Size(const Config& config, ConfigId id) {
  return static_cast<size_t>(config.Int(id));
}

}  // namespace

ListLimits ListLimitsOf(const Config& config) {
  return {.fill = config.Int(ConfigId::kListMaxListpackSize)};
}

PackedLimits HashLimitsOf(const Config& config) {
  return {Size(config, ConfigId::kHashMaxListpackEntries),
          Size(config, ConfigId::kHashMaxListpackValue)};
}

PackedLimits ZsetLimitsOf(const Config& config) {
  return {Size(config, ConfigId::kZsetMaxListpackEntries),
          Size(config, ConfigId::kZsetMaxListpackValue)};
}

SetLimits SetLimitsOf(const Config& config) {
  // Redis 7.0 has no small form of sets of strings, so this one is not to be
  // configured: small enough that walking it costs no more than hashing.
  constexpr PackedLimits kPacked = {32, 64};
  return {Size(config, ConfigId::kSetMaxIntsetEntries), kPacked};
}

StreamLimits StreamLimitsOf(const Config& config) {
  return {Size(config, ConfigId::kStreamNodeMaxBytes),
          Size(config, ConfigId::kStreamNodeMaxEntries)};
}

RdbObjectLimits RdbObjectLimitsOf(const Config& config) {
  return {HashLimitsOf(config), ZsetLimitsOf(config), SetLimitsOf(config),
          ListLimitsOf(config)};
}

}  // namespace holdfast::server
