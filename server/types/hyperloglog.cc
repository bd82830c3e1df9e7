#include "server/types/hyperloglog.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "server/types/unaligned.h"

namespace holdfast::server::hll {
namespace {

constexpr absl::string_view kMagic = "HYLL";
constexpr uint8_t kDenseEncoding = 0;
constexpr uint8_t kSparseEncoding = 1;
// A hash without the bits of the index; ranks go up to one more.
constexpr int kRankBits = 64 - kIndexBits;

uint8_t ByteAt(absl::string_view bytes, size_t at) {
  return static_cast<uint8_t>(bytes[at]);
}

uint64_t LoadLittleEndian(const char* at, size_t n) {
  uint64_t word = 0;
  for (size_t i = 0; i < n; ++i)
    word |= uint64_t{static_cast<uint8_t>(at[i])} << (8 * i);
  return word;
}

// MurmurHash2 for 64-bit machines (A. Appleby, in the public domain), with the
// seed that all servers have to have in common.
uint64_t Hash(absl::string_view text) {
  constexpr uint64_t kMultiplier = 0xc6a4a7935bd1e995;
  constexpr int kShift = 47;
  constexpr uint64_t kSeed = 0xadc83b19;
  uint64_t hash = kSeed ^ (text.size() * kMultiplier);
  while (text.size() >= 8) {
    uint64_t word =
        Load<uint64_t>(reinterpret_cast<const unsigned char*>(text.data())) *
        kMultiplier;
    word ^= word >> kShift;
    hash = (hash ^ word * kMultiplier) * kMultiplier;
    text.remove_prefix(8);
  }
  if (!text.empty()) {
    hash ^= LoadLittleEndian(text.data(), text.size());
    hash *= kMultiplier;
  }
  hash = (hash ^ hash >> kShift) * kMultiplier;
  return hash ^ hash >> kShift;
}

// --- Runs of the sparse form ---

constexpr int kMaxShortZeros = 64;
constexpr int kMaxSparseRank = 32;
constexpr int kMaxValues = 4;

struct Run {
  enum class Kind : uint8_t { kZeros, kLongZeros, kValues } kind;
  int length;   // Registers.
  int value;    // 0 of zeros.
  size_t size;  // Bytes.
};

// The run at `at`; false if the bytes end inside of it. REQUIRES: at < size.
bool ReadRun(absl::string_view bytes, size_t at, Run* run) {
  const uint8_t first = ByteAt(bytes, at);
  if ((first & 0x80) != 0) {
    *run = {Run::Kind::kValues, (first & 3) + 1, (first >> 2 & 31) + 1, 1};
  } else if ((first & 0x40) == 0) {
    *run = {Run::Kind::kZeros, first + 1, 0, 1};
  } else if (at + 1 < bytes.size()) {
    *run = {Run::Kind::kLongZeros,
            ((first & 0x3f) << 8 | ByteAt(bytes, at + 1)) + 1, 0, 2};
  } else {
    return false;
  }
  return true;
}

char ValuesByte(int value, int length) {
  return static_cast<char>(0x80 | (value - 1) << 2 | (length - 1));
}

// The few runs that take the place of one.
class RunWriter {
 public:
  void Zeros(int length) {
    if (length == 0) return;
    if (length <= kMaxShortZeros) {
      Put(length - 1);
    } else {
      Put(0x40 | (length - 1) >> 8);
      Put((length - 1) & 0xff);
    }
  }
  void Values(int value, int length) {
    if (length > 0) Put(0x80 | (value - 1) << 2 | (length - 1));
  }
  absl::string_view bytes() const { return {bytes_, size_}; }

 private:
  void Put(int byte) { bytes_[size_++] = static_cast<char>(byte); }

