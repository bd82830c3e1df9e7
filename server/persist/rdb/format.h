#ifndef HOLDFAST_SERVER_PERSIST_RDB_FORMAT_H_
#define HOLDFAST_SERVER_PERSIST_RDB_FORMAT_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace holdfast::server {

// The numbers of the RDB format. They stand on disk and on the wire for ever:
// none may change. Source: the format as Redis 7.0 writes it (versions 1 to
// 10), and the additions of 7.2 (11) and 7.4 / 8.0 (12) for reading.
//
// A file is
//   "REDIS" and four digits of version
//   any number of records, each an opcode or a type in one byte and its body
//   0xff, then (from version 5) CRC-64 of all before it, little-endian; 0 means
//   that none was computed
// Integers inside of records are little-endian, lengths are big-endian.

constexpr absl::string_view kRdbMagic = "REDIS";
constexpr size_t kRdbHeaderBytes = 9;

constexpr int kRdbVersionWritten = 10;  // What Redis 7.0 writes and reads.
constexpr int kRdbVersionOldest = 1;    // Read.
constexpr int kRdbVersionNewest = 12;   // Read.
constexpr int kRdbVersionChecksum = 5;  // The first that ends in a checksum.
constexpr size_t kRdbChecksumBytes = 8;

// Opcodes.
constexpr uint8_t kRdbOpSlotInfo = 244;       // slot, keys, keys with expiry
constexpr uint8_t kRdbOpFunction2 = 245;      // code of a function library
constexpr uint8_t kRdbOpFunctionPreGa = 246;  // the same as 7.0 rc1 and rc2 did
constexpr uint8_t kRdbOpModuleAux = 247;
constexpr uint8_t kRdbOpIdle = 248;           // seconds, of the next key
constexpr uint8_t kRdbOpFreq = 249;           // LFU counter, of the next key
constexpr uint8_t kRdbOpAux = 250;            // name, value
constexpr uint8_t kRdbOpResizeDb = 251;       // keys, keys with expiry
constexpr uint8_t kRdbOpExpireMs = 252;       // Unix time, of the next key
constexpr uint8_t kRdbOpExpireSeconds = 253;  // the same, in 32 bits
constexpr uint8_t kRdbOpSelectDb = 254;
constexpr uint8_t kRdbOpEof = 255;

// Value types. Those not named here are known by name only (value_loaders.cc).
// Redis 7.0 writes 0, 2, 4, 5, 7, 11 and 16 to 19.
constexpr uint8_t kRdbTypeString = 0;
constexpr uint8_t kRdbTypeList = 1;
constexpr uint8_t kRdbTypeSet = 2;
constexpr uint8_t kRdbTypeZset = 3;  // Scores as text.
constexpr uint8_t kRdbTypeHash = 4;
constexpr uint8_t kRdbTypeZset2 = 5;
constexpr uint8_t kRdbTypeModulePreGa = 6;
constexpr uint8_t kRdbTypeModule2 = 7;
constexpr uint8_t kRdbTypeHashZipmap = 9;
constexpr uint8_t kRdbTypeListZiplist = 10;
constexpr uint8_t kRdbTypeSetIntset = 11;
constexpr uint8_t kRdbTypeZsetZiplist = 12;
constexpr uint8_t kRdbTypeHashZiplist = 13;
constexpr uint8_t kRdbTypeListQuicklist = 14;  // Of ziplists.
constexpr uint8_t kRdbTypeStream = 15;
constexpr uint8_t kRdbTypeHashListpack = 16;
constexpr uint8_t kRdbTypeZsetListpack = 17;
constexpr uint8_t kRdbTypeListQuicklist2 = 18;  // Of listpacks, or plain.
constexpr uint8_t kRdbTypeStream2 = 19;
constexpr uint8_t kRdbTypeSetListpack = 20;  // From 7.2 on.
constexpr uint8_t kRdbTypeStream3 = 21;      // From 7.2 on.

// The kind of a node of type 18, before its bytes.
constexpr uint64_t kRdbListNodePlain = 1;   // One element.
constexpr uint64_t kRdbListNodePacked = 2;  // A listpack.

// The two high bits of a length's first byte.
constexpr uint8_t kRdbLength6 = 0;        // the low six bits
constexpr uint8_t kRdbLength14 = 1;       // the low six bits and the next byte
constexpr uint8_t kRdbLengthEncoded = 3;  // no length: an encoding, see below
constexpr uint8_t kRdbLength32 = 0x80;    // whole byte; 4 bytes follow
constexpr uint8_t kRdbLength64 = 0x81;    // whole byte; 8 bytes follow

// Encodings of a string, in the low six bits.
constexpr uint8_t kRdbEncodingInt8 = 0;
constexpr uint8_t kRdbEncodingInt16 = 1;
constexpr uint8_t kRdbEncodingInt32 = 2;
constexpr uint8_t kRdbEncodingLzf = 3;  // packed length, length, packed bytes

// The first byte of a double in text: its length, or one of these.
constexpr uint8_t kRdbDoubleNan = 253;
constexpr uint8_t kRdbDoublePositiveInfinity = 254;
constexpr uint8_t kRdbDoubleNegativeInfinity = 255;

// What stands between the parts of a module's value or aux data.
constexpr uint8_t kRdbModuleEof = 0;
constexpr uint8_t kRdbModuleSigned = 1;
constexpr uint8_t kRdbModuleUnsigned = 2;
constexpr uint8_t kRdbModuleFloat = 3;
constexpr uint8_t kRdbModuleDouble = 4;
constexpr uint8_t kRdbModuleString = 5;

// What stands in front of a key besides its type: the same for writing and
// reading. A negative value means that there is none.
struct RecordMeta {
  static constexpr int64_t kNoExpire = -1;

  int64_t expire_ms = kNoExpire;  // Unix time in milliseconds.
  int64_t lru_idle_seconds = -1;
  int lfu_freq = -1;  // 0 to 255.
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_RDB_FORMAT_H_
