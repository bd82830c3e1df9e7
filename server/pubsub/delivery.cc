#include "server/pubsub/delivery.h"

#include "glog/logging.h"

namespace holdfast::server {

void Delivery::Send(Session* session, absl::string_view value) {
  Mailbox* const mailbox = session->mailbox();
  if (mailbox == nullptr || mailbox->closed()) return;
  const OutputBufferLimit limit = config_.BufferLimit(
      session->kind.load(std::memory_order_relaxed) == SessionKind::kPubsub
          ? ClientClass::kPubsub
          : ClientClass::kNormal);
  if (mailbox->Post(value,
                    session->output_bytes.load(std::memory_order_relaxed),
                    {.hard_bytes = static_cast<size_t>(limit.hard_bytes),
                     .soft_bytes = static_cast<size_t>(limit.soft_bytes),
                     .soft_time = limit.soft_time},
                    clock_.Now()))
    return;
  LOG(WARNING) << "Client " << session->address
               << " is closed: it does not read, and its messages are beyond "
                  "client-output-buffer-limit";
  stats_.client_output_buffer_limit_disconnections.fetch_add(
      1, std::memory_order_relaxed);
}

}  // namespace holdfast::server
