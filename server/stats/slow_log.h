#ifndef HOLDFAST_SERVER_STATS_SLOW_LOG_H_
#define HOLDFAST_SERVER_STATS_SLOW_LOG_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"

namespace holdfast::server {

// The commands that took long, the latest first
// (redis.io/commands/slowlog-get). Bounded: entries by slowlog-max-len, each
// entry by trimming as Redis trims: at most kMaxArguments arguments (the last
// then says how many more there were) of kMaxArgumentBytes each (followed by
// how many bytes were cut). Thread-safe; its lock is a leaf. Whether a command
// was slow is the caller's to decide.
class SlowLog {
 public:
  static constexpr size_t kMaxArguments = 32;
  static constexpr size_t kMaxArgumentBytes = 128;

  struct Entry {
    int64_t id =
        0;  // Counts up, never again the same; Reset() goes on with it.
    int64_t unix_seconds = 0;
    int64_t micros = 0;
    std::vector<std::string> args;
    std::string address;
    std::string name;  // Of the client.
  };

  // The arguments as an entry keeps them.
  static std::vector<std::string> Trimmed(
      absl::Span<const absl::string_view> args);
  // Keeps `max_entries` at most, this one included. The id of `entry` is chosen
  // here; its args are Trimmed(), in the second form from `args`.
  void Add(Entry entry, int64_t max_entries);
  void Add(absl::Span<const absl::string_view> args, Entry entry,
           int64_t max_entries);
  // The latest `count` (negative: all), the latest first.
  std::vector<std::shared_ptr<const Entry>> Latest(int64_t count) const;
  size_t size() const;
  void Reset();
  // Drops what is too much after slowlog-max-len has become smaller.
  void Trim(int64_t max_entries);

 private:
  void TrimLocked(int64_t max_entries) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  int64_t next_id_ ABSL_GUARDED_BY(mu_) = 0;
  std::deque<std::shared_ptr<const Entry>> entries_
      ABSL_GUARDED_BY(mu_);  // Latest first.
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_STATS_SLOW_LOG_H_
