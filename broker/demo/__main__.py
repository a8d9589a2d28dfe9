"""`python -m broker.demo`: what `broker demo` becomes."""

import os
import signal
import sys
import time

import click

from broker.demo.once import Once, Result, the_logins
from broker.demo.processes import StartFailed
from broker.demo.run import CannotStart, RunningDemo, running_demo

POLL_S = 0.5
MISUSED = 2


@click.command()
@click.option("--port", type=click.IntRange(1024, 65000), help="First of eight ports in a row. Default: any free ones.")
@click.option("--once", is_flag=True, help="Log in once through every kind of eID, print a table, and stop.")
def main(port: int | None, once: bool) -> None:
    """Start the demo federation."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    begun = time.monotonic()
    click.echo("Starting a broker and its demo federation …")
    try:
        with running_demo(port) as demo:
            click.echo(f"Started in {time.monotonic() - begun:.1f} s.\n")
            if once:
                sys.exit(0 if log_in_once(demo, begun) else 1)
            show_where_to_click(demo)
            watch(demo)
    except CannotStart as problem:
        click.echo(f"broker demo: {problem}", err=True)
        sys.exit(MISUSED)
    except StartFailed as problem:
        click.echo(f"broker demo: {problem}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("\nStopped.")


def show_where_to_click(demo: RunningDemo) -> None:
    """The addresses, and how to look inside."""
    click.echo("Start at one of the e-services, in any browser on this machine:\n")
    for party in demo.federation.e_services.values():
        click.echo(f"  {party.base}/   {party.name.en}: {party.about.en}")
    click.echo(f"\nThe broker is {demo.federation.broker}; its federation:")
    click.echo(f"  broker metadata list --config {demo.config}")
    click.echo("\nCtrl-C stops everything and leaves nothing behind.")


def watch(demo: RunningDemo) -> None:
    """Wait until somebody stops us. Raises StartFailed when a process ends by itself."""
    while (name := demo.processes.ended()) is None:
        time.sleep(POLL_S)
    raise StartFailed(f"{name} has ended:\n{demo.processes.tail(name)}")


def log_in_once(demo: RunningDemo, begun: float) -> bool:
    """Every scripted login, as a table; whether all went as they must."""
    logins = the_logins()
    widths = (max(len(login.title) for login in logins), 10, 9)
    click.echo(f"{'Who':{widths[0]}}  {'E-service':{widths[1]}}  {'Upstream':{widths[2]}}  Time    Received")
    concerned: set[str] = set()

    def report(result: Result) -> None:
        login = result.login
        mark = "FAILED" if result.problems else "ok"
        click.echo(
            f"{login.title:{widths[0]}}  {login.e_service:{widths[1]}}  {login.upstream or '-':{widths[2]}}  "
            f"{result.seconds:4.1f} s  {result.received:36}  {mark}"
        )
        for problem in result.problems:
            click.echo(f"{'':{widths[0]}}    {problem}")
            concerned.update({"broker", login.e_service, login.upstream or "broker"})

    Once(demo.federation).run(logins, report)
    seconds = time.monotonic() - begun
    click.echo(f"\n{'Something is wrong' if concerned else 'All as it must be'}, after {seconds:.0f} s.")
    for name in sorted(concerned):
        click.echo(f"\nThe end of what {name} printed:\n{demo.processes.tail(name)}")
    return not concerned


if __name__ == "__main__":
    os.umask(0o077)
    main()
