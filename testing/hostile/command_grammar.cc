#include "testing/hostile/command_grammar.h"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "testing/hostile/garbage.h"

namespace holdfast::test {
namespace {

// Never an argument by which any of them does what it is there for.
constexpr char kNoOption[] = "not-an-option";

const std::vector<std::string>& DangerousCommands() {
  static const auto* const names = new std::vector<std::string>{
      "client|pause", "config|set", "debug",   "flushall", "migrate",
      "replicaof",    "shutdown",   "slaveof", "swapdb"};
  return *names;
}

const std::vector<std::string>& ClosingCommands() {
  // SYNC and PSYNC make a replica of the connection, which has no replies, and
  // a call that subscribes has as many as it names channels.
  static const auto* const names = new std::vector<std::string>{
      "client|kill", "quit",        "sync",         "subscribe",   "psubscribe",
      "ssubscribe",  "unsubscribe", "punsubscribe", "sunsubscribe"};
  return *names;
}

// Words of options that COMMAND DOCS does not tell of.
const std::map<std::string, std::vector<std::string>>& MoreTokens() {
  static const auto* const tokens =
      new std::map<std::string, std::vector<std::string>>{
          {"replconf",
           {"listening-port", "ip-address", "capa", "eof", "psync2", "rdb-only",
            "rdb-filter-only", "version"}},
          {"info", {"all", "everything", "replication", "commandstats"}},
          {"object", {"help"}},
      };
  return *tokens;
}

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What follows "token" anywhere in a command's documentation.
void CollectTokens(const net::Value& docs, std::vector<std::string>* tokens) {
  const auto& parts = docs.elements();
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].is_array() || parts[i].is_map()) {
      CollectTokens(parts[i], tokens);
    } else if (i > 0 && parts[i].is_string() && parts[i - 1].is_string() &&
               parts[i - 1].str() == "token" && !parts[i].str().empty()) {
      tokens->push_back(std::string(parts[i].str()));
    }
  }
}

std::string Cased(Dice* dice, std::string word) {
  if (dice->OneIn(3)) absl::AsciiStrToUpper(&word);
  return word;
}

}  // namespace

std::string SomeKey(Dice* dice) {
  switch (dice->Below(12)) {
    case 0:
      return HostileArgument(dice);
    case 1:
      return absl::StrCat("{tag}", dice->Below(3));
    case 2:
    case 3:
    case 4:
      return absl::StrCat("n", dice->Below(4));
    default:
      return absl::StrCat("k", dice->Below(10));
  }
}

CommandGrammar::CommandGrammar(TestClient* client) {
  const net::Value all = client->Do("COMMAND");
  EXPECT_TRUE(all.is_array()) << all;
  for (const net::Value& info : all.elements()) Add(info);
  EXPECT_GT(shapes_.size(), 50u);
  for (Shape& shape : shapes_) {
    CollectTokens(client->Do("COMMAND", "DOCS", shape.name), &shape.tokens);
    const auto more = MoreTokens().find(shape.name);
    if (more != MoreTokens().end()) {
      shape.tokens.insert(shape.tokens.end(), more->second.begin(),
                          more->second.end());
    }
  }
  for (const Shape& shape : shapes_) {
    if (!shape.dangerous) harmless_.push_back(&shape);
  }
}

void CommandGrammar::Add(const net::Value& info) {
  constexpr size_t kSubcommands = 9;
  const auto& fields = info.elements();
  if (fields.size() <= kSubcommands) {
    ADD_FAILURE() << "COMMAND says " << info;
    return;
  }
  Shape shape;
  shape.name = std::string(fields[0].str());
  shape.words = absl::StrSplit(shape.name, '|');
  shape.arity = static_cast<int>(fields[1].integer());
  shape.may_close = Contains(ClosingCommands(), shape.name);
  shape.dangerous = Contains(DangerousCommands(), shape.name);
  shapes_.push_back(std::move(shape));
  for (const net::Value& sub : fields[kSubcommands].elements()) Add(sub);
}

