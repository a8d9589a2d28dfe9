import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.processes import in_processes
from support.store_values import in_seconds

from broker.flow.ports import SeenIds
from broker.stores.seen import SeenIdsIn
from broker.stores.transient import TransientStore


@pytest.fixture
def message_id() -> str:
    return f"_{secrets.token_hex(20)}"


def test_a_message_id_can_be_claimed_once(seen: SeenIds, message_id: str) -> None:
    assert seen.claim("assertion", message_id, in_seconds(300))
    assert not seen.claim("assertion", message_id, in_seconds(300))


def test_two_scopes_do_not_share_ids(seen: SeenIds, message_id: str) -> None:
    assert seen.claim("https://one.example/idp", message_id, in_seconds(300))
    assert seen.claim("https://two.example/idp", message_id, in_seconds(300))


def test_scope_and_id_cannot_be_shifted_into_each_other(seen: SeenIds, message_id: str) -> None:
    assert seen.claim("scope", f"x{message_id}", in_seconds(300))
    assert seen.claim("scopex", message_id, in_seconds(300))


def test_a_claim_outlives_the_message_by_more_than_clocks_disagree(seen: SeenIds, message_id: str) -> None:
    assert seen.claim("assertion", message_id, in_seconds(-30))
    assert not seen.claim("assertion", message_id, in_seconds(300))


def test_of_many_racing_claims_exactly_one_wins(seen: SeenIds, message_id: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        wins = list(pool.map(lambda _: seen.claim("assertion", message_id, in_seconds(300)), range(64)))
    assert wins.count(True) == 1


def test_of_racing_processes_one_wins_each_id(shared: Callable[[], TransientStore], message_id: str) -> None:
    def claim(_index: int) -> list[bool]:
        seen = SeenIdsIn(shared())
        return [seen.claim("assertion", f"{message_id}{n}", in_seconds(300)) for n in range(50)]

    assert [sum(wins) for wins in zip(*in_processes(3, claim), strict=True)] == [1] * 50
