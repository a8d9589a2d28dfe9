"""What an administrator does with our keys, and what the audit says of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.metadata_desks import CountingIds, ListedAudit, MovableClock
from support.scripted import NOW

from broker.core.errors import AuditUnavailable, KeyRejected
from broker.flow.key_desk import KeyDesk
from broker.flow.key_ports import KeyState, KeyUse
from broker.stores.key_folder import FileKeyFolder
from broker.stores.migrate import migrate
from broker.stores.sql import open_durable
from broker.stores.sql_keys import SqlKeyStates


@pytest.fixture
def audit() -> ListedAudit:
    return ListedAudit()


@pytest.fixture
def desk(tmp_path: Path, audit: ListedAudit) -> Iterator[KeyDesk]:
    engine = open_durable(f"sqlite:///{tmp_path / 'durable.sqlite'}")
    migrate(engine)
    yield KeyDesk(
        states=SqlKeyStates(engine),
        folder=FileKeyFolder(tmp_path, "Exempelkommunen"),
        audit=audit,
        clock=MovableClock(NOW),
        ids=CountingIds(),
        actor="anna",
    )
    engine.dispose()


def states(desk: KeyDesk) -> dict[str, KeyState]:
    return {entry.key_id: entry.state for entry in desk.list()}


def test_every_change_is_audited(desk: KeyDesk, audit: ListedAudit) -> None:
    for key_id in ("signing-1", "signing-2"):
        desk.add(key_id, KeyUse.SIGNING, "p256")
    desk.promote("signing-2")
    desk.retire("signing-1")
    assert states(desk) == {"signing-1": KeyState.RETIRED, "signing-2": KeyState.ACTIVE}
    assert [(act.action, act.subject, act.findings) for act in audit.acts] == [
        ("keys add", "signing-1", ()),
        ("keys add", "signing-2", ()),
        ("keys promote", "signing-2", ()),
        ("keys retire", "signing-1", ()),
    ]


def test_without_audit_nothing_changes(desk: KeyDesk, audit: ListedAudit) -> None:
    for key_id in ("signing-1", "signing-2"):
        desk.add(key_id, KeyUse.SIGNING, "p256")
    audit.broken = True
    with pytest.raises(AuditUnavailable):
        desk.add("signing-3", KeyUse.SIGNING, "p256")
    with pytest.raises(AuditUnavailable):
        desk.promote("signing-2")
    with pytest.raises(AuditUnavailable):
        desk.retire("signing-2")
    assert states(desk) == {"signing-1": KeyState.ACTIVE, "signing-2": KeyState.PUBLISHED}


def test_what_is_refused_is_audited_as_refused(desk: KeyDesk, audit: ListedAudit) -> None:
    desk.add("signing-1", KeyUse.SIGNING, "p256")
    with pytest.raises(KeyRejected):
        desk.retire("signing-1")
    assert [act.findings for act in audit.acts[1:]] == [(), ("blocks key-rejected",)]
    assert states(desk) == {"signing-1": KeyState.ACTIVE}
