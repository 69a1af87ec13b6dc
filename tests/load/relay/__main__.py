"""``make bench-relay``: the proxy and its peers side by side in interleaved rounds; prints tables of medians."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tests.load.relay import installation, stuck
from tests.load.relay.machine import Stage, listens
from tests.load.relay.measures import Measure, Run, all_measures, goals, table
from tests.load.relay.peers import PEERS, Peer, Ports, Tools

OWN = "asci"
PAGE = Path(__file__).resolve().parents[3] / "docs/reference/relay.md"
BEGIN, END = "<!-- measured: make bench-relay -->", "<!-- end of what was measured -->"
_BASE = 25_100


@dataclass
class System:
    """Something that runs and can be measured."""

    name: str
    port: int
    pids: list[int]
    arguments: Callable[[int], list[str]]
    """For so many connections: the path, or the tickets."""
    runs: dict[str, list[Run]] = field(default_factory=dict)


class Bench:
    """Everything of one run: server, peers, proxy, rounds."""

    def __init__(self, options: argparse.Namespace, stage: Stage) -> None:
        self._options, self._stage = options, stage
        self._plain, self._framed, self._own = _BASE, _BASE + 1, _BASE + 40
        self._wsb = stage.folder / "wsb"
        self._tools = Tools(self._wsb, Path(options.bin).absolute(), stage.folder)
        self.systems: list[System] = []

    def prepare(self) -> None:
        """Build the client, start the server in both its forms, the peers that are there, and the proxy."""
        source = Path(__file__).with_name("wsb.c")
        subprocess.run(["cc", "-O2", "-o", str(self._wsb), str(source)], check=True)
        for name, port, more in (("desktop", self._plain, []), ("desktop-framed", self._framed, ["--ws"])):
            command = [str(self._wsb), "serve", "--port", str(port), "--secret", installation.SECRET, *more]
            self._stage.start(name, self._options.load_cpu, command, partial(listens, port))
        for number, peer in enumerate(PEERS):
            if peer.name in self._options.peers.split(","):
                self._start_peer(peer, _BASE + 10 + number)
        if "own" in self._options.peers.split(","):
            self._start_own()

    def round_of(self, measure: Measure) -> None:
        """Measure every system as often as asked, in turns."""
        for turn in range(1 if measure.once else self._options.rounds):
            first = turn % len(self.systems)
            for system in self.systems[first:] + self.systems[:first]:
                if system.name in measure.without:
                    continue
                run = self._one(system, measure)
                if "error" in run:
                    print(f"!! {measure.name}, {system.name}: {run['error']}", file=sys.stderr, flush=True)
                else:
                    system.runs.setdefault(measure.name, []).append(run)

    def stuck(self, seconds: float) -> str:
        """See tests.load.relay.stuck."""
        own = next(system for system in self.systems if system.name == OWN)
        ticket = installation.mint(self._own, self._plain, 1).strip()

        def neighbours(wanted: float) -> Run:
            arguments = ("--mode", "ping", "--hz", "20", "--conns", "100", "--secs", str(wanted), "--warm", "0.3")
            return self._one(own, Measure("neighbours", "", arguments, 100, ()))

        return stuck.measure(self._own, ticket, installation.COOKIE, own.pids[0], neighbours, seconds).text()

    def results(self) -> dict[str, dict[str, list[Run]]]:
        """Measure, system, runs."""
        names = [name for system in self.systems for name in system.runs]
        return {
            name: {system.name: system.runs[name] for system in self.systems if name in system.runs}
            for name in dict.fromkeys(names)
        }

    def _start_peer(self, peer: Peer, port: int) -> None:
        missing = peer.missing(self._tools)
        if missing:
            print(f"left out: {peer.name} ({', '.join(missing)} is not installed)", flush=True)
            return
        command = peer.command(self._tools, Ports(port, self._plain, self._framed))
        pid = self._stage.start(peer.name, self._options.proxy_cpu, command, partial(listens, port))
        plain = ["--path", "/websockify", "--password", installation.SECRET]
        self.systems.append(System(peer.name, port, [pid], lambda _: plain))

    def _start_own(self) -> None:
        options = self._options
        pid = installation.start(self._stage, self._own, options.proxy_cpu, options.load_cpu, options.python)
        self.systems.append(System(OWN, self._own, [pid], self._tickets))

    def _tickets(self, count: int) -> list[str]:
        file = self._stage.folder / "tickets"
        file.write_text(installation.mint(self._own, self._plain, count))
        return ["--tickets", str(file), "--header", installation.COOKIE]

    def _one(self, system: System, measure: Measure) -> Run:
        command = [str(self._wsb), "load", "--port", str(system.port), *system.arguments(measure.tickets)]
        command += ["--pids", ",".join(map(str, system.pids)), *measure.arguments]
        try:
            done = subprocess.run(
                self._stage.pinned(self._options.load_cpu, command), capture_output=True, text=True,
                timeout=measure.seconds, check=False,
            )  # fmt: skip
            run: Run = json.loads(done.stdout)
        except subprocess.TimeoutExpired:
            return {"error": f"no end within {measure.seconds:g} s"}
        except ValueError:
            return {"error": done.stderr.strip()[-200:] or f"exit {done.returncode}"}
        return run


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-relay", description="Measures the relay beside its peers.")
    parser.add_argument("--only", default="", help="measures, with commas; default: all")
    parser.add_argument(
        "--peers", default=",".join(["own", *(peer.name for peer in PEERS)]), help="systems, with commas"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--secs", type=float, default=1.0, help="of one run")
    parser.add_argument("--idle", type=int, default=4500, help="idle connections")
    parser.add_argument(
        "--stuck", type=float, default=58.0, help="seconds that a browser does not read; 0: leave it out"
    )
    parser.add_argument("--proxy-cpu", default="0", help="core of all proxies")
    parser.add_argument("--load-cpu", default="1", help="core of server, clients and Redis")
    parser.add_argument("--nice", type=int, default=-5 if os.geteuid() == 0 else 0, help="priority of everything")
    parser.add_argument("--bin", default=str(Path(sys.executable).parent), help="where the peers' programs are")
    parser.add_argument("--python", default=sys.executable, help="the proxy's interpreter")
    parser.add_argument("--json", type=Path, help="where to write every run")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name} too")
    return parser.parse_args()


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    wanted = [
        one
        for one in all_measures(options.secs, options.idle)
        if not options.only or one.name in options.only.split(",")
    ]
    with tempfile.TemporaryDirectory(prefix="asci-relay-") as folder, Stage(Path(folder), options.nice) as stage:
        bench = Bench(options, stage)
        bench.prepare()
        texts = []
        for measure in wanted:
            print(f"measuring: {measure.title}", flush=True)
            bench.round_of(measure)
            texts.append(table(measure, bench.results().get(measure.name, {})))
        if options.stuck and not options.only and any(system.name == OWN for system in bench.systems):
            print("measuring: a browser that stops reading", flush=True)
            texts.append(bench.stuck(options.stuck))
        results = bench.results()
    page = "\n".join([_when_and_where(options.rounds), goals(results, OWN), *texts])
    print(f"\n{page}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    if options.write:
        _write(page)


def _when_and_where(rounds: int) -> str:
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    load = f"load {os.getloadavg()[0]:.1f} at the end"
    return f"{datetime.now(UTC):%Y-%m-%d}, {machine}, {rounds} interleaved rounds, {load}.\n"


def _write(page: str) -> None:
    text = PAGE.read_text()
    before, after = text[: text.index(BEGIN)], text[text.index(END) :]
    PAGE.write_text(f"{before}{BEGIN}\n\n{page}\n{after}")
    print(f"written: {PAGE}")


if __name__ == "__main__":
    main()
