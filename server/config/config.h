#ifndef HOLDFAST_SERVER_CONFIG_CONFIG_H_
#define HOLDFAST_SERVER_CONFIG_CONFIG_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/config/directive.h"
#include "server/config/value.h"

namespace holdfast::server {

struct SavePoint {
  absl::Duration period;
  int64_t changes = 0;
};

// Limits on the output that waits for a client; 0 means none.
struct OutputBufferLimit {
  int64_t hard_bytes = 0;
  int64_t soft_bytes = 0;
  absl::Duration soft_time;
};
enum class ClientClass { kNormal = 0, kReplica = 1, kPubsub = 2 };

struct PrimaryAddress {
  std::string host;
  int port = 0;
};

// TCP keepalive of a connection.
struct KeepaliveSettings {
  bool enabled = true;
  absl::Duration idle;
  absl::Duration interval;
  int count = 0;
};

// The configuration of one server: the values of all directives of
// directive.h. Any number of them live in one process.
//
// Thread-safe. Int(), Bool(), Enum(), Duration(), IsExplicit() and
// BufferLimit() are single relaxed atomic loads each (BufferLimit three), fit
// for hot paths: they order nothing else in memory and may be one change
// behind. What returns strings copies under a mutex. Set(), Record(), the
// loads and Rewrite() exclude each other and may take as long as the hooks and
// the disk do; readers never wait for them.
//
// Errors of Set() and Rewrite() are complete RESP error texts without the
// leading '-', in the words of Redis 7.0.15.
class Config {
 public:
  // Every directive at its default; dir is the process's working directory.
  Config();
  Config(const Config&) = delete;
  Config& operator=(const Config&) = delete;

  // --- Reading ---------------------------------------------------------------

  // Directives that are numbers: integers in their own unit, sizes in bytes,
  // enums by value, notify-keyspace-events as bits (enum_values.h). Others
  // read as 0.
  int64_t Int(ConfigId id) const {
    return numbers_[static_cast<size_t>(id)].load(std::memory_order_relaxed);
  }
  bool Bool(ConfigId id) const { return Int(id) != 0; }
  template <typename E>
  E Enum(ConfigId id) const {
    return static_cast<E>(Int(id));
  }
  // Of directives whose unit is s, ms, us or min.
  absl::Duration Duration(ConfigId id) const;
  // Set by file, command line or CONFIG SET, even if to the default.
  bool IsExplicit(ConfigId id) const {
    return explicit_[static_cast<size_t>(id)].load(std::memory_order_relaxed);
  }
  OutputBufferLimit BufferLimit(ClientClass client_class) const;

  // The value as CONFIG GET prints it; of a string directive, the string.
  std::string String(ConfigId id) const;
  // Words of a list: bind's addresses, percentiles, scores.
  std::vector<std::string> List(ConfigId id) const;
  // Occurrences of kUser and kRenameCommand, each with its arguments.
  std::vector<std::vector<std::string>> Lines(ConfigId id) const;
  std::vector<SavePoint> SavePoints() const;
  // The primary to copy, if replicaof names one.
  std::optional<PrimaryAddress> ReplicaOf() const;
  // A file name of this server as an absolute path (against dir).
  std::string ResolvePath(absl::string_view path) const;

  // --- What follows from several directives ----------------------------------

  // How long the other end of a link may be silent: repl-timeout, but
  // repl-peer-timeout-ms to another Holdfast until repl-timeout is set.
  absl::Duration EffectiveReplTimeout(bool peer_is_holdfast) const;
  // As configured if it and repl-timeout were both set; otherwise at most half
  // the shortest timeout that may apply, so that a lone low repl-timeout does
  // not cut healthy links.
  absl::Duration EffectivePingPeriod() const;
  // The same for repl-ack-interval-ms, with a third of the timeout.
  absl::Duration EffectiveAckInterval() const;
  KeepaliveSettings ClientKeepalive() const;
  KeepaliveSettings LinkKeepalive() const;

  // "io-threads 4: every client has a thread of its own" for each setting that
  // the user made and that changes nothing; to be logged at start.
  std::vector<std::string> SettingsWithoutEffect() const;

  // --- Loading, before the server serves -------------------------------------

