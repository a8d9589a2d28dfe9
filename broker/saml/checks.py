"""Decide whether a verified message is acceptable here and now. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.core.errors import (
    AssertionUnacceptable,
    AssuranceNotMet,
    DestinationMismatch,
    MessageStale,
    NameIdPolicyUnsupported,
    ProxyCountExceeded,
    RequestUnsupported,
)
from broker.core.login import ContextUri
from broker.messages.assertion import VerifiedAssertion
from broker.messages.authn_request import VerifiedAuthnRequest
from broker.vocabulary.identifiers import BINDING_POST, NAME_ID_FORMATS, NAME_ID_UNSPECIFIED

VERSION = "2.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """How old a message may be when it arrives, and how far its sender's clock may be off."""

    max_age: timedelta
    skew: timedelta  # Sweden Connect: should not exceed one minute

    def holds(self, issue_instant: datetime, now: datetime) -> bool:
        """Whether a message issued at `issue_instant` may still be accepted."""
        return issue_instant - self.skew <= now < self.closes(issue_instant)

    def closes(self, issue_instant: datetime) -> datetime:
        """The first moment at which a message issued at `issue_instant` is refused for its age."""
        return issue_instant + self.max_age + self.skew


# --- an AuthnRequest -------------------------------------------------------------------------------------------


def check_delivery(got: VerifiedAuthnRequest, *, endpoint: str, window: Window, now: datetime) -> None:
    """Raise unless `got` was sent to this endpoint, just now.

    Raises:
        DestinationMismatch, MessageStale.

    Spec: Sweden Connect Deployment Profile 5.4.1.
    """
    if got.destination != endpoint:
        raise DestinationMismatch(f"{got.issuer}: Destination is {'another' if got.destination else 'absent'}")
    if not window.holds(got.issue_instant, now):
        raise MessageStale(f"{got.issuer}: IssueInstant {got.issue_instant.isoformat()}")


def check_profile(got: VerifiedAuthnRequest, *, signature_service: bool) -> None:
    """Raise unless `got` asks only for what we can do; it comes from somebody whom we can answer.

    Raises:
        RequestUnsupported, NameIdPolicyUnsupported, ProxyCountExceeded.

    Spec: SAML core 3.4.1; Sweden Connect Deployment Profile 5.3, 5.3.1, 7.1.1.
    """
    unsupported = {
        "Version": got.version != VERSION,
        "ProtocolBinding": got.protocol_binding not in (None, BINDING_POST),
        "ForceAuthn and IsPassive together": got.force_authn and got.is_passive,
        "Subject": got.subject_given,
        "Comparison": got.comparison not in (None, "exact"),
        "AuthnContextDeclRef": got.declaration_references,
        "IDPList/GetComplete": got.idp_list_elsewhere,
        # A message that the signer must see and we do not show would be signed unseen. From others than a
        # signature service the extension means nothing.
        "SignMessage": got.sign_message and signature_service,
    }
    if found := [name for name, is_so in unsupported.items() if is_so]:
        raise RequestUnsupported(f"{got.issuer}: {', '.join(found)}")
    if got.name_id_format not in (None, NAME_ID_UNSPECIFIED, *NAME_ID_FORMATS.values()):
        raise NameIdPolicyUnsupported(f"{got.issuer}: NameIDPolicy/@Format")
    if got.sp_name_qualifier not in (None, got.issuer):
        raise NameIdPolicyUnsupported(f"{got.issuer}: NameIDPolicy/@SPNameQualifier")
    if got.proxy_count == 0:
        raise ProxyCountExceeded(f"{got.issuer}: ProxyCount is 0")


# --- a Response and its Assertion ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What an answer to our question looks like."""

    issuer: str  # the upstream the citizen was sent to, not whoever answered
    audience: str
    recipient: str  # our ACS as sent, and the address it arrived at
    in_response_to: str
    asked: tuple[ContextUri, ...]
    force_authn: bool
    sent_at: datetime
    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseHead:
    """What a verified Response says about itself, whatever its status."""

    issuer: str
    version: str
    destination: str | None
    in_response_to: str | None
    issue_instant: datetime


def check_head(got: ResponseHead, want: Expected, now: datetime) -> None:
    """Raise unless the Response answers our question, to us, just now.

    Raises:
        AssertionUnacceptable: `detail` names every failed check, not only the first.

    Spec: SAML bindings 3.5.5.2; Sweden Connect Deployment Profile 6.2, 6.3.2.
    """
    _demand(
        want,
        "Response",
        {
            "Version": got.version == VERSION,
            "Issuer": got.issuer == want.issuer,
            "Destination": got.destination == want.recipient,
            "InResponseTo": got.in_response_to == want.in_response_to,
            "IssueInstant": want.window.holds(got.issue_instant, now),
        },
    )


def check_assertion(got: VerifiedAssertion, want: Expected, now: datetime) -> None:
    """Raise unless `got` answers our question, to us, inside its time window, with a level that we asked for.

    Raises:
        AssertionUnacceptable: `detail` names every failed check, not only the first.
        AssuranceNotMet: everything is right but the level.

    Spec: SAML Profiles 4.1.4.3; Sweden Connect Deployment Profile 6.3.2 to 6.3.5.
    """
    skew = want.window.skew
    ends = got.session_not_on_or_after
    _demand(
        want,
        "Assertion",
        {
            "Issuer": got.issuer == want.issuer,
            "Audience": want.audience in got.audiences,  # no audience at all fails too
            "Recipient": got.recipient == want.recipient,
            "InResponseTo": got.in_response_to == want.in_response_to,
            "IssueInstant": want.window.holds(got.issue_instant, now),
            "NotBefore": got.not_before - skew <= now,
            "NotOnOrAfter": now < got.not_on_or_after + skew,
            "AuthnInstant": got.authn_instant <= now + skew,
            "ForceAuthn": not want.force_authn or want.sent_at - skew <= got.authn_instant,
            "SessionNotOnOrAfter": ends is None or now < ends + skew,
        },
    )
    if got.context not in want.asked:
        raise AssuranceNotMet(f"{want.issuer}: delivered {got.context}, asked {want.asked}")


def _demand(want: Expected, what: str, outcome: dict[str, bool]) -> None:
    if failed := [name for name, ok in outcome.items() if not ok]:
        raise AssertionUnacceptable(f"{want.issuer}: {what} failed {', '.join(failed)}")
