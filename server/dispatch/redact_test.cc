#include "server/dispatch/redact.h"

#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

namespace holdfast::server {
namespace {

std::string Shown(const std::string& full_name, const std::string& line) {
  CommandSpec spec;
  spec.full_name = full_name;
  const std::vector<std::string> words =
      absl::StrSplit(line, ' ', absl::SkipEmpty());
  const std::vector<absl::string_view> args(words.begin(), words.end());
  return absl::StrJoin(RedactedArgs(spec, args), " ");
}

TEST(RedactTest, SecretsAreHiddenWhereverTheyStand) {
  EXPECT_EQ(Shown("auth", "AUTH pw"), "AUTH (redacted)");
  EXPECT_EQ(Shown("auth", "auth user pw more"),
            "auth (redacted) (redacted) (redacted)");
  EXPECT_EQ(Shown("hello", "hello 3 auth u p setname n"),
            "hello 3 auth (redacted) (redacted) setname n");
  EXPECT_EQ(
      Shown("config|set", "config set MasterAuth pw maxmemory 1 requirepass x"),
      "config set MasterAuth (redacted) maxmemory 1 requirepass (redacted)");
  EXPECT_EQ(Shown("acl|setuser", "acl setuser bob on >pw"),
            "acl setuser (redacted) (redacted) (redacted)");
  EXPECT_EQ(Shown("migrate", "migrate h p k 0 5 AUTH pw COPY"),
            "migrate h p k 0 5 AUTH (redacted) COPY");
  EXPECT_EQ(Shown("migrate", "migrate h p k 0 5 copy auth2 u pw"),
            "migrate h p k 0 5 copy auth2 (redacted) (redacted)");
}

TEST(RedactTest, OddArgumentsAreShownAsTheyAre) {
  EXPECT_EQ(Shown("auth", "auth"), "auth");
  EXPECT_EQ(Shown("hello", "hello 3 auth u"), "hello 3 auth u");
  EXPECT_EQ(Shown("config|set", "config set requirepass"),
            "config set requirepass");
  EXPECT_EQ(Shown("migrate", "migrate h p k 0 5 AUTH"),
            "migrate h p k 0 5 AUTH");
  EXPECT_EQ(Shown("migrate", "migrate h p  0 5 x KEYS AUTH a"),
            "migrate h p 0 5 x KEYS AUTH a");
  EXPECT_EQ(Shown("get", "get auth"), "get auth");
}

}  // namespace
}  // namespace holdfast::server
