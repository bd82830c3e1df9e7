#include "server/config/command_line.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gflags/gflags.h"
#include "glog/logging.h"
#include "gtest/gtest.h"
#include "server/config/test_dir.h"

namespace holdfast::server {
namespace {

using config::TestDir;

absl::Status Parse(std::vector<std::string> args, Config* config,
                   std::FILE* input = nullptr) {
  args.insert(args.begin(), "holdfast");
  std::vector<char*> argv;
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  return ParseCommandLine(static_cast<int>(args.size()), argv.data(), config,
                          input);
}

// CONFIG GET of one directive after a command line, or the error.
std::string Get(const std::vector<std::string>& args, ConfigId id) {
  Config config;
  const absl::Status status = Parse(args, &config);
  return status.ok() ? config.String(id) : std::string(status.message());
}

void ExpectRefused(const std::vector<std::string>& args,
                   const std::string& line, const std::string& reason) {
  Config config;
  const absl::Status status = Parse(args, &config);
  EXPECT_TRUE(absl::StrContains(status.message(), line)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), reason)) << status;
  Config untouched;
  EXPECT_EQ(config.Get({"*"}), untouched.Get({"*"}));
}

TEST(CommandLineTest, RedisSpelling) {
  EXPECT_EQ(Get({"--port", "7000"}, ConfigId::kPort), "7000");
  EXPECT_EQ(Get({"--port 7000"}, ConfigId::kPort), "7000");
  EXPECT_EQ(Get({"--PORT", "7000", "--port", "7001"}, ConfigId::kPort), "7001");
  EXPECT_EQ(Get({"--appendonly", "no", "--port", "1"}, ConfigId::kPort), "1");
  EXPECT_EQ(Get({"--save", "900", "1", "--save", "60", "10"}, ConfigId::kSave),
            "900 1 60 10");
  EXPECT_EQ(Get({"--save", "900 1 60 10"}, ConfigId::kSave), "900 1 60 10");
  EXPECT_EQ(Get({"--save", ""}, ConfigId::kSave), "");
  EXPECT_EQ(Get({"--save"}, ConfigId::kSave), "");
  EXPECT_EQ(Get({"--save", "--port", "1"}, ConfigId::kSave), "");
  EXPECT_EQ(Get({"--save 1 2", "3", "4"}, ConfigId::kSave), "1 2 3 4");
  EXPECT_EQ(Get({"--bind", "127.0.0.1", "::1"}, ConfigId::kBind),
            "127.0.0.1 ::1");
  EXPECT_EQ(Get({"--bind", "127.0.0.1", "-::1"}, ConfigId::kBind),
            "127.0.0.1 -::1");
  EXPECT_EQ(
      Get({"--list-max-listpack-size", "-5"}, ConfigId::kListMaxListpackSize),
      "-5");
  EXPECT_EQ(Get({"--requirepass", "--secret"}, ConfigId::kRequirePass),
            "--secret");
  EXPECT_EQ(Get({"--replicaof", "h", "1"}, ConfigId::kReplicaOf), "h 1");
  EXPECT_EQ(Get({"--slaveof", "no one"}, ConfigId::kReplicaOf), "");
  EXPECT_EQ(Get({"--shutdown-on-sigint", "now", "force"},
                ConfigId::kShutdownOnSigint),
            "now force");
  EXPECT_EQ(Get({"--client-output-buffer-limit", "normal", "1", "2", "3"},
                ConfigId::kClientOutputBufferLimit),
            "normal 1 2 3 slave 268435456 67108864 60 pubsub 33554432 8388608 "
            "60");
}

