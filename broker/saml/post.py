"""HTTP-POST: the fields of a form.

Spec: SAML bindings 3.5.
"""

import base64
import binascii
from collections.abc import Sequence

from broker.core.errors import MessageUnreadable
from broker.saml.xml import MESSAGE_BOUNDS

_MESSAGES = ("SAMLRequest", "SAMLResponse")
_MAX_ENCODED = 2 * MESSAGE_BOUNDS.max_bytes


def decode(fields: Sequence[tuple[str, str]], name: str) -> bytes:
    """The octets of the message in the field `name`; white space in its base64 is line breaks (RFC 2045).

    Raises:
        MessageUnreadable: not exactly one message, or not base64 within bounds.
    """
    messages = [(field, value) for field, value in fields if field in _MESSAGES]
    if len(messages) != 1 or messages[0][0] != name:
        raise MessageUnreadable(f"the form does not hold exactly one message, a {name}")
    encoded = messages[0][1]
    if len(encoded) > _MAX_ENCODED:
        raise MessageUnreadable("the message is too large")
    try:
        data = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        raise MessageUnreadable(f"{name} is no base64") from None
    if len(data) > MESSAGE_BOUNDS.max_bytes:
        raise MessageUnreadable("the message is too large")
    return data


def relay_state(fields: Sequence[tuple[str, str]]) -> str | None:
    """The RelayState, or None when the form has none.

    Raises:
        MessageUnreadable: given twice.
    """
    values = [value for field, value in fields if field == "RelayState"]
    if len(values) > 1:
        raise MessageUnreadable("RelayState is given twice")
    return values[0] if values else None
