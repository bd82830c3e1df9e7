#ifndef HOLDFAST_TESTING_SUPPORT_DICE_H_
#define HOLDFAST_TESTING_SUPPORT_DICE_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <vector>

namespace holdfast::test {

// Chance from a seed, the same on every machine: the standard fixes what
// mt19937_64 yields, but not what its distributions do. Print the seed.
// Thread-compatible.
class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}

  // In [0, n). REQUIRES: n > 0.
  int64_t Below(int64_t n) {
    return static_cast<int64_t>(engine_() % static_cast<uint64_t>(n));
  }
  // In [low, high].
  int64_t Between(int64_t low, int64_t high) {
    return low + Below(high - low + 1);
  }
  // With a chance of one in n.
  bool OneIn(int64_t n) { return Below(n) == 0; }

  // One of them. REQUIRES: not empty.
  template <typename T>
  T Pick(std::initializer_list<T> of) {
    return *(of.begin() + Below(static_cast<int64_t>(of.size())));
  }
  template <typename T>
  const T& Pick(const std::vector<T>& of) {
    return of[static_cast<size_t>(Below(static_cast<int64_t>(of.size())))];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_SUPPORT_DICE_H_
