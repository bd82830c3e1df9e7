#include "testing/support/temp_dir.h"

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"

namespace holdfast::test {

TempDir::TempDir() {
  const char* const parent = getenv("TEST_TMPDIR");
  path_ = absl::StrCat(parent != nullptr ? parent : "/tmp", "/hf.XXXXXX");
  PCHECK(mkdtemp(path_.data()) != nullptr) << path_;
}

TempDir::~TempDir() {
  if (path_.empty()) return;
  if (getenv("HOLDFAST_KEEP_TEMP") != nullptr) {
    LOG(INFO) << "kept: " << path_;
    return;
  }
  std::error_code error;
  std::filesystem::remove_all(path_, error);
  LOG_IF(WARNING, error) << "remove " << path_ << ": " << error.message();
}

std::string TempDir::File(absl::string_view name) const {
  return absl::StrCat(path_, "/", name);
}

}  // namespace holdfast::test
