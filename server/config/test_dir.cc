#include "server/config/test_dir.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "glog/logging.h"

namespace holdfast::server::config {

TestDir::TestDir() {
  char path[] = "/tmp/holdfast_config.XXXXXX";
  PCHECK(mkdtemp(path) != nullptr);
  path_ = path;
}

TestDir::~TestDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TestDir::Write(const std::string& name,
                           absl::string_view content) const {
  std::ofstream out(Join(name), std::ios::binary);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  CHECK(out.flush()) << name;
  return Join(name);
}

std::string TestDir::Read(const std::string& name) const {
  std::ifstream in(Join(name), std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace holdfast::server::config
