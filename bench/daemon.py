"""What the daemon takes while it has nothing to do: python -m bench.daemon [--rules 200] [--seconds 120]."""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from datetime import datetime
from pathlib import Path

HEAD = '[policy]\nname = "Bench"\ntimezone = "Europe/Oslo"\napproval = "never"\n'
RULE = """
[rules.r{0}]
promise = "Rule {0}: a year"
data = "d{0}"
keep = "1 year"
from = "seen"
action = "delete"
schedule = "{1}"
"""
CONNECTOR = 'type = "sql"\nurl = "sqlite:///shop.db"\ntimezone = "UTC"\n'
DATASET = '[datasets.d{0}]\ndata = "d{0}"\ntable = "t{0}"\nevents = {{ seen = "seen" }}\n'
NEVER = "0 0 1 1 *"


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.daemon", description=__doc__)
    parser.add_argument("--rules", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=120)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="retention-bench-") as name:
        folder = Path(name)
        made(folder, options.rules)
        measured(folder, options.seconds)


def made(folder: Path, rules: int) -> None:
    """Files, database and state store. One of the rules has its turn every minute; nothing is ever due."""
    schedules = ["* * * * *", *[NEVER] * (rules - 1)]
    (folder / "policies.toml").write_text(HEAD + "".join(RULE.format(n, s) for n, s in enumerate(schedules)))
    (folder / "connectors").mkdir()
    datasets = "".join(DATASET.format(n) for n in range(rules))
    (folder / "connectors" / "shop.toml").write_text(CONNECTOR + datasets)
    (folder / "retention.toml").write_text('[log]\nformat = "json"\n')
    connection = sqlite3.connect(folder / "shop.db")
    for n in range(rules):
        connection.execute(f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY, seen TEXT)")
    connection.commit()
    connection.close()
    subprocess.run(command(folder, "init", str(folder)), check=True, capture_output=True)


def command(folder: Path, *words: str) -> list[str]:
    """A command line."""
    return [sys.executable, "-m", "retention", "--config", str(folder / "policies.toml"), *words]


def measured(folder: Path, seconds: int) -> None:
    """A daemon in its own process, for so long."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = command(folder, "daemon", "--listen", f"127.0.0.1:{port}")
    daemon = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    lines: list[str] = []
    assert daemon.stderr is not None
    reader = threading.Thread(target=lines.extend, args=(daemon.stderr,), daemon=True)
    reader.start()
    try:
        time.sleep(10)  # it has started, and looked around
        took, idle, ends = [], [], time.monotonic() + seconds
        while time.monotonic() < ends:
            time.sleep((75 - time.time() % 60) % 60)
            before, begun = used(daemon.pid), time.monotonic()
            time.sleep(40)  # between two turns of the rule
            idle.append((used(daemon.pid) - before) / (time.monotonic() - begun))
            for _ in range(5):
                at = time.perf_counter()
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                    text = answer.read()
                took.append((time.perf_counter() - at) * 1000)
        memory = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{daemon.pid}/status").read_text())
    finally:
        daemon.terminate()
        daemon.wait()
        reader.join(5)
    events = [json.loads(line) for line in lines]
    late = [datetime.fromisoformat(e["at"]).timestamp() % 60 for e in events if e["event"] == "run.begun"]
    over = sum(e["event"] == "run.over" for e in events)
    print(f"processor {statistics.median(idle):.2%} of a core between turns; {over} runs of one rule")
    print(f"memory {int(memory[1]) // 1024 if memory else 0} MB")
    print(f"/metrics {statistics.median(took):.1f} ms, at most {max(took):.1f}; {len(text)} bytes")
    print(f"a due rule is begun after {', '.join(f'{each:.2f}' for each in late)} s")


def used(process: int) -> float:
    """Seconds of processor time."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))


if __name__ == "__main__":
    main()