  char bytes_[5];  // Long zeros, a value, long zeros.
  size_t size_ = 0;
};

// Calls fn(first index, run) for each run; false if they are not exactly all
// registers. Runs with which there would be too many are not shown.
template <typename Fn>
bool ForEachRun(absl::string_view bytes, Fn fn) {
  if (bytes.size() > kMaxSparseSize) return false;
  int index = 0;
  Run run;
  for (size_t at = kHeaderSize; at < bytes.size(); at += run.size) {
    if (!ReadRun(bytes, at, &run) || index + run.length > kRegisters)
      return false;
    fn(index, run);
    index += run.length;
  }
  return index == kRegisters;
}

// Joins neighbouring runs of the same value around a change, as far as five
// runs from `at`. Not all that could be joined, but just what Redis joins.
void JoinRuns(std::string* bytes, size_t at) {
  for (int looks = 5; looks > 0 && at < bytes->size(); --looks) {
    Run run;
    Run next;
    if (!ReadRun(*bytes, at, &run)) return;
    if (run.kind == Run::Kind::kValues && at + 1 < bytes->size() &&
        ReadRun(*bytes, at + 1, &next) && next.kind == Run::Kind::kValues &&
        next.value == run.value && run.length + next.length <= kMaxValues) {
      (*bytes)[at] = ValuesByte(run.value, run.length + next.length);
      bytes->erase(at + 1, 1);
      continue;  // It may be joined with the next one, too.
    }
    at += run.size;
  }
}

Raised RaiseAsDense(std::string* bytes, Place place) {
  if (!ToDense(bytes)) return Raised::kCorrupt;
  return RaiseDense(bytes->data(), place) ? Raised::kYes : Raised::kNo;
}

Raised RaiseSparse(std::string* bytes, Place place, size_t max_sparse_bytes) {
  if (place.rank > kMaxSparseRank) return RaiseAsDense(bytes, place);
  // Find the run that holds the register, and the one before it.
  size_t before = kHeaderSize;
  size_t at = kHeaderSize;
  int first = 0;
  Run run;
  for (;;) {
    if (at >= bytes->size() || !ReadRun(*bytes, at, &run))
      return Raised::kCorrupt;
    if (place.index < first + run.length) break;
    before = at;
    first += run.length;
    at += run.size;
  }
  if (run.value >= place.rank) return Raised::kNo;
  if (run.length == 1 && run.size == 1) {
    (*bytes)[at] = ValuesByte(place.rank, 1);
  } else {
    // It is split: what is left of the register, itself, what is right of it.
    const int left = place.index - first;
    const int right = run.length - left - 1;
    RunWriter split;
    run.value == 0 ? split.Zeros(left) : split.Values(run.value, left);
    split.Values(place.rank, 1);
    run.value == 0 ? split.Zeros(right) : split.Values(run.value, right);
    const absl::string_view fresh = split.bytes();
    if (fresh.size() > run.size &&
        bytes->size() + (fresh.size() - run.size) > max_sparse_bytes) {
      return RaiseAsDense(bytes, place);
    }
    bytes->replace(at, run.size, fresh.data(), fresh.size());
  }
  JoinRuns(bytes, before);
  return Raised::kYes;
}

// --- The estimate ---

// How many registers have each value.
using Histogram = std::array<int, kMaxRegister + 1>;

// Ertl's sigma and tau: sums without end, until they change no more.
double Sigma(double x) {
  if (x == 1.0) return std::numeric_limits<double>::infinity();
  double sum = x;
  double before;
  double weight = 1.0;
  do {
    x *= x;
    before = sum;
    sum += x * weight;
    weight += weight;
  } while (sum != before);
  return sum;
}

double Tau(double x) {
  if (x == 0.0 || x == 1.0) return 0.0;
  double sum = 1.0 - x;
  double before;
  double weight = 1.0;
  do {
    x = std::sqrt(x);
    before = sum;
    weight *= 0.5;
    sum -= (1.0 - x) * (1.0 - x) * weight;
  } while (sum != before);
  return sum / 3.0;
}

// The steps of the arithmetic are Redis's too: the estimate is kept in the
// value, where the last digit counts.
uint64_t EstimateFrom(const Histogram& histogram) {
  constexpr double kM = kRegisters;
  constexpr double kAlpha = 0.721347520444481703680;  // 1 / (2 ln 2)
  double z = kM * Tau((kM - histogram[kRankBits + 1]) / kM);
  for (int rank = kRankBits; rank >= 1; --rank) {
    z += histogram[static_cast<size_t>(rank)];
    z *= 0.5;
  }
  z += kM * Sigma(histogram[0] / kM);
  const double estimate = std::round(kAlpha * kM * kM / z);
  // Registers that no hash can bring about (above 51) make it infinite.
  constexpr double kTooMuch = 9223372036854775808.0;
  return estimate < kTooMuch ? static_cast<uint64_t>(estimate)
                             : uint64_t{1} << 63;
}

// Four registers of six bits stand in three bytes.
template <typename Fn>
void ForEachDenseRegister(absl::string_view bytes, Fn fn) {
  const char* at = bytes.data() + kHeaderSize;
  for (int index = 0; index < kRegisters; index += 4, at += 3) {
    const uint64_t four = LoadLittleEndian(at, 3);
    for (int i = 0; i < 4; ++i)
      fn(index + i, static_cast<uint8_t>(four >> (6 * i) & kMaxRegister));
  }
}

}  // namespace

Place PlaceOf(absl::string_view element) {
  const uint64_t hash = Hash(element);
  const uint64_t rest = hash >> kIndexBits;
  return {static_cast<int>(hash & (kRegisters - 1)),
          rest == 0 ? kRankBits + 1 : std::countr_zero(rest) + 1};
}

bool IsHyperLogLog(absl::string_view bytes) {
  if (bytes.size() < kHeaderSize || bytes.substr(0, kMagic.size()) != kMagic)
    return false;
  const uint8_t encoding = ByteAt(bytes, 4);
  return encoding == kSparseEncoding ||
         (encoding == kDenseEncoding && bytes.size() == kDenseSize);
}

std::string Empty() {
  std::string bytes(kHeaderSize, '\0');
  bytes.replace(0, kMagic.size(), kMagic.data(), kMagic.size());
  bytes[4] = static_cast<char>(kSparseEncoding);
  RunWriter runs;
  runs.Zeros(kRegisters);
  bytes.append(runs.bytes().data(), runs.bytes().size());
  return bytes;
}

bool CachedEstimate(absl::string_view bytes, uint64_t* estimate) {
  *estimate = LoadLittleEndian(bytes.data() + 8, 8);
  return *estimate >> 63 == 0;
}

void CacheEstimate(char* bytes, uint64_t estimate) {
  for (int i = 0; i < 8; ++i)
    bytes[8 + i] = static_cast<char>(estimate >> (8 * i));
}

void InvalidateEstimate(char* bytes) {
  bytes[15] = static_cast<char>(static_cast<uint8_t>(bytes[15]) | 0x80);
}

bool MergeInto(absl::string_view bytes, Registers* registers) {
  if (IsDense(bytes)) {
    ForEachDenseRegister(bytes, [&](int index, uint8_t value) {
      uint8_t& r = (*registers)[static_cast<size_t>(index)];
      r = std::max(r, value);
    });
    return true;
  }
  return ForEachRun(bytes, [&](int first, const Run& run) {
    if (run.value == 0) return;
    for (int i = first; i < first + run.length; ++i) {
      uint8_t& r = (*registers)[static_cast<size_t>(i)];
      r = std::max(r, static_cast<uint8_t>(run.value));
    }
  });
}

bool Estimate(absl::string_view bytes, uint64_t* estimate) {
  Histogram histogram = {};
  if (IsDense(bytes)) {
    ForEachDenseRegister(bytes,
                         [&](int, uint8_t value) { ++histogram[value]; });
  } else if (!ForEachRun(bytes, [&](int, const Run& run) {
               histogram[static_cast<size_t>(run.value)] += run.length;
             })) {
    return false;
  }
  *estimate = EstimateFrom(histogram);
  return true;
}

uint64_t Estimate(const Registers& registers) {
  Histogram histogram = {};
  for (const uint8_t value : registers)
    ++histogram[std::min<size_t>(value, kMaxRegister)];
  return EstimateFrom(histogram);
}

int DenseRegister(absl::string_view bytes, int index) {
  DCHECK(index >= 0 && index < kRegisters);
  const char* at = bytes.data() + kHeaderSize + index / 4 * 3;
  return static_cast<int>(LoadLittleEndian(at, 3) >> (6 * (index % 4)) &
                          kMaxRegister);
}

bool RaiseDense(char* bytes, Place place) {
  DCHECK(place.index >= 0 && place.index < kRegisters);
  char* const at = bytes + kHeaderSize + place.index / 4 * 3;
  const int shift = 6 * (place.index % 4);
  uint64_t four = LoadLittleEndian(at, 3);
  if (static_cast<int>(four >> shift & kMaxRegister) >= place.rank)
    return false;
  four &= ~(uint64_t{kMaxRegister} << shift);
  four |= static_cast<uint64_t>(place.rank) << shift;
  for (int i = 0; i < 3; ++i) at[i] = static_cast<char>(four >> (8 * i));
  return true;
}

bool DecodeSparse(absl::string_view bytes, std::string* text) {
  if (bytes.size() > kMaxSparseSize) return false;
  text->clear();
  Run run;
  for (size_t at = kHeaderSize; at < bytes.size(); at += run.size) {
    if (!ReadRun(bytes, at, &run)) return false;
    if (!text->empty()) text->push_back(' ');
    switch (run.kind) {
      case Run::Kind::kZeros:
        absl::StrAppend(text, "z:", run.length);
        break;
      case Run::Kind::kLongZeros:
        absl::StrAppend(text, "Z:", run.length);
        break;
      case Run::Kind::kValues:
        absl::StrAppend(text, "v:", run.value, ",", run.length);
        break;
    }
  }
  return true;
}

Raised Raise(std::string* bytes, Place place, size_t max_sparse_bytes) {
  if (IsDense(*bytes))
    return RaiseDense(bytes->data(), place) ? Raised::kYes : Raised::kNo;
  if (bytes->size() > kMaxSparseSize) return Raised::kCorrupt;
  return RaiseSparse(bytes, place, max_sparse_bytes);
}

bool ToDense(std::string* bytes) {
  if (IsDense(*bytes)) return true;
  std::string dense(kDenseSize, '\0');
  memcpy(dense.data(), bytes->data(), kHeaderSize);
  dense[4] = static_cast<char>(kDenseEncoding);
  const bool whole = ForEachRun(*bytes, [&](int first, const Run& run) {
    if (run.value == 0) return;
    for (int i = first; i < first + run.length; ++i)
      RaiseDense(dense.data(), {i, run.value});
  });
  if (whole) *bytes = std::move(dense);
  return whole;
}

}  // namespace holdfast::server::hll
