"""One SAML message as it arrived, before anything about it is believed."""

from dataclasses import dataclass
from enum import Enum

from broker.vocabulary.identifiers import BINDING_POST, BINDING_REDIRECT


class Binding(Enum):
    """The two front-channel bindings (SAML Bindings 3.4 and 3.5)."""

    REDIRECT = BINDING_REDIRECT
    POST = BINDING_POST


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage:
    """What the browser carried to one of our endpoints.

    `endpoint` is built from the configured base URL, never from request headers: it is what Destination must be.
    For POST, `fields` has each form field with all its values; for Redirect, `raw_query` is the query string
    exactly as received, because the signature covers those octets (SAML Bindings 3.4.4.1, errata E7).
    """

    binding: Binding
    endpoint: str
    raw_query: bytes = b""
    fields: tuple[tuple[str, str], ...] = ()