  // Each applies all of its input or, with an error, none. Hooks do not run.
  // The file becomes the one that Rewrite() writes.
  absl::Status SetFromFile(const std::string& path);
  absl::Status LoadText(absl::string_view text);
  // Takes over what a Loader gathered. `config_file` may be empty.
  void Adopt(const config::ValueSet& set, const std::string& config_file);
  config::ValueSet Snapshot() const;
  // Absolute path, or "" if there is none.
  std::string config_file() const;

  // --- CONFIG ----------------------------------------------------------------

  using NameValue = std::pair<std::string, std::string>;

  // Names and values that any of the patterns matches, once each: exact names
  // as they were written, patterns in table order.
  std::vector<NameValue> Get(
      absl::Span<const absl::string_view> patterns) const;

  struct SetContext {
    bool local_client = false;  // Connected from this host.
    bool loading = false;       // The dataset is being loaded.
  };
  // Sets all pairs of name and value or, with an error, none. Runs the hooks.
  absl::Status Set(absl::Span<const NameValue> pairs, const SetContext& context)
      ABSL_LOCKS_EXCLUDED(set_mu_, mu_);

  // True if the value of `name` must not be logged; an unknown name is not.
  static bool IsSensitive(absl::string_view name);

  // Writes the values into the file they were read from: comments and order
  // stay, lines of changed directives are replaced, new ones are appended. The
  // file is replaced in one step (temporary file, fsync, rename, fsync).
  absl::Status Rewrite() ABSL_LOCKS_EXCLUDED(set_mu_, mu_);

  // --- Changes at run time ---------------------------------------------------

  // Notes a value that a command other than CONFIG has put in force (REPLICAOF
  // does: {host, port} or {"no", "one"}). Neither hooks nor immutability apply.
  absl::Status Record(ConfigId id, absl::Span<const std::string> words)
      ABSL_LOCKS_EXCLUDED(set_mu_, mu_);

  // Asked before anything changes, with the new value as CONFIG GET would
  // print it; the error's message becomes the reason of the refusal.
  using Validator = std::function<absl::Status(const std::string& value)>;
  void AddValidator(ConfigId id, Validator validator);

  // Called by Set() after the new values can be read, once for each changed
  // directive, in the order of registration. When one fails all values return
  // to what they were and those that ran, the failed one included, are called
  // again. Hooks must not call Set(), Record() or Rewrite(), and must outlive
  // the last Set().
  using Applier = std::function<absl::Status()>;
  void OnChange(ConfigId id, Applier applier);

  // Where Rewrite() takes its "user" lines from: each a name and its rules.
  // Without it those in the file stay.
  void SetUserLines(std::function<std::vector<std::string>()> provider);

 private:
  template <typename F>
  struct Hook {
    ConfigId id;
    F run;
  };

  void Publish(const config::ValueSet& set) ABSL_LOCKS_EXCLUDED(mu_);
  // The first part of Set(): names to ids, with all their refusals.
  absl::Status Resolve(absl::Span<const NameValue> pairs,
                       const SetContext& context,
                       std::vector<ConfigId>* ids) const;
  // The second: new values into `next`, checked. `changed` gets what differs.
  absl::Status Stage(absl::Span<const NameValue> pairs,
                     absl::Span<const ConfigId> ids, config::ValueSet* next,
                     std::vector<ConfigId>* changed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(set_mu_);
  // The third: runs the appliers; `*culprit` is the directive of a failed one.
  absl::Status Apply(absl::Span<const ConfigId> changed,
                     const config::ValueSet& before, ConfigId* culprit)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(set_mu_);
  absl::Duration ShortestReplTimeout() const;

  // Serialises writers; held while hooks run. Before mu_.
  absl::Mutex set_mu_ ABSL_ACQUIRED_BEFORE(mu_);
  std::vector<Hook<Validator>> validators_ ABSL_GUARDED_BY(set_mu_);
  std::vector<Hook<Applier>> appliers_ ABSL_GUARDED_BY(set_mu_);
  std::function<std::vector<std::string>()> user_lines_
      ABSL_GUARDED_BY(set_mu_);

  mutable absl::Mutex mu_;
  config::ValueSet set_ ABSL_GUARDED_BY(mu_);
  std::string config_file_ ABSL_GUARDED_BY(mu_);

  // What Publish() copies out of set_ for readers without a lock.
  std::array<std::atomic<int64_t>, kConfigCount> numbers_;
  std::array<std::atomic<bool>, kConfigCount> explicit_;
  std::array<std::array<std::atomic<int64_t>, 3>, 3> limits_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_CONFIG_CONFIG_H_
