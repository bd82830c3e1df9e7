#ifndef HOLDFAST_SERVER_CONNECTION_PREFETCH_H_
#define HOLDFAST_SERVER_CONNECTION_PREFETCH_H_

#include "absl/strings/string_view.h"
#include "server/keyspace/keyspace.h"

namespace holdfast::server {

// Starts to bring what the requests in `input` will need of this database into
// the cache (lock, table, bucket, entry of each one's first argument), all side
// by side where executing them one by one would wait for each in turn. Returns
// for how many requests that was done: not before as many is it worth calling
// again.
//
// Changes nothing and never waits: a slot that is locked exclusively is passed
// over. REQUIRES: the thread holds no slot.
int PrefetchKeys(Keyspace* keyspace, int db, absl::string_view input);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_CONNECTION_PREFETCH_H_
