#ifndef HOLDFAST_SERVER_CONFIG_DOCUMENTATION_H_
#define HOLDFAST_SERVER_CONFIG_DOCUMENTATION_H_

#include <string>

namespace holdfast::server::config {

// docs/configuration.md, whole, as it follows from the table. A test compares
// the two; //server/config:print_documentation writes it anew.
std::string RenderDocumentation();

}  // namespace holdfast::server::config

#endif  // HOLDFAST_SERVER_CONFIG_DOCUMENTATION_H_
