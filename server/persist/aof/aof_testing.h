#ifndef HOLDFAST_SERVER_PERSIST_AOF_AOF_TESTING_H_
#define HOLDFAST_SERVER_PERSIST_AOF_AOF_TESTING_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "server/persist/aof/aof.h"
#include "server/persist/save/save_files.h"
#include "server/persist/save/save_testing.h"

namespace holdfast::server {

// Shows a test the moment before and after everything that is done to names.
class WatchedFiles final : public SaveFiles {
 private:
  // First: its type is deduced.
  template <typename F>
  auto Between(F f) {
    absl::MutexLock lock(&mu_);
    step_();
    auto result = f();
    step_();
    return result;
  }

 public:
  explicit WatchedFiles(SaveFiles* below) : below_(*below) {}
  // Called with everything else held up.
  void set_step(std::function<void()> step) {
    absl::MutexLock lock(&mu_);
    step_ = std::move(step);
  }

  absl::StatusOr<std::unique_ptr<SaveFile>> Create(
      const std::string& path) override {
    return Between([&] { return below_.Create(path); });
  }
  absl::StatusOr<std::unique_ptr<SaveFile>> OpenToAppend(
      const std::string& path) override {
    return Between([&] { return below_.OpenToAppend(path); });
  }
  absl::Status MakeDirectory(const std::string& path) override {
    return Between([&] { return below_.MakeDirectory(path); });
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    return Between([&] { return below_.Rename(from, to); });
  }
  absl::Status SyncDirectoryOf(const std::string& path) override {
    return Between([&] { return below_.SyncDirectoryOf(path); });
  }
  void Remove(const std::string& path) override {
    Between([&] {
      below_.Remove(path);
      return 0;
    });
  }

 private:
  SaveFiles& below_;
  absl::Mutex mu_;
  std::function<void()> step_ ABSL_GUARDED_BY(mu_) = [] {};
};

// A server without sockets that has an append-only file in `directory`.
class AofBench {
 public:
  explicit AofBench(const std::string& directory,
                    absl::string_view more_config = "")
      : bench(directory,
              absl::StrCat("appendonly yes\nauto-aof-rewrite-percentage 0\n",
                           more_config)),
        files(&bench.files),
        aof(std::make_unique<Aof>(bench.engine.get(), &files)) {}
  ~AofBench() { aof.reset(); }

  // As the server does it.
  absl::Status Start() {
    Role& role = bench.engine->role();
    role.loading.store(true);
    const absl::StatusOr<bool> loaded = aof->Load([] { return false; });
    absl::Status status = loaded.status();
    if (status.ok()) status = aof->Open();
    if (status.ok()) role.loading.store(false);
    return status;
  }
  std::string Do(absl::string_view line) { return bench.Do(line); }
  // Until all that is in the log is in the file, at most ten seconds.
  bool Written() {
    return Eventually([this] { return aof->status().waiting_bytes == 0; });
  }
  bool Rewritten() {
    return Eventually([this] {
      const AofStatus status = aof->status();
      return !status.rewriting && !status.scheduled;
    });
  }
  static bool Eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 10000; ++i) {
      if (condition()) return true;
      absl::SleepFor(absl::Milliseconds(1));
    }
    return false;
  }
  // What a client with `appendfsync always` waits for.
  absl::Status Await() {
    return aof->AwaitOnDisk(bench.engine->log().end_offset(),
                            [] { return false; });
  }

  SaveBench bench;
  WatchedFiles files;
  std::unique_ptr<Aof> aof;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_AOF_AOF_TESTING_H_
