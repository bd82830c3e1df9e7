#ifndef HOLDFAST_TESTING_HOSTILE_GARBAGE_H_
#define HOLDFAST_TESTING_HOSTILE_GARBAGE_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "testing/support/dice.h"

// Bytes that nobody should send: all from a Dice, so that a seed says it all.
namespace holdfast::test {

// `n` bytes, all values alike.
std::string RandomBytes(Dice* dice, size_t n);

// Numbers at and beyond every limit, in forms that are none, and small ones. Of
// no number with two digits but 10, 15 and 16, so that a database of another
// number is safe from SELECT.
std::string HostileNumber(Dice* dice);

// Where not even a small number may stand: never parses as an integer.
std::string NoNumber(Dice* dice);

// An argument of a command: numbers, broken globs, line ends, NULs, protocol
// inside of the argument, nothing, and rarely 64 KB.
std::string HostileArgument(Dice* dice);

// A line of the inline protocol, with its end or without: quotes left open,
// escapes cut short, NULs, longer than any limit.
std::string HostileLine(Dice* dice);

// One to four changes: bits flipped, a piece cut out, doubled or put in, the
// end missing, a length ("$5", "*3") replaced by another, a line end lost.
std::string Mutated(Dice* dice, std::string bytes);

// One bit, somewhere. REQUIRES: not empty.
std::string WithBitFlipped(Dice* dice, std::string bytes);

// Splits `bytes` as a network would not, if it could help it: the length of the
// next piece to send, 1 to `left`.
size_t NextPiece(Dice* dice, size_t left);

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_HOSTILE_GARBAGE_H_
