#include "server/config/command_line.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "gflags/gflags.h"
#include "server/config/flag_bridge.h"
#include "server/config/loader.h"
#include "server/config/text.h"

namespace holdfast::server {

using config::FindDirective;
using config::GetDirective;
using config::Type;

namespace {

constexpr char kConfigFileFlag[] = "config_file";

bool IsDirective(absl::string_view name) {
  return FindDirective(name) != ConfigId::kCount;
}

bool IsSave(absl::string_view name) {
  return FindDirective(name) == ConfigId::kSave;
}

bool IsBoolDirective(absl::string_view name) {
  const ConfigId id = FindDirective(name);
  return id != ConfigId::kCount && GetDirective(id).type == Type::kBool;
}

// Directives are spelled with hyphens (save four that have underscores), flags
// with underscores; either is taken for both.
std::string DirectiveSpelling(absl::string_view name) {
  if (IsDirective(name)) return std::string(name);
  return absl::StrReplaceAll(name, {{"_", "-"}});
}
std::string FlagSpelling(absl::string_view name) {
  return absl::StrReplaceAll(name, {{"-", "_"}});
}

// A value that stands behind '=' or in a flag file is one string; directives
// of free form take it as words.
std::vector<std::string> ToArgs(absl::string_view name,
                                const std::string& value) {
  const ConfigId id = FindDirective(name);
  if (id != ConfigId::kCount && GetDirective(id).type == Type::kLine) {
    if (auto words = config::SplitArgs(value); words.has_value()) {
      return *words;
    }
  }
  return {value};
}

// Sorts the arguments out, without judging names or values of directives.
class Scanner {
 public:
  struct Option {
    std::string name;
    std::vector<std::string> args;
    bool takes_more = true;  // Arguments that follow belong to it.
  };

  absl::Status Scan(int argc, char** argv) {
    int i = 1;
    if (argc > 1 && argv[1][0] != '-') {
      config_files.push_back(argv[1]);
      i = 2;
    }
    for (; i < argc; ++i) {
      const absl::string_view arg = argv[i];
      if (arg == "-" && (i == 1 || i == argc - 1)) {
        read_input = true;
        open_ = false;
      } else if (open_ && WantsAsValue(arg)) {
        options.back().args.emplace_back(arg);
      } else if (absl::StartsWith(arg, "--")) {
        FinishOption();
        StartOption(arg.substr(2), argc, argv, &i);
      } else if (open_ && options.back().takes_more) {
        options.back().args.emplace_back(arg);
      } else if (arg.size() > 1 && arg[0] == '-') {
        FinishOption();
        SingleDash(arg.substr(1), argc, argv, &i);
      } else {
        return absl::InvalidArgumentError(absl::StrCat(
            "Unexpected argument '", arg, "' on the command line"));
      }
    }
    FinishOption();
    if (config_files.size() > 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("Two configuration files are named: '", config_files[0],
                       "' and '", config_files[1], "'"));
    }
    return absl::OkStatus();
  }

  std::vector<std::string> config_files;
  bool read_input = false;
  std::vector<Option> options;
  std::vector<std::string> gflags_args;

 private:
  // An option without a value takes what follows, even "--x": passwords may
  // look so. A bare --save, or a yes/no directive, does not.
  bool WantsAsValue(absl::string_view arg) const {
    const Option& option = options.back();
    if (!option.args.empty()) return false;
    return !absl::StartsWith(arg, "--") ||
           !(IsSave(option.name) || IsBoolDirective(option.name));
  }

  void FinishOption() {
    if (open_ && options.back().args.empty()) {
      Option& option = options.back();
      if (IsSave(option.name)) option.args.push_back("");
      if (IsBoolDirective(option.name)) option.args.push_back("yes");
    }
    open_ = false;
  }

  // `body` is the argument without its dashes; *i moves past values of gflags.
  void StartOption(absl::string_view body, int argc, char** argv, int* i) {
    if (auto words = config::SplitArgs(body);
        words.has_value() && words->size() > 1 &&
        !absl::StrContains(words->front(), '=')) {
      // "--port 6380" as one argument.
      options.push_back({DirectiveSpelling(words->front()),
                         {words->begin() + 1, words->end()}});
      open_ = true;
      return;
    }
    const size_t equals = body.find('=');
    const std::string given(absl::StripAsciiWhitespace(body.substr(0, equals)));
    const std::string name = DirectiveSpelling(given);
    if (equals != absl::string_view::npos) {
      WithEquals(name, std::string(body.substr(equals + 1)));
    } else if (IsDirective(name)) {
      options.push_back({name, {}});
      open_ = true;
    } else if (absl::string_view rest = name;
               absl::ConsumePrefix(&rest, "no") && IsBoolDirective(rest)) {
      options.push_back({std::string(rest), {"no"}, /*takes_more=*/false});
    } else if (!TakeGflag(given, argc, argv, i)) {
      // Loader says that it is unknown, with its arguments.
      options.push_back({name, {}});
      open_ = true;
    }
  }

