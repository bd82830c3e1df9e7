#include "server/app/command_renamer.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace holdfast::server {

CommandRenamer::CommandRenamer(CommandTable* table, const Config& config,
                               std::deque<std::string>* names)
    : table_(table), names_(names) {
  for (const std::vector<std::string>& line :
       config.Lines(ConfigId::kRenameCommand)) {
    if (line.size() != 2) continue;  // The configuration refuses others.
    renames_[absl::AsciiStrToLower(line[0])] = absl::AsciiStrToLower(line[1]);
  }
}

void CommandRenamer::Add(absl::Span<const CommandSpec> commands) {
  for (const CommandSpec& command : commands) {
    CommandSpec spec = command;
    const auto rename = renames_.find(std::string(command.name));
    if (rename != renames_.end()) {
      met_.insert(rename->first);
      if (rename->second.empty()) continue;
      names_->push_back(rename->second);
      spec.name = names_->back();
    }
    if (!taken_.insert(std::string(spec.name)).second) {
      clash_ = std::string(spec.name);
      continue;
    }
    table_->Add({spec});
  }
}

absl::Status CommandRenamer::Finish() const {
  if (!clash_.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Target command name already exists in rename-command: ", clash_));
  }
  for (const auto& [name, target] : renames_) {
    if (met_.count(name) == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("No such command in rename-command: ", name));
    }
  }
  return absl::OkStatus();
}

}  // namespace holdfast::server
