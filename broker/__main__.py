"""python -m broker, and the `broker` command."""

from broker.cli.main import build_cli
from broker.wiring.commands import build_parts
from broker.wiring.logs import configure_logs


def main() -> None:
    """Run the command line."""
    configure_logs()
    build_cli(build_parts())(prog_name="broker")


if __name__ == "__main__":
    main()
