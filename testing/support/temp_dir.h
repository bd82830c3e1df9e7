#ifndef HOLDFAST_TESTING_SUPPORT_TEMP_DIR_H_
#define HOLDFAST_TESTING_SUPPORT_TEMP_DIR_H_

#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace holdfast::test {

// A new empty directory under $TEST_TMPDIR (or /tmp), removed with all that is
// in it at the end, unless HOLDFAST_KEEP_TEMP is set in the environment. Dies
// (CHECK) when none can be made. Movable, thread-compatible.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(TempDir&& other) noexcept : path_(std::move(other.path_)) {
    other.path_.clear();
  }
  TempDir& operator=(TempDir&&) = delete;

  const std::string& path() const { return path_; }
  // path() + "/" + name.
  std::string File(absl::string_view name) const;

 private:
  std::string path_;
};

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_SUPPORT_TEMP_DIR_H_
