#ifndef HOLDFAST_SERVER_COMMANDS_BITMAP_HANDLERS_H_
#define HOLDFAST_SERVER_COMMANDS_BITMAP_HANDLERS_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "server/command/context.h"
#include "server/command/db.h"

// Private to the bitmap family: what its files share. The handlers' contract is
// CommandContext's; arguments are counted and slots locked when they are
// called.
namespace holdfast::server {

// bitmap.cc: single bits, and what is read of many.
void SetBitCommand(CommandContext& ctx);
void GetBitCommand(CommandContext& ctx);
void BitCountCommand(CommandContext& ctx);
void BitPosCommand(CommandContext& ctx);

// bitop.cc.
void BitOpCommand(CommandContext& ctx);

// bitfield.cc.
void BitFieldCommand(CommandContext& ctx);
void BitFieldRoCommand(CommandContext& ctx);

// Reads argument `arg` as the offset of a bit in a string that a client may
// make (proto-max-bulk-len; what the primary has let pass is let pass). With
// `unit` > 0, "#n" is n times so many bits. False, with the error replied, for
// any other.
bool ParseBitOffset(CommandContext& ctx, size_t arg, int unit,
                    uint64_t* offset);

// A string whose bits are to be read and perhaps changed, made long enough
// first; like Redis's it is "raw" from then on, changed or not. A long one that
// has the room is changed where it stands, and shown to a snapshot only when it
// is really changed.
class BitString {
 public:
  // `entry` is the key's, for writing; null if it is missing.
  // REQUIRES: a string.
  BitString(Db* db, absl::string_view key, const Entry* entry,
            size_t min_length);

  // Whether it had to be made, or made longer.
  bool grown() const { return grown_; }
  absl::string_view bytes() const { return bytes_; }
  // For changing them; the caller says so by Db::Touched().
  char* MutableBytes();

 private:
  Db& db_;
  const absl::string_view key_;
  absl::string_view bytes_;
  char* mutable_bytes_ = nullptr;  // Null until they are wanted.
  bool grown_ = false;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_BITMAP_HANDLERS_H_
