"""``python -m tests.load``: measures the installation in ASCI_TEST_STATE and prints a table, whatever it says."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tests.load import answering, lists, resting, starting, taking_back
from tests.load.numbers import Figure, as_json, table
from tests.load.room import Room, opened

MEASURES: dict[str, Callable[[Room, argparse.Namespace], list[Figure]]] = {
    "plane": lambda room, _: resting.control_plane(room),
    "start": lambda room, options: starting.measure(room, options.rounds),
    "desktop": lambda room, _: resting.desktop(room),
    "api": lambda room, _: answering.api(room),
    "lists": lambda _room, _: lists.measure(),
    "page": lambda room, _: answering.first_page(room),
    "back": lambda room, _: taking_back.measure(room),
    "images": lambda room, _: resting.images(room),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description="Measures ASCI on this machine.")
    parser.add_argument("--only", choices=sorted(MEASURES), nargs="+", default=list(MEASURES), help="what to measure")
    parser.add_argument("--rounds", type=int, default=9, help="of starts, on each side")
    parser.add_argument("--json", type=Path, help="where to write everything that was measured")
    options = parser.parse_args()
    state = os.environ.get("ASCI_TEST_STATE")
    if not state:
        sys.exit("ASCI_TEST_STATE names no state folder. Next: make bench")
    figures: list[Figure] = []
    with opened(Path(state).resolve()) as room:
        for name, measured in MEASURES.items():
            if name in options.only:
                print(f"measuring: {name}", flush=True)
                figures += measured(room, options)
    machine = f"{os.cpu_count()} cores, {platform.machine()}"
    print(f"\n{datetime.now(UTC):%Y-%m-%d}, {machine}, load {os.getloadavg()[0]:.1f} at the end\n")
    print(table(figures))
    if options.json:
        options.json.write_text(as_json(figures))


if __name__ == "__main__":
    main()
