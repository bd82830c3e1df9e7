#include "server/command/context.h"

#include "net/resp/integer.h"
#include "server/engine/engine.h"

namespace holdfast::server {

void CommandContext::Error(absl::string_view text) {
  failed_ = true;
  engine().stats().CountError(text);
  reply_.Error(text);
}

bool CommandContext::IntArg(size_t i, int64_t* value, absl::string_view error) {
  if (net::ParseInteger(args_[i], value)) return true;
  Error(error);
  return false;
}

bool CommandContext::IntArgInRange(size_t i, int64_t min, int64_t max,
                                   int64_t* value, absl::string_view error) {
  if (net::ParseInteger(args_[i], value) && *value >= min && *value <= max)
    return true;
  Error(error);
  return false;
}

void CommandContext::ReplaceEffect(absl::Span<const absl::string_view> args) {
  ReplaceEffectIn(db_index_, args);
}

void CommandContext::ReplaceEffectIn(int db,
                                     absl::Span<const absl::string_view> args) {
  own_effect_ = false;
  unit_.AddEffect(db, args);
}

void CommandContext::NotifyIn(int db, EventClass event_class,
                              absl::string_view event, absl::string_view key) {
  engine().NotifyKeyspaceEvent(db, event_class, event, key);
}

int64_t CommandContext::max_bulk_len() {
  return engine().config().Int(ConfigId::kProtoMaxBulkLen);
}

}  // namespace holdfast::server
