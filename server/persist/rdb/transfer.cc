#include "server/persist/rdb/transfer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "glog/logging.h"
#include "server/persist/rdb/byte_source.h"

namespace holdfast::server {
namespace {

constexpr size_t kEntropyBytes = kEofMarkBytes / 2;
constexpr size_t kMaxHeaderLine = 1024;
constexpr size_t kMaxQuoted = 128;

std::string Quote(absl::string_view line) {
  return absl::CHexEscape(line.substr(0, kMaxQuoted));
}

// Digits only: no sign, no blanks.
bool ParseTransferLength(absl::string_view text, uint64_t* length) {
  if (text.empty()) return false;
  for (char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return absl::SimpleAtoi(text, length) && *length <= kMaxTransferBytes;
}

// The length of the longest end of `text` that is a beginning of `mark`, and
// not all of it.
size_t PartialMark(absl::string_view text, absl::string_view mark) {
  for (size_t n = std::min(text.size(), mark.size() - 1); n > 0; --n) {
    if (text.substr(text.size() - n) == mark.substr(0, n)) return n;
  }
  return 0;
}

}  // namespace

std::string MakeEofMark(absl::string_view entropy) {
  CHECK_EQ(entropy.size(), kEntropyBytes);
  return absl::BytesToHexString(entropy);
}

std::string LengthTransferHeader(uint64_t length) {
  return absl::StrCat("$", length, "\r\n");
}

std::string EofTransferHeader(absl::string_view mark) {
  CHECK_EQ(mark.size(), kEofMarkBytes);
  return absl::StrCat("$EOF:", mark, "\r\n");
}

absl::StatusOr<TransferHeader> ParseTransferHeader(absl::string_view line) {
  TransferHeader header;
  if (line.empty()) return header;
  if (line[0] == '-') {
    return absl::AbortedError(absl::StrCat(
        "MASTER aborted replication with an error: ", Quote(line.substr(1))));
  }
  if (line[0] != '$') {
    return absl::InvalidArgumentError(absl::StrCat(
        "Bad protocol from MASTER, the first byte is not '$' (we received '",
        Quote(line), "'), are you sure the host and port are right?"));
  }
  absl::string_view rest = line.substr(1);
  if (absl::ConsumePrefix(&rest, "EOF:") && rest.size() == kEofMarkBytes) {
    header.kind = TransferHeader::Kind::kEofMark;
    header.eof_mark = std::string(rest);
    return header;
  }
  if (ParseTransferLength(line.substr(1), &header.length)) {
    header.kind = TransferHeader::Kind::kLength;
    return header;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("Bad protocol from MASTER, neither a length nor an EOF mark "
                   "announces the RDB (we received '",
                   Quote(line), "')"));
}

absl::StatusOr<TransferHeader> ReadTransferHeader(ByteSource* source) {
  std::string line;
  while (line.size() <= kMaxHeaderLine) {
    const absl::StatusOr<absl::string_view> view = source->Peek(1);
    if (!view.ok()) return view.status();
    if (view->empty()) {
      return absl::DataLossError(
          "Connection closed before the header of the RDB");
    }
    const size_t newline = view->find('\n');
    const absl::string_view piece = view->substr(
        0, std::min({newline, view->size(), kMaxHeaderLine + 1 - line.size()}));
    line.append(piece.data(), piece.size());
    const bool complete = piece.size() == newline;
    source->Consume(piece.size() + (complete ? 1 : 0));
    if (complete) {
      return ParseTransferHeader(absl::StripSuffix(line, "\r"));
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("Bad protocol from MASTER, a line of over ", kMaxHeaderLine,
                   " bytes instead of the header of the RDB (it starts '",
                   Quote(line), "')"));
}

LengthSource::LengthSource(ByteSource* source, uint64_t length)
    : source_(source), length_(length), remaining_(length) {
  CHECK(source != nullptr);
  CHECK_LE(length, kMaxTransferBytes);
}

absl::StatusOr<absl::string_view> LengthSource::Peek(size_t min) {
  CHECK(min >= 1 && min <= kMaxTransferPeek) << min;
  if (remaining_ == 0) return absl::string_view();
  const size_t wanted = std::min<uint64_t>(min, remaining_);
  const absl::StatusOr<absl::string_view> view = source_->Peek(wanted);
  if (!view.ok()) return view.status();
  if (view->size() < wanted) {
    return absl::DataLossError(absl::StrCat(
        "Connection closed inside of the RDB: ", length_ - remaining_, " of ",
        length_, " bytes read, ", view->size(), " more arrived"));
  }
  return view->substr(0, std::min<uint64_t>(view->size(), remaining_));
}

void LengthSource::Consume(size_t n) {
  CHECK_LE(n, remaining_);
  source_->Consume(n);
  remaining_ -= n;
}

absl::Status LengthSource::Finish() {
  if (remaining_ == 0) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("The RDB ends ", remaining_,
                                          " bytes before its transfer of ",
                                          length_, " bytes does"));
}

EofMarkedSource::EofMarkedSource(ByteSource* source, absl::string_view mark)
    : source_(source), mark_(mark) {
  CHECK(source != nullptr);
  CHECK_EQ(mark.size(), kEofMarkBytes);
}

void EofMarkedSource::Search(absl::string_view view) {
  // What was clear before stays clear, so each byte is searched about once.
  const size_t found = view.find(mark_, clear_);
  if (found != absl::string_view::npos) {
    clear_ = found;
    mark_follows_ = true;
  } else {
    clear_ = view.size() - PartialMark(view.substr(clear_), mark_);
  }
}

absl::StatusOr<absl::string_view> EofMarkedSource::Peek(size_t min) {
  CHECK(min >= 1 && min <= kMaxTransferPeek) << min;
  if (finished_) return absl::string_view();
  size_t wanted = std::max<size_t>(1, std::min(min, clear_));
  while (true) {
    const absl::StatusOr<absl::string_view> view = source_->Peek(wanted);
    if (!view.ok()) return view.status();
    if (!mark_follows_ && clear_ < min) Search(*view);
    if (mark_follows_ || clear_ >= min) return view->substr(0, clear_);
    if (view->size() < wanted) {
      return absl::DataLossError(
          "Connection closed inside of the RDB, before its end mark");
    }
    // The mark has not come, so at least one byte more must. At most
    // min - 1 clear bytes and a partial mark are there: within kMaxPeek.
    wanted = view->size() + 1;
  }
}

void EofMarkedSource::Consume(size_t n) {
  CHECK_LE(n, clear_);
  source_->Consume(n);
  clear_ -= n;
}

absl::Status EofMarkedSource::Finish() {
  if (finished_) return absl::OkStatus();
  const absl::StatusOr<absl::string_view> left = Peek(1);
  if (!left.ok()) return left.status();
  if (!left->empty()) {
    return absl::DataLossError(
        "The RDB ends before the end mark of its transfer");
  }
  const absl::StatusOr<absl::string_view> mark = source_->Peek(kEofMarkBytes);
  if (!mark.ok()) return mark.status();
  CHECK_EQ(mark->substr(0, kEofMarkBytes), absl::string_view(mark_));
  source_->Consume(kEofMarkBytes);
  finished_ = true;
  return absl::OkStatus();
}

}  // namespace holdfast::server
