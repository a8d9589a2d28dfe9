"""The load: forked drivers, each with one login at a time. What they need is signed before the clock starts, and what
they get is verified after it has stopped, so that little of their work competes with the server for the processors."""

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.browser import Browser, log_in
from bench.peers import Delivered, EService, Proxy, Upstream


@dataclass(frozen=True, slots=True)
class Load:
    """What the drivers saw. `latencies` are seconds spent waiting for the server, per login."""

    logins: int
    seconds: float
    latencies: tuple[float, ...]
    driver_cpu: float  # seconds, all drivers, while the clock ran
    responses: frozenset[str]  # IDs of verified Responses


@dataclass(frozen=True, slots=True)
class _Share:
    began: float
    ended: float
    latencies: list[float]
    cpu: float
    responses: list[str]
    error: str | None


def run_load(
    e_service: EService,
    upstream: Upstream,
    proxy: Proxy,
    *,
    logins: int,
    drivers: int,
    first: int,
    around: tuple[Callable[[], None], Callable[[], None]],
) -> Load:
    """`logins` complete logins, numbered from `first`. `around` is called right before and right after them.

    Raises:
        AssertionError: a login failed, or an answer does not verify.
    """
    context = multiprocessing.get_context("fork")
    shares = context.SimpleQueue()
    ready, go, done, verify = (context.Barrier(drivers + 1) for _ in range(4))

    def drive(index: int) -> None:
        numbers = range(first + index, first + logins, drivers)
        prepared = [e_service.ask(proxy, number) for number in numbers]
        ready.wait()
        go.wait()
        began, cpu = time.perf_counter(), time.process_time()
        got: list[Delivered] = []
        latencies: list[float] = []
        responses: list[str] = []
        error: str | None = None
        try:
            for sent in prepared:
                browser = Browser(proxy.sso)
                got.append(log_in(browser, sent, upstream, proxy))
                browser.close()
                latencies.append(browser.seconds)
        except Exception as failure:
            error = f"{type(failure).__name__}: {failure}"
        ended, cpu = time.perf_counter(), time.process_time() - cpu
        done.wait()
        verify.wait()
        try:
            responses = [e_service.check(delivered, proxy) for delivered in got]
        except Exception as failure:
            error = error or f"{type(failure).__name__}: {failure}"
        shares.put(_Share(began, ended, latencies, cpu, responses, error))

    children = [context.Process(target=drive, args=(index,)) for index in range(drivers)]
    for child in children:
        child.start()
    ready.wait()
    around[0]()
    go.wait()
    done.wait()
    around[1]()
    verify.wait()
    found: list[_Share] = [shares.get() for _ in children]
    for child in children:
        child.join()
    errors = [share.error for share in found if share.error]
    assert not errors, errors[0]
    responses = frozenset(response for share in found for response in share.responses)
    assert len(responses) == logins, "a Response was given twice"
    return Load(
        logins=logins,
        seconds=max(share.ended for share in found) - min(share.began for share in found),
        latencies=tuple(sorted(latency for share in found for latency in share.latencies)),
        driver_cpu=sum(share.cpu for share in found),
        responses=responses,
    )
