#include "server/keyspace/entry.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <new>

#include "glog/logging.h"
#include "net/resp/integer.h"

namespace holdfast::server {
namespace {

constexpr size_t kGranule =
    16;  // The allocator's own smallest step between size classes.

// The data of an empty view may be null, which memcpy(3) does not take.
void CopyBytes(void* to, absl::string_view from) {
  if (!from.empty()) memmove(to, from.data(), from.size());
}

size_t RoundUp(size_t bytes) {
  return (bytes + kGranule - 1) & ~(kGranule - 1);
}

StringBuffer* NewBuffer(size_t capacity) {
  auto* buffer =
      static_cast<StringBuffer*>(malloc(sizeof(StringBuffer) + capacity));
  CHECK(buffer != nullptr) << "out of memory for a string of " << capacity
                           << " bytes";
  buffer->capacity = capacity;
  buffer->length = 0;
  return buffer;
}

}  // namespace

absl::string_view EncodingName(Encoding encoding) {
  switch (encoding) {
    case Encoding::kRaw:
      return "raw";
    case Encoding::kInt:
      return "int";
    case Encoding::kEmbstr:
      return "embstr";
  }
  return "unknown";
}

size_t Entry::StringLength() const {
  if (encoding() == Encoding::kInt) {
    char scratch[kScratch];
    return StringBytes(scratch).size();
  }
  return is_inline() ? inline_length_ : payload()->buffer->length;
}

absl::string_view Entry::StringBytes(char (&scratch)[kScratch]) const {
  if (encoding() == Encoding::kInt) {
    const auto result =
        std::to_chars(scratch, scratch + kScratch, payload()->integer);
    return {scratch, static_cast<size_t>(result.ptr - scratch)};
  }
  if (is_inline()) return {inline_data(), inline_length_};
  return {payload()->buffer->data(), payload()->buffer->length};
}

absl::string_view Entry::EncodingName() const {
  return type() == ValueType::kString
             ? server::EncodingName(encoding())
             : ObjectEncodingName(type(), payload()->object);
}

size_t Entry::MemoryUsage(size_t samples) const {
  const size_t bytes =
      SizeFor(key_length_, has_expiry(), is_inline(), inline_length_);
  if (type() != ValueType::kString) {
    return bytes + ObjectMemoryUsage(type(), payload()->object, samples);
  }
  if (is_inline() || encoding() == Encoding::kInt) return bytes;
  return bytes + sizeof(StringBuffer) + payload()->buffer->capacity;
}

Entry::StringForm Entry::FormOf(absl::string_view value, IfInteger if_integer) {
  StringForm form{Encoding::kRaw, 0, false};
  if (if_integer == IfInteger::kAsInt &&
      net::ParseInteger(value, &form.integer)) {
    form.encoding = Encoding::kInt;
    return form;
  }
  if (value.size() <= kEmbstrLimit) form.encoding = Encoding::kEmbstr;
  form.is_inline = value.size() <= kMaxInline;
  return form;
}

size_t Entry::SizeFor(size_t key_length, bool has_expiry, bool is_inline,
                      size_t value_length) {
  return RoundUp(sizeof(Entry) + (has_expiry ? sizeof(Expiry) : 0) +
                 (is_inline ? value_length : sizeof(Payload)) + key_length);
}

Entry* Entry::Allocate(absl::string_view key, ValueType type, Encoding encoding,
                       bool has_expiry, bool is_inline, size_t value_length) {
  void* memory =
      malloc(SizeFor(key.size(), has_expiry, is_inline, value_length));
  CHECK(memory != nullptr) << "out of memory for a key of " << key.size()
                           << " bytes";
  auto* entry = static_cast<Entry*>(memory);
  entry->next = nullptr;
  new (&entry->access_) std::atomic<uint32_t>(0);
  entry->type_ = static_cast<uint8_t>(type) & 0xf;
  entry->encoding_ = static_cast<uint8_t>(encoding) & 0xf;
  entry->flags_ = static_cast<uint8_t>((has_expiry ? kHasExpiry : 0) |
                                       (is_inline ? kInline : 0));
  entry->epoch_ = 0;
  entry->tag_ = 0;
  entry->key_length_ = static_cast<uint32_t>(key.size());
  entry->inline_length_ = static_cast<uint32_t>(is_inline ? value_length : 0);
  CopyBytes(const_cast<char*>(entry->key_data()), key);
  return entry;
}

Entry* Entry::NewString(absl::string_view key, absl::string_view value,
                        bool has_expiry, IfInteger if_integer) {
  const StringForm form = FormOf(value, if_integer);
  Entry* entry = Allocate(key, ValueType::kString, form.encoding, has_expiry,
                          form.is_inline, value.size());
  if (form.is_inline) {
    CopyBytes(entry->inline_data(), value);
  } else if (form.encoding == Encoding::kInt) {
    entry->payload()->integer = form.integer;
  } else {
    StringBuffer* buffer = NewBuffer(value.size());
    CopyBytes(buffer->data(), value);
    buffer->length = value.size();
    entry->payload()->buffer = buffer;
  }
  return entry;
}

Entry* Entry::NewObject(absl::string_view key, Object value, bool has_expiry) {
  Entry* entry =
      Allocate(key, value.type(), Encoding::kRaw, has_expiry, false, 0);
  new (&entry->payload()->object) ObjectBits(value.Release());
  return entry;
}

bool Entry::OverwriteString(absl::string_view value, IfInteger if_integer) {
  if (type() != ValueType::kString) return false;
  const StringForm form = FormOf(value, if_integer);
  if (form.is_inline) {
    if (!is_inline() ||
        SizeFor(key_length_, has_expiry(), true, value.size()) !=
            SizeFor(key_length_, has_expiry(), true, inline_length_)) {
      return false;
    }
    CopyBytes(inline_data(), value);
    inline_length_ = static_cast<uint32_t>(value.size());
  } else if (form.encoding == Encoding::kInt) {
    if (encoding() != Encoding::kInt) return false;
    payload()->integer = form.integer;
  } else {
    if (is_inline() || encoding() == Encoding::kInt) return false;
    StringBuffer* buffer = payload()->buffer;
    if (buffer->capacity < value.size() || buffer->capacity > value.size() * 2)
      return false;
    CopyBytes(buffer->data(), value);
    buffer->length = value.size();
  }
  encoding_ = static_cast<uint8_t>(form.encoding) & 0xf;
  return true;
}

Entry* Entry::Reshape(bool has_expiry, bool is_inline,
                      size_t inline_length) const {
  Entry* fresh =
      Allocate(key(), type(), encoding(), has_expiry, is_inline, inline_length);
  fresh->access_.store(access(), std::memory_order_relaxed);
  fresh->epoch_ = epoch_;
  fresh->tag_ = tag_;
  if (has_expiry && this->has_expiry()) *fresh->expiry() = *expiry();
  if (is_inline) {
    memcpy(fresh->inline_data(), inline_data(), inline_length);
  } else if (!this->is_inline()) {
    *fresh->payload() = *payload();
  }
  return fresh;
}

void Entry::FreeValue() {
  if (type() != ValueType::kString) {
    FreeObject(type(), &payload()->object);
  } else if (!is_inline() && encoding() != Encoding::kInt) {
    free(payload()->buffer);
  }
}

void Entry::FreeShell(Entry* entry) { free(entry); }

}  // namespace holdfast::server
