"""Who an upstream says the citizen is, in the catalogue's own words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NewType

AttributeKey = NewType("AttributeKey", str)  # the key of a row in vocabulary/attributes.py


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticatedPerson:
    """The outcome of one authentication at one upstream, normalised.

    Built by a dialect from a `VerifiedAssertion` that passed every check. `attributes` has only catalogue
    keys; every value passed the row's normaliser; scoped values passed the upstream's scopes.
    """

    upstream: str  # entityID of the IdP that answered us
    context: str  # AuthnContextClassRef as delivered
    authenticated_at: datetime  # AuthnInstant as delivered; aware, UTC
    authorities: tuple[str, ...]  # AuthenticatingAuthority as delivered, nearest to the person first
    attributes: Mapping[AttributeKey, tuple[str, ...]]
    name_id: str | None  # upstream's persistent NameID; None when it was transient
    country: str | None  # ISO 3166-1 alpha-2 of the eID's country when foreign, else None
    assertion_id: str  # upstream Assertion/@ID, for the audit chain
    unknown_attributes: tuple[str, ...] = ()  # wire names that neither the catalogue nor the dialect knows

    def first(self, key: AttributeKey) -> str | None:
        """The first value of `key`, or None."""
        values = self.attributes.get(key, ())
        return values[0] if values else None
