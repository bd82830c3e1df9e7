#ifndef HOLDFAST_SERVER_CONFIG_ENUM_VALUES_H_
#define HOLDFAST_SERVER_CONFIG_ENUM_VALUES_H_

#include <cstdint>

// The closed sets of words that some directives take, with the value that
// code sees: Config::Enum<T>(id). The order of a table is the order in which
// error texts list the words (Redis 7.0.15's order, since clients match it).
namespace holdfast::server {

enum class LogLevel : int64_t { kDebug, kVerbose, kNotice, kWarning };
enum class Supervised : int64_t { kNo, kUpstart, kSystemd, kAuto };
enum class SyslogFacility : int64_t {
  kUser,
  kLocal0,
  kLocal1,
  kLocal2,
  kLocal3,
  kLocal4,
  kLocal5,
  kLocal6,
  kLocal7
};
enum class MaxmemoryPolicy : int64_t {
  kVolatileLru,
  kVolatileLfu,
  kVolatileRandom,
  kVolatileTtl,
  kAllkeysLru,
  kAllkeysLfu,
  kAllkeysRandom,
  kNoEviction
};
enum class AppendFsync : int64_t { kEverySec, kAlways, kNo };
enum class ReplDisklessLoad : int64_t { kDisabled, kOnEmptyDb, kSwapDb };
enum class TlsAuthClients : int64_t { kNo, kYes, kOptional };
enum class OomScoreAdj : int64_t { kNo, kRelative, kAbsolute };
enum class AclPubsubDefault : int64_t { kResetChannels, kAllChannels };
enum class SanitizeDump : int64_t { kNo, kYes, kClients };
// Who may use a guarded command or directive: nobody, anybody, or only
// connections from this host.
enum class ProtectedAction : int64_t { kNo, kYes, kLocal };
enum class ClusterEndpointType : int64_t { kIp, kHostname, kUnknown };
enum class PropagationError : int64_t { kIgnore, kPanic, kPanicOnReplicas };

// Bits of shutdown-on-sigint and shutdown-on-sigterm; 0 is "default".
inline constexpr int64_t kShutdownSave = 1;
inline constexpr int64_t kShutdownNoSave = 2;
inline constexpr int64_t kShutdownNow = 4;
inline constexpr int64_t kShutdownForce = 8;

// Bits of notify-keyspace-events: KeyEventClass(c) is the bit of the letter
// `c` ('g', '$', ... 'K', 'E'), 0 for a letter that is none.
inline constexpr char kKeyEventLetters[] = "g$lshzxetdnKEm";
// The letters that 'A' stands for: all but n, K, E and m.
inline constexpr int kKeyEventAllCount = 10;
inline constexpr int64_t kKeyEventAll = (1 << kKeyEventAllCount) - 1;
constexpr int64_t KeyEventClass(char letter) {
  for (int i = 0; kKeyEventLetters[i] != '\0'; ++i) {
    if (kKeyEventLetters[i] == letter) return int64_t{1} << i;
  }
  return 0;
}

namespace config {

struct EnumName {
  const char* name = nullptr;
  int64_t value = 0;

  constexpr EnumName(const char* n, int64_t v) : name(n), value(v) {}
  template <typename E>
  constexpr EnumName(const char* n, E v)
      : name(n), value(static_cast<int64_t>(v)) {}
};

inline constexpr EnumName kLogLevelNames[] = {{"debug", LogLevel::kDebug},
                                              {"verbose", LogLevel::kVerbose},
                                              {"notice", LogLevel::kNotice},
                                              {"warning", LogLevel::kWarning}};
inline constexpr EnumName kSupervisedNames[] = {
    {"upstart", Supervised::kUpstart},
    {"systemd", Supervised::kSystemd},
    {"auto", Supervised::kAuto},
    {"no", Supervised::kNo}};
inline constexpr EnumName kSyslogFacilityNames[] = {
    {"user", SyslogFacility::kUser},     {"local0", SyslogFacility::kLocal0},
    {"local1", SyslogFacility::kLocal1}, {"local2", SyslogFacility::kLocal2},
    {"local3", SyslogFacility::kLocal3}, {"local4", SyslogFacility::kLocal4},
    {"local5", SyslogFacility::kLocal5}, {"local6", SyslogFacility::kLocal6},
    {"local7", SyslogFacility::kLocal7}};
inline constexpr EnumName kMaxmemoryPolicyNames[] = {
    {"volatile-lru", MaxmemoryPolicy::kVolatileLru},
    {"volatile-lfu", MaxmemoryPolicy::kVolatileLfu},
    {"volatile-random", MaxmemoryPolicy::kVolatileRandom},
    {"volatile-ttl", MaxmemoryPolicy::kVolatileTtl},
    {"allkeys-lru", MaxmemoryPolicy::kAllkeysLru},
    {"allkeys-lfu", MaxmemoryPolicy::kAllkeysLfu},
    {"allkeys-random", MaxmemoryPolicy::kAllkeysRandom},
    {"noeviction", MaxmemoryPolicy::kNoEviction}};
inline constexpr EnumName kAppendFsyncNames[] = {
    {"everysec", AppendFsync::kEverySec},
    {"always", AppendFsync::kAlways},
    {"no", AppendFsync::kNo}};
inline constexpr EnumName kReplDisklessLoadNames[] = {
    {"disabled", ReplDisklessLoad::kDisabled},
    {"on-empty-db", ReplDisklessLoad::kOnEmptyDb},
    {"swapdb", ReplDisklessLoad::kSwapDb}};
inline constexpr EnumName kTlsAuthClientsNames[] = {
    {"no", TlsAuthClients::kNo},
    {"yes", TlsAuthClients::kYes},
    {"optional", TlsAuthClients::kOptional}};
// "yes" is another word for "relative".
inline constexpr EnumName kOomScoreAdjNames[] = {
    {"no", OomScoreAdj::kNo},
    {"yes", OomScoreAdj::kRelative},
    {"relative", OomScoreAdj::kRelative},
    {"absolute", OomScoreAdj::kAbsolute}};
inline constexpr EnumName kAclPubsubDefaultNames[] = {
    {"allchannels", AclPubsubDefault::kAllChannels},
    {"resetchannels", AclPubsubDefault::kResetChannels}};
inline constexpr EnumName kSanitizeDumpNames[] = {
    {"no", SanitizeDump::kNo},
    {"yes", SanitizeDump::kYes},
    {"clients", SanitizeDump::kClients}};
inline constexpr EnumName kProtectedActionNames[] = {
    {"no", ProtectedAction::kNo},
    {"yes", ProtectedAction::kYes},
    {"local", ProtectedAction::kLocal}};
inline constexpr EnumName kClusterEndpointTypeNames[] = {
    {"ip", ClusterEndpointType::kIp},
    {"hostname", ClusterEndpointType::kHostname},
    {"unknown-endpoint", ClusterEndpointType::kUnknown}};
inline constexpr EnumName kPropagationErrorNames[] = {
    {"ignore", PropagationError::kIgnore},
    {"panic", PropagationError::kPanic},
    {"panic-on-replicas", PropagationError::kPanicOnReplicas}};
inline constexpr EnumName kShutdownNames[] = {{"default", int64_t{0}},
                                              {"save", kShutdownSave},
                                              {"nosave", kShutdownNoSave},
                                              {"now", kShutdownNow},
                                              {"force", kShutdownForce}};

}  // namespace config
}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_CONFIG_ENUM_VALUES_H_
