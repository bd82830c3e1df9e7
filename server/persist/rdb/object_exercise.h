#ifndef HOLDFAST_SERVER_PERSIST_RDB_OBJECT_EXERCISE_H_
#define HOLDFAST_SERVER_PERSIST_RDB_OBJECT_EXERCISE_H_

#include <cstdint>

#include "server/types/object.h"

namespace holdfast::server {

// For fuzzing: asks of a copy of a value all that commands ask, and changes it
// as they do, with choices drawn from `seed`. What must hold for any value
// that a loader has let in (elements read are found again, sizes follow
// changes) is CHECKed. The value itself stays as it is.
void ExerciseCopyOf(ValueType type, const ObjectBits& bits, uint64_t seed);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_RDB_OBJECT_EXERCISE_H_
