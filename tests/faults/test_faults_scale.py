"""A demo with many people: as much memory as one with few."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GROWTH = 40_000
"""So many kB more may be in use at most: batches and pages are larger there, by their time and not by the rows."""


def most_in_use(folder: Path, scale: int) -> int:
    """Of the whole demo, in kB."""
    demo = subprocess.Popen(
        [sys.executable, "-m", "retention", "demo", str(folder), "--scale", str(scale)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )
    _, code, used = os.wait4(demo.pid, 0)
    demo.returncode = os.waitstatus_to_exitcode(code)
    assert demo.returncode == 0
    return used.ru_maxrss


@pytest.mark.heavy
def test_a_demo_of_twenty_times_as_many_people_takes_no_more_memory(tmp_path):
    small = most_in_use(tmp_path / "small", 2)
    large = most_in_use(tmp_path / "large", 40)
    with closing(sqlite3.connect(tmp_path / "large" / "store.db")) as store:
        ((orders,),) = store.execute("SELECT count(*) FROM orders")
    assert orders > 70_000
    assert large - small < GROWTH
