#include "server/config/flag_bridge.h"

#include "absl/strings/str_cat.h"
#include "gflags/gflags.h"
#include "server/config/text.h"

namespace holdfast::server::config {
namespace {

// gflags cannot tell "set to the default" from "not set" by the value, so
// flags hold this while it parses.
constexpr char kUnset[] = "\x01";

// What gflags keeps pointers to.
struct RegisteredFlag {
  std::string directive;  // Or "config_file".
  std::string name;
  std::string help;
  std::string default_value;
  std::string current;
};

std::string DefaultText(ConfigId id, const ValueSet& defaults) {
  const Directive& d = GetDirective(id);
  // The one default that depends on where the process starts.
  if (d.type == Type::kDir || d.type == Type::kLine) return "";
  if (d.type == Type::kMemory) return FormatMemory(defaults.at(id).number);
  return FormatValue(d, defaults.at(id));
}

std::vector<RegisteredFlag>* MakeFlags() {
  auto* flags = new std::vector<RegisteredFlag>;
  flags->reserve(kConfigCount + 1);  // gflags keeps pointers: no moving.
  flags->push_back({"config_file", "config_file",
                    "Configuration file to read (redis.conf's grammar); the "
                    "same as naming it as the first argument.",
                    "", ""});
  const ValueSet defaults = DefaultValues();
  for (size_t i = 0; i < kConfigCount; ++i) {
    const ConfigId id = static_cast<ConfigId>(i);
    const Directive& d = GetDirective(id);
    const std::string text = DefaultText(id, defaults);
    flags->push_back({d.name, FlagName(d.name), FlagHelp(d), text, text});
  }
  for (RegisteredFlag& flag : *flags) {
    gflags::FlagRegisterer(flag.name.c_str(), flag.help.c_str(),
                           "server/config", &flag.current, &flag.default_value);
  }
  return flags;
}

std::vector<RegisteredFlag>& Flags() {
  static std::vector<RegisteredFlag>* const flags = MakeFlags();
  return *flags;
}

std::string Range(const Directive& d) {
  switch (d.type) {
    case Type::kBool:
      return "yes or no";
    case Type::kInt:
      return absl::StrCat(d.min, "..", d.max);
    case Type::kMemory:
      return absl::StrCat(FormatMemory(d.min), "..", FormatMemory(d.max));
    case Type::kEnum:
    case Type::kEnumBits: {
      std::string out;
      for (size_t i = 0; i < d.enum_count; ++i) {
        absl::StrAppend(&out, i == 0 ? "" : "|", d.enum_names[i].name);
      }
      return out;
    }
    default:
      return "";
  }
}

}  // namespace

void RegisterFlags() { Flags(); }

std::string FlagHelp(const Directive& d) {
  std::string out = d.help;
  const std::string range = Range(d);
  if (*d.unit != '\0') absl::StrAppend(&out, " Unit: ", d.unit, ".");
  if (!range.empty()) absl::StrAppend(&out, " Values: ", range, ".");
  if (d.effect == Effect::kAcceptedNoEffect) {
    absl::StrAppend(&out, " Without effect: ", d.reason, ".");
  } else if (d.effect == Effect::kNotYet) {
    absl::StrAppend(&out, " Only the default for now: ", d.reason, ".");
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> ParseGflags(
    const char* program, const std::vector<std::string>& args) {
  std::vector<std::string> storage = {program};
  storage.insert(storage.end(), args.begin(), args.end());
  std::vector<char*> pointers;
  for (std::string& arg : storage) pointers.push_back(arg.data());
  pointers.push_back(nullptr);
  int argc = static_cast<int>(storage.size());
  char** argv = pointers.data();

  for (RegisteredFlag& flag : Flags()) flag.current = kUnset;
  gflags::ParseCommandLineNonHelpFlags(&argc, &argv, /*remove_flags=*/true);
  // gflags would read them again on the next parse (servers in one test
  // process), when they may be gone.
  for (const char* once : {"flagfile", "fromenv", "tryfromenv"}) {
    gflags::SetCommandLineOption(once, "");
  }
  std::vector<std::pair<std::string, std::string>> given;
  for (RegisteredFlag& flag : Flags()) {
    if (flag.current != kUnset) {
      given.emplace_back(flag.directive, flag.current);
    }
    flag.current = flag.default_value;
  }
  gflags::HandleCommandLineHelpFlags();
  return given;
}

void MirrorToFlags(const ValueSet& set, const std::string& config_file) {
  for (RegisteredFlag& flag : Flags()) {
    const ConfigId id = FindDirective(flag.directive);
    if (id == ConfigId::kCount) {
      flag.current = config_file;
    } else if (const Directive& d = GetDirective(id);
               d.type != Type::kLine && !d.Has(kSensitive)) {
      flag.current = FormatValue(d, set.at(id));
    }
  }
}

}  // namespace holdfast::server::config
