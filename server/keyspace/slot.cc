#include "server/keyspace/slot.h"

#include <array>
#include <cstddef>

namespace holdfast::server {
namespace {

// kTables[k][b] is the CRC of byte b followed by k zero bytes: with two tables
// two bytes are taken at a time.
constexpr std::array<std::array<uint16_t, 256>, 2> MakeTables() {
  std::array<std::array<uint16_t, 256>, 2> tables{};
  for (int byte = 0; byte < 256; ++byte) {
    uint16_t crc = static_cast<uint16_t>(byte << 8);
    for (int bit = 0; bit < 8; ++bit) {
      crc = static_cast<uint16_t>((crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021
                                                      : crc << 1);
    }
    tables[0][byte] = crc;
  }
  for (int byte = 0; byte < 256; ++byte) {
    const uint16_t crc = tables[0][byte];
    tables[1][byte] = static_cast<uint16_t>((crc << 8) ^ tables[0][crc >> 8]);
  }
  return tables;
}

constexpr auto kTables = MakeTables();

}  // namespace

uint16_t Crc16(absl::string_view bytes) {
  uint16_t crc = 0;
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  size_t n = bytes.size();
  for (; n >= 2; n -= 2, p += 2) {
    crc = static_cast<uint16_t>(kTables[1][(crc >> 8) ^ p[0]] ^
                                kTables[0][(crc & 0xff) ^ p[1]]);
  }
  if (n == 1)
    crc = static_cast<uint16_t>((crc << 8) ^ kTables[0][(crc >> 8) ^ p[0]]);
  return crc;
}

Slot SlotOfKey(absl::string_view key) {
  const size_t open = key.find('{');
  if (open != absl::string_view::npos) {
    const size_t close = key.find('}', open + 1);
    if (close != absl::string_view::npos && close > open + 1) {
      key = key.substr(open + 1, close - open - 1);
    }
  }
  return Crc16(key) % kSlots;
}

}  // namespace holdfast::server
