// BITFIELD and BITFIELD_RO: numbers of any width at any bit of a string.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "net/resp/integer.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/commands/bitmap_handlers.h"
#include "server/commands/value_args.h"
#include "server/keyspace/entry.h"
#include "server/types/bits.h"

namespace holdfast::server {
namespace {

struct Operation {
  enum class Kind : uint8_t { kGet, kSet, kIncrement } kind = Kind::kGet;
  FieldOverflow overflow = FieldOverflow::kWrap;
  FieldType type;
  uint64_t offset = 0;
  int64_t operand = 0;  // What to set it to, or to add.
};

struct Operations {
  absl::InlinedVector<Operation, 8> list;
  bool writes = false;
  uint64_t last_bit_written = 0;
};

bool ParseFieldType(CommandContext& ctx, size_t arg, FieldType* type) {
  const absl::string_view text = ctx.arg(arg);
  int64_t bits = 0;
  if (!text.empty() && (text[0] == 'i' || text[0] == 'u')) {
    type->is_signed = text[0] == 'i';
    if (net::ParseInteger(text.substr(1), &bits) && bits >= 1 &&
        bits <= (type->is_signed ? 64 : 63)) {
      type->bits = static_cast<int>(bits);
      return true;
    }
  }
  ctx.Error(
      "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is "
      "not supported but i64 is.");
  return false;
}

bool ParseOverflow(CommandContext& ctx, size_t arg, FieldOverflow* overflow) {
  if (ctx.ArgIs(arg, "wrap")) {
    *overflow = FieldOverflow::kWrap;
  } else if (ctx.ArgIs(arg, "sat")) {
    *overflow = FieldOverflow::kSaturate;
  } else if (ctx.ArgIs(arg, "fail")) {
    *overflow = FieldOverflow::kFail;
  } else {
    ctx.Error("ERR Invalid OVERFLOW type specified");
    return false;
  }
  return true;
}

// All are looked at before the first is done.
bool ParseOperations(CommandContext& ctx, Operations* operations) {
  FieldOverflow overflow = FieldOverflow::kWrap;  // Until the next OVERFLOW.
  for (size_t i = 2; i < ctx.argc();) {
    using Kind = Operation::Kind;
    const size_t rest = ctx.argc() - i - 1;
    Operation operation;
    if (ctx.ArgIs(i, "get") && rest >= 2) {
      operation.kind = Kind::kGet;
    } else if (ctx.ArgIs(i, "set") && rest >= 3) {
      operation.kind = Kind::kSet;
    } else if (ctx.ArgIs(i, "incrby") && rest >= 3) {
      operation.kind = Kind::kIncrement;
    } else if (ctx.ArgIs(i, "overflow") && rest >= 1) {
      if (!ParseOverflow(ctx, i + 1, &overflow)) return false;
      i += 2;
      continue;
    } else {
      ctx.Error(errors::kSyntax);
      return false;
    }
    operation.overflow = overflow;
    if (!ParseFieldType(ctx, i + 1, &operation.type) ||
        !ParseBitOffset(ctx, i + 2, operation.type.bits, &operation.offset)) {
      return false;
    }
    if (operation.kind == Kind::kGet) {
      i += 3;
    } else {
      if (!ctx.IntArg(i + 3, &operation.operand)) return false;
      operations->writes = true;
      operations->last_bit_written = std::max(
          operations->last_bit_written,
          operation.offset + static_cast<uint64_t>(operation.type.bits) - 1);
      i += 4;
    }
    operations->list.push_back(operation);
  }
  return true;
}

void ReadOnly(CommandContext& ctx, const Operations& operations) {
  const Entry* entry = ctx.db().Find(ctx.arg(1));
  if (!CheckString(ctx, entry)) return;
  char scratch[Entry::kScratch];
  const absl::string_view bytes =
      entry == nullptr ? absl::string_view() : entry->StringBytes(scratch);
  ctx.reply().ArrayHeader(operations.list.size());
  for (const Operation& operation : operations.list) {
    ctx.reply().Integer(ReadField(bytes, operation.type, operation.offset));
  }
}

// The new value of SET and INCRBY; false if it does not fit and must not be
// made to.
bool NewValue(const Operation& operation, int64_t old, int64_t* value) {
  return operation.kind == Operation::Kind::kSet
             ? FitField(operation.type, operation.overflow, operation.operand,
                        0, value)
             : FitField(operation.type, operation.overflow, old,
                        operation.operand, value);
}

}  // namespace

void BitFieldCommand(CommandContext& ctx) {
  Operations operations;
  if (!ParseOperations(ctx, &operations)) return;
  if (!operations.writes) return ReadOnly(ctx, operations);

  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  const Entry* entry = db.FindForWrite(key);
  if (!CheckString(ctx, entry)) return;
  BitString string(&db, key, entry, (operations.last_bit_written >> 3) + 1);
  size_t changes = 0;
  ctx.reply().ArrayHeader(operations.list.size());
  for (const Operation& operation : operations.list) {
    const int64_t old =
        ReadField(string.bytes(), operation.type, operation.offset);
    int64_t value = 0;
    if (operation.kind == Operation::Kind::kGet) {
      ctx.reply().Integer(old);
    } else if (!NewValue(operation, old, &value)) {
      ctx.reply().Null();
    } else {
      ctx.reply().Integer(operation.kind == Operation::Kind::kSet ? old
                                                                  : value);
      if (value != old) {
        WriteField(string.MutableBytes(), operation.type, operation.offset,
                   value);
      }
      if (value != old || string.grown()) ++changes;
    }
  }
  if (changes > 0) {
    db.Touched(key, changes);
    ctx.Notify(kEventString, "setbit", key);
  } else if (string.grown()) {
    // Nothing fitted, and yet the key is there now, or longer. Redis tells
    // nobody; then its replicas have another dataset than it has.
    db.Touched(key);
  }
}

void BitFieldRoCommand(CommandContext& ctx) {
  Operations operations;
  if (!ParseOperations(ctx, &operations)) return;
  if (operations.writes) {
    ctx.Error("ERR BITFIELD_RO only supports the GET subcommand");
    return;
  }
  ReadOnly(ctx, operations);
}

}  // namespace holdfast::server
