#!/usr/bin/env python3
"""Holdfast beside redis-server on this machine, by redis-benchmark, in alternating runs.

    bazel run -c opt //tools/benchmark:compare -- [--rounds N] [--scale F] [--markdown FILE]

Each round runs every server once, each time a fresh process, in the order A B, B A, A B, ...; printed are
medians over the rounds, and the median of the rounds' ratios. Throughput is redis-benchmark's own figure (50
connections, values of 64 bytes, keys chosen out of 200,000); CPU is user and system time of the server a
request; memory is what 1,000,000 keys of 20 bytes with values of 64 bytes add to the process.

Needs redis-server and redis-benchmark (tools/setup.sh installs them) and an otherwise idle machine: it says how
busy the machine was before it began."""
import argparse
import collections
import contextlib
import csv
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
KEYS = 200_000
MEMORY_KEYS = 1_000_000
VALUE_BYTES = 64
CONNECTIONS = 50
# Requests of one measurement by pipeline length: some seconds each.
REQUESTS = {1: 200_000, 16: 1_600_000, 64: 3_200_000}
START_SECONDS = 10


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def running(binary):
    """A fresh server of this binary without persistence: yields (port, pid)."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="holdfast-compare-") as directory:
        command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", directory,
                   "--logfile", os.path.join(directory, "log")]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            wait_for_port(process, port)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_for_port(process, port):
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{process.args[0]} does not listen on port {port}")
            time.sleep(0.02)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def redis_benchmark(port, *arguments):
    """The one line of figures, as a dict of floats."""
    command = ["redis-benchmark", "-p", str(port), "-c", str(CONNECTIONS), "-d", str(VALUE_BYTES), "--csv", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = list(csv.DictReader(result.stdout.splitlines()))
    return {name: float(value) for name, value in rows[-1].items() if name != "test"}


def measure_speed(binary, scale, figures):
    with running(binary) as (port, pid):
        redis_benchmark(port, "-t", "set", "-r", str(KEYS), "-n", str(3 * KEYS), "-P", "64")
        for pipeline, requests in REQUESTS.items():
            for command in ("set", "get"):
                n = max(1000, int(requests * scale))
                before = cpu_seconds(pid)
                row = redis_benchmark(port, "-t", command, "-r", str(KEYS), "-n", str(n), "-P", str(pipeline))
                used = cpu_seconds(pid) - before
                work = f"{command.upper()}, pipeline {pipeline}"
                figures[work, "requests/s"].append(row["rps"])
                figures[work, "p99 ms"].append(row["p99_latency_ms"])
                figures[work, "server CPU us/request"].append(used * 1e6 / n)


def measure_memory(binary, scale, figures):
    keys = max(1000, int(MEMORY_KEYS * scale))
    with running(binary) as (port, pid):
        with socket.create_connection(("127.0.0.1", port), 60) as s:
            replies = s.makefile("rb")

            def used_memory():
                s.sendall(b"INFO memory\r\n")
                text = replies.read(int(replies.readline()[1:]) + 2).decode()
                return int(text.split("used_memory:")[1].split()[0])

            def fill(numbers):
                batch = b"".join(b"*3\r\n$3\r\nSET\r\n$20\r\nkey:%016d\r\n$%d\r\n%s\r\n" %
                                 (n, VALUE_BYTES, (b"%064d" % n)[-VALUE_BYTES:]) for n in numbers)
                s.sendall(batch)
                for _ in numbers:
                    if replies.readline() != b"+OK\r\n":
                        raise SystemExit("a SET failed")

            fill(range(100))
            used, resident = used_memory(), resident_bytes(pid)
            for begin in range(100, keys, 1000):
                fill(range(begin, min(begin + 1000, keys)))
            time.sleep(1.0)  # For a table that is still moving to its new size.
            work = f"{keys:,} keys"
            figures[work, "bytes a key (used_memory)"].append((used_memory() - used) / (keys - 100))
            figures[work, "bytes a key (resident)"].append((resident_bytes(pid) - resident) / (keys - 100))


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" if value < 1 else f"{value:.1f}"


def table(ours, theirs, reference_name):
    lines = [f"| work | figure | Holdfast | {reference_name} | ratio |", "|---|---|---:|---:|---:|"]
    for (work, figure), values in ours.items():
        others = theirs[work, figure]
        ratios = [a / b for a, b in zip(values, others) if b]
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})" if ratios else "-"
        lines.append(f"| {work} | {figure} | {number(statistics.median(values))} | "
                     f"{number(statistics.median(others))} | {ratio} |")
    return "\n".join(lines)


def version(binary):
    text = subprocess.run([binary, "--version"], capture_output=True, text=True).stdout.split("\n")[0]
    return text.strip() or binary


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--holdfast", default=os.path.join(here, "../../server/app/holdfast"), help="the binary")
    parser.add_argument("--reference", default="redis-server", help="the binary to compare with")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of requests and keys")
    parser.add_argument("--markdown", help="also write the table to this file")
    options = parser.parse_args()
    if options.rounds < 1 or options.scale <= 0:
        parser.error("--rounds and --scale must be positive")
    for binary in (options.holdfast, options.reference, "redis-benchmark"):
        if not shutil.which(binary):
            parser.error(f"{binary} is not there")

    load = os.getloadavg()[0]
    servers = [(options.holdfast, collections.defaultdict(list)), (options.reference, collections.defaultdict(list))]
    for round_number in range(options.rounds):
        for binary, figures in servers if round_number % 2 == 0 else servers[::-1]:
            print(f"round {round_number + 1} of {options.rounds}: {os.path.basename(binary)}", file=sys.stderr)
            measure_speed(binary, options.scale, figures)
            measure_memory(binary, options.scale, figures)

    text = (f"{options.rounds} alternating rounds on {os.cpu_count()} CPUs ({platform.machine()}, Linux "
            f"{platform.release()}), load average {load:.1f} before; reference: {version(options.reference)}.\n\n"
            + table(servers[0][1], servers[1][1], os.path.basename(options.reference)))
    print(text)
    if options.markdown:
        with open(options.markdown, "w") as f:
            f.write(text + "\n")


if __name__ == "__main__":
    main()