const CommandGrammar::Shape& CommandGrammar::Any(Dice* dice,
                                                 bool mutable_only) const {
  return mutable_only ? *dice->Pick(harmless_) : dice->Pick(shapes_);
}

std::vector<std::string> CommandGrammar::Arguments(Dice* dice,
                                                   const Shape& shape) const {
  const std::string& name = shape.name;
  if (name == "shutdown" || name == "flushall") {
    return {HostileArgument(dice), kNoOption};
  }
  if (name == "replicaof" || name == "slaveof") {
    return {HostileArgument(dice),
            dice->OneIn(2)
                ? NoNumber(dice)
                : dice->Pick<std::string>({"-1", "65536", "4294967296"})};
  }
  if (name == "config|set") return {kNoOption, HostileArgument(dice)};
  if (name == "client|pause") {
    return {dice->OneIn(2) ? NoNumber(dice) : "-1",
            dice->Pick<std::string>({"ALL", "WRITE", kNoOption})};
  }
  if (name == "client|reply") return {kNoOption};
  // More replicas than there are, for longer than the test, is a fair wish.
  if (name == "wait") {
    return {HostileNumber(dice),
            dice->OneIn(2) ? NoNumber(dice)
                           : dice->Pick<std::string>({"-1", "1", "3"})};
  }
  if (name == "psync") return {HostileArgument(dice), NoNumber(dice)};
  if (name == "debug") {
    std::vector<std::string> args = {dice->Pick<std::string>(
        {"DIGEST", "DIGEST-VALUE", "OBJECT", "HTSTATS", "PROTOCOL", "ERROR",
         "LOG", "HELP", "SET-ACTIVE-EXPIRE", "CHANGE-REPL-ID", "REPLICATE",
         "QUICKLIST-PACKED-THRESHOLD", "CHANGE-REPL-ID", "JMAP", "RELOAD",
         "STRUCTSIZE", kNoOption, ""})};
    for (int64_t n = dice->Below(4); n > 0; --n) {
      args.push_back(dice->OneIn(2) ? SomeKey(dice) : HostileArgument(dice));
    }
    return args;
  }
  const int wanted =
      std::abs(shape.arity) - static_cast<int>(shape.words.size());
  int64_t count = wanted;
  if (shape.arity < 0) count += dice->Below(5);
  if (dice->OneIn(6)) count += dice->Between(-1, 2);
  std::vector<std::string> args;
  for (int64_t i = 0; i < count; ++i) {
    if (dice->OneIn(i == 0 ? 6 : 2)) {
      args.push_back(!shape.tokens.empty() && dice->OneIn(2)
                         ? Cased(dice, dice->Pick(shape.tokens))
                         : HostileArgument(dice));
    } else {
      args.push_back(SomeKey(dice));
    }
  }
  // Nobody is to be dialled: who knows whom a number may name.
  if (name == "migrate" && args.size() > 1) {
    args[1] = dice->OneIn(2) ? NoNumber(dice)
                             : dice->Pick<std::string>({"0", "-1", "65536"});
  }
  // Whoever waits for a key waits as long as it says: not long here.
  const bool timeout_first = name == "blmpop" || name == "bzmpop";
  if (!args.empty() && (timeout_first || name == "blpop" || name == "brpop" ||
                        name == "bzpopmin" || name == "bzpopmax" ||
                        name == "blmove" || name == "brpoplpush")) {
    (timeout_first ? args.front() : args.back()) = dice->Pick<std::string>(
        {"-1", "0.001", "0.01", "1e-300", "1e300", "", "x", "nan", "1x"});
  }
  return args;
}

std::vector<std::string> CommandGrammar::Call(Dice* dice,
                                              const Shape& shape) const {
  std::vector<std::string> call = shape.words;
  for (std::string& word : call) word = Cased(dice, word);
  for (std::string& arg : Arguments(dice, shape)) {
    call.push_back(std::move(arg));
  }
  return call;
}

}  // namespace holdfast::test
