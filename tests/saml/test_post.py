"""The fields of a form."""

import base64

import pytest

from broker.core.errors import MessageUnreadable
from broker.saml import post
from broker.saml.xml import MESSAGE_BOUNDS

XML = b"<a>message</a>"
ENCODED = base64.b64encode(XML).decode()
Fields = tuple[tuple[str, str], ...]


@pytest.mark.parametrize(
    "written",
    [
        ENCODED,
        f" {ENCODED}\r\n",
        "\r\n".join(ENCODED[at : at + 8] for at in range(0, len(ENCODED), 8)),
        "\t".join(ENCODED),
    ],
    ids=["plain", "white space around", "lines", "tabs"],
)
def test_a_message_is_decoded_with_any_white_space(written: str) -> None:
    assert post.decode((("SAMLResponse", written), ("RelayState", "x"), ("other", "y")), "SAMLResponse") == XML


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param((), id="nothing"),
        pytest.param((("RelayState", "x"),), id="no message"),
        pytest.param((("SAMLRequest", ENCODED),), id="a request"),
        pytest.param((("SAMLResponse", ENCODED), ("SAMLResponse", ENCODED)), id="twice"),
        pytest.param((("SAMLResponse", ENCODED), ("SAMLResponse", "")), id="twice, once empty"),
        pytest.param((("SAMLResponse", ENCODED), ("SAMLRequest", ENCODED)), id="a request too"),
        pytest.param((("SAMLResponse", "!"),), id="no base64"),
        pytest.param((("SAMLResponse", ENCODED[:-1]),), id="cut base64"),
        pytest.param((("SAMLResponse", ENCODED + "å"),), id="not ASCII"),
        pytest.param((("SAMLResponse", base64.urlsafe_b64encode(b"?" * 9).decode()),), id="base64url"),
    ],
)
def test_anything_but_one_message_is_refused(fields: Fields) -> None:
    with pytest.raises(MessageUnreadable):
        post.decode(fields, "SAMLResponse")


@pytest.mark.parametrize("octets", [MESSAGE_BOUNDS.max_bytes + 1, 4 * MESSAGE_BOUNDS.max_bytes])
def test_the_size_is_bounded(octets: int) -> None:
    with pytest.raises(MessageUnreadable, match="too large"):
        post.decode((("SAMLResponse", base64.b64encode(bytes(octets)).decode()),), "SAMLResponse")


def test_the_largest_message_passes() -> None:
    largest = bytes(MESSAGE_BOUNDS.max_bytes)
    assert post.decode((("SAMLRequest", base64.encodebytes(largest).decode()),), "SAMLRequest") == largest


@pytest.mark.parametrize(
    ("fields", "meant"),
    [((), None), ((("RelayState", ""),), ""), ((("SAMLRequest", "x"), ("RelayState", "a b")), "a b")],
)
def test_relay_state_is_as_sent(fields: Fields, meant: str | None) -> None:
    assert post.relay_state(fields) == meant


def test_two_relay_states_are_refused() -> None:
    with pytest.raises(MessageUnreadable):
        post.relay_state((("RelayState", "a"), ("RelayState", "a")))
