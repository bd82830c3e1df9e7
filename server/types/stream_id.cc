#include "server/types/stream_id.h"

#include <cerrno>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "net/resp/integer.h"

namespace holdfast::server {
namespace {

constexpr size_t kMaxText = 127;

// A canonical number, or whatever strtoull() takes whole: it lets spaces, a
// plus, zeros in front and (behind a space) even a minus pass, and so does
// Redis.
bool ParseHalf(absl::string_view text, uint64_t* value) {
  int64_t canonical;
  if (net::ParseInteger(text, &canonical)) {
    *value = static_cast<uint64_t>(canonical);
    return canonical >= 0;
  }
  const std::string terminated(text);
  char* end = nullptr;
  errno = 0;
  *value = strtoull(terminated.c_str(), &end, 10);
  return errno == 0 && !text.empty() && end == terminated.c_str() + text.size();
}

bool Parse(absl::string_view text, uint64_t missing_seq, StreamId* id,
           bool* seq_given) {
  if (text.size() > kMaxText) return false;
  text = text.substr(0, text.find('\0'));  // A C string there.
  const size_t dash = text.find('-');
  StreamId parsed = {0, missing_seq};
  if (!ParseHalf(text.substr(0, dash), &parsed.ms)) return false;
  bool given = true;
  if (dash != absl::string_view::npos) {
    const absl::string_view seq = text.substr(dash + 1);
    if (seq_given != nullptr && seq == "*") {
      given = false;
      parsed.seq = 0;
    } else if (!ParseHalf(seq, &parsed.seq)) {
      return false;
    }
  }
  if (seq_given != nullptr) *seq_given = given;
  *id = parsed;
  return true;
}

}  // namespace

bool StreamId::Increment() {
  if (*this == Max()) return false;
  if (++seq == 0) ++ms;
  return true;
}

bool StreamId::Decrement() {
  if (IsZero()) return false;
  if (seq-- == 0) --ms;
  return true;
}

std::string StreamId::ToString() const { return absl::StrCat(ms, "-", seq); }

void StreamId::Pack(char (&bytes)[kPackedBytes]) const {
  for (size_t i = 0; i < kPackedBytes; ++i) {
    const uint64_t half = i < 8 ? ms : seq;
    bytes[i] = static_cast<char>(half >> (56 - 8 * (i % 8)));
  }
}

StreamId StreamId::Unpack(const char (&bytes)[kPackedBytes]) {
  StreamId id;
  for (size_t i = 0; i < kPackedBytes; ++i) {
    uint64_t& half = i < 8 ? id.ms : id.seq;
    half = half << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return id;
}

bool ParseStreamId(absl::string_view text, uint64_t missing_seq, StreamId* id) {
  return Parse(text, missing_seq, id, nullptr);
}

bool ParseNewStreamId(absl::string_view text, StreamId* id, bool* seq_given) {
  return Parse(text, 0, id, seq_given);
}

bool ParseStreamIdOrEnd(absl::string_view text, uint64_t missing_seq,
                        StreamId* id) {
  const absl::string_view c_string =
      text.size() > kMaxText ? text : text.substr(0, text.find('\0'));
  if (c_string == "-" || c_string == "+") {
    *id = c_string == "-" ? StreamId::Min() : StreamId::Max();
    return true;
  }
  return Parse(text, missing_seq, id, nullptr);
}

bool ParseStreamRangeEnd(absl::string_view text, uint64_t missing_seq,
                         StreamId* id, bool* exclusive) {
  *exclusive = text.size() > 1 && text[0] == '(';
  return *exclusive ? ParseStreamId(text.substr(1), missing_seq, id)
                    : ParseStreamIdOrEnd(text, missing_seq, id);
}

}  // namespace holdfast::server
