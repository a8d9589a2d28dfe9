"""What policy works on, with every field sensible, so that a test names only what it is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from broker.core.login import CategoryUri, ContextUri, EntityId, LoginId, LoginRequest, NameIdKind, Reference
from broker.core.parties import EService, Upstream
from broker.core.person import AttributeKey, AuthenticatedPerson
from broker.messages.assertion import VerifiedAssertion
from broker.vocabulary.attributes import CATALOGUE
from broker.vocabulary.contexts import LOA3
from broker.vocabulary.identifiers import NAME_ID_PERSISTENT

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
UPSTREAM = EntityId("https://idp.example.se")
E_SERVICE = EntityId("https://bygglov.example.se/sp")


def friendly(**values: str | tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Wire attributes by friendly name, as an assertion carries them."""
    wire = {}
    for name, value in values.items():
        row = CATALOGUE.find_by_friendly(name)
        assert row is not None, name
        wire[row.name] = (value,) if isinstance(value, str) else value
    return wire


def make_e_service(*categories: str, **changes: Any) -> EService:
    """An e-service of the hub with these entity categories."""
    base = EService(
        entity_id=E_SERVICE,
        names={"sv": "Bygglov"},
        logos=(),
        information_urls={},
        support_contact=None,
        categories=frozenset(map(CategoryUri, categories)),
        from_feed=False,
        allowed_upstreams=None,
        single_sign_on=False,
        signature_service=False,
    )
    return replace(base, **changes)


def make_upstream(*contexts: str, **changes: Any) -> Upstream:
    """An IdP that declares these levels, and no category."""
    base = Upstream(
        entity_id=UPSTREAM,
        names={"sv": "Legitimation"},
        logos=(),
        dialect="sweden_connect",
        contexts=frozenset(map(ContextUri, contexts or (LOA3,))),
        categories=frozenset(),
        categories_known=False,
        scopes=frozenset(),
        principal_selection=frozenset(),
        eidas_connector=False,
        hidden=False,
    )
    if "categories" in changes:
        changes = {"categories_known": True, **changes, "categories": frozenset(changes["categories"])}
    return replace(base, **changes)


def make_person(
    attributes: dict[AttributeKey, str | tuple[str, ...]] | None = None, **changes: Any
) -> AuthenticatedPerson:
    """Somebody who authenticated at LoA 3."""
    given = {key: (value,) if isinstance(value, str) else value for key, value in (attributes or {}).items()}
    base = AuthenticatedPerson(
        upstream=UPSTREAM,
        context=LOA3,
        authenticated_at=NOW,
        authorities=(),
        attributes=given,
        name_id=None,
        country=None,
        assertion_id="_a1",
    )
    return replace(base, **changes)


def make_request(**changes: Any) -> LoginRequest:
    """An AuthnRequest that asks for nothing in particular."""
    base = LoginRequest(
        login_id=LoginId("login-1"),
        reference=Reference("ABCDEFGHJKLM"),
        e_service=E_SERVICE,
        request_id="_r1",
        answer_url="https://bygglov.example.se/acs",
        relay_state=None,
        accepted=(),
        idp_list=(),
        requester_ids=(),
        proxy_count=None,
        force_authn=False,
        is_passive=False,
        name_id=NameIdKind.PERSISTENT,
        wanted_attributes=(),
        principal=(),
        received_at=NOW,
    )
    return replace(base, **changes)


def make_assertion(attributes: dict[str, tuple[str, ...]] | None = None, **changes: Any) -> VerifiedAssertion:
    """A verified assertion at LoA 3 with these wire attributes."""
    base = VerifiedAssertion(
        assertion_id="_a1",
        issuer=UPSTREAM,
        issue_instant=NOW,
        audiences=("https://login.example.se/saml/sp",),
        recipient="https://login.example.se/saml/sp/acs",
        in_response_to="_q1",
        not_before=NOW,
        not_on_or_after=NOW + timedelta(minutes=5),
        authn_instant=NOW,
        session_not_on_or_after=None,
        session_index=None,
        context=LOA3,
        authorities=(),
        name_id="upstream-name-id",
        name_id_format=NAME_ID_PERSISTENT,
        attributes=attributes or {},
        signature_algorithm="",
        encryption_algorithm="",
        key_id="",
    )
    return replace(base, **changes)
