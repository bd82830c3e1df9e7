#ifndef HOLDFAST_SERVER_TYPES_UNALIGNED_H_
#define HOLDFAST_SERVER_TYPES_UNALIGNED_H_

#include <bit>
#include <cstring>

// Numbers in the packed forms: little endian, at any address.
namespace holdfast::server {

static_assert(std::endian::native == std::endian::little,
              "the packed forms are little endian, and read as they stand");

template <typename T>
T Load(const unsigned char* p) {
  T value;
  memcpy(&value, p, sizeof(value));
  return value;
}

template <typename T>
void Store(unsigned char* p, T value) {
  memcpy(p, &value, sizeof(value));
}

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_UNALIGNED_H_
