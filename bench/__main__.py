"""`make bench`: the same logins through each pair of stores in turn, with the floor beside them."""

import argparse
import json
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.floor import measure_floor
from bench.load import Load, run_load
from bench.peers import EService, Upstream
from bench.processes import cpu_seconds, pss_megabytes
from bench.profiling import by_part, most_expensive, profile_logins
from bench.servers import WORKERS, Server, broker_on_servers, broker_on_sqlite

RESULTS = Path(__file__).parent / "results"
_WARM_UP = 40


@dataclass(slots=True)
class Meter:
    """CPU seconds of a server, and of what is beside it, while a load ran."""

    server: Server
    _before: dict[str, float] = field(default_factory=dict)
    spent: dict[str, float] = field(default_factory=dict)

    def begin(self) -> None:
        """The load begins now."""
        self._before = dict(self._read())

    def end(self) -> None:
        """It has ended."""
        self.spent = {name: seconds - self._before[name] for name, seconds in self._read()}

    def _read(self) -> Iterator[tuple[str, float]]:
        yield "server", cpu_seconds(self.server.pid)
        for name, pid in self.server.beside.items():
            yield name, cpu_seconds(pid)


def main() -> None:
    """Measure, print, and keep the raw figures."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--logins", type=int, default=1000, help="of each server in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--drivers", type=int, default=4, help="logins at a time")
    parser.add_argument("--profile", action="store_true", help="where the CPU goes, instead of how much it is")
    chosen = parser.parse_args()
    e_service, upstream = EService(), Upstream()
    with ExitStack() as stack:
        servers = [stack.enter_context(start(e_service, upstream)) for start in (broker_on_sqlite, broker_on_servers)]
        if chosen.profile:
            for server in servers:
                _profile(server, e_service, upstream, chosen.logins)
            return
        _measure(servers, e_service, upstream, chosen.logins, chosen.rounds, chosen.drivers)


def _measure(
    servers: Sequence[Server], e_service: EService, upstream: Upstream, logins: int, rounds: int, drivers: int
) -> None:
    first, kept = 1, []
    for turn in range(rounds + 1):
        number = logins if turn else _WARM_UP
        floor = measure_floor(300)
        for server in servers:
            meter = Meter(server)
            around = (meter.begin, meter.end)
            load = run_load(
                e_service, upstream, server.proxy, logins=number, drivers=drivers, first=first, around=around
            )
            first += number
            if turn:
                kept.append(_figures(server, turn, load, meter.spent, floor))
                print(_line(kept[-1]), flush=True)
    began = datetime.now(UTC)
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "load_average": os.getloadavg()}
    document = {"at": began.isoformat(), "machine": machine, "workers": WORKERS, "drivers": drivers, "runs": kept}
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{began:%Y%m%dT%H%M%SZ}.json"
    file.write_text(json.dumps(document, indent=1) + "\n")
    print(f"Raw figures: {file.relative_to(RESULTS.parent.parent)}")


def _figures(server: Server, turn: int, load: Load, spent: dict[str, float], floor: dict[str, float]) -> dict[str, Any]:
    return {
        "server": server.name,
        "round": turn,
        "logins": load.logins,
        "seconds": load.seconds,
        "cpu_ms_per_login": {name: seconds / load.logins * 1000 for name, seconds in spent.items()},
        "driver_cpu_ms_per_login": load.driver_cpu / load.logins * 1000,
        "floor_ms": {name: seconds * 1000 for name, seconds in floor.items()},
        "pss_mb": list(pss_megabytes(server.pid).values()),
        "latencies_ms": [round(latency * 1000, 1) for latency in load.latencies],
    }


def _line(figures: dict[str, Any]) -> str:
    latencies, spent = figures["latencies_ms"], figures["cpu_ms_per_login"]
    floor = sum(figures["floor_ms"].values())
    p50, p95, p99 = (latencies[int(len(latencies) * part)] for part in (0.5, 0.95, 0.99))
    beside = ", ".join(f"{name} {ms:.2f}" for name, ms in spent.items() if name != "server")
    return (
        f"{figures['server']:<19} round {figures['round']}: {figures['logins'] / figures['seconds']:6.1f} logins/s, "
        f"p50/p95/p99 {p50:.0f}/{p95:.0f}/{p99:.0f} ms, CPU {spent['server']:.2f} ms = {spent['server'] / floor:.1f} × "
        f"floor {floor:.2f} ms, PSS {' '.join(f'{size:.0f}' for size in figures['pss_mb'])} MB"
        + (f" (apart: {beside} ms)" if beside else "")
    )


def _profile(server: Server, e_service: EService, upstream: Upstream, logins: int) -> None:
    spent, stats = profile_logins(server.config, e_service, upstream, server.proxy, logins)
    print(f"{server.name}: {spent * 1000:.2f} ms of CPU per login inside the application")
    for part, share in by_part(stats).items():
        print(f"  {share:6.1%} {share * spent * 1000:7.2f} ms  {part}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"profile-{server.name.partition(' ')[0].lower()}.txt").write_text("".join(most_expensive(stats, 80)))


if __name__ == "__main__":
    main()
