#include "replication/replica/stream_applier.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "net/resp/integer.h"
#include "server/config/config.h"
#include "server/keyspace/slot_table.h"

namespace holdfast::replication {
namespace {

// Whatever client-query-buffer-limit says: a transaction that the primary has
// executed must fit, or the link would break at it again and again.
constexpr int64_t kLeastTransactionLimit = int64_t{1} << 30;
// More memory than this is given back after a transaction.
constexpr size_t kKeptBytes = 1 << 20;
constexpr size_t kMaxNamed = 64;  // Of a command's name in our texts.
// Of the error that a command gave, which may hold an argument of any length.
constexpr size_t kMaxReason = 400;

constexpr absl::string_view kNoDatabase =
    "the stream has not said which database it is in";

}  // namespace

StreamApplier::StreamApplier(server::Engine* engine, server::Session* session,
                             bool peer_is_holdfast, int last_db)
    : engine_(*engine),
      session_(*session),
      peer_is_holdfast_(peer_is_holdfast),
      dispatcher_(engine, session),
      decoder_(net::RequestLimits::ForPrimaryLink()) {
  int db = engine->log().selected_db();
  if (db < 0 && last_db >= 0) engine->log().NoteSelectedDb(db = last_db);
  db_known_ = db >= 0;
  session_.db.store(std::max(db, 0), std::memory_order_relaxed);
  commands_.resize(1);
}

int64_t StreamApplier::max_transaction_bytes() const {
  return std::max(
      kLeastTransactionLimit,
      engine_.config().Int(server::ConfigId::kClientQueryBufferLimit));
}

StreamApplier::Kind StreamApplier::KindOf(absl::string_view name) {
  switch (name.size()) {
    case 4:
      if (absl::EqualsIgnoreCase(name, "PING")) return Kind::kPassedOn;
      if (absl::EqualsIgnoreCase(name, "EXEC")) return Kind::kExec;
      break;
    case 5:
      if (absl::EqualsIgnoreCase(name, "MULTI")) return Kind::kMulti;
      break;
    case 6:
      if (absl::EqualsIgnoreCase(name, "SELECT")) return Kind::kSelect;
      break;
    case 8:
      if (absl::EqualsIgnoreCase(name, "REPLCONF")) return Kind::kReplconf;
      break;
    default:
      break;
  }
  return Kind::kData;
}

StreamApplier::Result StreamApplier::Run(net::InputBuffer* in,
                                         const std::function<bool()>& stop) {
  int64_t commands = 0;
  Result result = Result::kNeedMore;
  bool more = true;
  while (more && result == Result::kNeedMore) {
    if (stop()) return Result::kStopped;
    switch (decoder_.Next(in)) {
      case net::RequestDecoder::Result::kNeedMore:
        more = false;
        break;
      case net::RequestDecoder::Result::kError:
        error_ = absl::StrCat(absl::CHexEscape(decoder_.error_text()),
                              " at offset ", engine_.log().end_offset());
        result = Result::kProtocolError;
        break;
      case net::RequestDecoder::Result::kEmpty:
        // Between two Holdfasts an empty line is a keepalive beside the stream;
        // from anybody else it is part of it.
        if (peer_is_holdfast_ && decoder_.raw() == "\n") break;
        if (in_transaction_) {
          transaction_.append(decoder_.raw().data(), decoder_.raw().size());
        } else {
          engine_.log().AppendRaw(decoder_.raw());
        }
        break;
      case net::RequestDecoder::Result::kCommand:
        ++commands;
        result = OnCommand(decoder_.args(), decoder_.raw());
        break;
    }
  }
  session_.commands.fetch_add(commands, std::memory_order_relaxed);
  session_.query_bytes.store(in->size(), std::memory_order_relaxed);
  return result;
}

StreamApplier::Result StreamApplier::OnCommand(
    absl::Span<const absl::string_view> args, absl::string_view raw) {
  const Kind kind = KindOf(args[0]);
  if (in_transaction_) return Gather(kind, args, raw);
  switch (kind) {
    case Kind::kData: {
      if (!db_known_) return Diverged(args[0], kNoDatabase);
      commands_[0].assign(args.begin(), args.end());
      const absl::Status status =
          dispatcher_.Apply(absl::MakeConstSpan(commands_.data(), 1), raw);
      return status.ok() ? Result::kNeedMore
                         : Diverged(args[0], status.message());
    }
    case Kind::kSelect:
      return OnSelect(args, raw);
    case Kind::kPassedOn:
      engine_.log().AppendRaw(raw);
      return Result::kNeedMore;
    case Kind::kReplconf:
      engine_.log().AppendRaw(raw);
      return args.size() >= 2 && absl::EqualsIgnoreCase(args[1], "GETACK")
                 ? Result::kAckWanted
                 : Result::kNeedMore;
    case Kind::kMulti:
      in_transaction_ = true;
      selects_ = false;
      transaction_.assign(raw.data(), raw.size());
      places_.clear();
      argument_counts_.clear();
      return Result::kNeedMore;
    case Kind::kExec:
      break;
  }
  error_ =
      absl::StrCat("EXEC without MULTI at offset ", engine_.log().end_offset());
  return Result::kProtocolError;
}

StreamApplier::Result StreamApplier::OnSelect(
    absl::Span<const absl::string_view> args, absl::string_view raw) {
  int64_t db;
  if (args.size() != 2 || !net::ParseInteger(args[1], &db) || db < 0 ||
      db >= engine_.keyspace().database_count()) {
    return Diverged(
        args[0],
        absl::StrCat(
            "there is no database '",
            absl::CHexEscape(args.size() > 1 ? args[1].substr(0, kMaxNamed)
                                             : ""),
            "' here (databases ", engine_.keyspace().database_count(), ")"));
  }
  session_.db.store(static_cast<int>(db), std::memory_order_relaxed);
  db_known_ = true;
  // Whoever cuts a snapshot, with the gate to itself, sees both or neither.
  server::SlotSetLock gate(&engine_.keyspace().slots(),
                           &engine_.keyspace().gate());
  gate.LockGateOnly();
  engine_.log().AppendRaw(raw, static_cast<int>(db));
  return Result::kNeedMore;
}

StreamApplier::Result StreamApplier::Gather(
    Kind kind, absl::Span<const absl::string_view> args,
    absl::string_view raw) {
  const size_t base = transaction_.size();
  if (static_cast<int64_t>(base + raw.size()) > max_transaction_bytes()) {
    return Diverged("MULTI", absl::StrCat("the transaction is longer than ",
                                          max_transaction_bytes(), " bytes"));
  }
  transaction_.append(raw.data(), raw.size());
  switch (kind) {
    case Kind::kExec:
      return ApplyTransaction();
    case Kind::kMulti:
      error_ = absl::StrCat("MULTI inside of MULTI at offset ",
                            engine_.log().end_offset());
      return Result::kProtocolError;
    case Kind::kPassedOn:
    case Kind::kReplconf:
      return Result::kNeedMore;  // Part of the bytes and nothing to execute.
    case Kind::kSelect:
      selects_ = true;
      break;
    case Kind::kData:
      if (!db_known_ && !selects_) return Diverged(args[0], kNoDatabase);
      break;
  }
  for (const absl::string_view arg : args) {
    places_.push_back(
        {base + static_cast<size_t>(arg.data() - raw.data()), arg.size()});
  }
  argument_counts_.push_back(args.size());
  return Result::kNeedMore;
}

StreamApplier::Result StreamApplier::ApplyTransaction() {
  const size_t count = argument_counts_.size();
  if (commands_.size() < count) commands_.resize(count);
  const Place* place = places_.data();
  for (size_t i = 0; i < count; ++i) {
    commands_[i].clear();
    for (size_t a = 0; a < argument_counts_[i]; ++a, ++place) {
      commands_[i].push_back(
          absl::string_view(transaction_).substr(place->begin, place->length));
    }
  }
  const absl::Status status = dispatcher_.Apply(
      absl::MakeConstSpan(commands_.data(), count), transaction_);
  if (!status.ok()) return Diverged("EXEC", status.message());
  db_known_ |= selects_;
  in_transaction_ = false;
  if (transaction_.capacity() > kKeptBytes) std::string().swap(transaction_);
  if (count > 1 &&
      places_.capacity() * sizeof(Place) + count * sizeof(commands_[0]) >
          kKeptBytes) {
    std::vector<Place>().swap(places_);
    std::vector<size_t>().swap(argument_counts_);
    std::vector<std::vector<absl::string_view>>(1).swap(commands_);
  }
  return Result::kNeedMore;
}

StreamApplier::Result StreamApplier::Diverged(absl::string_view what,
                                              absl::string_view why) {
  error_ = absl::StrCat(
      "command '", absl::CHexEscape(what.substr(0, kMaxNamed)), "' at offset ",
      engine_.log().end_offset(), ": ",
      absl::StripTrailingAsciiWhitespace(why.substr(0, kMaxReason)));
  return Result::kDiverged;
}

}  // namespace holdfast::replication
