#include "server/config/value.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"

namespace holdfast::server::config {
namespace {

// Applies words to defaults and returns the printed value, or "! " and the
// reason.
std::string Apply(ConfigId id, const std::vector<std::string>& words) {
  ValueSet set = DefaultValues();
  const ValueSet before = set;
  const absl::Status status = ApplyWords(id, words, false, &set);
  if (status.ok()) return FormatValue(GetDirective(id), set.at(id));
  EXPECT_EQ(set.at(id), before.at(id)) << "changed by a refused value";
  return absl::StrCat("! ", status.message());
}

TEST(ValueTest, EveryDefaultReadsBackAsItIsPrinted) {
  const ValueSet defaults = DefaultValues();
  for (size_t i = 0; i < kConfigCount; ++i) {
    const ConfigId id = static_cast<ConfigId>(i);
    const Directive& d = GetDirective(id);
    if (d.type == Type::kLine) continue;
    SCOPED_TRACE(d.name);
    const Value& value = defaults.at(id);
    std::vector<std::string> words = {FormatValue(d, value)};
    if (d.Has(kMultiArg) && d.type != Type::kEnumBits) words = value.words;
    if (d.type == Type::kReplicaOf) words = {"no", "one"};
    const absl::StatusOr<Value> parsed = ParseValue(d, words, value);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, value);
  }
}

TEST(ValueTest, PrintsAsRedis) {
  EXPECT_EQ(Apply(ConfigId::kMaxMemory, {"100mb"}), "104857600");
  EXPECT_EQ(Apply(ConfigId::kLogLevel, {"WARNING"}), "warning");
  EXPECT_EQ(Apply(ConfigId::kNotifyKeyspaceEvents, {"KEA"}), "AKE");
  EXPECT_EQ(Apply(ConfigId::kNotifyKeyspaceEvents, {"mKg$lshzxetdn"}), "AKm");
  EXPECT_EQ(Apply(ConfigId::kNotifyKeyspaceEvents, {"Exg"}), "gxE");
  EXPECT_EQ(Apply(ConfigId::kOomScoreAdj, {"yes"}), "yes");
  EXPECT_EQ(Apply(ConfigId::kUnixSocketPerm, {"700"}), "700");
  EXPECT_EQ(Apply(ConfigId::kShutdownOnSigint, {"force", "now"}), "now force");
  EXPECT_EQ(Apply(ConfigId::kLatencyTrackingInfoPercentiles,
                  {"50.000", "99.95", "100"}),
            "50 99.95 100");
  EXPECT_EQ(
      Apply(ConfigId::kClientOutputBufferLimit, {"REPLICA", "1mb", "0", "5"}),
      "normal 0 0 0 slave 1048576 0 5 pubsub 33554432 8388608 60");
  EXPECT_EQ(Apply(ConfigId::kReplicaOf, {"10.0.0.1", "06379"}),
            "10.0.0.1 6379");
  EXPECT_EQ(Apply(ConfigId::kReplicaOf, {"NO", "ONE"}), "");
  EXPECT_EQ(Apply(ConfigId::kHz, {"0"}), "1");
  EXPECT_EQ(Apply(ConfigId::kHz, {"100000"}), "500");
}

TEST(ValueTest, RefusesWhatIsOutOfRangeOrNoValue) {
  EXPECT_EQ(Apply(ConfigId::kPort, {"65536"}),
            "! argument must be between 0 and 65535 inclusive");
  EXPECT_EQ(Apply(ConfigId::kUnixSocketPerm, {"1000"}),
            "! argument must be between 0 and 777 inclusive");
  EXPECT_EQ(Apply(ConfigId::kMaxMemory, {"9223372036854775808"}),
            "! argument must be between 0 and 9223372036854775807 inclusive");
  EXPECT_EQ(Apply(ConfigId::kMaxMemory, {"17179869184gb"}),
            "! argument must be a memory value");
  EXPECT_EQ(Apply(ConfigId::kDbFilename, {std::string("a\0b", 3)}),
            "! argument contains a NUL byte");
  EXPECT_EQ(Apply(ConfigId::kMasterAuth, {std::string(8193, 'x')}),
            "! argument is longer than 8192 bytes");
  EXPECT_EQ(Apply(ConfigId::kReplicaOf, {"", "1"}), "! Invalid master host");
  EXPECT_EQ(Apply(ConfigId::kReplicaOf, {std::string(256, 'x'), "1"}),
            "! Invalid master host");
  EXPECT_EQ(Apply(ConfigId::kPort, {}), "! wrong number of arguments");
  EXPECT_EQ(Apply(ConfigId::kPort, {"1", "2"}), "! wrong number of arguments");
  EXPECT_EQ(Apply(ConfigId::kSave, {"1", "99999999999999999999"}),
            "! Invalid save parameters");
  for (const char* value : {"nan", "inf", "", " 5", "5 ", "1e400", "abc"}) {
    EXPECT_NE(Apply(ConfigId::kLatencyTrackingInfoPercentiles, {value, "1"})
                  .find("! "),
              std::string::npos)
        << value;
  }
}

TEST(ValueTest, RefusesWhatIsNotThereYetByName) {
  EXPECT_EQ(Apply(ConfigId::kMaxMemoryPolicy, {"noeviction"}), "noeviction");
  for (const auto& [id, value] : std::vector<std::pair<ConfigId, std::string>>{
           {ConfigId::kClusterEnabled, "yes"},
           {ConfigId::kTlsPort, "6380"},
           {ConfigId::kMaxMemoryPolicy, "allkeys-lru"},
           {ConfigId::kMaxMemoryClients, "10%"}}) {
    const std::string answer = Apply(id, {value});
    EXPECT_EQ(answer.find(absl::StrCat("! '", GetDirective(id).name, " ", value,
                                       "' is not supported by this version of "
                                       "Holdfast: ")),
              0u)
        << answer;
  }
  EXPECT_EQ(Apply(ConfigId::kLoadModule, {"/x.so"}).find("! 'loadmodule'"), 0u);
}

TEST(ValueTest, DirIsResolvedAndMustBeADirectory) {
  EXPECT_EQ(Apply(ConfigId::kDir, {"/usr/../usr/"}), "/usr");
  EXPECT_EQ(Apply(ConfigId::kDir, {"/no/such"}), "! No such file or directory");
  EXPECT_EQ(Apply(ConfigId::kDir, {"/etc/passwd"}), "! Not a directory");
  EXPECT_EQ(Apply(ConfigId::kDir, {""}), "! No such file or directory");
  EXPECT_EQ(Apply(ConfigId::kDir, {std::string(5000, 'x')}),
            "! File name too long");
  ValueSet set = DefaultValues();
  ASSERT_TRUE(ApplyWords(ConfigId::kDir, {"/usr"}, false, &set).ok());
  ASSERT_TRUE(ApplyWords(ConfigId::kDir, {"bin/../lib"}, false, &set).ok());
  EXPECT_EQ(set.at(ConfigId::kDir).text(), "/usr/lib");
}

TEST(ConsistencyTest, NamesBothAndLeavesALoneChangeAlone) {
  ValueSet set = DefaultValues();
  ConfigId culprit = ConfigId::kCount;
  ASSERT_TRUE(ApplyWords(ConfigId::kReplTimeout, {"2"}, false, &set).ok());
  EXPECT_TRUE(CheckConsistency(set, set.is_explicit, &culprit).ok());
  ASSERT_TRUE(
      ApplyWords(ConfigId::kReplPingReplicaPeriod, {"2"}, false, &set).ok());
  const absl::Status status = CheckConsistency(set, set.is_explicit, &culprit);
  EXPECT_EQ(status.message(),
            "repl-ping-replica-period (2 s) must be less than repl-timeout "
            "(2 s)");
  EXPECT_EQ(culprit, ConfigId::kReplTimeout);
  ASSERT_TRUE(
      ApplyWords(ConfigId::kReplPingReplicaPeriod, {"1"}, false, &set).ok());
  EXPECT_TRUE(CheckConsistency(set, set.is_explicit, &culprit).ok());
  ASSERT_TRUE(
      ApplyWords(ConfigId::kReplAckIntervalMs, {"2000"}, false, &set).ok());
  EXPECT_FALSE(CheckConsistency(set, set.is_explicit, &culprit).ok());
}

TEST(ConsistencyTest, BackoffAndBacklogBounds) {
  ConfigId culprit = ConfigId::kCount;
  ValueSet set = DefaultValues();
  ASSERT_TRUE(
      ApplyWords(ConfigId::kReplBackoffCapMs, {"99"}, false, &set).ok());
  EXPECT_FALSE(CheckConsistency(set, set.is_explicit, &culprit).ok());
  ASSERT_TRUE(
      ApplyWords(ConfigId::kReplBackoffCapMs, {"100"}, false, &set).ok());
  EXPECT_TRUE(CheckConsistency(set, set.is_explicit, &culprit).ok());
  ASSERT_TRUE(
      ApplyWords(ConfigId::kReplBacklogSize, {"2gb"}, false, &set).ok());
  EXPECT_TRUE(CheckConsistency(set, set.is_explicit, &culprit).ok());
  ASSERT_TRUE(
      ApplyWords(ConfigId::kReplBacklogMaxBytes, {"1gb"}, false, &set).ok());
  EXPECT_FALSE(CheckConsistency(set, set.is_explicit, &culprit).ok());
  ASSERT_TRUE(
      ApplyWords(ConfigId::kReplBacklogMaxBytes, {"0"}, false, &set).ok());
  EXPECT_TRUE(CheckConsistency(set, set.is_explicit, &culprit).ok());
}

}  // namespace
}  // namespace holdfast::server::config