  void WithEquals(const std::string& name, const std::string& value) {
    const std::string flag = FlagSpelling(name);
    gflags::CommandLineFlagInfo info;
    if (flag == kConfigFileFlag) {
      config_files.push_back(value);
    } else if (!IsDirective(name) &&
               gflags::GetCommandLineFlagInfo(flag.c_str(), &info)) {
      gflags_args.push_back(absl::StrCat("--", flag, "=", value));
    } else {
      options.push_back({name, ToArgs(name, value), /*takes_more=*/false});
    }
  }

  // A flag of gflags, glog or config_file without '='.
  bool TakeGflag(absl::string_view given, int argc, char** argv, int* i) {
    const std::string flag = FlagSpelling(given);
    absl::string_view positive = flag;
    gflags::CommandLineFlagInfo info;
    const bool known = gflags::GetCommandLineFlagInfo(flag.c_str(), &info);
    const bool negated =
        !known && absl::ConsumePrefix(&positive, "no") &&
        gflags::GetCommandLineFlagInfo(std::string(positive).c_str(), &info) &&
        info.type == "bool";
    if (!known && !negated) return false;
    if (info.type == "bool" || *i + 1 >= argc) {
      gflags_args.push_back(absl::StrCat("--", flag));
      return true;
    }
    const std::string value = argv[++*i];
    if (flag == kConfigFileFlag) {
      config_files.push_back(value);
    } else {
      gflags_args.push_back(absl::StrCat("--", flag, "=", value));
    }
    return true;
  }

  // -h, -v, and gflags' single-dash spelling of its flags.
  void SingleDash(absl::string_view body, int argc, char** argv, int* i) {
    if (body == "h") {
      gflags_args.push_back("--help");
    } else if (body == "v" && argc == 2) {
      gflags_args.push_back("--version");
    } else {
      StartOption(body, argc, argv, i);
    }
  }

  bool open_ = false;  // options.back() may take more arguments.
};

absl::Status Load(const Scanner& scanner,
                  const std::vector<std::pair<std::string, std::string>>& flags,
                  const std::string& config_file, std::FILE* input,
                  config::Loader* loader) {
  if (!config_file.empty()) {
    absl::Status status = loader->LoadFile(config_file);
    if (!status.ok()) return status;
  }
  if (scanner.read_input) {
    const absl::StatusOr<std::string> text = config::ReadAll(input);
    if (!text.ok()) return text.status();
    absl::Status status = loader->LoadText(*text, "standard input");
    if (!status.ok()) return status;
  }
  // gflags' flags replace what the file says; redis-server's options come after
  // it like more lines of it, so that save points add up.
  if (!flags.empty()) loader->StartCommandLine();
  for (const auto& [name, value] : flags) {
    absl::Status status = loader->ApplyOption(name, ToArgs(name, value));
    if (!status.ok()) return status;
  }
  if (!flags.empty()) loader->StartCommandLine();
  for (const Scanner::Option& option : scanner.options) {
    absl::Status status = loader->ApplyOption(option.name, option.args);
    if (!status.ok()) return status;
  }
  return loader->Finish();
}

}  // namespace

absl::Status ParseCommandLine(int argc, char** argv, Config* config,
                              std::FILE* input) {
  config::RegisterFlags();
  Scanner scanner;
  absl::Status status = scanner.Scan(argc, argv);
  if (!status.ok()) return status;
  std::vector<std::pair<std::string, std::string>> flags =
      config::ParseGflags(argc > 0 ? argv[0] : "holdfast", scanner.gflags_args);
  std::string config_file;
  if (!scanner.config_files.empty()) config_file = scanner.config_files[0];
  if (!flags.empty() && flags.front().first == kConfigFileFlag) {
    if (config_file.empty()) config_file = flags.front().second;
    flags.erase(flags.begin());
  }
  if (!config_file.empty()) config_file = config->ResolvePath(config_file);
  config::Loader loader(config->Snapshot());
  status = Load(scanner, flags, config_file, input, &loader);
  if (!status.ok()) return status;
  config->Adopt(loader.values(), config_file);
  config::MirrorToFlags(loader.values(), config_file);
  return absl::OkStatus();
}

}  // namespace holdfast::server
