#include "server/persist/save/file_replacer.h"

#include <utility>

#include "absl/memory/memory.h"

namespace holdfast::server {

absl::StatusOr<std::unique_ptr<FileReplacer>> FileReplacer::Create(
    SaveFiles* files, std::string temporary, std::string path,
    bool sync_as_it_grows) {
  absl::StatusOr<std::unique_ptr<SaveFile>> file = files->Create(temporary);
  if (!file.ok()) return file.status();
  return absl::WrapUnique(new FileReplacer(files, *std::move(file),
                                           std::move(temporary),
                                           std::move(path), sync_as_it_grows));
}

FileReplacer::FileReplacer(SaveFiles* files, std::unique_ptr<SaveFile> file,
                           std::string temporary, std::string path,
                           bool sync_as_it_grows)
    : files_(*files),
      file_(std::move(file)),
      temporary_(std::move(temporary)),
      path_(std::move(path)),
      sync_as_it_grows_(sync_as_it_grows) {
  buffer_.reserve(kBufferBytes);
}

FileReplacer::~FileReplacer() {
  file_.reset();
  if (!renamed_) files_.Remove(temporary_);
}

absl::Status FileReplacer::Append(absl::string_view bytes) {
  if (buffer_.size() + bytes.size() > kBufferBytes) {
    const absl::Status written = WriteOut(buffer_);
    if (!written.ok()) return written;
    buffer_.clear();
    if (bytes.size() >= kBufferBytes) return WriteOut(bytes);
  }
  buffer_.append(bytes.data(), bytes.size());
  return absl::OkStatus();
}

absl::Status FileReplacer::WriteOut(absl::string_view bytes) {
  const absl::Status written = file_->Write(bytes);
  if (!written.ok()) return written;
  written_ += static_cast<int64_t>(bytes.size());
  if (!sync_as_it_grows_ || written_ - pushed_ < kSyncedBytes)
    return absl::OkStatus();
  const absl::Status pushed = file_->PushOut(pushed_, written_);
  pushed_ = written_;
  return pushed;
}

absl::Status FileReplacer::Commit() {
  absl::Status status = WriteOut(buffer_);
  if (status.ok()) status = file_->Sync();
  if (status.ok()) status = file_->Close();
  if (!status.ok()) return status;
  status = files_.Rename(temporary_, path_);
  if (!status.ok()) return status;
  renamed_ = true;
  return files_.SyncDirectoryOf(path_);
}

}  // namespace holdfast::server
