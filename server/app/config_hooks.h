#ifndef HOLDFAST_SERVER_APP_CONFIG_HOOKS_H_
#define HOLDFAST_SERVER_APP_CONFIG_HOOKS_H_

#include "server/connection/client_server.h"
#include "server/engine/engine.h"

namespace holdfast::server {

// Makes CONFIG SET take effect where reading the configuration again is not
// enough: listeners, the log's limits, the slow log, the number of open files.
// Both arguments outlive the engine's configuration's last Set(). Once a
// server, before it serves. (loglevel is the process's: logging.h.)
void InstallConfigHooks(Engine* engine, ClientServer* clients);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_APP_CONFIG_HOOKS_H_
