"""Identifiers: their form, and that they do not repeat."""

import re

from broker.flow.system import SystemClock, SystemIds


def test_a_message_id_is_an_ncname_of_160_bits() -> None:
    assert re.fullmatch(r"_[0-9a-f]{40}", SystemIds().message_id())


def test_a_token_fits_into_a_relay_state() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{27}", SystemIds().token())


def test_a_reference_is_twelve_characters_that_nobody_confuses() -> None:
    references = {SystemIds().reference() for _ in range(1000)}
    assert len(references) == 1000
    assert all(re.fullmatch(r"[2-9A-HJ-KM-NP-Z]{12}", reference) for reference in references)


def test_the_clock_tells_utc() -> None:
    assert SystemClock().now().utcoffset() is not None
