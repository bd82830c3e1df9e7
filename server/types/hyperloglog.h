#ifndef HOLDFAST_SERVER_TYPES_HYPERLOGLOG_H_
#define HOLDFAST_SERVER_TYPES_HYPERLOGLOG_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

// How many different elements were seen, in at most 12 KB, to within 0.81 %:
// HyperLogLog (Flajolet et al. 2007) over 64-bit hashes (Heule et al. 2013,
// "HyperLogLog in practice"), with the estimator of Ertl ("New cardinality
// estimation algorithms for HyperLogLog sketches", arXiv:1702.01284).
//
// The value is a string of Redis's making, byte for byte, for it travels by
// GET, DUMP and the replication stream, and replicas repeat PFADD on it:
//
//   "HYLL" encoding:1 0:3 estimate:8 registers
//
// `estimate` is the last one computed, little endian; its top bit says that it
// is no longer true. Of the 16384 registers of six bits each,
//  - dense (encoding 0): all, 12288 bytes, the lowest bits of a byte first;
//  - sparse (1): runs of equal registers in the order of their indexes:
//      00nnnnnn           n + 1 zeros
//      01nnnnnn nnnnnnnn  n + 1 zeros
//      1vvvvvnn           n + 1 registers of value v + 1
//
// Pure functions on bytes, which may be anything (SET and RESTORE store what
// they are given): no read or write is out of bounds, and what does not make
// sense is kCorrupt, or false.
namespace holdfast::server::hll {

inline constexpr int kIndexBits = 14;
inline constexpr int kRegisters = 1 << kIndexBits;
inline constexpr int kMaxRegister = 63;
inline constexpr size_t kHeaderSize = 16;
inline constexpr size_t kDenseSize = kHeaderSize + kRegisters * 6 / 8;
// No sparse form can be longer: each register takes two bytes at most.
inline constexpr size_t kMaxSparseSize = kHeaderSize + kRegisters * 2;

// Where an element counts: in which register, and with which value (1 to 51).
struct Place {
  int index;
  int rank;
};
Place PlaceOf(absl::string_view element);

// One byte a register.
using Registers = std::array<uint8_t, kRegisters>;

// Whether these bytes claim to be one: header, encoding, a dense one's length.
// The rest REQUIRES it of its bytes.
bool IsHyperLogLog(absl::string_view bytes);
inline bool IsDense(absl::string_view bytes) { return bytes[4] == 0; }

// A new one, sparse, in which nothing was seen; its estimate is true.
std::string Empty();

// --- The estimate in the header ---

// False if it is no longer true.
bool CachedEstimate(absl::string_view bytes, uint64_t* estimate);
void CacheEstimate(char* bytes, uint64_t estimate);
void InvalidateEstimate(char* bytes);

// --- Reading ---

// Both forms; false if it is corrupt, with `registers` partly merged.
bool MergeInto(absl::string_view bytes, Registers* registers);
// False if it is corrupt.
bool Estimate(absl::string_view bytes, uint64_t* estimate);
uint64_t Estimate(const Registers& registers);

// REQUIRES: dense; index in [0, kRegisters).
int DenseRegister(absl::string_view bytes, int index);
// The runs as PFDEBUG DECODE prints them, "Z:5 v:3,1 z:7"; false if they are
// corrupt, which is not looked into further than printing takes. REQUIRES:
// sparse.
bool DecodeSparse(absl::string_view bytes, std::string* text);

// --- Changing ---

// Raises a register to `rank` if it is lower, and tells whether it was. The
// estimate in the header is left alone. REQUIRES: dense.
bool RaiseDense(char* bytes, Place place);

enum class Raised : uint8_t { kNo, kYes, kCorrupt };
// The same in either form. A sparse one becomes dense when it would be longer
// than `max_sparse_bytes` (hll-sparse-max-bytes), or when the rank is above 32.
// kYes means that the estimate in the header may not be true any more: whoever
// is done with changing invalidates it. kCorrupt leaves the bytes as they were.
// Which runs a sparse one has depends on the order of changes, and is as in
// Redis 7.0.
Raised Raise(std::string* bytes, Place place, size_t max_sparse_bytes);

// Makes a sparse one dense; the header's estimate stays. False, and no change,
// if it is corrupt.
bool ToDense(std::string* bytes);

}  // namespace holdfast::server::hll

#endif  // HOLDFAST_SERVER_TYPES_HYPERLOGLOG_H_
