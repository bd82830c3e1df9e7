// PFDEBUG, which shows the insides of a value, and PFSELFTEST.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/command/context.h"
#include "server/commands/hyperloglog_handlers.h"
#include "server/engine/engine.h"
#include "server/types/hyperloglog.h"

namespace holdfast::server {
namespace {

// Makes the key's value dense if it is not; false, with the error replied, if
// it is corrupt. `bytes` are those it has then.
bool MakeDense(CommandContext& ctx, Db& db, absl::string_view key,
               absl::string_view bytes, std::string* dense) {
  const bool was_sparse = !hll::IsDense(bytes);
  if (was_sparse && bytes.size() > hll::kMaxSparseSize) {
    ctx.Error(kCorruptHyperLogLog);
    return false;
  }
  dense->assign(bytes.data(), bytes.size());
  if (!hll::ToDense(dense)) {
    ctx.Error(kCorruptHyperLogLog);
    return false;
  }
  if (was_sparse) StoreHyperLogLog(db, key, *dense, 1);
  return true;
}

// The registers of a dense value hold what is put into them, and no other does.
bool RegistersHold(Engine& engine) {
  std::string bytes(hll::kDenseSize, '\0');
  hll::Registers expected;
  for (int round = 0; round < 20; ++round) {
    bytes.assign(hll::kDenseSize, '\0');
    for (int i = 0; i < hll::kRegisters; ++i) {
      const auto value =
          static_cast<uint8_t>(engine.RandomU64() & hll::kMaxRegister);
      expected[static_cast<size_t>(i)] = value;
      hll::RaiseDense(bytes.data(), {i, value});
    }
    for (int i = 0; i < hll::kRegisters; ++i) {
      if (hll::DenseRegister(bytes, i) != expected[static_cast<size_t>(i)])
        return false;
    }
  }
  return true;
}

// Adds elements to a dense and to a sparse value and says what is wrong with
// them at each power of ten; empty if nothing is.
std::string EstimatesHold(Engine& engine, size_t max_sparse) {
  constexpr uint64_t kElements = 100'000;  // Redis: a hundred times as many.
  const double error = 1.04 / std::sqrt(hll::kRegisters);
  const uint64_t seed = engine.RandomU64();
  std::string sparse = hll::Empty();
  std::string dense = hll::Empty();
  hll::ToDense(&dense);
  uint64_t checkpoint = 1;
  for (uint64_t i = 1; i <= kElements; ++i) {
    const uint64_t element = i ^ seed;
    const hll::Place place = hll::PlaceOf(
        {reinterpret_cast<const char*>(&element), sizeof(element)});
    hll::RaiseDense(dense.data(), place);
    hll::Raise(&sparse, place, max_sparse);
    if (i != checkpoint) continue;
    if (i < max_sparse / 2 && hll::IsDense(sparse))
      return "TESTFAILED sparse encoding not used";
    uint64_t of_dense = 0;
    uint64_t of_sparse = 0;
    if (!hll::Estimate(dense, &of_dense) ||
        !hll::Estimate(sparse, &of_sparse) || of_dense != of_sparse) {
      return "TESTFAILED dense/sparse disagree";
    }
    // Six times the standard error; at ten elements, one collision.
    const auto off = std::abs(static_cast<int64_t>(i - of_dense));
    const double allowed =
        i == 10 ? 1 : std::ceil(error * 6 * static_cast<double>(i));
    if (static_cast<double>(off) > allowed)
      return absl::StrCat("TESTFAILED Too big error. card:", i,
                          " abserr:", off);
    checkpoint *= 10;
  }
  return "";
}

}  // namespace

void PfDebugCommand(CommandContext& ctx) {
  const absl::string_view key = ctx.arg(2);
  Db db = ctx.db();
  const Entry* entry = db.FindForWrite(key);
  if (entry == nullptr) {
    ctx.Error("ERR The specified key does not exist");
    return;
  }
  absl::string_view bytes;
  if (!HyperLogLogBytes(ctx, *entry, &bytes)) return;
  const bool is_dense = hll::IsDense(bytes);
  std::string text;
  if (ctx.ArgIs(1, "getreg")) {
    if (!MakeDense(ctx, db, key, bytes, &text)) return;
    ctx.reply().ArrayHeader(hll::kRegisters);
    for (int i = 0; i < hll::kRegisters; ++i)
      ctx.reply().Integer(hll::DenseRegister(text, i));
  } else if (ctx.ArgIs(1, "decode")) {
    if (is_dense) {
      ctx.Error("ERR HLL encoding is not sparse");
    } else if (!hll::DecodeSparse(bytes, &text)) {
      ctx.Error(kCorruptHyperLogLog);
    } else {
      ctx.reply().Bulk(text);
    }
  } else if (ctx.ArgIs(1, "encoding")) {
    ctx.reply().SimpleString(is_dense ? "dense" : "sparse");
  } else if (ctx.ArgIs(1, "todense")) {
    if (!MakeDense(ctx, db, key, bytes, &text)) return;
    ctx.reply().Integer(is_dense ? 0 : 1);
  } else {
    ctx.Error(
        absl::StrCat("ERR Unknown PFDEBUG subcommand '", ctx.arg(1), "'"));
  }
}

// Looks at no key, and so holds nobody up.
void PfSelfTestCommand(CommandContext& ctx) {
  if (!RegistersHold(ctx.engine())) {
    ctx.Error("TESTFAILED a register does not hold what was put into it");
    return;
  }
  const std::string failure = EstimatesHold(ctx.engine(), MaxSparseBytes(ctx));
  if (failure.empty()) {
    ctx.Ok();
  } else {
    ctx.Error(failure);
  }
}

}  // namespace holdfast::server
