#!/usr/bin/env python3
"""Holdfast's data types beside redis-server's on this machine, in alternating runs.

    bazel run -c opt //tools/benchmark:compare_types -- [--rounds N] [--scale F] [--markdown FILE]

Each round runs every server, each time a fresh process, in the order A B, B A, A B, ...; printed are medians over
the rounds, and the median of the rounds' ratios. Memory is what 200,000 keys of 20 bytes add to the process, each a
hash of 10 fields, a list, a set (of strings, and of integers) or a sorted set of 10 elements. Throughput is
redis-benchmark's at pipeline 16 (50 connections), of writes to 10,000 keys that are chosen by chance, with elements
chosen out of 10,000 where the type has them; CPU is user and system time of the server a request.

Needs redis-server and redis-benchmark (tools/setup.sh installs them) and an otherwise idle machine: it says how
busy the machine was before it began."""
import alternating

MEMORY_KEYS = 200_000
ELEMENTS = 10
KEYS = 10_000
REQUESTS = 1_600_000
PIPELINE = 16
KEY = "key:__rand_int__"


def element(n, i):
    """16 bytes, as an identifier may be."""
    return b"element:%08d" % (n * ELEMENTS + i)


def each(n, words_of):
    return [word for i in range(ELEMENTS) for word in words_of(n, i)]


# Type to (command, the words behind the key).
FILLS = {
    "hashes": (b"HSET", lambda n: each(n, lambda n, i: (b"field:%d" % i, element(n, i)))),
    "lists": (b"RPUSH", lambda n: each(n, lambda n, i: (element(n, i),))),
    "sets of strings": (b"SADD", lambda n: each(n, lambda n, i: (element(n, i),))),
    "sets of integers": (b"SADD", lambda n: each(n, lambda n, i: (b"%d" % (n * ELEMENTS + i),))),
    "sorted sets": (b"ZADD", lambda n: each(n, lambda n, i: (b"%d.5" % (i * n), element(n, i)))),
}

# redis-benchmark replaces each __rand_int__ of a command by a number of its own, below KEYS. Of 1,600,000 requests
# every key gets 160, so that collections leave their small forms on the way.
WRITES = {
    "ZADD": ["ZADD", KEY, "__rand_int__", "element:__rand_int__"],
    "HSET": ["HSET", KEY, "field:__rand_int__", "value:0123456789"],
    "SADD": ["SADD", KEY, "element:__rand_int__"],
    "LPUSH": ["LPUSH", KEY, "element:0123456789"],
    "XADD": ["XADD", KEY, "MAXLEN", "~", "100", "*", "field", "value:0123456789"],
}


def measure_memory(binary, scale, figures):
    keys = max(1000, int(MEMORY_KEYS * scale))
    for name, (command, words) in FILLS.items():
        alternating.measure_keys(binary, figures, f"{keys:,} {name} of {ELEMENTS}", keys,
                                 lambda n: alternating.encoded(command, b"key:%016d" % n, *words(n)))


def measure_writes(binary, scale, figures):
    n = max(1000, int(REQUESTS * scale))
    for name, words in WRITES.items():
        with alternating.running(binary) as (port, pid):
            if not knows(port, name):
                continue
            before = alternating.cpu_seconds(pid)
            row = alternating.redis_benchmark(port, "-r", str(KEYS), "-n", str(n), "-P", str(PIPELINE), *words)
            used = alternating.cpu_seconds(pid) - before
            work = f"{name}, pipeline {PIPELINE}"
            figures[work, "requests/s"].append(row["rps"])
            figures[work, "p99 ms"].append(row["p99_latency_ms"])
            figures[work, "server CPU us/request"].append(used * 1e6 / n)


def knows(port, command):
    """redis-benchmark counts errors as replies like any other."""
    with alternating.connected(port) as (s, replies):
        s.sendall(alternating.encoded(command.encode()))
        return b"unknown command" not in replies.readline()


def main():
    options = alternating.parse_arguments(__doc__)
    alternating.compare(options, [measure_memory, measure_writes])


if __name__ == "__main__":
    main()
