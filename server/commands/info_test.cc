#include "server/commands/info.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/commands/admin_testing.h"
#include "server/commands/client.h"
#include "server/commands/config_command.h"
#include "server/commands/connection.h"
#include "server/commands/info_sections.h"
#include "server/commands/string.h"
#include "server/transaction/transaction.h"

namespace holdfast::server {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

class InfoTest : public testing::Test {
 protected:
  AdminBench bench{{InfoCommands(), ConfigCommands(), ClientCommands(),
                    ConnectionCommands(), StringCommands(),
                    TransactionCommands()}};
  std::string Info(absl::string_view sections) {
    const std::vector<absl::string_view> names =
        absl::StrSplit(sections, ' ', absl::SkipEmpty());
    return InfoText(*bench.engine, names);
  }
  // The value of a field, "none" without it.
  std::string Field(absl::string_view section, absl::string_view name) {
    for (const absl::string_view line : absl::StrSplit(Info(section), "\r\n")) {
      const std::pair<absl::string_view, absl::string_view> field =
          absl::StrSplit(line, absl::MaxSplits(':', 1));
      if (field.first == name) return std::string(field.second);
    }
    return "none";
  }
};

TEST_F(InfoTest, EveryLineIsATitleOrAFieldAndNoFieldComesTwice) {
  bench.Run("SET k v");
  bench.Run("SET k");
  std::map<std::string, int> seen;
  std::vector<std::string> lines = absl::StrSplit(Info("everything"), "\r\n");
  ASSERT_EQ(lines.back(), "");
  lines.pop_back();
  for (const std::string& line : lines) {
    if (line.empty() || line[0] == '#') continue;
    EXPECT_THAT(line, MatchesRegex("[a-z_0-9|A-Z-]+:.*"));
    EXPECT_EQ(++seen[line.substr(0, line.find(':'))], 1) << line;
  }
  EXPECT_GT(seen.size(), 100u);
}

TEST_F(InfoTest, SectionsAreChosenByNameInAnyCaseAndComeOnceInOneOrder) {
  EXPECT_EQ(Info("nosuch"), "");
  EXPECT_EQ(Info("CLUSTER"), "# Cluster\r\ncluster_enabled:0\r\n");
  EXPECT_EQ(Info("keyspace cluster Cluster nosuch"),
            "# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\n");
  EXPECT_THAT(Info(""), Not(HasSubstr("# Commandstats")));
  EXPECT_THAT(Info("default commandstats"), HasSubstr("# Commandstats"));
  EXPECT_THAT(Info("default commandstats"), HasSubstr("# Server"));
  EXPECT_EQ(Info("all").substr(0, 8), "# Server");
  for (const InfoSection& section : InfoSections())
    EXPECT_THAT(Info("all"), HasSubstr(section.title));
}

TEST_F(InfoTest, ReplyIsABulkStringAndInResp3AVerbatimOne) {
  EXPECT_EQ(bench.Run("INFO cluster"),
            "$30\r\n# Cluster\r\ncluster_enabled:0\r\n\r\n");
  bench.Run("HELLO 3");
  EXPECT_EQ(bench.Run("INFO cluster"),
            "=34\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n\r\n");
}

TEST_F(InfoTest, FieldsThatMonitoringReadsAreThere) {
  // What redis_exporter, telegraf and Datadog's agent take for granted.
  for (const char* name : {"redis_version",
                           "redis_mode",
                           "os",
                           "process_id",
                           "uptime_in_seconds",
                           "tcp_port",
                           "connected_clients",
                           "blocked_clients",
                           "maxclients",
                           "used_memory",
                           "used_memory_rss",
                           "used_memory_peak",
                           "used_memory_lua",
                           "maxmemory",
                           "maxmemory_policy",
                           "mem_fragmentation_ratio",
                           "mem_allocator",
                           "loading",
                           "rdb_changes_since_last_save",
                           "rdb_bgsave_in_progress",
                           "rdb_last_save_time",
                           "rdb_last_bgsave_status",
                           "rdb_last_bgsave_time_sec",
                           "aof_enabled",
                           "aof_last_bgrewrite_status",
                           "aof_last_write_status",
                           "total_connections_received",
                           "total_commands_processed",
                           "instantaneous_ops_per_sec",
                           "total_net_input_bytes",
                           "total_net_output_bytes",
                           "rejected_connections",
                           "sync_full",
                           "expired_keys",
                           "evicted_keys",
                           "keyspace_hits",
                           "keyspace_misses",
                           "pubsub_channels",
                           "latest_fork_usec",
                           "role",
                           "connected_slaves",
                           "master_repl_offset",
                           "repl_backlog_size",
                           "used_cpu_sys",
                           "used_cpu_user",
                           "cluster_enabled"}) {
    EXPECT_NE(Field("default", name), "none") << name;
  }
}

TEST_F(InfoTest, NumbersAreThoseOfTheServer) {
  bench.clock.Advance(absl::Hours(25));
  EXPECT_EQ(Field("server", "uptime_in_seconds"), "90000");
  EXPECT_EQ(Field("server", "uptime_in_days"), "1");
  bench.AddClient();
  bench.AddClient().session->kind.store(SessionKind::kReplica);
  EXPECT_EQ(Field("clients", "connected_clients"), "2");
  bench.clients[1].session->Kill();
  EXPECT_EQ(Field("clients", "connected_clients"), "1");
  EXPECT_EQ(Field("replication", "role"), "master");
  bench.engine->role().is_replica.store(true);
  EXPECT_EQ(Field("replication", "role"), "slave");
  bench.engine->role().is_replica.store(false);
  bench.engine->replication().info = [](std::string* out) {
    *out += "connected_slaves:7\r\n";
  };
  EXPECT_EQ(Info("replication"),
            "# Replication\r\nrole:master\r\nconnected_slaves:7\r\n");
}

TEST_F(InfoTest, KeyspaceShowsDatabasesThatHaveKeys) {
  bench.Run("SET a 1");
  bench.Run("SET b 1 EX 100");
  bench.Run("SELECT 9");
  bench.Run("SET c 1");
  EXPECT_EQ(Info("keyspace"),
            "# "
            "Keyspace\r\ndb0:keys=2,expires=1,avg_ttl=0\r\ndb9:keys=1,expires="
            "0,avg_ttl=0\r\n");
}

TEST_F(InfoTest, CommandStatsTellCallsRejectionsAndFailuresApart) {
  bench.Run("SET k v");
  bench.Run("SET k");
  bench.Run("SET k v nonsense");
  bench.Run("CLIENT ID");
  const std::string text = Info("commandstats");
  EXPECT_THAT(text, HasSubstr("cmdstat_set:calls=2,usec=0,usec_per_call=0.00,"
                              "rejected_calls=1,failed_calls=1\r\n"));
  EXPECT_THAT(text, HasSubstr("cmdstat_client|id:calls=1,"));
  EXPECT_THAT(text, Not(HasSubstr("cmdstat_get:")));
  EXPECT_THAT(Info("errorstats"), HasSubstr("errorstat_ERR:count=2\r\n"));
  EXPECT_EQ(Field("stats", "total_error_replies"), "2");
  EXPECT_EQ(bench.Run("CONFIG RESETSTAT"), "+OK\r\n");
  EXPECT_EQ(Info("errorstats"), "# Errorstats\r\n");
  EXPECT_EQ(Field("stats", "total_error_replies"), "0");
}

TEST_F(InfoTest, LatencyStatsFollowTheConfiguration) {
  bench.Run("SET k v");
  EXPECT_THAT(Info("latencystats"),
              MatchesRegex("# "
                           "Latencystats\r\n.*latency_percentiles_usec_set:p50="
                           "0.000,p99=0.000,p99.9=0.000\r\n.*"));
  bench.Run("CONFIG RESETSTAT");
  EXPECT_EQ(bench.RunArgs({"CONFIG", "SET", "latency-tracking-info-percentiles",
                           "0.0 50.0 100.0"}),
            "+OK\r\n");
  bench.Run("SET k v");
  EXPECT_THAT(
      Info("latencystats"),
      HasSubstr(
          "latency_percentiles_usec_set:p0=0.000,p50=0.000,p100=0.000\r\n"));
  bench.Run("CONFIG SET latency-tracking no");
  EXPECT_EQ(Info("latencystats"), "# Latencystats\r\n");
}

TEST_F(InfoTest, SizesForPeople) {
  EXPECT_EQ(HumanBytes(0), "0B");
  EXPECT_EQ(HumanBytes(1023), "1023B");
  EXPECT_EQ(HumanBytes(1024), "1.00K");
  EXPECT_EQ(HumanBytes(1536 * 1024), "1.50M");
  EXPECT_EQ(HumanBytes(uint64_t{5} << 40), "5.00T");
  EXPECT_EQ(HumanBytes(~uint64_t{0}), "16.00E");
}

}  // namespace
}  // namespace holdfast::server
