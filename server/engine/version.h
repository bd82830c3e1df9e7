#ifndef HOLDFAST_SERVER_ENGINE_VERSION_H_
#define HOLDFAST_SERVER_ENGINE_VERSION_H_

#include "absl/strings/string_view.h"

namespace holdfast::server {

inline constexpr absl::string_view kHoldfastVersion = "0.1.0";
// The Redis whose behaviour clients may rely on; what they read as
// redis_version.
inline constexpr absl::string_view kRedisVersion = "7.2.0";

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_ENGINE_VERSION_H_
