#include "testing/hostile/garbage.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"

namespace holdfast::test {
namespace {

constexpr size_t kLong = 64 * 1024;  // The limit of a line, and one beyond.

const std::vector<std::string>& Numbers() {
  static const auto* const numbers = new std::vector<std::string>{
      "0",
      "1",
      "2",
      "3",
      "-1",
      "-2",
      "10",
      "15",
      "16",
      "100",
      "-100",
      "511",
      "1000",
      "65535",
      "65536",
      "1048575",
      "1048576",
      "1048577",
      "536870911",
      "536870912",
      "2147483647",
      "2147483648",
      "-2147483648",
      "-2147483649",
      "4294967295",
      "4294967296",
      "1700000000",
      "4611686018427387904",
      "9223372036854775",
      "9223372036854775806",
      "9223372036854775807",
      "-9223372036854775807",
      "-9223372036854775808",
  };
  return *numbers;
}

const std::vector<std::string>& NoNumbers() {
  static const auto* const none = new std::vector<std::string>{
      "",
      "-",
      "+1",
      " 1",
      "1 ",
      "01",
      "-0",
      "1.5",
      "1e3",
      "1e400",
      "-inf",
      "inf",
      "nan",
      "0x10",
      "1_0",
      "one",
      "1\n",
      "--1",
      "1,0",
      "1e",
      ".",
      "%d%n",
      "(nil)",
      "$1\r\n",
      "*",
      "?",
      "\x80",
      "NaN(1)",
      std::string("1\0", 2),
      "9223372036854775808",
      "-9223372036854775809",
      "18446744073709551615",
      "18446744073709551616",
      "340282366920938463463374607431768211456",
      std::string(400, '9'),
  };
  return *none;
}

const std::vector<std::string>& Texts() {
  static const auto* const texts = new std::vector<std::string>{
      "",
      "*",
      "?*?*?*?*?*[",
      "[a-",
      "[^]",
      "[\\",
      "\\",
      "a\\",
      "{",
      "}{",
      "{}",
      "{a}{b",
      "\r\n",
      "\r\n*1\r\n$4\r\nPING\r\n",
      "+OK\r\n",
      "-ERR\r\n",
      std::string("\0", 1),
      std::string("a\0b", 3),
      "%s%s%s%n",
      "\xff\xfe\xf0\x9f",
      "\x1b[31m",
      "$(reboot)",
      "../../../../etc/passwd",
      "GET",
      "NX",
      "XX",
      "KEEPTTL",
      "k1",
      "k2",
      "n1",
  };
  return *texts;
}

// Where a length stands ("$12", "*3"): its first digit and how many there are;
// {npos, 0} if there is none.
std::pair<size_t, size_t> FindLength(Dice* dice, absl::string_view bytes) {
  if (bytes.empty()) return {std::string::npos, 0};
  const auto start =
      static_cast<size_t>(dice->Below(static_cast<int64_t>(bytes.size())));
  size_t at = bytes.find_first_of("$*", start);
  if (at == absl::string_view::npos) at = bytes.find_first_of("$*");
  if (at == absl::string_view::npos) return {std::string::npos, 0};
  size_t end = at + 1;
  while (end < bytes.size() && bytes[end] >= '0' && bytes[end] <= '9') ++end;
  return {at + 1, end - at - 1};
}

void MutateOnce(Dice* dice, std::string* bytes) {
  const auto size = static_cast<int64_t>(bytes->size());
  const auto at = static_cast<size_t>(dice->Below(size + 1));
  const auto length = static_cast<size_t>(
      dice->Below(1 + (dice->OneIn(4) ? size : std::min<int64_t>(size, 16))));
  switch (dice->Below(9)) {
    case 0:
      if (size > 0) *bytes = WithBitFlipped(dice, std::move(*bytes));
      break;
    case 1:
      bytes->resize(at);
      break;
    case 2:
      bytes->erase(at, length);
      break;
    case 3:
      bytes->insert(at, bytes->substr(at, length));
      break;
    case 4:
      bytes->insert(at,
                    RandomBytes(dice, static_cast<size_t>(dice->Below(32))));
      break;
    case 5:
      bytes->insert(at, HostileArgument(dice));
      break;
    case 6: {  // A line end lost, or half of one.
      const size_t end = bytes->find("\r\n", at);
      if (end == std::string::npos) break;
      bytes->erase(end + static_cast<size_t>(dice->Below(2)),
                   static_cast<size_t>(dice->Between(1, 2)));
      break;
    }
    default: {
      const auto [digits, count] = FindLength(dice, *bytes);
      if (digits == std::string::npos) break;
      bytes->replace(digits, count,
                     dice->OneIn(3) ? NoNumber(dice) : HostileNumber(dice));
      break;
    }
  }
}

}  // namespace

std::string RandomBytes(Dice* dice, size_t n) {
  std::string bytes(n, '\0');
  for (char& byte : bytes) byte = static_cast<char>(dice->Below(256));
  return bytes;
}

std::string HostileNumber(Dice* dice) { return dice->Pick(Numbers()); }
std::string NoNumber(Dice* dice) { return dice->Pick(NoNumbers()); }

std::string HostileArgument(Dice* dice) {
  switch (dice->Below(10)) {
    case 0:
    case 1:
    case 2:
      return HostileNumber(dice);
    case 3:
      return NoNumber(dice);
    case 4:
      return RandomBytes(dice, static_cast<size_t>(dice->Below(40)));
    case 5:
      if (!dice->OneIn(8)) return dice->Pick(Texts());
      return std::string(kLong + static_cast<size_t>(dice->Between(-2, 2)),
                         static_cast<char>('a' + dice->Below(26)));
    default:
      return dice->Pick(Texts());
  }
}

std::string HostileLine(Dice* dice) {
  static const auto* const lines = new std::vector<std::string>{
      "\"",
      "'",
      "SET \"k1",
      "SET k1 'v",
      "SET k1 \"a\"b",
      "SET k1 \"\\x",
      "SET k1 \"\\xzz\\",
      "GET \"\\x00\\xff\"",
      "GET 'it\\'s'",
      std::string("GE\0T k1", 7),
      std::string("\0\0\0\0", 4),
      "   ",
      "\t\t\v",
      "*",
      "*-1",
      "*0",
      "*-2147483649",
      "*2147483648",
      "*1048577",
      "*1\r\n$-1",
      "*1\r\n$536870913",
      "*1\r\n:4",
      "*2\r\n*1\r\n$4\r\nPING",
      "$5",
      ":1",
      ">2",
      "%1",
      "~1",
      "_",
      "#t",
      "POST / HTTP/1.1\r\nHost: localhost\r\n",
      "GET / HTTP/1.1",
      "\x16\x03\x01\x02",  // TLS begins so.
  };
  std::string line = dice->Pick(*lines);
  if (dice->OneIn(10)) line.append(kLong, dice->Pick({'x', ' ', '"', '\\'}));
  if (dice->OneIn(4)) line += HostileArgument(dice);
  return absl::StrCat(line, dice->Pick({"\r\n", "\n", "\r", ""}));
}

std::string WithBitFlipped(Dice* dice, std::string bytes) {
  const auto at =
      static_cast<size_t>(dice->Below(static_cast<int64_t>(bytes.size())));
  bytes[at] =
      static_cast<char>(static_cast<uint8_t>(bytes[at]) ^ 1 << dice->Below(8));
  return bytes;
}

std::string Mutated(Dice* dice, std::string bytes) {
  const int64_t changes = dice->Between(1, 4);
  for (int64_t i = 0; i < changes; ++i) MutateOnce(dice, &bytes);
  return bytes;
}

size_t NextPiece(Dice* dice, size_t left) {
  const int64_t most =
      dice->Pick<int64_t>({1, 3, 40, 1000, 20000, int64_t{1} << 30});
  return static_cast<size_t>(
      dice->Between(1, std::min(most, static_cast<int64_t>(left))));
}

}  // namespace holdfast::test
