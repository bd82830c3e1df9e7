#ifndef HOLDFAST_TESTING_CONFORMANCE_DIFFER_H_
#define HOLDFAST_TESTING_CONFORMANCE_DIFFER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "testing/conformance/generator.h"
#include "testing/conformance/target.h"

namespace holdfast::test {

// Where two servers part.
struct Difference {
  bool found = false;
  size_t step = 0;   // Of the steps given; their number: the state at the end.
  std::string ours;  // The reply, or the state.
  std::string theirs;
};

// Sends the same commands to two servers and compares every reply, then the
// keys that are left and DEBUG DIGEST (where both have it). Thread-compatible;
// the targets outlive it.
class Differ {
 public:
  Differ(Target* ours, Target* theirs) : ours_(ours), theirs_(theirs) {}

  // From empty databases. Stops at the first difference. A status when a
  // server does not answer any more; its text names the command.
  absl::StatusOr<Difference> Run(const std::vector<Step>& steps);

  // A small part of `steps`, which has `difference`, that still parts the
  // servers at its last step (or in the end state): leaves out what is not
  // needed, for at most `bound` of time. Not always the smallest.
  std::vector<Step> Shrink(std::vector<Step> steps,
                           const Difference& difference, absl::Duration bound);

 private:
  absl::StatusOr<Difference> CompareState(size_t step);

  Target* const ours_;
  Target* const theirs_;
};

// Runs `count` steps of a generator that is fresh. Empty when the servers
// agree; otherwise a text with the seed, the smallest failing prefix found and
// both replies.
std::string DiffGenerated(Generator* generator, uint64_t seed, int count,
                          Target* ours, Target* theirs,
                          absl::Duration shrink_bound = absl::Seconds(20));

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_CONFORMANCE_DIFFER_H_
