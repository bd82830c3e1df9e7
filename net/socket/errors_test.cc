#include "net/socket/errors.h"

#include <errno.h>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace holdfast::net {
namespace {

TEST(ErrorsTest, CarriesErrnoAndText) {
  const absl::Status s = ErrnoStatus(ECONNRESET, "recv");
  EXPECT_EQ(s.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(s.message(), "recv: Connection reset by peer");
  EXPECT_EQ(ErrnoOf(s), ECONNRESET);
}

TEST(ErrorsTest, CodesSayWhatToDo) {
  EXPECT_TRUE(absl::IsResourceExhausted(ErrnoStatus(EMFILE, "x")));
  EXPECT_TRUE(absl::IsPermissionDenied(ErrnoStatus(EACCES, "x")));
  EXPECT_TRUE(absl::IsFailedPrecondition(ErrnoStatus(EADDRINUSE, "x")));
  EXPECT_TRUE(absl::IsUnavailable(ErrnoStatus(ETIMEDOUT, "x")));
  EXPECT_TRUE(absl::IsUnknown(ErrnoStatus(EBADF, "x")));
}

TEST(ErrorsTest, OtherStatusesHaveNoErrno) {
  EXPECT_EQ(ErrnoOf(absl::OkStatus()), 0);
  EXPECT_EQ(ErrnoOf(absl::UnavailableError("x")), 0);
  absl::Status forged = absl::UnavailableError("x");
  forged.SetPayload("holdfast.net/errno", absl::Cord("no number"));
  EXPECT_EQ(ErrnoOf(forged), 0);
}

}  // namespace
}  // namespace holdfast::net
