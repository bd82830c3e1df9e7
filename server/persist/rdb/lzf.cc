#include "server/persist/rdb/lzf.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"

namespace holdfast::server {
namespace {

constexpr size_t kMaxLiterals = 32;
constexpr size_t kMaxDistance = 8192;
constexpr size_t kMinMatch = 3;
constexpr size_t kMaxMatch = 264;
constexpr size_t kFirstLongMatch = 9;  // Needs an extra length byte.

constexpr int kMinTableBits = 6;
constexpr int kMaxTableBits =
    12;  // 4096 positions of 4 bytes: 16 KiB of stack.

uint32_t ThreeBytes(const char* p) {
  return static_cast<uint8_t>(p[0]) | static_cast<uint8_t>(p[1]) << 8 |
         static_cast<uint8_t>(p[2]) << 16;
}

// Appends to a fixed buffer and remembers whether something did not fit.
class Output {
 public:
  Output(char* out, size_t capacity) : out_(out), capacity_(capacity) {}

  void Literals(const char* p, size_t n) {
    while (n > 0) {
      const size_t run = std::min(n, kMaxLiterals);
      if (!Fits(run + 1)) return;
      out_[size_++] = static_cast<char>(run - 1);
      std::memcpy(out_ + size_, p, run);
      size_ += run;
      p += run;
      n -= run;
    }
  }

  void Match(size_t distance, size_t length) {
    const size_t offset = distance - 1;
    const bool is_long = length >= kFirstLongMatch;
    if (!Fits(is_long ? 3 : 2)) return;
    const size_t code = is_long ? 7 : length - 2;
    out_[size_++] = static_cast<char>(code << 5 | offset >> 8);
    if (is_long) out_[size_++] = static_cast<char>(length - kFirstLongMatch);
    out_[size_++] = static_cast<char>(offset & 0xff);
  }

  bool full() const { return full_; }
  size_t size() const { return full_ ? 0 : size_; }

 private:
  bool Fits(size_t n) {
    if (full_ || capacity_ - size_ < n) full_ = true;
    return !full_;
  }

  char* const out_;
  const size_t capacity_;
  size_t size_ = 0;
  bool full_ = false;
};

// One instruction of a compressed stream: `literals` bytes to copy from the
// stream, or a match. `next` is the position after it.
struct Instruction {
  size_t literals;
  size_t distance;
  size_t length;
  size_t next;
};

// False if the stream ends inside of the instruction at `at` < in.size().
bool Decode(absl::string_view in, size_t at, Instruction* instruction) {
  const uint8_t control = static_cast<uint8_t>(in[at++]);
  if (control < kMaxLiterals) {
    const size_t literals = control + 1u;
    *instruction = {literals, 0, literals, at + literals};
    return literals <= in.size() - at;
  }
  size_t length = control >> 5;
  if (length == 7) {
    if (at == in.size()) return false;
    length += static_cast<uint8_t>(in[at++]);
  }
  if (at == in.size()) return false;
  const size_t offset =
      static_cast<size_t>(control & 0x1f) << 8 | static_cast<uint8_t>(in[at++]);
  *instruction = {0, offset + 1, length + 2, at};
  return true;
}

}  // namespace

size_t LzfCompress(absl::string_view in, char* out, size_t capacity) {
  if (in.empty() || in.size() >= std::numeric_limits<uint32_t>::max()) return 0;

  // The table maps a hash of three bytes to the last position seen plus one.
  // Only as much of it is cleared as input of this length can fill.
  uint32_t table[size_t{1} << kMaxTableBits];
  int bits = kMinTableBits;
  while (bits < kMaxTableBits && (size_t{1} << bits) < in.size()) ++bits;
  std::memset(table, 0, sizeof(table[0]) << bits);
  const auto slot = [&table, bits](const char* p) -> uint32_t& {
    return table[(ThreeBytes(p) * 2654435761u) >> (32 - bits)];
  };

  Output output(out, capacity);
  const char* const base = in.data();
  const char* const end = base + in.size();
  const char* literals = base;
  const char* p = base;
  size_t misses = 0;
  while (static_cast<size_t>(end - p) >= kMinMatch) {
    uint32_t& entry = slot(p);
    const size_t position = static_cast<size_t>(p - base);
    const size_t candidate_plus_one = entry;
    entry = static_cast<uint32_t>(position + 1);
    const size_t distance = position + 1 - candidate_plus_one;
    if (candidate_plus_one == 0 || distance > kMaxDistance ||
        ThreeBytes(p - distance) != ThreeBytes(p)) {
      // Step faster through what does not compress.
      p += std::min<size_t>(1 + (misses++ >> 6), end - p);
      continue;
    }
    misses = 0;
    const size_t limit = std::min<size_t>(kMaxMatch, end - p);
    const char* const candidate = p - distance;
    size_t length = kMinMatch;
    while (length < limit && candidate[length] == p[length]) ++length;

    output.Literals(literals, static_cast<size_t>(p - literals));
    output.Match(distance, length);
    if (output.full()) return 0;
    p += length;
    literals = p;
    // Remember the last two positions of the match: runs go on from there.
    for (const char* q = p - 2; q < p; ++q) {
      if (end - q >= static_cast<ptrdiff_t>(kMinMatch)) {
        slot(q) = static_cast<uint32_t>(q - base + 1);
      }
    }
  }
  output.Literals(literals, static_cast<size_t>(end - literals));
  return output.size();
}

absl::StatusOr<uint64_t> LzfMeasure(absl::string_view in) {
  uint64_t unpacked = 0;
  Instruction instruction;
  for (size_t at = 0; at < in.size(); at = instruction.next) {
    if (!Decode(in, at, &instruction)) {
      return absl::DataLossError(absl::StrCat("LZF stream of ", in.size(),
                                              " bytes ends inside of the ",
                                              "instruction at byte ", at));
    }
    if (instruction.distance > unpacked) {
      return absl::DataLossError(absl::StrCat(
          "LZF stream refers to ", instruction.distance, " bytes back at byte ",
          at, " after only ", unpacked, " bytes"));
    }
    unpacked += instruction.length;
  }
  return unpacked;
}

void LzfDecompress(absl::string_view in, char* out, size_t capacity) {
  size_t size = 0;
  Instruction instruction;
  for (size_t at = 0; at < in.size(); at = instruction.next) {
    CHECK(Decode(in, at, &instruction)) << "not measured first";
    CHECK_LE(instruction.length, capacity - size);
    CHECK_LE(instruction.distance, size);
    char* const to = out + size;
    if (instruction.literals > 0) {
      std::memcpy(to, in.data() + instruction.next - instruction.literals,
                  instruction.literals);
    } else if (instruction.distance >= instruction.length) {
      std::memcpy(to, to - instruction.distance, instruction.length);
    } else {
      // Overlapping: the copy repeats what it has just written.
      const char* const from = to - instruction.distance;
      for (size_t i = 0; i < instruction.length; ++i) to[i] = from[i];
    }
    size += instruction.length;
  }
}

}  // namespace holdfast::server
