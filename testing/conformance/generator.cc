#include "testing/conformance/generator.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "testing/conformance/reply_text.h"

namespace holdfast::test {

std::string Step::ToString() const {
  return absl::StrCat(connection, "> ", FormatCommand(args));
}

std::vector<std::unique_ptr<Generator>> AllGenerators(
    const GeneratorOptions& options) {
  std::vector<std::unique_ptr<Generator>> all;
  all.push_back(MakeStringGenerator(options));
  all.push_back(MakeKeyGenerator(options));
  if (options.hashes) all.push_back(MakeHashGenerator());
  if (options.lists) all.push_back(MakeListGenerator());
  if (options.sets) all.push_back(MakeSetGenerator());
  if (options.bitmaps) all.push_back(MakeBitmapGenerator());
  if (options.hyperloglogs) all.push_back(MakeHyperLogLogGenerator());
  all.push_back(MakeTransactionGenerator(options));
  all.push_back(MakeZsetGenerator(options));
  all.push_back(MakeStreamGenerator());
  all.push_back(MakeGeoGenerator());
  all.push_back(MakeSortGenerator(options));
  return all;
}

}  // namespace holdfast::test
