#include "server/persist/save/file_replacer.h"

#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "server/persist/save/save_testing.h"

namespace holdfast::server {
namespace {

class FileReplacerTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<FileReplacer>> New(bool sync_as_it_grows) {
    return FileReplacer::Create(&files_, directory_.File("temp"),
                                directory_.File("file"), sync_as_it_grows);
  }
  bool Exists(const char* name) {
    return access(directory_.File(name).c_str(), F_OK) == 0;
  }

  ScratchDirectory directory_;
  FaultyFiles files_;
};

TEST_F(FileReplacerTest, NothingIsThereBeforeCommitAndAllAfterIt) {
  auto file = New(false);
  ASSERT_TRUE(file.ok());
  const std::string large(FileReplacer::kBufferBytes + 1, 'x');
  for (const std::string& piece : {std::string("a"), large, std::string("b")})
    ASSERT_TRUE((*file)->Append(piece).ok());
  EXPECT_FALSE(Exists("file"));
  ASSERT_TRUE((*file)->Commit().ok());
  file->reset();
  EXPECT_EQ(directory_.Read("file"), "a" + large + "b");
  EXPECT_FALSE(Exists("temp"));
}

TEST_F(FileReplacerTest, WithoutCommitTheOldFileStays) {
  directory_.Write("file", "old");
  auto file = New(false);
  ASSERT_TRUE((*file)->Append("new").ok());
  file->reset();
  EXPECT_EQ(directory_.Read("file"), "old");
  EXPECT_FALSE(Exists("temp"));
}

TEST_F(FileReplacerTest, AsItGrowsItGoesToTheDisk) {
  const std::string piece(1 << 20, 'x');
  for (const bool grows : {false, true}) {
    files_.pushes = 0;
    auto file = New(grows);
    for (int i = 0; i < 9; ++i) ASSERT_TRUE((*file)->Append(piece).ok());
    ASSERT_TRUE((*file)->Commit().ok());
    EXPECT_EQ(files_.pushes, grows ? 2 : 0);
  }
  files_.fail_push_out = true;
  auto file = New(true);
  absl::Status status;
  for (int i = 0; i < 9 && status.ok(); ++i) status = (*file)->Append(piece);
  EXPECT_FALSE(status.ok());
}

TEST_F(FileReplacerTest, AFileThatCannotBeMadeIsAnError) {
  EXPECT_FALSE(FileReplacer::Create(SaveFiles::Real(),
                                    directory_.File("no/such/temp"),
                                    directory_.File("file"), false)
                   .ok());
}

}  // namespace
}  // namespace holdfast::server
