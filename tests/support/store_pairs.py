"""A served broker with parties around it, on either pair of stores."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.command_line import Folder
from support.parties import Parties, meet, prepare, register
from support.real_broker import RealBroker, make_served_folder, serving
from support.servers import PostgresqlServer, RedisServer

SWEDE = {
    "sn": "Wrångstedt",
    "givenName": "Ylva",
    "displayName": "Ylva Wrångstedt",
    "personalIdentityNumber": "199001012385",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """A broker that serves, and everybody around it."""

    broker: RealBroker
    parties: Parties

    def assert_logs_in(self) -> None:
        """One whole login, checked at the e-service."""
        received = self.parties.log_in(self.parties.citizen(), SWEDE, relay_state="opaque å&=")
        assert received.attributes["personalIdentityNumber"] == ("199001012385",)

    def meet_again(self) -> "Town":
        """The same with parties that have read the broker's metadata anew."""
        return Town(broker=self.broker, parties=meet(self.parties.peers, self.broker.base_url, self.broker.send))


@contextmanager
def town(
    root: Path,
    *,
    redis: RedisServer | None = None,
    postgresql: PostgresqlServer | None = None,
    workers: int = 2,
    settings: Mapping[str, str] | None = None,
    before_serving: Callable[[Folder], None] = lambda _: None,
) -> Iterator[Town]:
    """Everybody registered with each other, and `broker serve` running; on SQLite where no server is given.

    `settings` are variables that override the file for the server alone.
    """
    folder, bind = make_served_folder(root / "broker")
    prepare(folder)
    if redis is not None:
        folder.edit('transient = ""', f'transient = "{redis.url}"')
    if postgresql is not None:
        folder.edit('durable = ""', f'durable = "{postgresql.new_database()}"')
        folder.done("migrate")
    peers = register(folder, root / "parties")
    before_serving(folder)
    with serving(folder, bind, workers=workers, settings=settings) as broker:
        yield Town(broker=broker, parties=meet(peers, broker.base_url, broker.send))
