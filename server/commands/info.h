#ifndef HOLDFAST_SERVER_COMMANDS_INFO_H_
#define HOLDFAST_SERVER_COMMANDS_INFO_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/command/spec.h"
#include "server/engine/engine.h"

namespace holdfast::server {

// INFO: a registry of sections, each a function that writes its lines
// ("name:value\r\n"). Values are measured or counted, never made up; a field of
// Redis that means nothing here is 0 or missing (docs/compatibility.md). But
// for the keyspace section, which looks at one slot's lock, no keyspace lock is
// taken.
struct InfoSection {
  absl::string_view name;   // As INFO's argument, lower case.
  absl::string_view title;  // "# Server"
  // Part of a bare INFO ("default"); the others only come by name or with
  // "all".
  bool by_default;
  void (*write)(Engine& engine, std::string* out);
};

// In the order of the output.
absl::Span<const InfoSection> InfoSections();

// The text for these arguments: section names in any case, or default, all,
// everything; none is default. Unknown names add nothing.
std::string InfoText(Engine& engine,
                     absl::Span<const absl::string_view> sections);

// For CommandTable::Add(). The span lives for ever.
absl::Span<const CommandSpec> InfoCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_INFO_H_
