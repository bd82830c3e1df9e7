#!/bin/bash
# Runs "$@" with what every sanitizer configuration promises: the first report ends the process
# with a failure, with file and line in its stack trace. Children (servers that a test
# starts) inherit all of it. Options already in the environment win.
set -eu
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

common=halt_on_error=1:symbolize=1
# allocator_may_return_null: a test may ask for an absurd size to see it refused.
export ASAN_OPTIONS="$common:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1:allocator_may_return_null=1:${ASAN_OPTIONS:-}"
export LSAN_OPTIONS="report_objects=1:${LSAN_OPTIONS:-}"
export UBSAN_OPTIONS="$common:print_stacktrace=1:${UBSAN_OPTIONS:-}"
# No lock order here: TSan's checker dies of the 65th lock a thread holds, fewer than a slot set may have.
# absl::Mutex checks it in every other configuration but -c opt.
export TSAN_OPTIONS="$common:detect_deadlocks=0:history_size=4:suppressions=$here/tsan.supp:${TSAN_OPTIONS:-}"

# These runtimes cannot map their shadow memory where the kernel randomises more than 28 bits
# of an address, as kernels since 6.6 may do.
bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)
if [ "$bits" -gt 28 ]; then
  exec setarch --addr-no-randomize "$@"
fi
exec "$@"
