#ifndef HOLDFAST_SERVER_CONFIG_TEST_DIR_H_
#define HOLDFAST_SERVER_CONFIG_TEST_DIR_H_

#include <string>

#include "absl/strings/string_view.h"

namespace holdfast::server::config {

// A temporary directory of one test, with a short path (Unix sockets need
// that), removed with all it holds.
class TestDir {
 public:
  TestDir();
  ~TestDir();
  TestDir(const TestDir&) = delete;
  TestDir& operator=(const TestDir&) = delete;

  const std::string& path() const { return path_; }
  // Writes a file and returns its path.
  std::string Write(const std::string& name, absl::string_view content) const;
  std::string Read(const std::string& name) const;
  std::string Join(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace holdfast::server::config

#endif  // HOLDFAST_SERVER_CONFIG_TEST_DIR_H_
