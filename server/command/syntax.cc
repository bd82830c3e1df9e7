#include "server/command/syntax.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace holdfast::server {
namespace {

using Type = Argument::Type;

constexpr int kMaxDepth = 16;
constexpr absl::string_view kTypeNames[] = {
    "string",    "integer",    "double", "key",  "pattern",
    "unix-time", "pure-token", "oneof",  "block"};
constexpr absl::string_view kIntegers[] = {
    "bit",    "bits",    "count",        "cursor",    "db",      "decrement",
    "end",    "epoch",   "frequency",    "increment", "index",   "len",
    "limit",  "matches", "milliseconds", "ms",        "numkeys", "numreplicas",
    "offset", "port",    "protover",     "quorum",    "rank",    "seconds",
    "slot",   "start",   "stop",         "ttl",       "version", "weight"};
constexpr absl::string_view kDoubles[] = {
    "timeout", "score", "longitude", "latitude", "radius", "width", "height"};
constexpr absl::string_view kKeys[] = {"source", "destination", "src", "dst"};
constexpr absl::string_view kUnits[] = {"m", "km", "ft", "mi"};

template <size_t n>
bool OneOf(const absl::string_view (&names)[n], absl::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool IsPlainValue(const Argument& argument) {
  return argument.type < Type::kPureToken && !argument.optional &&
         !argument.multiple;
}

Type TypeOf(absl::string_view name, bool has_keys) {
  while (!name.empty() && absl::ascii_isdigit(name.back()))
    name.remove_suffix(1);
  if (has_keys && (absl::EndsWith(name, "key") || OneOf(kKeys, name)))
    return Type::kKey;
  if (name == "pattern" || absl::EndsWith(name, "-pattern"))
    return Type::kPattern;
  if (absl::StartsWith(name, "unix-time")) return Type::kUnixTime;
  if (OneOf(kDoubles, name)) return Type::kDouble;
  const size_t part = name.find_last_of("-_");
  if (OneOf(kIntegers,
            part == absl::string_view::npos ? name : name.substr(part + 1)))
    return Type::kInteger;
  return Type::kString;
}

bool ParseType(absl::string_view name, Type* type) {
  for (size_t i = 0; i < std::size(kTypeNames); ++i) {
    if (kTypeNames[i] != name) continue;
    *type = static_cast<Type>(i);
    return *type < Type::kPureToken;
  }
  return false;
}

bool IsToken(absl::string_view word) {
  return std::none_of(word.begin(), word.end(),
                      [](unsigned char c) { return absl::ascii_islower(c); });
}

bool IsQuoted(absl::string_view word) {
  return word.size() >= 2 && word.front() == '"' && word.back() == '"';
}

std::string JoinedNames(const std::vector<Argument>& arguments) {
  std::string joined;
  for (const Argument& argument : arguments)
    absl::StrAppend(&joined, joined.empty() ? "" : "_", argument.name);
  return joined;
}

// A synopsis as it is written: words and groups.
struct Node {
  Argument word;              // If it has no choices. A group's name and since.
  bool stands_alone = false;  // A token with a name of its own takes no value.
  bool optional = false;
  bool dots = false;  // "..." follows; of a group with one choice: ends it.
  std::vector<std::vector<Node>> choices;
};

class Reader {
 public:
  Reader(absl::string_view text, int key_specs)
      : text_(text), key_specs_(key_specs) {}

  absl::StatusOr<std::vector<Node>> Read() {
    std::vector<Node> nodes;
    bool dots = false;
    ReadSequence(0, &nodes, &dots);
    if (ok() && at_ < text_.size())
      Fail(text_[at_] == '|' ? "choice outside of a group"
                             : "bracket too many");
    if (dots && !nodes.empty()) nodes.back().dots = true;
    if (ok()) return nodes;
    return absl::InvalidArgumentError(
        absl::StrCat(error_, " at ", at_, " in '", text_, "'"));
  }

 private:
  bool ok() const { return error_.empty(); }
  void Fail(absl::string_view error) {
    if (ok()) error_ = std::string(error);
  }
  bool AtAny(absl::string_view chars) const {
    return at_ < text_.size() && absl::StrContains(chars, text_[at_]);
  }

  // Up to a space or a character that has a meaning of its own; "quoted" parts
  // whole.
  absl::string_view TakeWord() {
    const size_t start = at_;
    bool quoted = false;
    while (at_ < text_.size() && (quoted || !AtAny(" []<>|"))) {
      if (text_[at_] == '"') quoted = !quoted;
      ++at_;
    }
    return text_.substr(start, at_ - start);
  }

  // `ends_in_dots`: "..." came last, which repeats more than the last item if
  // this is all that stands in brackets.
  void ReadSequence(int depth, std::vector<Node>* nodes, bool* ends_in_dots) {
    if (depth > kMaxDepth) return Fail("too many brackets");
    *ends_in_dots = false;
    for (;;) {
      while (AtAny(" ")) ++at_;
      if (!ok() || at_ >= text_.size() || AtAny("]>|")) return;
      absl::string_view word = TakeWord();
      if (word == "...") {
        if (nodes->empty() || *ends_in_dots) return Fail("nothing to repeat");
        *ends_in_dots = true;
        continue;
      }
      if (*ends_in_dots) nodes->back().dots = true;
      *ends_in_dots = false;
      nodes->emplace_back();
      if (AtAny("[<") && (word.empty() || absl::ConsumeSuffix(&word, ":"))) {
        nodes->back().word.name = std::string(word);
        ReadGroup(depth, &nodes->back());
      } else {
        ReadWord(word, &nodes->back());
      }
    }
  }

  void ReadGroup(int depth, Node* group) {
    group->optional = text_[at_] == '[';
    bool dots = false;
    do {
      ++at_;  // The bracket or the |.
      std::vector<Node> choice;
      ReadSequence(depth + 1, &choice, &dots);
      if (choice.empty()) Fail("empty choice");
      if (!ok()) return;
      group->choices.push_back(std::move(choice));
      if (dots && group->choices.size() == 1 && group->optional && AtAny("]")) {
        group->dots = true;
      } else if (dots) {
        group->choices.back().back().dots = true;
      }
    } while (AtAny("|"));
    if (!AtAny(group->optional ? "]" : ">")) return Fail("bracket missing");
    ++at_;
    if (!AtAny("@")) return;
    SetSince(TakeWord().substr(1), &group->word);
  }

  // since[-deprecated_since]
  static void SetSince(absl::string_view versions, Argument* argument) {
    const size_t dash = std::min(versions.find('-'), versions.size());
    argument->since = std::string(versions.substr(0, dash));
    if (dash < versions.size())
      argument->deprecated_since = std::string(versions.substr(dash + 1));
  }

  // [name:] body [:type] [#spec] [@since]
  void ReadWord(absl::string_view word, Node* node) {
    Argument& argument = node->word;
    const size_t quote = word.find('"');
    const auto suffix = [&](char mark) -> absl::string_view {
      const size_t at = word.rfind(mark);
      if (at == absl::string_view::npos || at == 0 ||
          word.find('"', at) != absl::string_view::npos)
        return {};
      const absl::string_view found = word.substr(at + 1);
      word = word.substr(0, at);
      if (found.empty())
        Fail(absl::StrCat("nothing after ", std::string(1, mark)));
      return found;
    };
    SetSince(suffix('@'), &argument);
    if (const absl::string_view number = suffix('#'); !number.empty()) {
      if (!absl::SimpleAtoi(number, &argument.key_spec_index) ||
          argument.key_spec_index < 0 ||
          argument.key_spec_index >= key_specs_) {
        return Fail("no such key spec");
      }
    }
    // The colon before the token or the type; names may have colons, too.
    absl::string_view name;
    absl::string_view body = word;
    const size_t colon =
        quote == absl::string_view::npos ? word.rfind(':') : quote - 1;
    if (colon < word.size() && colon > 0 && word[colon] == ':') {
      name = word.substr(0, colon);
      body = word.substr(colon + 1);
      if (ParseType(body, &argument.type)) {
        argument.name = std::string(name);
        return;
      }
      node->stands_alone = true;
    }
    if (IsQuoted(body)) {
      body = body.substr(1, body.size() - 2);
    } else if (body.empty() || absl::StrContains(body, '"')) {
      return Fail("not a word");
    } else if (!IsToken(body) && !OneOf(kUnits, body)) {
      if (!name.empty()) return Fail("neither a token nor a type");
      argument.name = std::string(body);
      argument.type = TypeOf(body, key_specs_ > 0);
      return;
    }
    if (body.empty() && name.empty()) return Fail("not a word");
    argument.type = Type::kPureToken;
    argument.token = std::string(body);
    argument.name =
        name.empty() ? absl::AsciiStrToLower(body) : std::string(name);
  }

  const absl::string_view text_;
  const int key_specs_;
  size_t at_ = 0;
  std::string error_;
};

// Whether `again` is what stands in the brackets of "x [x ...]".
bool Repeats(const Argument& again, const Argument& once) {
  if (again.name != once.name || again.type != once.type) return false;
  if (!again.token.empty() && again.token != once.token) return false;
  return std::equal(again.arguments.begin(), again.arguments.end(),
                    once.arguments.begin(), once.arguments.end(),
                    [](const Argument& a, const Argument& b) {
                      return a.token == b.token && Repeats(a, b);
                    });
}

void TakeVersions(const Argument& from, Argument* to) {
  if (to->since.empty()) to->since = from.since;
  if (to->deprecated_since.empty())
    to->deprecated_since = from.deprecated_since;
}

// Makes one of what is more: a block, named after what is in it.
Argument Block(std::vector<Argument> arguments) {
  Argument block;
  block.type = Type::kBlock;
  Argument& first = arguments[0];
  const bool values_follow = std::all_of(
      arguments.begin() + 1, arguments.end(), [](const Argument& argument) {
        return IsPlainValue(argument) && argument.token.empty();
      });
  // Values do only behind a token with a name of its own.
  const bool more_follows = std::all_of(
      arguments.begin() + 1, arguments.end(), [](const Argument& argument) {
        return argument.optional ||
               (argument.type < Type::kPureToken && argument.token.empty());
      });
  if (IsPlainValue(first) && values_follow) {
    block.name = JoinedNames(arguments);
    block.token = std::move(first.token);
    first.token.clear();
  } else if (first.type == Type::kPureToken && !first.optional &&
             more_follows) {
    block.name = first.name;
    block.token = first.token;
    arguments.erase(arguments.begin());
  } else {
    block.name = first.name;
  }
  block.arguments = std::move(arguments);
  return block;
}

Argument Collapse(std::vector<Argument> arguments) {
  return arguments.size() == 1 ? std::move(arguments[0])
                               : Block(std::move(arguments));
}

std::string ChoiceName(const std::vector<Argument>& choices) {
  const std::string& first = choices[0].token;
  if (first == "NX" || first == "XX") return "condition";
  if (first == "ASC" || first == "DESC") return "order";
  if (first == "EX") return "expiration";
  if (first == "m") return "unit";
  return JoinedNames(choices);
}

std::vector<Argument> Build(const std::vector<Node>& nodes);

// If what `group` repeats stands before it, marks that; else false.
bool Fold(const std::vector<Argument>& again,
          std::vector<Argument>* arguments) {
  const size_t count = again.size();
  if (arguments->size() < count) return false;
  const auto tail = arguments->end() - static_cast<std::ptrdiff_t>(count);
  for (size_t i = 0; i < count; ++i) {
    if (!Repeats(again[i], tail[i]) ||
        (i > 0 && again[i].token != tail[i].token))
      return false;
  }
  const bool with_token = !again[0].token.empty();
  if (count > 1) {
    Argument block = Block(std::vector<Argument>(tail, arguments->end()));
    arguments->erase(tail, arguments->end());
    arguments->push_back(std::move(block));
  }
  arguments->back().multiple = true;
  arguments->back().multiple_token =
      with_token && !arguments->back().token.empty();
  return true;
}

Argument BuildGroup(const Node& group) {
  std::vector<Argument> choices;
  for (const std::vector<Node>& choice : group.choices)
    choices.push_back(Collapse(Build(choice)));
  Argument argument;
  if (choices.size() > 1) {
    argument.type = Type::kOneOf;
    argument.name =
        group.word.name.empty() ? ChoiceName(choices) : group.word.name;
    argument.arguments = std::move(choices);
  } else if (!group.word.name.empty()) {
    argument.type = Type::kBlock;
    argument.name = group.word.name;
    argument.arguments = Build(group.choices[0]);
  } else {
    argument = std::move(choices[0]);
  }
  TakeVersions(group.word, &argument);
  if (group.optional) argument.optional = true;
  if (group.dots) argument.multiple = true;
  return argument;
}

std::vector<Argument> Build(const std::vector<Node>& nodes) {
  std::vector<Argument> arguments;
  bool joins = false;  // The last argument is a token that waits for its value.
  for (const Node& node : nodes) {
    if (node.dots && node.optional && node.word.name.empty() &&
        Fold(Build(node.choices[0]), &arguments)) {
      TakeVersions(node.word, &arguments.back());
      joins = false;
      continue;
    }
    Argument argument = node.choices.empty() ? node.word : BuildGroup(node);
    const bool is_token = argument.type == Type::kPureToken;
    if (node.dots) argument.multiple = true;
    if (joins && !node.optional && !is_token && argument.token.empty()) {
      argument.token = std::move(arguments.back().token);
      TakeVersions(arguments.back(), &argument);
      arguments.back() = std::move(argument);
    } else {
      arguments.push_back(std::move(argument));
    }
    joins =
        is_token && node.choices.empty() && !node.stands_alone && !node.dots;
  }
  return arguments;
}

void NumberKeys(int key_specs, int* next, std::vector<Argument>* arguments) {
  for (Argument& argument : *arguments) {
    if (argument.key_spec_index >= 0) {
      *next = std::max(*next, argument.key_spec_index + 1);
    } else if (argument.type == Type::kKey && key_specs > 0) {
      argument.key_spec_index = std::min((*next)++, key_specs - 1);
    }
    NumberKeys(key_specs, next, &argument.arguments);
  }
}

}  // namespace

absl::string_view ArgumentTypeName(Argument::Type type) {
  return kTypeNames[static_cast<size_t>(type)];
}

absl::StatusOr<std::vector<Argument>> ParseSyntax(absl::string_view syntax,
                                                  int key_specs) {
  absl::StatusOr<std::vector<Node>> nodes = Reader(syntax, key_specs).Read();
  if (!nodes.ok()) return nodes.status();
  std::vector<Argument> arguments = Build(*nodes);
  int next = 0;
  NumberKeys(key_specs, &next, &arguments);
  return arguments;
}

}  // namespace holdfast::server
