#include "testing/support/environment.h"

#include <cstdlib>
#include <iostream>

#include "absl/strings/numbers.h"
#include "gtest/gtest.h"

namespace holdfast::test {

int64_t Setting(const char* name, int64_t otherwise) {
  const char* const text = std::getenv(name);
  if (text == nullptr) return otherwise;
  int64_t value = otherwise;
  if (!absl::SimpleAtoi(text, &value))
    ADD_FAILURE() << name << " is no number: " << text;
  return value;
}

uint64_t Seed(uint64_t usual) {
  const auto seed = static_cast<uint64_t>(
      Setting("HOLDFAST_SEED", static_cast<int64_t>(usual)));
  std::cout << "HOLDFAST_SEED=" << seed << std::endl;
  return seed;
}

}  // namespace holdfast::test
