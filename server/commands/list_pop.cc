// What takes elements out of one of several lists, or moves them to another:
// at once, or when there are some.

#include "server/commands/list_pop.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/command/blocked.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/list_handlers.h"
#include "server/commands/take_or_block.h"
#include "server/commands/value_args.h"
#include "server/engine/engine.h"

namespace holdfast::server {
namespace {

absl::string_view PopName(ListEnd end) {
  return end == ListEnd::kHead ? "LPOP" : "RPOP";
}
absl::string_view EndName(ListEnd end) {
  return end == ListEnd::kHead ? "LEFT" : "RIGHT";
}

bool ParseEnd(CommandContext& ctx, size_t i, ListEnd* end) {
  if (ctx.ArgIs(i, "LEFT")) {
    *end = ListEnd::kHead;
  } else if (ctx.ArgIs(i, "RIGHT")) {
    *end = ListEnd::kTail;
  } else {
    ctx.Error(errors::kSyntax);
    return false;
  }
  return true;
}

// --- Moving ---

struct Move {
  ListEnd from;
  ListEnd to;
  bool old_form;  // (B)RPOPLPUSH: also in the log.
};

// Moves an element, replies it, and tells the log. False where the destination
// is no list, which is replied. REQUIRES: the source is there.
bool MoveElement(CommandContext& ctx, absl::string_view source_key,
                 absl::string_view target_key, List* source, const Move& move) {
  Db db = ctx.db();
  List* target;
  if (!FindForChange(ctx, db, target_key, &target)) return false;
  if (target == nullptr) target = Create<List>(db, target_key);
  std::string element;
  source->Pop(move.from, [&element](absl::string_view e) {
    element.assign(e.data(), e.size());
  });
  target->Push(move.to, element, ListLimitsOf(ctx.engine().config()));
  ctx.Notify(kEventList, move.to == ListEnd::kHead ? "lpush" : "rpush",
             target_key);
  ctx.reply().Bulk(element);
  ctx.Notify(kEventList, PopEvent(move.from), source_key);
  db.Touched(target_key);
  if (source_key != target_key) {
    db.Touched(source_key, 0);
    DeleteIfEmpty(ctx, db, source_key, *source);
  }
  if (move.old_form) {
    ctx.ReplaceEffect({"RPOPLPUSH", source_key, target_key});
  } else {
    ctx.ReplaceEffect({"LMOVE", source_key, target_key, EndName(move.from),
                       EndName(move.to)});
  }
  return true;
}

// `timeout`: null where it does not block.
void MoveOrBlock(CommandContext& ctx, const Move& move,
                 const absl::Duration* timeout) {
  const absl::string_view source_key = ctx.arg(1);
  const absl::string_view target_key = ctx.arg(2);
  Db db = ctx.db();
  List* source;
  if (!FindForChange(ctx, db, source_key, &source)) return;
  if (source != nullptr) {
    MoveElement(ctx, source_key, target_key, source, move);
    return;
  }
  if (timeout != nullptr) {
    BlockedClient::Request request;
    request.keys = {std::string(source_key)};
    request.timeout = *timeout;
    request.has_also_key = true;
    request.also_key = std::string(target_key);
    request.serve = [move, target = request.also_key](CommandContext& waiting,
                                                      absl::string_view key) {
      Db its_db = waiting.db();
      Entry* entry = its_db.FindForWrite(key);
      if (entry == nullptr || entry->type() != ValueType::kList) return false;
      // A destination of another type is this client's error; the element
      // stays.
      MoveElement(waiting, key, target,
                  its_db.storage().ChangeObject<List>(entry), move);
      return true;
    };
    request.on_timeout = [](net::ReplyWriter* reply) { reply->NullArray(); };
    if (BlockedClient::Block(ctx, std::move(request))) return;
  }
  ctx.reply().Null();
}

// --- Taking from the first of several lists that has something ---

// BLPOP: replies the key and one element.
auto TakeOne(ListEnd end) {
  return [end](CommandContext& ctx, absl::string_view key, List* list) {
    Db db = ctx.db();
    ctx.reply().ArrayHeader(2);
    ctx.reply().Bulk(key);
    ReplyAndPop(ctx, db, key, list, end, 1);
    db.Touched(key);
    ctx.ReplaceEffect({PopName(end), key});
  };
}

// LMPOP: the key and an array of up to `count`.
auto TakeMany(ListEnd end, size_t count) {
  return [end, count](CommandContext& ctx, absl::string_view key, List* list) {
    Db db = ctx.db();
    const size_t n = std::min(count, list->size());
    ctx.reply().ArrayHeader(2);
    ctx.reply().Bulk(key);
    ctx.reply().ArrayHeader(n);
    ReplyAndPop(ctx, db, key, list, end, n);
    db.Touched(key, n);
    ctx.ReplaceEffect({PopName(end), key, absl::StrCat(n)});
  };
}

}  // namespace

void ReplyAndPop(CommandContext& ctx, Db& db, absl::string_view key, List* list,
                 ListEnd end, size_t n) {
  list->Visit(end == ListEnd::kHead ? 0 : -1, n, end == ListEnd::kTail,
              [&ctx](absl::string_view e) { ctx.reply().Bulk(e); });
  list->Trim(end == ListEnd::kHead ? n : 0, list->size() - n);
  ctx.Notify(kEventList, PopEvent(end), key);
  DeleteIfEmpty(ctx, db, key, *list);
}

void LMoveCommand(CommandContext& ctx) {
  Move move = {};
  if (!ParseEnd(ctx, 3, &move.from) || !ParseEnd(ctx, 4, &move.to)) return;
  MoveOrBlock(ctx, move, nullptr);
}

void RPopLPushCommand(CommandContext& ctx) {
  MoveOrBlock(ctx, {ListEnd::kTail, ListEnd::kHead, true}, nullptr);
}

void LMPopCommand(CommandContext& ctx) {
  TakeManyOrBlock<List, ListEnd>(ctx, 1, /*blocks=*/false, ParseEnd, TakeMany);
}

void BLPopCommand(CommandContext& ctx) {
  TakeOneOrBlock<List>(ctx, TakeOne(ListEnd::kHead));
}
void BRPopCommand(CommandContext& ctx) {
  TakeOneOrBlock<List>(ctx, TakeOne(ListEnd::kTail));
}

void BLMoveCommand(CommandContext& ctx) {
  Move move = {};
  absl::Duration timeout;
  if (!ParseEnd(ctx, 3, &move.from) || !ParseEnd(ctx, 4, &move.to) ||
      !ParseBlockTimeout(ctx, ctx.arg(5), &timeout))
    return;
  MoveOrBlock(ctx, move, &timeout);
}

void BRPopLPushCommand(CommandContext& ctx) {
  absl::Duration timeout;
  if (!ParseBlockTimeout(ctx, ctx.arg(3), &timeout)) return;
  MoveOrBlock(ctx, {ListEnd::kTail, ListEnd::kHead, true}, &timeout);
}

void BLMPopCommand(CommandContext& ctx) {
  TakeManyOrBlock<List, ListEnd>(ctx, 2, /*blocks=*/true, ParseEnd, TakeMany);
}

}  // namespace holdfast::server
