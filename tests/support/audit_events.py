"""Audit events for tests."""

from datetime import UTC, datetime

from broker.flow.events import AdministratorActed, LoginConcluded, LoginRequested, UpstreamAnswered, UpstreamAsked

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
E_SERVICE = "https://e-service.example/sp"
UPSTREAM = "https://upstream.example/idp"
LEVEL = "https://levels.example/3"
ALGORITHM = "https://algorithms.example/rsa-sha256"


def make_requested(reference: str = "ABCDEFGHJKLM", *, at: datetime = AT) -> LoginRequested:
    """The first event of a login."""
    return LoginRequested(
        at=at,
        reference=reference,
        e_service=E_SERVICE,
        asked=(LEVEL,),
        accepted=(LEVEL,),
        force_authn=False,
        is_passive=False,
        offers=3,
    )


def make_asked(reference: str = "ABCDEFGHJKLM", *, at: datetime = AT) -> UpstreamAsked:
    """The second."""
    return UpstreamAsked(
        at=at,
        reference=reference,
        e_service=E_SERVICE,
        upstream=UPSTREAM,
        dialect="sweden_connect",
        contexts=(LEVEL,),
        chosen_by="citizen",
        signing_key="f" * 64,
        signature_algorithm=ALGORITHM,
    )


def make_answered(reference: str = "ABCDEFGHJKLM", *, at: datetime = AT, detail: str = "") -> UpstreamAnswered:
    """The third, as long as they get."""
    return UpstreamAnswered(
        at=at,
        reference=reference,
        e_service=E_SERVICE,
        upstream=UPSTREAM,
        code="granted",
        detail=detail,
        upstream_status=(),
        delivered=LEVEL,
        asserted=LEVEL,
        authorities=(UPSTREAM,),
        country=None,
        person_pseudonym="a" * 64,
        released=("personalIdentityNumber: category", "sn: category", "givenName: category", "mail: requested"),
        withheld=("gender: not requested",),
        unknown_attributes=(),
        upstream_assertion="_" + "b" * 40,
        verifying_key="c" * 64,
        signature_algorithm=ALGORITHM,
        encryption_algorithm=ALGORITHM,
        at_upstream_ms=12_345,
    )


def make_concluded(reference: str = "ABCDEFGHJKLM", *, at: datetime = AT) -> LoginConcluded:
    """The last."""
    return LoginConcluded(
        at=at,
        reference=reference,
        e_service=E_SERVICE,
        code="granted",
        response="_" + "d" * 40,
        assertion="_" + "e" * 40,
        signing_key="f" * 64,
        signature_algorithm=ALGORITHM,
        encryption_algorithm=ALGORITHM,
    )


def make_acted(reference: str = "ABCDEFGHJKLM", *, at: datetime = AT) -> AdministratorActed:
    """What an administrator did."""
    return AdministratorActed(
        at=at,
        reference=reference,
        actor="root",
        action="metadata add",
        subject=E_SERVICE,
        before=1,
        after=2,
        content_hash="0" * 64,
        findings=(),
    )
