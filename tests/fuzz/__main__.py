"""``python -m tests.fuzz TARGET --seconds N --into FOLDER``: feeds one target, with atheris where it is installed.

What goes wrong is left in ``FOLDER/TARGET/crash-…``; with ``TARGET --replay FILE…`` files are played again.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.fuzz import CORPUS, TARGETS, target

_LONGEST_INPUT = 2048
_LONGEST_SECONDS = 20
"""An input that takes longer hangs."""


def main() -> int:
    """Returns 1 when something went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--into", type=Path, default=Path(".build/fuzz"))
    parser.add_argument("--replay", type=Path, nargs="+", default=[])
    chosen = parser.parse_args()
    if chosen.replay:
        return _replay(chosen.target, chosen.replay)
    folder = chosen.into / chosen.target
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed here: random inputs instead, without its guidance.")
        return _feed_random(chosen.target, chosen.seconds, folder)
    return _feed_guided(chosen.target, chosen.seconds, folder)


def _replay(name: str, files: list[Path]) -> int:
    for file in files:
        target(name).one_input(file.read_bytes())
        print(f"{file}: good")
    return 0


def _feed_guided(name: str, seconds: int, folder: Path) -> int:
    """libFuzzer ends the process itself: with 0, or another status after something went wrong."""
    atheris: Any = importlib.import_module("atheris")  # not a package of the developer's environment

    with atheris.instrument_imports(include=["asci_proxy"]):
        one_input = target(name).one_input
    arguments = [sys.argv[0], f"-max_total_time={seconds}", f"-max_len={_LONGEST_INPUT}", "-print_final_stats=1"]
    arguments += [f"-timeout={_LONGEST_SECONDS}", f"-artifact_prefix={folder}/", "-verbosity=1", str(folder / "corpus")]
    if (CORPUS / name).is_dir():
        arguments.append(str(CORPUS / name))
    atheris.Setup(arguments, one_input)
    atheris.Fuzz()
    return 0


def _feed_random(name: str, seconds: int, folder: Path) -> int:
    one_input, until, count = target(name).one_input, time.monotonic() + seconds, 0
    for data in _inputs(name):
        if time.monotonic() > until:
            break
        try:
            one_input(data)
        except BaseException:
            crasher = folder / f"crash-{hashlib.sha1(data).hexdigest()}"
            crasher.write_bytes(data)
            print(f"wrong after {count} executions: {crasher}")
            raise
        count += 1
    print(f"stat::number_of_executed_units: {count}")
    return 0


def _inputs(name: str) -> Iterator[bytes]:
    """The corpus, then mixtures of it and noise."""
    known = [file.read_bytes() for file in sorted((CORPUS / name).glob("*"))]
    yield from known
    dice = random.Random(int.from_bytes(os.urandom(8), "big"))
    while True:
        data = bytearray(dice.choice(known)) if known and dice.random() < 0.5 else bytearray()
        data += dice.randbytes(dice.choice((0, 3, 20, 100, 400)))
        for _ in range(dice.randrange(4)):
            data[dice.randrange(len(data) + 1) : dice.randrange(len(data) + 1)] = dice.randbytes(dice.randrange(4))
        yield bytes(data[:_LONGEST_INPUT])


if __name__ == "__main__":
    sys.exit(main())
