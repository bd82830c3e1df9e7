#include "server/app/command_renamer.h"

#include <vector>

#include "glog/logging.h"
#include "gtest/gtest.h"
#include "server/command/context.h"

namespace holdfast::server {
namespace {

std::vector<CommandSpec> Commands() {
  const CommandHandler handler = [](CommandContext& ctx) { ctx.Ok(); };
  return {{.name = "get", .arity = 2, .handler = handler},
          {.name = "set", .arity = 3, .handler = handler},
          {.name = "flushdb", .arity = -1, .handler = handler}};
}

class CommandRenamerTest : public testing::Test {
 protected:
  absl::Status Build(const char* text) {
    Config config;
    const absl::Status loaded = config.LoadText(text);
    CHECK(loaded.ok()) << loaded;
    CommandRenamer renamer(&table_, config, &names_);
    renamer.Add(Commands());
    return renamer.Finish();
  }
  std::deque<std::string> names_;
  CommandTable table_;
};

TEST_F(CommandRenamerTest, WithoutDirectivesNothingChanges) {
  ASSERT_TRUE(Build("").ok());
  EXPECT_EQ(table_.commands().size(), 3u);
}

TEST_F(CommandRenamerTest, ARenamedCommandIsFoundByItsNewNameOnly) {
  ASSERT_TRUE(Build("rename-command FlushDB Badger\n").ok());
  EXPECT_EQ(table_.Find("flushdb"), nullptr);
  ASSERT_NE(table_.Find("BADGER"), nullptr);
  EXPECT_EQ(table_.Find("badger")->arity, -1);
}

TEST_F(CommandRenamerTest, AnEmptyNameRemovesIt) {
  ASSERT_TRUE(Build("rename-command get \"\"\n").ok());
  EXPECT_EQ(table_.Find("get"), nullptr);
  EXPECT_EQ(table_.commands().size(), 2u);
}

TEST_F(CommandRenamerTest, NamesCanBeSwapped) {
  ASSERT_TRUE(Build("rename-command get set\nrename-command set get\n").ok());
  EXPECT_EQ(table_.Find("get")->arity, 3);
  EXPECT_EQ(table_.Find("set")->arity, 2);
}

TEST_F(CommandRenamerTest, UnknownCommandsAndTakenNamesAreRefused) {
  EXPECT_EQ(Build("rename-command nosuch x\n").message(),
            "No such command in rename-command: nosuch");
  CommandTable fresh;
  Config config;
  ASSERT_TRUE(config.LoadText("rename-command get set\n").ok());
  CommandRenamer renamer(&fresh, config, &names_);
  renamer.Add(Commands());
  EXPECT_EQ(renamer.Finish().message(),
            "Target command name already exists in rename-command: set");
}

}  // namespace
}  // namespace holdfast::server
