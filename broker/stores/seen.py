"""Message IDs that were used, in the transient store."""

from datetime import datetime, timedelta

from broker.stores.sealing import hashed_name
from broker.stores.transient import TransientStore

# Nodes and the store have clocks of their own. A claim outlives the message by more than these may disagree, so
# that no node still accepts a message whose claim has just been forgotten.
CLOCKS_DISAGREE = timedelta(seconds=60)


class SeenIdsIn:
    """Implements `flow.ports.SeenIds`."""

    def __init__(self, transient: TransientStore) -> None:
        self._transient = transient

    def claim(self, scope: str, message_id: str, until: datetime) -> bool:
        """True for exactly one caller: one atomic add, because "look, then add" lets two workers both win."""
        return self._transient.add(hashed_name("seen", f"{scope}\x00{message_id}"), b"", until + CLOCKS_DISAGREE)
