#ifndef HOLDFAST_TESTING_SUPPORT_ENVIRONMENT_H_
#define HOLDFAST_TESTING_SUPPORT_ENVIRONMENT_H_

#include <cstdint>

// What a test is told from outside.
namespace holdfast::test {

// The environment's $name as a number, or what stands here. Fails the test if
// it is set to something else.
int64_t Setting(const char* name, int64_t otherwise);

// What a test draws its random choices from, printed: set $HOLDFAST_SEED to see
// a failure again.
uint64_t Seed(uint64_t usual = 1);

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_SUPPORT_ENVIRONMENT_H_
