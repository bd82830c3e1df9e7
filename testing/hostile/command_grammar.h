#ifndef HOLDFAST_TESTING_HOSTILE_COMMAND_GRAMMAR_H_
#define HOLDFAST_TESTING_HOSTILE_COMMAND_GRAMMAR_H_

#include <string>
#include <vector>

#include "net/resp/value.h"
#include "testing/harness/test_client.h"
#include "testing/support/dice.h"

namespace holdfast::test {

// All commands of a server, as it describes them itself (COMMAND LIST, INFO and
// DOCS), and bad calls of them. A command that is added to the server is in the
// tests from then on.
//
// A few commands would end the server, lead it away, stop its other clients or
// reach the witnesses if their arguments happened to be right; they get
// arguments that cannot be (see Arguments() in the .cc). Thread-safe once made.
class CommandGrammar {
 public:
  struct Shape {
    std::string name;                // "client|kill"
    std::vector<std::string> words;  // {"client", "kill"}
    int arity = 0;                   // As in COMMAND INFO: words included.
    std::vector<std::string> tokens = {};  // "EX", "LIMIT", ... of its syntax.
    // Whether it may end the connection it came on.
    bool may_close = false;
    // Whether its right call does harm, so that no mutation may touch it.
    bool dangerous = false;
  };

  // A failure to read them fails the test.
  explicit CommandGrammar(TestClient* client);

  const std::vector<Shape>& shapes() const { return shapes_; }

  // One call of it: mostly so many arguments as it wants, mostly keys first.
  std::vector<std::string> Call(Dice* dice, const Shape& shape) const;

  // Of any command whose reply does not end what was before: for pipelines.
  // With `mutable_only` none that is dangerous.
  const Shape& Any(Dice* dice, bool mutable_only) const;

 private:
  void Add(const net::Value& info);
  std::vector<std::string> Arguments(Dice* dice, const Shape& shape) const;

  std::vector<Shape> shapes_;
  std::vector<const Shape*> harmless_;
};

// A key of which there are few, so that commands meet each other's values.
std::string SomeKey(Dice* dice);

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_HOSTILE_COMMAND_GRAMMAR_H_
