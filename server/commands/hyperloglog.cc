// PFADD, PFCOUNT and PFMERGE.

#include "server/commands/hyperloglog.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/strings/string_view.h"
#include "server/command/context.h"
#include "server/commands/hyperloglog_handlers.h"
#include "server/commands/value_args.h"
#include "server/config/config.h"
#include "server/engine/engine.h"
#include "server/types/hyperloglog.h"

namespace holdfast::server {
namespace {

// A dense one is changed where it stands, and only if a register rises.
void AddToDense(CommandContext& ctx, Db& db, absl::string_view bytes,
                size_t* changes) {
  char* to = nullptr;
  for (size_t i = 2; i < ctx.argc(); ++i) {
    const hll::Place place = hll::PlaceOf(ctx.arg(i));
    if (hll::DenseRegister(bytes, place.index) >= place.rank) continue;
    if (to == nullptr) {
      to = db.EditString(ctx.arg(1), bytes.size());
      bytes = {to, bytes.size()};
      hll::InvalidateEstimate(to);
    }
    hll::RaiseDense(to, place);
    ++*changes;
  }
  if (*changes > 0) db.Touched(ctx.arg(1), *changes);
}

// A sparse one is short: what comes out is put in its place when all elements
// have been added, or not at all. False, with the error replied, if it is
// corrupt.
bool AddToSparse(CommandContext& ctx, Db& db, std::string bytes,
                 size_t* changes) {
  const size_t max_sparse = MaxSparseBytes(ctx);
  for (size_t i = 2; i < ctx.argc(); ++i) {
    switch (hll::Raise(&bytes, hll::PlaceOf(ctx.arg(i)), max_sparse)) {
      case hll::Raised::kNo:
        break;
      case hll::Raised::kYes:
        ++*changes;
        break;
      case hll::Raised::kCorrupt:
        ctx.Error(kCorruptHyperLogLog);
        return false;
    }
  }
  if (*changes > 0) {
    hll::InvalidateEstimate(bytes.data());
    StoreHyperLogLog(db, ctx.arg(1), bytes, *changes);
  }
  return true;
}

// Of several keys: the estimate of their union, which nobody keeps.
void CountUnion(CommandContext& ctx) {
  Db db = ctx.db();
  hll::Registers registers = {};
  for (size_t i = 1; i < ctx.argc(); ++i) {
    const Entry* entry = db.Find(ctx.arg(i));
    if (entry == nullptr) continue;
    absl::string_view bytes;
    if (!HyperLogLogBytes(ctx, *entry, &bytes)) return;
    if (!hll::MergeInto(bytes, &registers)) {
      ctx.Error(kCorruptHyperLogLog);
      return;
    }
  }
  ctx.reply().Integer(static_cast<int64_t>(hll::Estimate(registers)));
}

}  // namespace

bool HyperLogLogBytes(CommandContext& ctx, const Entry& entry,
                      absl::string_view* bytes) {
  if (!CheckString(ctx, &entry)) return false;
  if (entry.encoding() != Encoding::kInt) {
    char unused[Entry::kScratch];
    *bytes = entry.StringBytes(unused);
    if (hll::IsHyperLogLog(*bytes)) return true;
  }
  ctx.Error("WRONGTYPE Key is not a valid HyperLogLog string value.");
  return false;
}

void StoreHyperLogLog(Db& db, absl::string_view key, absl::string_view bytes,
                      size_t changes) {
  if (hll::IsDense(bytes)) {  // Does not grow any more: just its size.
    db.SetString(key, bytes, {.keep = true}, IfInteger::kAsText);
    if (changes > 1) db.Touched(key, changes - 1);
  } else {
    memcpy(db.EditString(key, bytes.size()), bytes.data(), bytes.size());
    db.Touched(key, changes);
  }
}

size_t MaxSparseBytes(CommandContext& ctx) {
  return static_cast<size_t>(
      ctx.engine().config().Int(ConfigId::kHllSparseMaxBytes));
}

void PfAddCommand(CommandContext& ctx) {
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  const Entry* entry = db.FindForWrite(key);
  size_t changes = 0;
  if (entry == nullptr) {
    changes = 1;  // That it is there now.
    if (!AddToSparse(ctx, db, hll::Empty(), &changes)) return;
  } else {
    absl::string_view bytes;
    if (!HyperLogLogBytes(ctx, *entry, &bytes)) return;
    if (hll::IsDense(bytes)) {
      AddToDense(ctx, db, bytes, &changes);
    } else if (ctx.argc() > 2) {
      if (bytes.size() > hll::kMaxSparseSize) {
        ctx.Error(kCorruptHyperLogLog);
        return;
      }
      if (!AddToSparse(ctx, db, std::string(bytes), &changes)) return;
    }
  }
  if (changes > 0) ctx.Notify(kEventString, "pfadd", key);
  ctx.reply().Integer(changes > 0 ? 1 : 0);
}

// A command that reads, but keeps the estimate in the value and tells replicas
// to do so, too. A client of a replica changes nothing there: the dataset is
// its primary's.
void PfCountCommand(CommandContext& ctx) {
  if (ctx.argc() > 2) return CountUnion(ctx);
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  const Entry* entry = db.Find(key);
  if (entry == nullptr) {
    ctx.reply().Integer(0);
    return;
  }
  absl::string_view bytes;
  if (!HyperLogLogBytes(ctx, *entry, &bytes)) return;
  uint64_t estimate = 0;
  if (!hll::CachedEstimate(bytes, &estimate)) {
    if (!hll::Estimate(bytes, &estimate)) {
      ctx.Error(kCorruptHyperLogLog);
      return;
    }
    if (!ctx.engine().is_replica() || ctx.unit().from_primary()) {
      hll::CacheEstimate(db.EditString(key, bytes.size()), estimate);
      db.Touched(key);
    }
  }
  ctx.reply().Integer(static_cast<int64_t>(estimate));
}

// What the destination holds takes part.
void PfMergeCommand(CommandContext& ctx) {
  const absl::string_view destination = ctx.arg(1);
  Db db = ctx.db();
  hll::Registers registers = {};
  bool any_dense = false;
  for (size_t i = 1; i < ctx.argc(); ++i) {
    const Entry* entry = db.Find(ctx.arg(i));
    if (entry == nullptr) continue;
    absl::string_view bytes;
    if (!HyperLogLogBytes(ctx, *entry, &bytes)) return;
    any_dense |= hll::IsDense(bytes);
    if (!hll::MergeInto(bytes, &registers)) {
      ctx.Error(kCorruptHyperLogLog);
      return;
    }
  }
  std::string merged = hll::Empty();
  const Entry* entry = db.FindForWrite(destination);
  if (entry != nullptr) {
    absl::string_view bytes;
    if (!HyperLogLogBytes(ctx, *entry, &bytes)) return;
    merged.assign(bytes.data(), bytes.size());
  }
  bool whole = !any_dense || hll::ToDense(&merged);
  const size_t max_sparse = MaxSparseBytes(ctx);
  for (int i = 0; whole && i < hll::kRegisters; ++i) {
    const int rank = registers[static_cast<size_t>(i)];
    if (rank > 0)
      whole =
          hll::Raise(&merged, {i, rank}, max_sparse) != hll::Raised::kCorrupt;
  }
  if (!whole) {  // Not after it has been merged; but never store such a one.
    ctx.Error(kCorruptHyperLogLog);
    return;
  }
  hll::InvalidateEstimate(merged.data());
  StoreHyperLogLog(db, destination, merged, 1);
  ctx.Notify(kEventString, "pfadd", destination);
  ctx.Ok();
}

}  // namespace holdfast::server
