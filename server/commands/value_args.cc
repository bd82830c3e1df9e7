#include "server/commands/value_args.h"

#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "server/command/errors.h"

namespace holdfast::server {
namespace {

ExpiryForm ExpiryFormNamed(absl::string_view option) {
  if (absl::EqualsIgnoreCase(option, "EX")) return ExpiryForm::kSeconds;
  if (absl::EqualsIgnoreCase(option, "PX")) return ExpiryForm::kMilliseconds;
  if (absl::EqualsIgnoreCase(option, "EXAT")) return ExpiryForm::kUnixSeconds;
  if (absl::EqualsIgnoreCase(option, "PXAT"))
    return ExpiryForm::kUnixMilliseconds;
  return ExpiryForm::kNone;
}

// Takes one option without a number; false if there is none of that name here
// or an earlier one excludes it.
bool TakeSetOption(absl::string_view option, ValueOptions* options) {
  if (absl::EqualsIgnoreCase(option, "NX") && !options->only_if_present) {
    options->only_if_missing = true;
  } else if (absl::EqualsIgnoreCase(option, "XX") &&
             !options->only_if_missing) {
    options->only_if_present = true;
  } else if (absl::EqualsIgnoreCase(option, "GET")) {
    options->return_old = true;
  } else if (absl::EqualsIgnoreCase(option, "KEEPTTL") &&
             options->expiry == ExpiryForm::kNone) {
    options->keep_expiry = true;
  } else {
    return false;
  }
  return true;
}

bool TakeGetExOption(absl::string_view option, ValueOptions* options) {
  if (!absl::EqualsIgnoreCase(option, "PERSIST") ||
      options->expiry != ExpiryForm::kNone)
    return false;
  options->remove_expiry = true;
  return true;
}

}  // namespace

bool ParseValueOptions(CommandContext& ctx, size_t first, ValueOptionSet known,
                       ValueOptions* options) {
  for (size_t i = first; i < ctx.argc(); ++i) {
    const ExpiryForm form = ExpiryFormNamed(ctx.arg(i));
    bool taken;
    if (form != ExpiryForm::kNone) {
      taken =
          !options->keep_expiry && !options->remove_expiry &&
          (options->expiry == ExpiryForm::kNone || options->expiry == form) &&
          i + 1 < ctx.argc();
      options->expiry = form;
      options->expiry_arg = ++i;
    } else if (known == ValueOptionSet::kSet) {
      taken = TakeSetOption(ctx.arg(i), options);
    } else {
      taken = TakeGetExOption(ctx.arg(i), options);
    }
    if (!taken) {
      ctx.Error(errors::kSyntax);
      return false;
    }
  }
  return true;
}

bool ParseExpiry(CommandContext& ctx, size_t arg, ExpiryForm form,
                 int64_t* when_ms) {
  CHECK(form != ExpiryForm::kNone);
  int64_t when = 0;
  if (!ctx.IntArg(arg, &when)) return false;
  const bool seconds =
      form == ExpiryForm::kSeconds || form == ExpiryForm::kUnixSeconds;
  const bool relative =
      form == ExpiryForm::kSeconds || form == ExpiryForm::kMilliseconds;
  if (when <= 0 ||
      (seconds && __builtin_mul_overflow(when, int64_t{1000}, &when)) ||
      (relative && __builtin_add_overflow(when, ctx.now_ms(), &when))) {
    ctx.Error(absl::StrCat("ERR invalid expire time in '", ctx.spec().full_name,
                           "' command"));
    return false;
  }
  *when_ms = when;
  return true;
}

bool ParseLongDouble(absl::string_view text, long double* value) {
  char buffer[kMaxLongDoubleChars];
  if (text.empty() || text.size() >= sizeof(buffer)) return false;
  if (isspace(static_cast<unsigned char>(text[0]))) return false;
  memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  char* end = nullptr;
  errno = 0;
  const long double parsed = strtold(buffer, &end);
  // A zero byte inside ends the number early and so shows here too.
  if (static_cast<size_t>(end - buffer) != text.size()) return false;
  if (std::isnan(parsed)) return false;
  // Subnormal results set ERANGE too, and are fine.
  if (errno == ERANGE && (std::isinf(parsed) || parsed == 0)) return false;
  *value = parsed;
  return true;
}

std::string FormatLongDouble(long double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[kMaxLongDoubleChars];  // LDBL_MAX has 4933 digits before the
                                     // point.
  const int printed = snprintf(buffer, sizeof(buffer), "%.17Lf", value);
  CHECK(printed > 0 && static_cast<size_t>(printed) < sizeof(buffer));
  absl::string_view text(buffer, static_cast<size_t>(printed));
  // 17 digits stand after the point, so the zeros removed are all behind it.
  while (text.back() == '0') text.remove_suffix(1);
  if (text.back() == '.') text.remove_suffix(1);
  if (text == "-0") return "0";
  return std::string(text);
}

bool CheckString(CommandContext& ctx, const Entry* entry) {
  if (entry == nullptr || entry->type() == ValueType::kString) return true;
  ctx.Error(errors::kWrongType);
  return false;
}

bool CheckStringLength(CommandContext& ctx, int64_t length, int64_t extra) {
  int64_t total = 0;
  const bool overflows = __builtin_add_overflow(length, extra, &total);
  if (!overflows && (ctx.unit().from_primary() || total <= ctx.max_bulk_len()))
    return true;
  ctx.Error(errors::kStringTooLong);
  return false;
}

bool ParseBlockTimeout(CommandContext& ctx, absl::string_view text,
                       absl::Duration* timeout) {
  long double seconds = 0;
  if (!ParseLongDouble(text, &seconds) || std::isnan(seconds)) {
    ctx.Error("ERR timeout is not a float or out of range");
    return false;
  }
  const long double ms = seconds * 1000;
  if (ms > static_cast<long double>(INT64_MAX)) {
    ctx.Error("ERR timeout is out of range");
    return false;
  }
  // As Redis does: the least part of a millisecond is one.
  const auto whole = static_cast<int64_t>(std::ceil(ms));
  if (whole < 0) {
    ctx.Error("ERR timeout is negative");
    return false;
  }
  if (whole > INT64_MAX - ctx.now_ms()) {
    ctx.Error("ERR timeout is out of range");
    return false;
  }
  *timeout = absl::Milliseconds(whole);
  return true;
}

}  // namespace holdfast::server
