#include "server/config/documentation.h"

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "server/config/directive.h"

namespace holdfast::server::config {
namespace {

TEST(DocumentationTest, TheFileAgreesWithTheTable) {
  std::ifstream in("docs/configuration.md", std::ios::binary);
  ASSERT_TRUE(in.is_open());
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_EQ(text.str(), RenderDocumentation())
      << "run: bazel run //server/config:print_documentation > "
         "docs/configuration.md";
}

TEST(DirectiveTableTest, EveryRowIsWellFormed) {
  std::set<std::string> names;
  for (size_t i = 0; i < kConfigCount; ++i) {
    const Directive& d = GetDirective(static_cast<ConfigId>(i));
    SCOPED_TRACE(d.name);
    EXPECT_TRUE(names.insert(d.name).second);
    if (d.alias != nullptr) {
      EXPECT_TRUE(names.insert(d.alias).second);
    }
    EXPECT_EQ(absl::AsciiStrToLower(d.name), d.name);
    EXPECT_EQ(FindDirective(absl::AsciiStrToUpper(d.name)),
              static_cast<ConfigId>(i));
    EXPECT_TRUE(absl::EndsWith(d.help, ".") || absl::EndsWith(d.help, ")"));
    EXPECT_EQ(d.effect == Effect::kEffective, *d.reason == '\0');
    EXPECT_LE(d.min, d.max);
    if (d.type == Type::kInt || d.type == Type::kMemory) {
      EXPECT_GE(d.default_number, d.min);
      EXPECT_LE(d.default_number, d.max);
    }
    if (d.effect == Effect::kNotYet) {
      EXPECT_TRUE(d.type == Type::kBool || d.type == Type::kInt ||
                  d.type == Type::kEnum || d.type == Type::kMemoryOrPercent ||
                  d.type == Type::kLine)
          << "ApplyWords() compares numbers to find the default";
    }
  }
  EXPECT_EQ(FindDirective("no-such-name"), ConfigId::kCount);
  EXPECT_EQ(FindDirective(""), ConfigId::kCount);
}

}  // namespace
}  // namespace holdfast::server::config
