"""Connections and forks: a server that loads first and forks its workers later must not share what it opened."""

import os
import weakref
from typing import Protocol


class FollowsForks(Protocol):
    """Something with a connection or a lock that a forked child must not inherit in use."""

    def before_fork(self) -> None:
        """Close what is open, and take the lock, so that the child gets nothing half-way."""
        ...

    def after_fork_in_parent(self) -> None:
        """Let this process go on."""
        ...

    def after_fork_in_child(self) -> None:
        """Begin afresh."""
        ...


def follow_forks(owner: FollowsForks) -> None:
    """Tell `owner` about every fork of this process, for as long as it lives.

    For SQLite this is not a nicety: the library keeps file locks per process, a child inherits the book-keeping
    but not the locks, and then two processes may write where each believes to be alone.
    """
    weak = weakref.ref(owner)

    def before() -> None:
        if (found := weak()) is not None:
            found.before_fork()

    def in_parent() -> None:
        if (found := weak()) is not None:
            found.after_fork_in_parent()

    def in_child() -> None:
        if (found := weak()) is not None:
            found.after_fork_in_child()

    os.register_at_fork(before=before, after_in_parent=in_parent, after_in_child=in_child)