TEST(CommandLineTest, GoogleSpelling) {
  EXPECT_EQ(Get({"--repl_timeout=50"}, ConfigId::kReplTimeout), "50");
  EXPECT_EQ(Get({"--repl-timeout=50"}, ConfigId::kReplTimeout), "50");
  EXPECT_EQ(Get({"-repl_timeout=50"}, ConfigId::kReplTimeout), "50");
  EXPECT_EQ(Get({"--repl_timeout", "50"}, ConfigId::kReplTimeout), "50");
  EXPECT_EQ(Get({"--save=900 1 60 10"}, ConfigId::kSave), "900 1 60 10");
  EXPECT_EQ(Get({"--save="}, ConfigId::kSave), "");
  EXPECT_EQ(Get({"--requirepass=a=b c"}, ConfigId::kRequirePass), "a=b c");
  EXPECT_EQ(Get({"--norepl_diskless_sync"}, ConfigId::kReplDisklessSync), "no");
  EXPECT_EQ(Get({"--norepl-diskless-sync", "--port", "1"},
                ConfigId::kReplDisklessSync),
            "no");
  EXPECT_EQ(
      Get({"--latency-tracking", "--port", "1"}, ConfigId::kLatencyTracking),
      "yes");
  EXPECT_EQ(Get({"--rdbcompression=no"}, ConfigId::kRdbCompression), "no");
  EXPECT_EQ(Get({"--no-appendfsync-on-rewrite", "yes"},
                ConfigId::kNoAppendFsyncOnRewrite),
            "yes");
  EXPECT_EQ(Get({"--bio-cpulist", "1"}, ConfigId::kBioCpuList),
            Get({"--bio_cpulist=1"}, ConfigId::kBioCpuList));
  Config config;
  ASSERT_TRUE(
      Parse({"--user=alice on", "--rename-command", "A", "B"}, &config).ok());
  EXPECT_EQ(config.Lines(ConfigId::kUser)[0],
            std::vector<std::string>({"alice", "on"}));
  EXPECT_EQ(config.Lines(ConfigId::kRenameCommand)[0],
            std::vector<std::string>({"A", "B"}));
}

TEST(CommandLineTest, RefusalsShowTheOptionAndTheReason) {
  ExpectRefused({"--port"}, "'port'", "wrong number of arguments");
  ExpectRefused({"--port", "6380", "--loglevel"}, "'loglevel'",
                "wrong number of arguments");
  ExpectRefused({"--port", "6379", "6380"}, "'port \"6379\" \"6380\"'",
                "wrong number of arguments");
  ExpectRefused({"--port", "--loglevel", "verbose"},
                "'port \"--loglevel\" \"verbose\"'",
                "wrong number of arguments");
  ExpectRefused({"--port", "--bla", "--loglevel", "verbose"},
                "'port \"--bla\"'",
                "argument couldn't be parsed into an integer");
  ExpectRefused({"--masteruser", "--x", "--loglevel", "--bla"},
                "'loglevel \"--bla\"'",
                "argument(s) must be one of the following: debug");
  ExpectRefused({"--shutdown-on-sigint"}, "'shutdown-on-sigint'",
                "argument(s) must be one of the following");
  ExpectRefused({"--replicaof", "127.0.0.1", "abc"},
                "'replicaof \"127.0.0.1\" \"abc\"'", "Invalid master port");
  ExpectRefused({"--replicaof", "--127.0.0.1", "--abc"},
                "'replicaof \"--127.0.0.1\"'", "wrong number of arguments");
  ExpectRefused({"--prot", "7000"}, "'prot \"7000\"'", "Bad directive");
  ExpectRefused({"--prot=7000"}, "'prot \"7000\"'", "Bad directive");
  ExpectRefused({"--"}, "''", "Bad directive");
  ExpectRefused({"-x"}, "'x'", "Bad directive");
  ExpectRefused({"--port=1", "2"}, "Unexpected argument '2'", "");
  ExpectRefused({"--noport"}, "'noport'", "Bad directive");
  ExpectRefused({"--daemonize", "yes"}, "'daemonize \"yes\"'",
                "'daemonize yes' is not supported");
  ExpectRefused({"--repl-timeout", "3", "--repl-ping-replica-period", "3"},
                "repl-ping-replica-period (3 s)", "repl-timeout (3 s)");
  ExpectRefused({"/no/such/file"}, "'/no/such/file'", "No such file");
  ExpectRefused({"a.conf", "--config_file=b.conf"}, "'a.conf'", "'b.conf'");
}

TEST(CommandLineTest, OptionsOverrideTheFileWhereverTheyStand) {
  TestDir dir;
  const std::string path = dir.Write(
      "r.conf", "port 1\nsave 1 1\nsave 2 2\ntimeout 3\nloglevel debug\n");
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{path, "--port", "9", "--save", "5", "5"},
        {"--port", "9", "--save", "5", "5", "--config_file", path},
        {"--port=9", absl::StrCat("--config-file=", path), "--save", "5 5"}}) {
    Config config;
    const absl::Status status = Parse(args, &config);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(config.String(ConfigId::kPort), "9");
    // Save points add up, as redis-server's do.
    EXPECT_EQ(config.String(ConfigId::kSave), "1 1 2 2 5 5");
    EXPECT_EQ(config.String(ConfigId::kTimeout), "3");
    EXPECT_EQ(config.config_file(), path);
  }
}

