"""What the comparisons of Holdfast with redis-server share: fresh servers, alternating rounds, the table."""
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
START_SECONDS = 10
CONNECTIONS = 50


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


@contextlib.contextmanager
def connected(port):
    """A connection as (socket, file of the replies)."""
    with socket.create_connection(("127.0.0.1", port), 60) as s:
        yield s, s.makefile("rb")


def used_memory(connection):
    s, replies = connection
    s.sendall(b"INFO memory\r\n")
    text = replies.read(int(replies.readline()[1:]) + 2).decode()
    return int(text.split("used_memory:")[1].split()[0])


def encoded(*words):
    """A request."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def redis_benchmark(port, *arguments):
    """The one line of figures, as a dict of floats."""
    command = ["redis-benchmark", "-p", str(port), "-c", str(CONNECTIONS), "--csv", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = list(csv.DictReader(result.stdout.splitlines()))
    return {name: float(value) for name, value in rows[-1].items() if name != "test"}


def measure_keys(binary, figures, work, count, command):
    """What `count` keys add to a fresh server's memory, in bytes a key; command(n) makes the nth."""
    with running(binary) as (port, pid), connected(port) as connection:
        s, replies = connection

        def fill(numbers):
            s.sendall(b"".join(command(n) for n in numbers))
            for _ in numbers:
                reply = replies.readline()
                if reply[:1] not in b"+:":
                    raise SystemExit(f"{command(0)!r} failed: {reply!r}")

        first = 100  # What only the first keys need is not counted.
        fill(range(first))
        used, resident = used_memory(connection), resident_bytes(pid)
        for begin in range(first, count, 1000):
            fill(range(begin, min(begin + 1000, count)))
        time.sleep(1.0)  # For a table that is still moving to its new size.
        figures[work, "bytes a key (used_memory)"].append((used_memory(connection) - used) / (count - first))
        figures[work, "bytes a key (resident)"].append((resident_bytes(pid) - resident) / (count - first))


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


def parse_arguments(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
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
    return options


def compare(options, measurements):
    """Calls measure(binary, scale, figures) of each, for one server and the other by turns; prints the table.

    `figures` is a dict of (work, figure) to the list of the rounds' values."""
    load = os.getloadavg()[0]
    servers = [(options.holdfast, collections.defaultdict(list)), (options.reference, collections.defaultdict(list))]
    for round_number in range(options.rounds):
        for binary, figures in servers if round_number % 2 == 0 else servers[::-1]:
            print(f"round {round_number + 1} of {options.rounds}: {os.path.basename(binary)}", file=sys.stderr)
            for measure in measurements:
                measure(binary, options.scale, figures)

    text = (f"{options.rounds} alternating rounds on {os.cpu_count()} CPUs ({platform.machine()}, Linux "
            f"{platform.release()}), load average {load:.1f} before; reference: {version(options.reference)}.\n\n"
            + table(servers[0][1], servers[1][1], os.path.basename(options.reference)))
    print(text)
    if options.markdown:
        with open(options.markdown, "w") as f:
            f.write(text + "\n")
