#ifndef HOLDFAST_SERVER_PERSIST_RDB_RDB_TESTING_H_
#define HOLDFAST_SERVER_PERSIST_RDB_RDB_TESTING_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/persist/rdb/byte_source.h"
#include "server/persist/rdb/visitor.h"
#include "server/types/object.h"

namespace holdfast::server {

// Hands out at most `step` bytes a read, through a buffer of the smallest size,
// so that every record meets the edge of a view. Counts its reads.
class TricklingSource : public BufferedSource {
 public:
  TricklingSource(absl::string_view contents, size_t step,
                  size_t buffer_bytes = kMaxPeek)
      : BufferedSource("", buffer_bytes), rest_(contents), step_(step) {}

  // Neither read nor buffered.
  absl::string_view rest() const { return rest_; }
  // Returned instead of the end of the stream.
  void FailAtEnd(absl::Status status) { at_end_ = std::move(status); }

 protected:
  absl::StatusOr<size_t> ReadSome(char* buffer, size_t size) override {
    if (rest_.empty() && !at_end_.ok()) return at_end_;
    const size_t n = std::min({size, step_, rest_.size()});
    std::memcpy(buffer, rest_.data(), n);
    rest_.remove_prefix(n);
    return n;
  }

 private:
  absl::string_view rest_;
  const size_t step_;
  absl::Status at_end_;
};

// Everything an RDB said.
class RecordingVisitor : public RdbVisitor {
 public:
  struct Value {
    std::string value;
    RecordMeta meta;
  };
  struct ObjectValue {
    Object value;
    RecordMeta meta;
  };

  absl::Status OnHeader(int version) override {
    header_version = version;
    return Log(absl::StrCat("header ", version));
  }
  absl::Status OnAux(absl::string_view name, absl::string_view value) override {
    aux[std::string(name)] = std::string(value);
    return Log(absl::StrCat("aux ", name));
  }
  absl::Status OnSelectDb(uint64_t number) override {
    db = number;
    return Log(absl::StrCat("db ", number));
  }
  absl::Status OnResizeDb(uint64_t keys, uint64_t expires) override {
    return Log(absl::StrCat("resize ", keys, " ", expires));
  }
  absl::Status OnSlotInfo(uint64_t slot, uint64_t keys,
                          uint64_t expires) override {
    return Log(absl::StrCat("slot ", slot, " ", keys, " ", expires));
  }
  absl::Status OnFunction(absl::string_view code) override {
    functions.emplace_back(code);
    return Log("function");
  }
  absl::Status OnModuleAux(const RdbModuleAux& module) override {
    return Log(absl::StrCat("module ", module.name, " ", module.when));
  }
  absl::Status OnString(absl::string_view key, absl::string_view value,
                        const RecordMeta& meta) override {
    keys[{db, std::string(key)}] = {std::string(value), meta};
    return Log(absl::StrCat("string ", key));
  }
  absl::Status OnObject(absl::string_view key, Object value,
                        const RecordMeta& meta) override {
    const absl::string_view type = TypeName(value.type());
    objects.insert_or_assign({db, std::string(key)},
                             ObjectValue{std::move(value), meta});
    return Log(absl::StrCat(type, " ", key));
  }
  absl::Status OnEnd(bool with_checksum) override {
    ended = true;
    checksummed = with_checksum;
    return Log("end");
  }

  // Refuses the record whose event is `event`.
  void RefuseAt(absl::string_view event) { refuse_at_ = std::string(event); }

  int header_version = 0;
  uint64_t db = 0;
  std::map<std::string, std::string> aux;
  std::map<std::pair<uint64_t, std::string>, Value> keys;  // Strings.
  std::map<std::pair<uint64_t, std::string>, ObjectValue> objects;
  std::vector<std::string> functions;
  std::vector<std::string> events;
  bool ended = false;
  bool checksummed = false;

 private:
  absl::Status Log(std::string event) {
    const bool refused = event == refuse_at_;
    events.push_back(std::move(event));
    return refused ? absl::ResourceExhaustedError("refused by the test")
                   : absl::OkStatus();
  }

  std::string refuse_at_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_RDB_RDB_TESTING_H_