TEST(CommandLineTest, DashReadsStandardInput) {
  std::string text = "port 5\ntimeout 6\n";
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"-", "--port", "7"}, {"--port", "7", "-"}}) {
    std::FILE* input = fmemopen(text.data(), text.size(), "r");
    Config config;
    const absl::Status status = Parse(args, &config, input);
    std::fclose(input);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(config.String(ConfigId::kPort), "7");
    EXPECT_EQ(config.String(ConfigId::kTimeout), "6");
  }
}

TEST(CommandLineTest, FlagsOfGflagsAndGlogWork) {
  Config config;
  ASSERT_TRUE(Parse({"--v=2", "--port", "1", "--minloglevel", "1",
                     "--nologtostderr", "--alsologtostderr"},
                    &config)
                  .ok());
  EXPECT_EQ(FLAGS_v, 2);
  EXPECT_EQ(FLAGS_minloglevel, 1);
  EXPECT_TRUE(FLAGS_alsologtostderr);
  EXPECT_EQ(config.Int(ConfigId::kPort), 1);
}

TEST(CommandLineTest, FlagFilesRankBetweenFileAndOptions) {
  TestDir dir;
  const std::string conf =
      dir.Write("r.conf", "port 1\ntimeout 1\ndatabases 1\nsave 1 1\n");
  // A flag that is set to the default counts as set.
  const std::string flags = dir.Write(
      "flags", "--port=6379\n--timeout=2\n--save=7 7 8 8\n--maxmemory=1gb\n");
  Config config;
  const absl::Status status = Parse(
      {conf, absl::StrCat("--flagfile=", flags), "--timeout", "3"}, &config);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(config.String(ConfigId::kPort), "6379");
  EXPECT_EQ(config.String(ConfigId::kTimeout), "3");
  EXPECT_EQ(config.String(ConfigId::kDatabases), "1");
  EXPECT_EQ(config.String(ConfigId::kSave), "7 7 8 8");
  EXPECT_EQ(config.Int(ConfigId::kMaxMemory), 1 << 30);
  Config next;
  ASSERT_TRUE(Parse({}, &next).ok());
  EXPECT_FALSE(next.IsExplicit(ConfigId::kPort)) << "left over in the flags";
  EXPECT_EQ(next.Int(ConfigId::kMaxMemory), 0);
  const std::string bad = dir.Write("bad", "--port=x\n");
  ExpectRefused({absl::StrCat("--flagfile=", bad)}, "'port \"x\"'",
                "argument couldn't be parsed into an integer");
}

TEST(CommandLineTest, EveryDirectiveIsARealFlagWithHelp) {
  Config config;
  ASSERT_TRUE(
      Parse({"--maxmemory", "5mb", "--requirepass", "s"}, &config).ok());
  for (size_t i = 0; i < kConfigCount; ++i) {
    const config::Directive& d = config::GetDirective(static_cast<ConfigId>(i));
    gflags::CommandLineFlagInfo info;
    ASSERT_TRUE(
        gflags::GetCommandLineFlagInfo(config::FlagName(d.name).c_str(), &info))
        << d.name;
    EXPECT_TRUE(absl::StrContains(info.description, d.help));
    EXPECT_TRUE(absl::StrContains(info.description, d.unit));
  }
  gflags::CommandLineFlagInfo info;
  ASSERT_TRUE(gflags::GetCommandLineFlagInfo("repl_backlog_size", &info));
  EXPECT_EQ(info.default_value, "64mb");
  std::string value;
  ASSERT_TRUE(gflags::GetCommandLineOption("maxmemory", &value));
  EXPECT_EQ(value, "5242880");
  ASSERT_TRUE(gflags::GetCommandLineOption("requirepass", &value));
  EXPECT_EQ(value, "") << "a secret in the flags";
}

using CommandLineDeathTest = testing::Test;

TEST(CommandLineDeathTest, HelpListsDirectivesAndExits) {
  Config config;
  EXPECT_EXIT(
      {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        (void)Parse({"--help"}, &config).ok();
      },
      testing::ExitedWithCode(1), "repl_backlog_max_bytes");
}

}  // namespace
}  // namespace holdfast::server

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
