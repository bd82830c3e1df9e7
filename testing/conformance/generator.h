#ifndef HOLDFAST_TESTING_CONFORMANCE_GENERATOR_H_
#define HOLDFAST_TESTING_CONFORMANCE_GENERATOR_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "testing/conformance/comparison.h"
#include "testing/support/dice.h"

namespace holdfast::test {

// One command that is sent to both servers.
struct Step {
  int connection = 1;
  std::vector<std::string> args;
  Comparison how;

  Step() = default;
  // Compared as fits the command.
  explicit Step(std::vector<std::string> a, int c = 1)
      : connection(c), args(std::move(a)), how(Comparison::For(args)) {}

  std::string ToString() const;  // "2> SET k v"
};

// What a server that is tried can do; a generator leaves the rest out.
struct GeneratorOptions {
  bool lists = true;         // LPUSH: makes keys of the wrong type.
  bool sets = true;          // SADD
  bool hashes = true;        // HSET
  bool bitmaps = true;       // SETBIT
  bool hyperloglogs = true;  // PFADD
  bool move_db = true;       // MOVE, SWAPDB
};

// Makes commands of one family by chance, valid ones and others. What Next()
// returns depends on the dice and on earlier steps alone, never on replies, so
// a seed names a run. Few keys, so that commands meet; expiry times far away or
// long past, so that no run depends on its speed. To add a family: derive,
// and add it to AllGenerators().
class Generator {
 public:
  virtual ~Generator() = default;
  virtual absl::string_view name() const = 0;
  virtual Step Next(Dice* dice) = 0;
};

std::unique_ptr<Generator> MakeStringGenerator(const GeneratorOptions& options);
std::unique_ptr<Generator> MakeBitmapGenerator();
std::unique_ptr<Generator> MakeHashGenerator();
std::unique_ptr<Generator> MakeHyperLogLogGenerator();
std::unique_ptr<Generator> MakeKeyGenerator(const GeneratorOptions& options);
std::unique_ptr<Generator> MakeListGenerator();
std::unique_ptr<Generator> MakeSetGenerator();
std::unique_ptr<Generator> MakeStreamGenerator();
// MULTI, EXEC, DISCARD, WATCH over three connections.
std::unique_ptr<Generator> MakeTransactionGenerator(
    const GeneratorOptions& options);

std::unique_ptr<Generator> MakeZsetGenerator(const GeneratorOptions& options);
std::unique_ptr<Generator> MakeGeoGenerator();
std::unique_ptr<Generator> MakeSortGenerator(const GeneratorOptions& options);

// A new one of each.
std::vector<std::unique_ptr<Generator>> AllGenerators(
    const GeneratorOptions& options);

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_CONFORMANCE_GENERATOR_H_
