#include "server/config/documentation.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "server/config/text.h"
#include "server/config/value.h"

namespace holdfast::server::config {
namespace {

constexpr char kPreamble[] =
    R"(<!-- Written by //server/config:print_documentation from the table of directives. Do not edit: change server/config/table_*.inc and run `bazel run //server/config:print_documentation > docs/configuration.md`. -->
# Configuration

Holdfast takes redis.conf as it is. A setting can come from

1. the default (below),
2. a configuration file: `holdfast /path/redis.conf` or `--config_file=/path/redis.conf`, and `-` for standard input,
3. a flag file (`--flagfile`) or the environment (`--fromenv`), as gflags reads them,
4. the command line: `--repl-timeout 60`, `--repl_timeout=60`, `--save 900 1 --save 60 10`, `--save ""`, `--daemonize no`,
5. `CONFIG SET` at run time.

A later one in this list overrides an earlier one; within a source the later line does. The lines of `save` in the file and on the command line add up, and the first one replaces the default (the first of the flags, what the file said). `CONFIG REWRITE` puts the values in force into the file, keeping its comments and order.

An unknown name, a value out of range and values that contradict each other stop the start, with the place, the line and the reason.

**Effect.** A directive with no mark does what it says. *No effect*: any valid value is accepted, reported and kept, and changes nothing, for the reason given. *Not yet*: only the default is accepted; any other value is refused, so that nobody relies on what is not there.

**Run time.** *fixed*: only at start. *protected*: `CONFIG SET` needs `enable-protected-configs`. *secret*: the value is kept out of logs. *ours*: redis-server does not know it.

Sizes take `k` (1000), `kb` (1024), `m`, `mb`, `g`, `gb`. Differences from redis-server 7.0.15 in defaults: `repl-ping-replica-period` (5 instead of 10) and `repl-backlog-size` (64mb instead of 1mb).
)";

std::string Cell(absl::string_view text) {
  return absl::StrReplaceAll(
      text, {{"|", "\\|"}, {"<", "&lt;"}, {">", "&gt;"}, {"*", "\\*"}});
}

std::string DefaultCell(ConfigId id, const ValueSet& defaults) {
  const Directive& d = GetDirective(id);
  if (d.type == Type::kLine) return "";
  if (d.type == Type::kDir) return "where it starts";
  const std::string text = d.type == Type::kMemory
                               ? FormatMemory(defaults.at(id).number)
                               : FormatValue(d, defaults.at(id));
  return text.empty() ? "empty" : absl::StrCat("`", text, "`");
}

std::string Marks(const Directive& d) {
  std::string out;
  auto add = [&](bool yes, absl::string_view mark) {
    if (yes) absl::StrAppend(&out, out.empty() ? "" : ", ", mark);
  };
  add(d.Has(kImmutable) || d.type == Type::kLine, "fixed");
  add(d.Has(kProtected), "protected");
  add(d.Has(kSensitive), "secret");
  add(d.Has(kHidden), "hidden");
  add(d.Has(kHoldfast), "ours");
  return out;
}

std::string Purpose(const Directive& d) {
  std::string out = Cell(d.help);
  if (d.type == Type::kEnum || d.type == Type::kEnumBits) {
    out += " One of";
    if (d.type == Type::kEnumBits) out = Cell(d.help) + " Any of";
    for (size_t i = 0; i < d.enum_count; ++i) {
      absl::StrAppend(&out, i == 0 ? " " : ", ", "`", d.enum_names[i].name,
                      "`");
    }
    out += ".";
  } else if (d.type == Type::kInt) {
    absl::StrAppend(&out, " (", d.min, "..", d.max, ")");
  }
  if (d.effect == Effect::kAcceptedNoEffect) {
    absl::StrAppend(&out, " *No effect: ", Cell(d.reason), ".*");
  } else if (d.effect == Effect::kNotYet) {
    absl::StrAppend(&out, " *Not yet: ", Cell(d.reason), ".*");
  }
  return out;
}

}  // namespace

std::string RenderDocumentation() {
  std::string out = kPreamble;
  const ValueSet defaults = DefaultValues();
  for (const SectionRow& row : Sections()) {
    if (row.title != nullptr) {
      absl::StrAppend(&out, "\n## ", row.title,
                      "\n\n| directive | default | unit | run time | what it "
                      "does |\n|---|---|---|---|---|\n");
      continue;
    }
    const Directive& d = GetDirective(row.id);
    absl::StrAppend(&out, "| `", d.name, "`");
    if (d.alias != nullptr) absl::StrAppend(&out, ", `", d.alias, "`");
    absl::StrAppend(&out, " | ", DefaultCell(row.id, defaults), " | ", d.unit,
                    " | ", Marks(d), " | ", Purpose(d), " |\n");
  }
  return out;
}

}  // namespace holdfast::server::config
