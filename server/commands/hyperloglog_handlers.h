#ifndef HOLDFAST_SERVER_COMMANDS_HYPERLOGLOG_HANDLERS_H_
#define HOLDFAST_SERVER_COMMANDS_HYPERLOGLOG_HANDLERS_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "server/command/context.h"
#include "server/command/db.h"
#include "server/keyspace/entry.h"

// Private to the HyperLogLog family: what its files share. The handlers'
// contract is CommandContext's; arguments are counted and slots locked when
// they are called.
namespace holdfast::server {

// hyperloglog.cc.
void PfAddCommand(CommandContext& ctx);
void PfCountCommand(CommandContext& ctx);
void PfMergeCommand(CommandContext& ctx);

// hyperloglog_debug.cc.
void PfDebugCommand(CommandContext& ctx);
void PfSelfTestCommand(CommandContext& ctx);

inline constexpr absl::string_view kCorruptHyperLogLog =
    "INVALIDOBJ Corrupted HLL object detected";

// The bytes of an entry that is there and claims to be a HyperLogLog. False,
// with the error replied, if it does not.
bool HyperLogLogBytes(CommandContext& ctx, const Entry& entry,
                      absl::string_view* bytes);

// Stores a changed one in place of what the key held, and counts the changes;
// the expiry stays. REQUIRES: changes > 0.
void StoreHyperLogLog(Db& db, absl::string_view key, absl::string_view bytes,
                      size_t changes);

// hll-sparse-max-bytes.
size_t MaxSparseBytes(CommandContext& ctx);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_HYPERLOGLOG_HANDLERS_H_
