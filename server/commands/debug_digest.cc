#include "server/commands/debug_digest.h"

#include <cstddef>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "openssl/sha.h"
#include "server/commands/scan_walk.h"
#include "server/engine/engine.h"
#include "server/keyspace/keyspace.h"
#include "server/types/hash.h"
#include "server/types/list.h"
#include "server/types/set.h"
#include "server/types/stream.h"
#include "server/types/zset.h"

namespace holdfast::server {
namespace {

using Sha1 = std::array<unsigned char, SHA_DIGEST_LENGTH>;

Sha1 Sha1Of(absl::string_view bytes) {
  Sha1 hash;
  SHA1(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
       hash.data());
  return hash;
}

void DigestString(const Entry& entry, DatasetDigest* digest) {
  char scratch[Entry::kScratch];
  digest->Mix(entry.StringBytes(scratch));
}

// Elements that have no order are digested one by one, and these are combined.
void DigestHash(const Hash& hash, DatasetDigest* digest) {
  hash.ForEach([digest](absl::string_view field, absl::string_view value) {
    DatasetDigest one;
    one.Mix(field);
    one.Mix(value);
    digest->Xor(one.bytes());
  });
}

void DigestZset(const Zset& zset, DatasetDigest* digest) {
  zset.ForEach([digest](absl::string_view member, double score) {
    DatasetDigest one;
    one.Mix(member);
    one.Mix(absl::StrFormat("%.17g", score));
    digest->Xor(one.bytes());
  });
}

void DigestStream(const Stream& stream, DatasetDigest* digest) {
  stream.Range(
      {}, StreamId::Max(), false, 0, [digest](const StreamEntry& entry) {
        digest->Mix(absl::StrCat(entry.id().ms, ".", entry.id().seq));
        entry.ForEachField(
            [digest](absl::string_view field, absl::string_view value) {
              digest->Mix(field);
              digest->Mix(value);
            });
        return true;
      });
}

// The types' numbers in Redis's object headers, which go into the digest. Those
// of ValueType are RDB's and happen to be the same, but for what RDB lacks.
uint32_t DigestNumber(ValueType type) { return static_cast<uint32_t>(type); }

}  // namespace

void DatasetDigest::Xor(absl::string_view bytes) {
  const Sha1 hash = Sha1Of(bytes);
  for (size_t i = 0; i < hash.size(); ++i) bytes_[i] ^= hash[i];
}

void DatasetDigest::Mix(absl::string_view bytes) {
  Xor(bytes);
  bytes_ = Sha1Of(this->bytes());
}

void DatasetDigest::MixUint32(uint32_t value) {
  const char bytes[4] = {
      static_cast<char>(value >> 24), static_cast<char>(value >> 16),
      static_cast<char>(value >> 8), static_cast<char>(value)};
  Mix(absl::string_view(bytes, sizeof(bytes)));
}

std::string DatasetDigest::Hex() const {
  return absl::BytesToHexString(bytes());
}

void DigestValue(const Entry& entry, DatasetDigest* digest) {
  digest->MixUint32(DigestNumber(entry.type()));
  switch (entry.type()) {
    case ValueType::kString:
      DigestString(entry, digest);
      break;
    case ValueType::kList:
      entry.As<List>()->ForEach(
          [digest](absl::string_view element) { digest->Mix(element); });
      break;
    case ValueType::kSet:
      entry.As<Set>()->ForEach(
          [digest](absl::string_view member) { digest->Xor(member); });
      break;
    case ValueType::kZset:
      DigestZset(*entry.As<Zset>(), digest);
      break;
    case ValueType::kHash:
      DigestHash(*entry.As<Hash>(), digest);
      break;
    case ValueType::kStream:
      DigestStream(*entry.As<Stream>(), digest);
      break;
  }
  if (entry.has_expiry()) digest->Xor("!!expire!!");
}

DatasetDigest DigestOfKeyspace(ExecutionUnit& unit) {
  DatasetDigest all;
  const int databases = unit.engine().keyspace().database_count();
  for (int db = 0; db < databases; ++db) {
    bool empty = true;
    WalkEntries(unit, db, kWalkBegin, WalkBounds(), [&](const Entry& entry) {
      // The database's number goes in once, before its first key.
      if (empty) all.MixUint32(static_cast<uint32_t>(db));
      empty = false;
      DatasetDigest one;
      one.Mix(entry.key());
      DigestValue(entry, &one);
      all.Xor(one.bytes());
    });
  }
  return all;
}

}  // namespace holdfast::server
