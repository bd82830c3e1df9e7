#include "server/session/session.h"

#include <utility>

namespace holdfast::server {

Session::Session(uint64_t id, net::Stream* stream, std::string address,
                 std::string local_address, int64_t now_ms)
    : id(id),
      address(std::move(address)),
      local_address(std::move(local_address)),
      created_ms(now_ms),
      last_interaction_ms(now_ms),
      stream_(stream) {}

std::string Session::name() const {
  absl::MutexLock lock(&mu_);
  return name_;
}

void Session::set_name(absl::string_view name) {
  absl::MutexLock lock(&mu_);
  name_ = std::string(name);
}

std::string Session::user() const {
  absl::MutexLock lock(&mu_);
  return user_;
}

void Session::set_user(absl::string_view user) {
  absl::MutexLock lock(&mu_);
  user_ = std::string(user);
}

std::string Session::library_name() const {
  absl::MutexLock lock(&mu_);
  return library_name_;
}

std::string Session::library_version() const {
  absl::MutexLock lock(&mu_);
  return library_version_;
}

void Session::set_library(absl::string_view name, absl::string_view version) {
  absl::MutexLock lock(&mu_);
  if (name.data() != nullptr) library_name_ = std::string(name);
  if (version.data() != nullptr) library_version_ = std::string(version);
}

void Session::set_unblocker(Unblocker unblocker) {
  absl::MutexLock lock(&mu_);
  unblocker_ = std::move(unblocker);
}

bool Session::Unblock(absl::string_view error) {
  absl::MutexLock lock(&mu_);
  return unblocker_ != nullptr && unblocker_(error);
}

absl::Status Session::OpenMailbox() {
  if (mailbox() != nullptr) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<Mailbox>> mailbox = Mailbox::Create();
  if (!mailbox.ok()) return mailbox.status();
  owned_mailbox_ = *std::move(mailbox);
  mailbox_.store(owned_mailbox_.get(), std::memory_order_release);
  return absl::OkStatus();
}

void Session::Kill() {
  absl::MutexLock lock(&mu_);
  killed_.store(true, std::memory_order_release);
  if (stream_ != nullptr) stream_->Shutdown();
}

int Session::fd() const {
  absl::MutexLock lock(&mu_);
  return stream_ == nullptr ? -1 : stream_->fd();
}

void Session::DetachStream() {
  absl::MutexLock lock(&mu_);
  stream_ = nullptr;
}

}  // namespace holdfast::server
