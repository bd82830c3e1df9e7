#!/usr/bin/env python3
"""Holdfast beside redis-server on this machine, by redis-benchmark, in alternating runs.

    bazel run -c opt //tools/benchmark:compare -- [--rounds N] [--scale F] [--markdown FILE]

Each round runs every server once, each time a fresh process, in the order A B, B A, A B, ...; printed are
medians over the rounds, and the median of the rounds' ratios. Throughput is redis-benchmark's own figure (50
connections, values of 64 bytes, keys chosen out of 200,000); CPU is user and system time of the server a
request; memory is what 1,000,000 keys of 20 bytes with values of 64 bytes add to the process.

Needs redis-server and redis-benchmark (tools/setup.sh installs them) and an otherwise idle machine: it says how
busy the machine was before it began."""
import alternating

KEYS = 200_000
MEMORY_KEYS = 1_000_000
VALUE_BYTES = 64
# Requests of one measurement by pipeline length: some seconds each.
REQUESTS = {1: 200_000, 16: 1_600_000, 64: 3_200_000}


def measure_speed(binary, scale, figures):
    with alternating.running(binary) as (port, pid):
        alternating.redis_benchmark(port, "-d", str(VALUE_BYTES), "-t", "set", "-r", str(KEYS), "-n", str(3 * KEYS), "-P", "64")
        for pipeline, requests in REQUESTS.items():
            for command in ("set", "get"):
                n = max(1000, int(requests * scale))
                before = alternating.cpu_seconds(pid)
                row = alternating.redis_benchmark(port, "-d", str(VALUE_BYTES), "-t", command, "-r", str(KEYS), "-n",
                                                  str(n), "-P", str(pipeline))
                used = alternating.cpu_seconds(pid) - before
                work = f"{command.upper()}, pipeline {pipeline}"
                figures[work, "requests/s"].append(row["rps"])
                figures[work, "p99 ms"].append(row["p99_latency_ms"])
                figures[work, "server CPU us/request"].append(used * 1e6 / n)


def measure_memory(binary, scale, figures):
    keys = max(1000, int(MEMORY_KEYS * scale))

    def set_command(n):
        return alternating.encoded(b"SET", b"key:%016d" % n, (b"%064d" % n)[-VALUE_BYTES:])

    alternating.measure_keys(binary, figures, f"{keys:,} keys", keys, set_command)


def main():
    options = alternating.parse_arguments(__doc__)
    alternating.compare(options, [measure_speed, measure_memory])


if __name__ == "__main__":
    main()
