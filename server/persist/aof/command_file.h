#ifndef HOLDFAST_SERVER_PERSIST_AOF_COMMAND_FILE_H_
#define HOLDFAST_SERVER_PERSIST_AOF_COMMAND_FILE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "net/resp/input_buffer.h"
#include "net/resp/request_decoder.h"
#include "server/dispatch/dispatcher.h"
#include "server/engine/engine.h"
#include "server/persist/rdb/byte_source.h"
#include "server/session/session.h"

namespace holdfast::server {

// Executes the commands of an append-only file: multibulk requests with lines
// of annotations ("#TS:...") between them. A transaction is executed as one
// unit at its EXEC. A command that fails is logged and passed over, as Redis
// does it. One thread's, used once; memory: one command, or one transaction.
class CommandFile {
 public:
  // `start` bytes of the file stand before what `source` gives. All outlive it.
  CommandFile(Engine* engine, ByteSource* source, int64_t start,
              const std::function<bool()>& cancelled);

  // To the end. kOutOfRange: it ends within a command or a transaction;
  // kInvalidArgument: this is no such file; kUnimplemented: a command that this
  // server does not have; kCancelled; others are the source's.
  absl::Status Run();

  // Bytes of the file up to the end of the last whole command or transaction.
  int64_t good_bytes() const { return good_; }

 private:
  // Takes a line that begins with '#' off the buffer; false: it has no end yet.
  bool SkipAnnotation();
  absl::Status OnCommand(absl::Span<const absl::string_view> args);
  void Execute(absl::Span<const std::vector<absl::string_view>> commands);
  void ExecuteTransaction();

  Engine& engine_;
  ByteSource& source_;
  const std::function<bool()>& cancelled_;
  Session session_;
  Dispatcher dispatcher_;
  net::InputBuffer buffer_;
  net::RequestDecoder decoder_;
  int64_t position_;  // Of the buffer's first byte in the file.
  int64_t good_;
  bool in_transaction_ = false;
  std::vector<std::vector<std::string>> transaction_;
  std::vector<std::vector<absl::string_view>> single_;
  int failures_ = 0;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_AOF_COMMAND_FILE_H_
