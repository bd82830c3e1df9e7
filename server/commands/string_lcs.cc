// LCS: the longest common subsequence of two strings.
//
// The textbook table of lengths, of which only the last row is kept, and of the
// rest one bit a cell: which way a walk back from the end goes where the bytes
// differ. That is 1/32 of what Redis takes; what is refused is the same.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/commands/string_handlers.h"

namespace holdfast::server {
namespace {

struct LcsOptions {
  bool length_only = false;    // LEN
  bool ranges = false;         // IDX
  bool range_lengths = false;  // WITHMATCHLEN
  int64_t shortest_range = 0;  // MINMATCHLEN
};

// A stretch of bytes that both strings have: where each one's begins.
struct Match {
  size_t in_a;
  size_t in_b;
  size_t length;
};

class Table {
 public:
  // O(a * b). Without `with_path`, only length() may be called.
  Table(absl::string_view a, absl::string_view b, bool with_path)
      : a_(a), b_(b) {
    std::vector<uint32_t> row(b.size() + 1, 0);
    if (with_path) shorten_a_.resize(a.size() * b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      uint32_t diagonal = 0;  // Of (i, j), one less of both.
      for (size_t j = 0; j < b.size(); ++j) {
        const uint32_t above = row[j + 1];
        if (a[i] == b[j]) {
          row[j + 1] = diagonal + 1;
        } else {
          if (with_path && above > row[j]) shorten_a_[i * b.size() + j] = true;
          row[j + 1] = std::max(above, row[j]);
        }
        diagonal = above;
      }
    }
    length_ = row[b.size()];
  }

  uint32_t length() const { return length_; }

  // The matches from the last to the first, and their bytes in order. Of
  // several longest subsequences, the one that Redis finds.
  std::vector<Match> Walk(std::string* bytes) const {
    std::vector<Match> matches;
    bytes->resize(length_);
    size_t free = length_;
    bool in_match = false;
    for (size_t i = a_.size(), j = b_.size(); i > 0 && j > 0;) {
      if (a_[i - 1] == b_[j - 1]) {
        --i, --j;
        (*bytes)[--free] = a_[i];
        if (in_match) {
          matches.back() = {i, j, matches.back().length + 1};
        } else {
          matches.push_back({i, j, 1});
        }
        in_match = true;
      } else {
        in_match = false;
        if (shorten_a_[(i - 1) * b_.size() + (j - 1)]) {
          --i;
        } else {
          --j;
        }
      }
    }
    return matches;
  }

 private:
  const absl::string_view a_;
  const absl::string_view b_;
  uint32_t length_ = 0;
  std::vector<bool> shorten_a_;
};

bool ParseOptions(CommandContext& ctx, LcsOptions* options) {
  for (size_t i = 3; i < ctx.argc(); ++i) {
    if (ctx.ArgIs(i, "IDX")) {
      options->ranges = true;
    } else if (ctx.ArgIs(i, "LEN")) {
      options->length_only = true;
    } else if (ctx.ArgIs(i, "WITHMATCHLEN")) {
      options->range_lengths = true;
    } else if (ctx.ArgIs(i, "MINMATCHLEN") && i + 1 < ctx.argc()) {
      if (!ctx.IntArg(++i, &options->shortest_range)) return false;
    } else {
      ctx.Error(errors::kSyntax);
      return false;
    }
  }
  if (options->length_only && options->ranges) {
    ctx.Error(
        "ERR If you want both the length and indexes, please just use IDX.");
    return false;
  }
  return true;
}

// Redis's limits, which count its table of four bytes a cell.
bool CheckSize(CommandContext& ctx, size_t a, size_t b) {
  constexpr size_t kLongest = std::numeric_limits<uint32_t>::max() - 1;
  if (a >= kLongest || b >= kLongest) {
    ctx.Error("ERR String too long for LCS");
    return false;
  }
  uint64_t bytes = 0;
  if (__builtin_mul_overflow((a + 1) * (b + 1), sizeof(uint32_t), &bytes)) {
    ctx.Error(
        "ERR Insufficient memory, failed allocating transient memory for LCS");
    return false;
  }
  if (bytes > static_cast<uint64_t>(ctx.max_bulk_len())) {
    ctx.Error(
        "ERR Insufficient memory, transient memory for LCS exceeds "
        "proto-max-bulk-len");
    return false;
  }
  return true;
}

void ReplyWithRanges(net::ReplyWriter& reply, const std::vector<Match>& matches,
                     uint32_t length, const LcsOptions& options) {
  reply.MapHeader(2);
  reply.Bulk("matches");
  const size_t mark = reply.BeginDeferred();
  size_t written = 0;
  for (const Match& match : matches) {
    if (static_cast<int64_t>(match.length) < options.shortest_range) continue;
    ++written;
    reply.ArrayHeader(options.range_lengths ? 3 : 2);
    for (const size_t start : {match.in_a, match.in_b}) {
      reply.ArrayHeader(2);
      reply.Integer(static_cast<int64_t>(start));
      reply.Integer(static_cast<int64_t>(start + match.length - 1));
    }
    if (options.range_lengths)
      reply.Integer(static_cast<int64_t>(match.length));
  }
  reply.EndDeferredArray(mark, written);
  reply.Bulk("len");
  reply.Integer(length);
}

}  // namespace

void LcsCommand(CommandContext& ctx) {
  Db db = ctx.db();
  const Entry* const entry_a = db.Find(ctx.arg(1));
  const Entry* const entry_b = db.Find(ctx.arg(2));
  for (const Entry* entry : {entry_a, entry_b}) {
    if (entry != nullptr && entry->type() != ValueType::kString) {
      ctx.Error("ERR The specified keys must contain string values");
      return;
    }
  }
  LcsOptions options;
  if (!ParseOptions(ctx, &options)) return;

  char scratch_a[Entry::kScratch];
  char scratch_b[Entry::kScratch];
  const absl::string_view a =
      entry_a == nullptr ? "" : entry_a->StringBytes(scratch_a);
  const absl::string_view b =
      entry_b == nullptr ? "" : entry_b->StringBytes(scratch_b);
  if (!CheckSize(ctx, a.size(), b.size())) return;

  const Table table(a, b, !options.length_only);
  if (options.length_only) {
    ctx.reply().Integer(table.length());
    return;
  }
  std::string common;
  const std::vector<Match> matches = table.Walk(&common);
  if (options.ranges) {
    ReplyWithRanges(ctx.reply(), matches, table.length(), options);
  } else {
    ctx.reply().Bulk(common);
  }
}

}  // namespace holdfast::server
