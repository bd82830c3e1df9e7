#include <iostream>

#include "server/config/documentation.h"

int main() {
  std::cout << holdfast::server::config::RenderDocumentation();
  return std::cout.flush() ? 0 : 1;
}
