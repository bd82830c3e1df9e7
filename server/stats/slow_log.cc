#include "server/stats/slow_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace holdfast::server {
std::vector<std::string> SlowLog::Trimmed(
    absl::Span<const absl::string_view> args) {
  const bool too_many = args.size() > SlowLog::kMaxArguments;
  const size_t shown = too_many ? SlowLog::kMaxArguments - 1 : args.size();
  std::vector<std::string> out;
  out.reserve(shown + 1);
  for (const absl::string_view arg : args.subspan(0, shown)) {
    if (arg.size() <= SlowLog::kMaxArgumentBytes) {
      out.emplace_back(arg);
    } else {
      out.push_back(absl::StrCat(
          arg.substr(0, SlowLog::kMaxArgumentBytes), "... (",
          arg.size() - SlowLog::kMaxArgumentBytes, " more bytes)"));
    }
  }
  if (too_many)
    out.push_back(
        absl::StrCat("... (", args.size() - shown, " more arguments)"));
  return out;
}

void SlowLog::Add(absl::Span<const absl::string_view> args, Entry entry,
                  int64_t max_entries) {
  entry.args = Trimmed(args);
  Add(std::move(entry), max_entries);
}

void SlowLog::Add(Entry entry, int64_t max_entries) {
  auto kept = std::make_shared<Entry>(std::move(entry));
  absl::MutexLock lock(&mu_);
  kept->id = next_id_++;
  entries_.push_front(std::move(kept));
  TrimLocked(max_entries);
}

std::vector<std::shared_ptr<const SlowLog::Entry>> SlowLog::Latest(
    int64_t count) const {
  absl::MutexLock lock(&mu_);
  const size_t wanted =
      count < 0 ? entries_.size()
                : std::min(entries_.size(), static_cast<size_t>(count));
  return {entries_.begin(), entries_.begin() + wanted};
}

size_t SlowLog::size() const {
  absl::MutexLock lock(&mu_);
  return entries_.size();
}

void SlowLog::Reset() { Trim(0); }

void SlowLog::Trim(int64_t max_entries) {
  absl::MutexLock lock(&mu_);
  TrimLocked(max_entries);
}

void SlowLog::TrimLocked(int64_t max_entries) {
  const auto limit = static_cast<size_t>(std::max<int64_t>(max_entries, 0));
  while (entries_.size() > limit) entries_.pop_back();
}

}  // namespace holdfast::server
