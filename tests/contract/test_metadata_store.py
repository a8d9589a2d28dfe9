"""What the durable store promises about metadata versions, on every database."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import StatementError

from broker.core.parties import Logo
from broker.flow.metadata_ports import (
    ADMINISTRATOR,
    Act,
    Change,
    PeerId,
    PeerQuery,
    PeerSettings,
    Quarantined,
    Source,
    StoredPeer,
)
from broker.messages.entity import Contact, Endpoint, EntityRecord, IdpRole, PeerKey, SpRole
from broker.messages.finding import found
from broker.messages.metadata import PeerKind
from broker.stores.sql_metadata import SqlMetadata

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 12, 24, 12, 0, tzinfo=UTC)
E_SERVICE, UPSTREAM = PeerKind.E_SERVICE, PeerKind.UPSTREAM
FEED = "https://md.example.se/all"


def key(name: str = "a") -> PeerKey:
    return PeerKey(
        certificate="TUlJ",
        fingerprint=name * 64,
        key_type="RSA",
        key_bits=2048,
        not_after=LATER,
        block_ciphers=("urn:cipher",),
        key_transports=(("urn:oaep", None), ("urn:oaep", "urn:digest")),
    )


def record(entity_id: str, name: str, *, keys: str = "a", valid_until: datetime | None = None) -> EntityRecord:
    pair = tuple(key(one) for one in keys)
    return EntityRecord(
        entity_id=entity_id,
        valid_until=valid_until,
        names={"sv": name, "en": f"{name} in English"},
        descriptions={},
        information_urls={"sv": "https://a.example.se/"},
        logos=(Logo(url="https://a.example.se/l.svg", width=80, height=60, language=None),),
        organization_names={"sv": "Kommunen"},
        contacts=(Contact(kind="support", emails=("a@example.se",), telephones=()),),
        categories=("urn:category",),
        assurance=("urn:level",),
        digest_methods=(),
        signing_methods=(),
        sp=SpRole(
            acs=(Endpoint(binding="urn:post", location="https://a.example.se/", index=0, is_default=None),),
            attribute_services=(),
            authn_requests_signed=True,
            want_assertions_signed=False,
            signing_keys=pair,
            encryption_keys=pair,
            name_id_formats=(),
        ),
        idp=IdpRole(
            sso=(),
            want_authn_requests_signed=True,
            signing_keys=pair,
            encryption_keys=(),
            name_id_formats=(),
            scopes=("example.se",),
            principal_selection=(),
        ),
    )


def peer(
    entity_id: str = "https://a.example.se/",
    name: str = "Åre",
    *,
    kind: PeerKind = UPSTREAM,
    source: str = ADMINISTRATOR,
    keys: str = "a",
    valid_until: datetime | None = None,
) -> StoredPeer:
    return StoredPeer(
        kind=kind,
        entity_id=entity_id,
        source=source,
        record=record(entity_id, name, keys=keys, valid_until=valid_until),
        settings=PeerSettings(),
        signed_by=None,
    )


def peer_id(one: StoredPeer) -> PeerId:
    return one.kind, one.entity_id


def source(**changes: object) -> Source:
    made = Source(name=FEED, signers=(key("s"),), signed_by="s" * 64, valid_until=LATER, content_hash="c" * 64)
    return replace(made, **changes)  # type: ignore[arg-type]  # tests name real fields


ACT = Act(at=NOW, actor="anna", action="metadata add", subject="x", why="därför", content_hash="h" * 64)


@pytest.fixture
def store(durable: Engine) -> SqlMetadata:
    return SqlMetadata(durable)


def make(store: SqlMetadata, change: Change) -> int:
    version = store.commit(store.active_version(), change, ACT)
    assert version is not None
    return version


# --- versions --------------------------------------------------------------------------------------------------


def test_an_empty_store_has_version_0_with_nothing_in_it(store: SqlMetadata) -> None:
    assert store.active_version() == 0
    assert store.sources(0) == {}
    assert store.find_peer(0, UPSTREAM, "https://a.example.se/") is None
    assert store.peers(0, PeerQuery()).total == 0
    assert store.history() == ()


def test_a_peer_is_read_as_it_was_written(store: SqlMetadata) -> None:
    written = peer(valid_until=LATER)
    said = PeerSettings(dialect="bankid", vouched_contexts=("urn:level",), allowed_upstreams=(), single_sign_on=True)
    version = make(store, Change(put=(written,), settings=((peer_id(written), said),)))
    assert version == store.active_version() == 1
    assert store.find_peer(1, UPSTREAM, written.entity_id) == replace(written, settings=said)
    assert store.find_peer(1, E_SERVICE, written.entity_id) is None


def test_an_earlier_version_stays_as_it_was(store: SqlMetadata) -> None:
    first, second = peer(name="Först"), peer(name="Sedan", keys="b")
    make(store, Change(put=(first,)))
    make(store, Change(put=(second,)))
    make(store, Change(end=(peer_id(first),)))
    assert store.find_peer(1, UPSTREAM, first.entity_id) == first
    assert store.find_peer(2, UPSTREAM, first.entity_id) == second
    assert store.find_peer(3, UPSTREAM, first.entity_id) is None


def test_settings_outlive_the_metadata_and_their_update(store: SqlMetadata) -> None:
    one, said = peer(), PeerSettings(blocked=True)
    make(store, Change(put=(one,), settings=((peer_id(one), said),)))
    make(store, Change(put=(peer(name="Ny"),)))
    found_again = store.find_peer(2, UPSTREAM, one.entity_id)
    assert found_again is not None
    assert found_again.settings == said
    make(store, Change(end=(peer_id(one),)))
    assert store.settings(3, UPSTREAM, one.entity_id) == said
    assert store.blocked(3) == {peer_id(one)}
    make(store, Change(settings=((peer_id(one), None),)))
    assert store.settings(4, UPSTREAM, one.entity_id) is None
    assert store.blocked(3) == {peer_id(one)}


def test_a_source_is_read_as_it_was_written_in_each_version(store: SqlMetadata) -> None:
    finding = found("entity-expired", entity_id="urn:bad", line=7, valid_until="2020")
    bad = (Quarantined(entity_id="urn:bad", findings=(finding,)),)
    make(store, Change(put_sources=((source(), bad),)))
    make(store, Change(put_sources=((source(content_hash="d" * 64, dialect="freja"), ()),)))
    make(store, Change(end_sources=(FEED,)))
    assert store.sources(1) == {FEED: source()}
    assert store.quarantined(1) == {FEED: bad}
    assert store.sources(2)[FEED].dialect == "freja"
    assert store.quarantined(2) == {FEED: ()}
    assert store.sources(3) == {}


def test_the_history_says_who_when_what_and_why(store: SqlMetadata) -> None:
    make(store, Change(put=(peer(),)))
    store.commit(1, Change(end=(peer_id(peer()),)), replace(ACT, actor="bo", rolled_back_to=0))
    newest, oldest = store.history()
    assert (newest.version, newest.act.actor, newest.act.rolled_back_to) == (2, "bo", 0)
    assert (oldest.version, oldest.act) == (1, ACT)
    assert [entry.version for entry in store.history(before=2)] == [1]
    assert [entry.version for entry in store.history(limit=1)] == [2]


def test_the_longest_names_fit(store: SqlMetadata) -> None:
    longest = peer("urn:" + "\N{THUMBS UP SIGN}" * 511, "\N{THUMBS UP SIGN}" * 1000)
    make(store, Change(put=(longest,), withdraw=((peer_id(longest), "f" * 64),)))
    assert store.find_peer(1, UPSTREAM, longest.entity_id) == longest
    assert store.peers(1, PeerQuery()).rows[0].name == longest.record.names["sv"]


# --- two at once -----------------------------------------------------------------------------------------------


def test_who_comes_second_changes_nothing(store: SqlMetadata) -> None:
    assert store.commit(0, Change(put=(peer(name="Första"),)), ACT) == 1
    assert store.commit(0, Change(put=(peer(name="Andra"),), end=(peer_id(peer("urn:x")),)), ACT) is None
    assert store.active_version() == 1
    assert store.peers(1, PeerQuery()).rows[0].name == "Första"


def test_of_many_at_once_exactly_one_wins(store: SqlMetadata) -> None:
    def attempt(number: int) -> int | None:
        return store.commit(0, Change(put=(peer(f"urn:{number}"),)), ACT)

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(attempt, range(8)))
    assert made.count(1) == 1
    assert made.count(None) == 7
    assert store.active_version() == 1
    assert store.peers(1, PeerQuery()).total == 1


def test_a_change_that_fails_half_way_leaves_nothing(store: SqlMetadata) -> None:
    broken = peer(valid_until=NOW.replace(tzinfo=None))  # no moment that could be stored
    with pytest.raises(StatementError):
        store.commit(0, Change(put=(peer("urn:1"), broken)), ACT)
    assert store.active_version() == 0
    assert store.peers(1, PeerQuery()).total == 0


# --- following -------------------------------------------------------------------------------------------------


def test_from_nothing_every_peer_of_the_kind_has_changed(store: SqlMetadata) -> None:
    one, two, other = peer("urn:1"), peer("urn:2"), peer("urn:3", kind=E_SERVICE)
    make(store, Change(put=(one, two, other)))
    assert dict(store.changed_peers(UPSTREAM, after=0, version=1)) == {"urn:1": one, "urn:2": two}


def test_between_versions_only_what_was_touched_has_changed(store: SqlMetadata) -> None:
    stays, changes, leaves, blocked = peer("urn:1"), peer("urn:2"), peer("urn:3"), peer("urn:4")
    make(store, Change(put=(stays, changes, leaves, blocked)))
    changed, comes, said = peer("urn:2", "Ny"), peer("urn:5"), PeerSettings(blocked=True)
    make(store, Change(put=(changed, comes), end=(peer_id(leaves),), settings=((peer_id(blocked), said),)))
    make(store, Change(put=(peer("urn:6"),)))
    assert dict(store.changed_peers(UPSTREAM, after=1, version=2)) == {
        "urn:2": changed,
        "urn:3": None,
        "urn:4": replace(blocked, settings=said),
        "urn:5": comes,
    }


# --- lists -----------------------------------------------------------------------------------------------------


def test_a_list_is_in_swedish_order_and_in_pages(store: SqlMetadata) -> None:
    names = ["Öland", "Åre", "Ängelholm", "zorn", "Ale", "Édouard", "Zenit"]
    make(store, Change(put=tuple(peer(f"urn:{number}", name) for number, name in enumerate(names))))
    everything = store.peers(1, PeerQuery())
    assert [row.name for row in everything.rows] == ["Ale", "Édouard", "Zenit", "zorn", "Åre", "Ängelholm", "Öland"]
    page = store.peers(1, PeerQuery(offset=2, limit=2))
    assert ([row.name for row in page.rows], page.total) == (["Zenit", "zorn"], 7)


def test_a_list_can_be_narrowed(store: SqlMetadata) -> None:
    one, two = peer("urn:1", "Åre Bygglov", kind=E_SERVICE), peer("urn:2", "100%_id")
    three = peer("urn:3", "Från flödet", source=FEED)
    change = Change(
        put=(one, two, three),
        put_sources=((source(), ()),),
        settings=((peer_id(two), PeerSettings(blocked=True, vouched_contexts=("urn:vouched",))),),
    )
    make(store, change)

    def listed(**query: object) -> list[str]:
        return [row.entity_id for row in store.peers(1, PeerQuery(**query)).rows]  # type: ignore[arg-type]

    assert listed(kind=E_SERVICE) == ["urn:1"]
    assert listed(source=FEED) == ["urn:3"]
    assert listed(source=ADMINISTRATOR) == ["urn:2", "urn:1"]
    assert listed(blocked=True) == ["urn:2"]
    assert listed(blocked=False) == ["urn:3", "urn:1"]
    assert listed(text="BYGGLOV") == ["urn:1"]
    assert listed(text="åre") == ["urn:1"]
    assert listed(text="urn:3") == ["urn:3"]
    assert listed(text="%_") == ["urn:2"]
    assert listed(text="nobody") == []
    (row,) = store.peers(1, PeerQuery(blocked=True)).rows
    assert (row.levels, row.categories, row.blocked, row.since) == (
        ("urn:level", "urn:vouched"),
        ("urn:category",),
        True,
        1,
    )


def test_the_index_knows_what_is_active_by_source(store: SqlMetadata) -> None:
    one, two = peer("urn:1"), peer("urn:2", source=FEED, valid_until=LATER)
    make(store, Change(put=(one, two), put_sources=((source(), ()),)))
    index = store.index(1)
    assert set(index) == {peer_id(one), peer_id(two)}
    assert index[peer_id(two)].source == FEED
    assert index[peer_id(two)].valid_until == LATER
    assert index[peer_id(two)].content_id == store.content_id(two.record)
    assert set(store.index(1, FEED)) == {peer_id(two)}


def test_content_is_told_apart_by_everything_but_its_time(store: SqlMetadata) -> None:
    one = record("urn:1", "Namn")
    assert store.content_id(one) == store.content_id(replace(one, valid_until=LATER))
    assert store.content_id(one) != store.content_id(replace(one, names={"sv": "Namnet"}))


def test_of_asked_peers_those_of_the_version_are_loaded(store: SqlMetadata) -> None:
    many = tuple(peer(f"urn:{number}") for number in range(1200))
    make(store, Change(put=many))
    wanted = [peer_id(one) for one in many] + [(E_SERVICE, "urn:1"), (UPSTREAM, "urn:none")]
    assert store.load_peers(1, wanted) == {peer_id(one): one for one in many}
    assert store.load_peers(0, wanted) == {}


# --- between versions ------------------------------------------------------------------------------------------


def test_what_differs_is_told_with_both_sides(store: SqlMetadata) -> None:
    stays, changes, leaves = peer("urn:1"), peer("urn:2"), peer("urn:3")
    make(store, Change(put=(stays, changes, leaves)))
    changed, comes = peer("urn:2", "Ny"), peer("urn:4", valid_until=LATER)
    said = PeerSettings(single_sign_on=True)
    make(store, Change(put=(changed, comes), end=(peer_id(leaves),), settings=((peer_id(comes), said),)))
    differences = store.changes(1, 2)
    assert differences.total == 3
    by_id = {row.entity_id: row for row in differences.rows}
    assert list(by_id) == ["urn:2", "urn:3", "urn:4"]
    assert (by_id["urn:2"].before.peer, by_id["urn:2"].after.peer) == (changes, changed)
    assert (by_id["urn:3"].before.peer, by_id["urn:3"].after.peer) == (leaves, None)
    assert by_id["urn:4"].before.settings is None
    assert by_id["urn:4"].after.peer == replace(comes, settings=said)


def test_backwards_the_sides_are_exchanged(store: SqlMetadata) -> None:
    make(store, Change(put=(peer(),)))
    (row,) = store.changes(1, 0).rows
    assert (row.before.peer, row.after.peer) == (peer(), None)


def test_what_changed_and_changed_back_does_not_differ(store: SqlMetadata) -> None:
    make(store, Change(put=(peer(name="A"),)))
    make(store, Change(put=(peer(name="B"),)))
    make(store, Change(put=(peer(name="A"),)))
    assert store.changes(1, 3).total == 0
    assert store.changes(1, 2).total == 1


def test_differences_come_in_pages(store: SqlMetadata) -> None:
    make(store, Change(put=tuple(peer(f"urn:{number}") for number in range(5))))
    page = store.changes(0, 1, offset=3, limit=10)
    assert ([row.entity_id for row in page.rows], page.total) == (["urn:3", "urn:4"], 5)


def test_settings_alone_are_a_difference(store: SqlMetadata) -> None:
    make(store, Change(put=(peer(),)))
    make(store, Change(settings=((peer_id(peer()), PeerSettings(blocked=True)),)))
    (row,) = store.changes(1, 2).rows
    assert (row.before.settings, row.after.settings) == (None, PeerSettings(blocked=True))


def test_withdrawn_keys_are_remembered_until_they_are_reinstated(store: SqlMetadata) -> None:
    one = peer_id(peer())
    make(store, Change(put=(peer(),), withdraw=((one, "f1"), (one, "f2"), (one, "f1"))))
    make(store, Change(put=(peer(name="B"),), withdraw=((one, "f2"),), reinstate=((one, "f1"),)))
    assert store.withdrawn([one, (E_SERVICE, one[1])]) == {(one, "f2"): 2}
    assert store.withdrawn([]) == {}


def test_it_is_known_which_version_removed_a_peer_last(store: SqlMetadata) -> None:
    one = peer_id(peer())
    make(store, Change(put=(peer(),)))
    make(store, Change(end=(one,)))
    make(store, Change(put=(peer(),)))
    make(store, Change(end=(one,)))
    make(store, Change(put=(peer("urn:other"),)))
    assert store.removed_in(5, [one]) == {one: 4}
    assert store.removed_in(3, [one]) == {one: 2}
