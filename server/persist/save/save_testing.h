#ifndef HOLDFAST_SERVER_PERSIST_SAVE_SAVE_TESTING_H_
#define HOLDFAST_SERVER_PERSIST_SAVE_SAVE_TESTING_H_

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "net/time/clock.h"
#include "server/commands/connection.h"
#include "server/commands/info.h"
#include "server/commands/keys.h"
#include "server/commands/save.h"
#include "server/commands/server_data.h"
#include "server/commands/string.h"
#include "server/config/config.h"
#include "server/dispatch/dispatcher.h"
#include "server/engine/engine.h"
#include "server/persist/rdb/redis_server_testing.h"
#include "server/persist/save/save_files.h"
#include "server/persist/save/saver.h"
#include "server/session/session.h"
#include "server/transaction/transaction.h"

namespace holdfast::server {

// The real file system, with faults to order and a count of files that are
// there under a temporary name. Thread-safe.
class FaultyFiles final : public SaveFiles {
 public:
  // A full disk: what is written beyond this many bytes fails.
  std::atomic<int64_t> room{std::numeric_limits<int64_t>::max()};
  std::atomic<bool> fail_create{false};
  std::atomic<bool> fail_push_out{false};
  std::atomic<bool> fail_sync{false};
  std::atomic<bool> fail_close{false};
  std::atomic<bool> fail_rename{false};
  std::atomic<bool> fail_directory_sync{false};
  // A save stops in front of the rename until this is false.
  std::atomic<bool> hold_sync{false};
  std::atomic<int> syncs{0};
  std::atomic<int> pushes{0};

  absl::StatusOr<std::unique_ptr<SaveFile>> Create(
      const std::string& path) override {
    if (fail_create) return absl::PermissionDeniedError("ordered: create");
    auto file = Real()->Create(path);
    if (!file.ok()) return file.status();
    return std::make_unique<File>(this, *std::move(file));
  }
  absl::StatusOr<std::unique_ptr<SaveFile>> OpenToAppend(
      const std::string& path) override {
    if (fail_create) return absl::PermissionDeniedError("ordered: create");
    auto file = Real()->OpenToAppend(path);
    if (!file.ok()) return file.status();
    return std::make_unique<File>(this, *std::move(file));
  }
  absl::Status MakeDirectory(const std::string& path) override {
    return Real()->MakeDirectory(path);
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (fail_rename) return absl::PermissionDeniedError("ordered: rename");
    return Real()->Rename(from, to);
  }
  absl::Status SyncDirectoryOf(const std::string& path) override {
    if (fail_directory_sync) return absl::InternalError("ordered: directory");
    return Real()->SyncDirectoryOf(path);
  }
  void Remove(const std::string& path) override { Real()->Remove(path); }

 private:
  class File final : public SaveFile {
   public:
    File(FaultyFiles* files, std::unique_ptr<SaveFile> file)
        : files_(*files), file_(std::move(file)) {}
    absl::Status Write(absl::string_view bytes) override {
      written_ += static_cast<int64_t>(bytes.size());
      if (written_ > files_.room)
        return absl::ResourceExhaustedError("ordered: No space left on device");
      return file_->Write(bytes);
    }
    absl::Status PushOut(int64_t from, int64_t to) override {
      ++files_.pushes;
      if (files_.fail_push_out) return absl::InternalError("ordered: push");
      return file_->PushOut(from, to);
    }
    absl::Status Sync() override {
      ++files_.syncs;
      while (files_.hold_sync) absl::SleepFor(absl::Milliseconds(1));
      if (files_.fail_sync) return absl::InternalError("ordered: fsync");
      return file_->Sync();
    }
    absl::Status SyncData() override { return Sync(); }
    absl::Status Truncate(int64_t size) override {
      return file_->Truncate(size);
    }
    absl::Status Close() override {
      if (files_.fail_close) return absl::InternalError("ordered: close");
      return file_->Close();
    }

   private:
    FaultyFiles& files_;
    std::unique_ptr<SaveFile> file_;
    int64_t written_ = 0;
  };
};

// A server without sockets, in a directory of its own, and clients of it.
class SaveBench {
 public:
  explicit SaveBench(const std::string& directory,
                     absl::string_view more_config = "") {
    auto config = std::make_unique<Config>();
    const absl::Status loaded = config->LoadText(
        absl::StrCat("dir ", directory, "\nsave \"\"\n", more_config));
    CHECK(loaded.ok()) << loaded;
    engine = std::make_unique<Engine>(std::move(config), net::Clock::Real());
    for (const auto& family :
         {ConnectionCommands(), InfoCommands(), KeyCommands(), SaveCommands(),
          ServerDataCommands(), StringCommands(), TransactionCommands()}) {
      engine->commands().Add(family);
    }
    engine->FinishSetup();
    saver = std::make_unique<Saver>(engine.get(), &files);
  }

  // One thread's.
  class Client {
   public:
    explicit Client(Engine* engine)
        : session_(1, nullptr, "test:1", "test:0", 0),
          dispatcher_(engine, &session_) {
      session_.own.authenticated = true;
    }
    // Words separated by single spaces.
    std::string Do(absl::string_view line) {
      const std::vector<absl::string_view> args = absl::StrSplit(line, ' ');
      std::string out;
      dispatcher_.BeginBatch();
      dispatcher_.Execute(args, &out);
      return out;
    }

   private:
    Session session_;
    Dispatcher dispatcher_;
  };

  std::string Do(absl::string_view line) {
    return Client(engine.get()).Do(line);
  }
  int64_t changes() const { return engine->stats().changes_since_save.load(); }
  // Until no background save is under way.
  void Await() {
    while (saver->status().background) absl::SleepFor(absl::Milliseconds(1));
  }

  FaultyFiles files;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Saver> saver;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_SAVE_SAVE_TESTING_H_
