#include "server/config/config.h"

#include <sys/stat.h>

#include <random>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "server/config/test_dir.h"

namespace holdfast::server {
namespace {

using config::TestDir;

std::string Joined(const std::vector<Config::NameValue>& pairs) {
  return absl::StrJoin(pairs, " ", absl::PairFormatter("="));
}

std::string SetError(Config* config, std::vector<Config::NameValue> pairs,
                     Config::SetContext context = {}) {
  return std::string(config->Set(pairs, context).message());
}

// The reason of a refused text: the last line of the block.
std::string LoadError(absl::string_view text) {
  Config config;
  const absl::Status status = config.LoadText(text);
  if (status.ok()) return "accepted";
  const std::vector<std::string> lines = absl::StrSplit(status.message(), '\n');
  return lines.back();
}

TEST(ConfigLoadTest, ReadsRedisConfGrammar) {
  Config config;
  const absl::Status status = config.LoadText(
      "# a comment\r\n"
      "\n"
      "   PORT 7000   \r\n"
      "requirepass \"a b\\x00c\"\n"
      "slave-priority 7\n"
      "save 900 1\nsave 60 5\n"
      "bind 127.0.0.1 -::1\n"
      "client-output-buffer-limit pubsub 1mb 2kb 3\n"
      "shutdown-on-sigterm \"save now\"\n"
      "rename-command CONFIG \"\"\n"
      "user alice on >secret ~*\n"
      "user bob off\n"
      "lua-replicate-commands yes\n"
      "replicaof primary.example 6379");
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(config.Int(ConfigId::kPort), 7000);
  EXPECT_EQ(config.String(ConfigId::kRequirePass), std::string("a b\0c", 5));
  EXPECT_EQ(config.Int(ConfigId::kReplicaPriority), 7);
  EXPECT_EQ(config.String(ConfigId::kSave), "900 1 60 5");
  ASSERT_EQ(config.SavePoints().size(), 2u);
  EXPECT_EQ(config.SavePoints()[1].period, absl::Seconds(60));
  EXPECT_EQ(config.List(ConfigId::kBind),
            std::vector<std::string>({"127.0.0.1", "-::1"}));
  EXPECT_EQ(config.BufferLimit(ClientClass::kPubsub).hard_bytes, 1 << 20);
  EXPECT_EQ(config.BufferLimit(ClientClass::kPubsub).soft_time,
            absl::Seconds(3));
  EXPECT_EQ(config.BufferLimit(ClientClass::kReplica).hard_bytes, 256 << 20);
  EXPECT_EQ(config.Int(ConfigId::kShutdownOnSigterm),
            kShutdownSave | kShutdownNow);
  EXPECT_EQ(config.Lines(ConfigId::kUser).size(), 2u);
  EXPECT_EQ(config.Lines(ConfigId::kRenameCommand)[0][1], "");
  ASSERT_TRUE(config.ReplicaOf().has_value());
  EXPECT_EQ(config.ReplicaOf()->host, "primary.example");
  EXPECT_TRUE(config.IsExplicit(ConfigId::kPort));
  EXPECT_FALSE(config.IsExplicit(ConfigId::kTimeout));
}

TEST(ConfigLoadTest, SaveLinesReplaceTheDefaultAndEmptyClears) {
  Config config;
  ASSERT_TRUE(config.LoadText("save 1 2\nsave \"\"\nsave 3 4").ok());
  EXPECT_EQ(config.String(ConfigId::kSave), "3 4");
  ASSERT_TRUE(config.LoadText("save ''").ok());
  EXPECT_EQ(config.String(ConfigId::kSave), "");
  ASSERT_TRUE(config.LoadText("save 1 2 3 4").ok());
  EXPECT_EQ(config.SavePoints().size(), 2u);
}

TEST(ConfigLoadTest, ErrorsSayWhereWhatAndWhy) {
  Config config;
  const absl::Status status = config.LoadText("port 1\n\n timeout x \nport 2");
  EXPECT_EQ(status.message(),
            "\n*** FATAL CONFIG FILE ERROR (Holdfast, for Redis 7.0.15) ***\n"
            "Reading the configuration file, at line 3 of the given text\n"
            ">>> 'timeout x'\n"
            "argument couldn't be parsed into an integer");
  EXPECT_EQ(config.Int(ConfigId::kPort), 6379) << "half a text was applied";
}

TEST(ConfigLoadTest, RefusesHostileText) {
  EXPECT_EQ(LoadError("port"), "wrong number of arguments");
  EXPECT_EQ(LoadError("port 1 2"), "wrong number of arguments");
  EXPECT_EQ(LoadError("no-such-thing 1"),
            "Bad directive or wrong number of arguments");
  EXPECT_EQ(LoadError("include"), "Bad directive or wrong number of arguments");
  EXPECT_EQ(LoadError("rename-command a"),
            "Bad directive or wrong number of arguments");
  EXPECT_EQ(LoadError("logfile \"x"),
            "Unbalanced quotes in configuration line");
  EXPECT_EQ(LoadError("save \"900 'x\""),
            "Unbalanced quotes in configuration line");
  EXPECT_EQ(LoadError("\"\" 1"), "Bad directive or wrong number of arguments");
  EXPECT_EQ(LoadError("sentinel monitor x"),
            "sentinel directive while not in sentinel mode");
  EXPECT_EQ(LoadError("mymodule.x"), "Module config specified without value");
  EXPECT_EQ(LoadError("mymodule.x 1"),
            "Module config for a module that is not loaded");
  EXPECT_EQ(LoadError(absl::string_view("port 1\0", 7)),
            "Line contains a NUL byte");
  EXPECT_EQ(LoadError(absl::StrCat("logfile ", std::string(70000, 'x'))),
            "Line is longer than 65536 bytes");
  EXPECT_EQ(LoadError("logfile /no/such/dir/log"),
            "Can't open the log file: No such file or directory");
  EXPECT_EQ(LoadError("repl-timeout 5\nrepl-ping-replica-period 9"),
            "repl-ping-replica-period (9 s) must be less than repl-timeout (5 "
            "s)");
  EXPECT_EQ(LoadError("repl-timeout 5"), "accepted");
  EXPECT_EQ(LoadError("\r\n\r\n#\n\t\n"), "accepted");
}

TEST(ConfigLoadTest, ErrorsKeepSecretsAndControlCharactersOut) {
  Config config;
  std::string text(config.LoadText("requirepass hunter2 extra").message());
  EXPECT_FALSE(absl::StrContains(text, "hunter2")) << text;
  text = std::string(config.LoadText("bad\x1b[31m x").message());
  EXPECT_FALSE(absl::StrContains(text, '\x1b')) << text;
}

TEST(ConfigLoadTest, RandomTextNeverCrashes) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  const absl::string_view alphabet = "ab \"'\\x0n\n\t#-1%\x7f\xff";
  for (int i = 0; i < 300; ++i) {
    std::string text(
        config::AllNames()[random() % config::AllNames().size()].name);
    if (text == "logfile" || text == "dir") continue;
    for (unsigned n = random() % 40; n > 0; --n) {
      text.push_back(alphabet[random() % alphabet.size()]);
    }
    Config config;
    (void)config.LoadText(text).ok();
  }
}

TEST(ConfigFileTest, IncludesFilesAndPatterns) {
  TestDir dir;
  dir.Write("b.inc", "port 2\ntimeout 3");
  dir.Write("a.inc", "port 1");
  const std::string path = dir.Write(
      "main.conf", absl::StrCat("dir ", dir.path(),
                                "\ninclude *.inc\ninclude none-*.inc\n"
                                "include a.inc\n"));
  Config config;
  const absl::Status status = config.SetFromFile(path);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(config.Int(ConfigId::kPort), 1);
  EXPECT_EQ(config.Int(ConfigId::kTimeout), 3);
  EXPECT_EQ(config.config_file(), path);
  EXPECT_EQ(config.ResolvePath("x.rdb"), dir.Join("x.rdb"));
}

TEST(ConfigFileTest, ErrorsInIncludedFilesNameTheFile) {
  TestDir dir;
  const std::string bad = dir.Write("bad.inc", "\nport x");
  const std::string path = dir.Write("m.conf", absl::StrCat("include ", bad));
  Config config;
  const std::string text(config.SetFromFile(path).message());
  EXPECT_TRUE(absl::StrContains(text, absl::StrCat("line 2 of ", bad))) << text;
  EXPECT_EQ(config.config_file(), "");
}

TEST(ConfigFileTest, RefusesMissingUnreadableAndEndlessFiles) {
  TestDir dir;
  Config config;
  EXPECT_TRUE(absl::StrContains(config.SetFromFile("/no/such").message(),
                                "can't open config file '/no/such': No such"));
  EXPECT_TRUE(absl::StrContains(config.SetFromFile(dir.path()).message(),
                                "Is a directory"));
  EXPECT_TRUE(absl::StrContains(config.SetFromFile("/dev/zero").message(),
                                "larger than 64mb"));
  const std::string self = dir.Write(
      "self.conf", absl::StrCat("include ", dir.Join("se*.conf"), "\n",
                                "include ", dir.Join("self.conf")));
  EXPECT_TRUE(absl::StrContains(config.SetFromFile(self).message(),
                                "too many included files"));
  const std::string missing = dir.Write("missing.conf", "include /no/such.inc");
  EXPECT_TRUE(absl::StrContains(config.SetFromFile(missing).message(),
                                "can't open config file '/no/such.inc'"));
}

TEST(ConfigGetTest, NamesAliasesAndPatternsOnceEach) {
  Config config;
  EXPECT_EQ(Joined(config.Get({"port"})), "port=6379");
  EXPECT_EQ(Joined(config.Get({"PORT", "p?rt", "port"})), "PORT=6379");
  EXPECT_EQ(Joined(config.Get({"slave-priority", "replica-priority"})),
            "slave-priority=100 replica-priority=100");
  EXPECT_EQ(Joined(config.Get({"m?n-*-max-lag"})),
            "min-replicas-max-lag=10 min-slaves-max-lag=10");
  EXPECT_EQ(Joined(config.Get({"nothing", "", "*no*such*"})), "");
  EXPECT_EQ(Joined(config.Get({"key-load-*"})), "");
  EXPECT_EQ(Joined(config.Get({"key-load-delay"})), "key-load-delay=0");
  EXPECT_EQ(Joined(config.Get({"user"})), "");
  EXPECT_EQ(Joined(config.Get({"user*"})), "");
}

TEST(ConfigSetTest, AllOrNothing) {
  Config config;
  EXPECT_EQ(SetError(&config, {{"timeout", "5"}, {"Slave-Priority", "9"}}), "");
  EXPECT_EQ(config.Int(ConfigId::kTimeout), 5);
  EXPECT_EQ(config.Int(ConfigId::kReplicaPriority), 9);
  EXPECT_EQ(
      SetError(&config, {{"timeout", "6"}, {"slave-priority", "x"}}),
      "ERR CONFIG SET failed (possibly related to argument 'slave-priority') - "
      "argument couldn't be parsed into an integer");
  EXPECT_EQ(config.Int(ConfigId::kTimeout), 5);
  EXPECT_EQ(SetError(&config, {{"timeout", "6"}, {"TIMEOUT", "7"}}),
            "ERR CONFIG SET failed (possibly related to argument 'TIMEOUT') - "
            "duplicate parameter");
  EXPECT_EQ(SetError(&config, {{"timeout", "6"}, {"what", "7"}}),
            "ERR Unknown option or number of arguments for CONFIG SET - "
            "'what'");
  EXPECT_EQ(SetError(&config, {{"timeout", "6"}, {"databases", "7"}}),
            "ERR CONFIG SET failed (possibly related to argument 'databases') "
            "- can't set immutable config");
  EXPECT_EQ(config.Int(ConfigId::kTimeout), 5);
}

TEST(ConfigSetTest, ProtectedAndLoading) {
  TestDir dir;
  Config config;
  const std::string refused =
      "ERR CONFIG SET failed (possibly related to argument 'dbfilename') - "
      "can't set protected config";
  EXPECT_EQ(SetError(&config, {{"dbfilename", "x"}}), refused);
  EXPECT_EQ(SetError(&config, {{"dbfilename", "x"}}, {.local_client = true}),
            refused);
  ASSERT_TRUE(config.LoadText("enable-protected-configs local").ok());
  EXPECT_EQ(SetError(&config, {{"dbfilename", "x"}}), refused);
  EXPECT_EQ(SetError(&config, {{"dbfilename", "x"}}, {.local_client = true}),
            "");
  EXPECT_EQ(SetError(&config, {{"dir", dir.path()}},
                     {.local_client = true, .loading = true}),
            "LOADING Redis is loading the dataset in memory");
  EXPECT_EQ(SetError(&config, {{"dir", dir.path()}}, {.local_client = true}),
            "");
  EXPECT_EQ(config.String(ConfigId::kDir), dir.path());
}

TEST(ConfigSetTest, ContradictionsNameBothValues) {
  Config config;
  EXPECT_EQ(SetError(&config, {{"repl-timeout", "2"}}), "");
  EXPECT_EQ(config.EffectivePingPeriod(), absl::Seconds(1));
  EXPECT_EQ(
      SetError(&config, {{"repl-ping-slave-period", "2"}}),
      "ERR CONFIG SET failed (possibly related to argument "
      "'repl-ping-slave-period') - repl-ping-replica-period (2 s) must be less "
      "than repl-timeout (2 s)");
  EXPECT_FALSE(config.IsExplicit(ConfigId::kReplPingReplicaPeriod));
  EXPECT_EQ(SetError(&config, {{"repl-ping-replica-period", "9"},
                               {"repl-timeout", "10"}}),
            "");
  EXPECT_EQ(config.EffectivePingPeriod(), absl::Seconds(9));
  EXPECT_TRUE(absl::StrContains(SetError(&config, {{"repl-timeout", "9"}}),
                                "argument 'repl-timeout')"));
  EXPECT_EQ(SetError(&config, {{"timeout", "1"}}), "");
}

TEST(ConfigSetTest, HooksRunAfterTheChangeAndRollBackOnFailure) {
  Config config;
  std::vector<std::string> log;
  bool fail = false;
  config.OnChange(ConfigId::kTimeout, [&] {
    log.push_back(absl::StrCat("timeout ", config.Int(ConfigId::kTimeout)));
    return absl::OkStatus();
  });
  config.OnChange(ConfigId::kPort, [&] {
    log.push_back(absl::StrCat("port ", config.Int(ConfigId::kPort)));
    return fail && config.Int(ConfigId::kPort) != 6379
               ? absl::UnavailableError("Unable to listen on this port.")
               : absl::OkStatus();
  });
  EXPECT_EQ(SetError(&config, {{"timeout", "0"}}), "");
  EXPECT_TRUE(log.empty()) << "nothing changed";
  fail = true;
  EXPECT_EQ(SetError(&config, {{"port", "1"}, {"timeout", "5"}}),
            "ERR CONFIG SET failed (possibly related to argument 'port') - "
            "Unable to listen on this port.");
  EXPECT_EQ(absl::StrJoin(log, ","), "timeout 5,port 1,timeout 0,port 6379");
  EXPECT_EQ(config.Int(ConfigId::kTimeout), 0);
  EXPECT_FALSE(config.IsExplicit(ConfigId::kPort));
  log.clear();
  EXPECT_EQ(SetError(&config, {{"maxclients", "5"}}), "");
  EXPECT_TRUE(log.empty());
}

TEST(ConfigSetTest, ValidatorsRefuseBeforeAnythingChanges) {
  Config config;
  bool applied = false;
  config.AddValidator(ConfigId::kMaxClients, [](const std::string& value) {
    return value == "7" ? absl::InvalidArgumentError("seven")
                        : absl::OkStatus();
  });
  config.OnChange(ConfigId::kTimeout, [&] {
    applied = true;
    return absl::OkStatus();
  });
  EXPECT_EQ(SetError(&config, {{"timeout", "5"}, {"maxclients", "7"}}),
            "ERR CONFIG SET failed (possibly related to argument 'maxclients') "
            "- seven");
  EXPECT_FALSE(applied);
  EXPECT_EQ(config.Int(ConfigId::kTimeout), 0);
}

TEST(ConfigSetTest, VolatileDirectivesApplyEvenUnchanged) {
  Config config;
  int calls = 0;
  config.OnChange(ConfigId::kTlsCertFile, [&] {
    ++calls;
    return absl::OkStatus();
  });
  EXPECT_EQ(SetError(&config, {{"tls-cert-file", "x"}}), "");
  EXPECT_EQ(SetError(&config, {{"tls-cert-file", "x"}}), "");
  EXPECT_EQ(calls, 2);
}

TEST(ConfigTest, TwoServersInOneProcessAreApart) {
  TestDir dir_a, dir_b;
  Config a, b;
  ASSERT_TRUE(a.LoadText(absl::StrCat("port 1\ndir ", dir_a.path())).ok());
  ASSERT_TRUE(b.LoadText(absl::StrCat("port 2\ndir ", dir_b.path())).ok());
  EXPECT_EQ(SetError(&a, {{"maxmemory", "1mb"}}), "");
  EXPECT_EQ(b.Int(ConfigId::kMaxMemory), 0);
  EXPECT_EQ(a.Int(ConfigId::kPort), 1);
  EXPECT_EQ(b.Int(ConfigId::kPort), 2);
  EXPECT_EQ(a.ResolvePath("f"), dir_a.Join("f"));
  EXPECT_EQ(b.ResolvePath("f"), dir_b.Join("f"));
}

TEST(ConfigTest, DerivedSettings) {
  Config config;
  EXPECT_EQ(config.EffectivePingPeriod(), absl::Seconds(5));
  EXPECT_EQ(config.EffectiveAckInterval(), absl::Seconds(1));
  EXPECT_EQ(config.EffectiveReplTimeout(false), absl::Seconds(60));
  EXPECT_EQ(config.EffectiveReplTimeout(true), absl::Seconds(10));
  EXPECT_EQ(config.ClientKeepalive().idle, absl::Seconds(60));
  EXPECT_EQ(config.ClientKeepalive().count, 6);
  EXPECT_EQ(config.LinkKeepalive().interval, absl::Seconds(5));
  ASSERT_TRUE(config.LoadText("tcp-keepalive 300\nrepl-timeout 60").ok());
  EXPECT_EQ(config.ClientKeepalive().interval, absl::Seconds(100));
  EXPECT_EQ(config.EffectiveReplTimeout(true), absl::Seconds(60));
  ASSERT_TRUE(config.LoadText("tcp-keepalive 1\nrepl-timeout 1").ok());
  EXPECT_EQ(config.ClientKeepalive().interval, absl::Seconds(1));
  EXPECT_LT(config.EffectiveAckInterval(), absl::Milliseconds(500));
  ASSERT_TRUE(config.LoadText("tcp-keepalive 0").ok());
  EXPECT_FALSE(config.ClientKeepalive().enabled);
}

TEST(ConfigTest, RecordsWhatOtherCommandsDecide) {
  Config config;
  EXPECT_TRUE(config.Record(ConfigId::kReplicaOf, {"h", "7"}).ok());
  EXPECT_EQ(Joined(config.Get({"slaveof"})), "slaveof=h 7");
  EXPECT_FALSE(config.Record(ConfigId::kReplicaOf, {"h", "x"}).ok());
  EXPECT_TRUE(config.Record(ConfigId::kReplicaOf, {"no", "one"}).ok());
  EXPECT_FALSE(config.ReplicaOf().has_value());
}

TEST(ConfigTest, TellsWhatHasNoEffectAndWhatIsSecret) {
  Config config;
  EXPECT_TRUE(config.SettingsWithoutEffect().empty());
  ASSERT_TRUE(config.LoadText("io-threads 4\ntls-key-file-pass x").ok());
  EXPECT_EQ(config.SettingsWithoutEffect().size(), 2u);
  EXPECT_FALSE(absl::StrContains(
      absl::StrJoin(config.SettingsWithoutEffect(), "\n"), "pass x"));
  EXPECT_TRUE(Config::IsSensitive("RequirePass"));
  EXPECT_FALSE(Config::IsSensitive("port"));
  EXPECT_FALSE(Config::IsSensitive("nothing"));
}

TEST(ConfigTest, ReadersRunWhileWritersWrite) {
  Config config;
  std::thread writer([&] {
    for (int i = 1; i <= 200; ++i) {
      EXPECT_EQ(SetError(&config, {{"timeout", absl::StrCat(i)},
                                   {"masterauth", absl::StrCat(i)}}),
                "");
    }
  });
  int64_t last = 0;
  while (last < 200) {
    const int64_t now = config.Int(ConfigId::kTimeout);
    ASSERT_GE(now, last);
    last = now;
    (void)config.String(ConfigId::kMasterAuth);
  }
  writer.join();
  EXPECT_EQ(config.String(ConfigId::kMasterAuth), "200");
}

}  // namespace
}  // namespace holdfast::server
