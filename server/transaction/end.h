#ifndef HOLDFAST_SERVER_TRANSACTION_END_H_
#define HOLDFAST_SERVER_TRANSACTION_END_H_

#include "server/keyspace/keyspace.h"
#include "server/session/session.h"

namespace holdfast::server {

// Ends a session's transaction and forgets its queue; its watches stay.
void DiscardQueue(Session* session);

// Takes the session's watches off the keyspace, locking one slot at a time.
// REQUIRES: the calling thread holds no slot. For UNWATCH, and for a connection
// that ends.
void UnwatchAll(Keyspace* keyspace, Session* session);

// Both: a transaction that was given up or refused.
void EndTransaction(Keyspace* keyspace, Session* session);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TRANSACTION_END_H_
