#ifndef HOLDFAST_SERVER_PERSIST_AOF_LOAD_AOF_H_
#define HOLDFAST_SERVER_PERSIST_AOF_LOAD_AOF_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/engine/engine.h"
#include "server/persist/aof/manifest.h"
#include "server/persist/save/save_files.h"

namespace holdfast::server {

// Where the append-only file of this server is.
struct AofPaths {
  std::string directory;   // appenddirname, absolute.
  std::string stem;        // appendfilename.
  std::string old_single;  // Where Redis before 7.0 had its only file.

  static AofPaths Of(const Config& config);
  std::string PathOf(absl::string_view name) const;
  std::string manifest() const { return PathOf(stem + ".manifest"); }
};

// The manifest; an empty one if there is none. Errors in Redis's words.
absl::StatusOr<AofManifest> ReadAofManifest(const AofPaths& paths);
// Replaces it in one step. *replaced says, also with an error, whether the new
// one is in place (then only the directory may not be synced).
absl::Status WriteAofManifest(SaveFiles* files, const AofPaths& paths,
                              const AofManifest& manifest, bool* replaced);

struct AofLoad {
  bool found = false;  // There was a file to load, be it empty.
  int64_t base_bytes = 0;
  int64_t total_bytes = 0;
};

// Makes the dataset of the files that the manifest names the server's, whose
// databases are empty: the base, then the commands of the increments, by the
// dispatcher as if a primary had sent them, a transaction as one unit. A single
// file of a Redis before 7.0 in `dir` is moved into the directory first and
// becomes the base, as Redis does it.
//
// A last file that ends within a command or a transaction is cut off there if
// aof-load-truncated says so. Every other fault is an error in Redis's words,
// with which the server must not start (what was loaded so far is in place).
// kCancelled if `cancelled`, asked for every command, says so.
//
// REQUIRES: nobody else changes data meanwhile, keys do not expire
// (Engine::MayDeleteExpired()); no keyspace lock is held.
absl::StatusOr<AofLoad> LoadAof(Engine* engine, SaveFiles* files,
                                const AofPaths& paths, AofManifest* manifest,
                                const std::function<bool()>& cancelled);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_AOF_LOAD_AOF_H_
