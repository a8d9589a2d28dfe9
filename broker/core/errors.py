"""Every expected way to fail, with one stable code each."""

from enum import Enum
from typing import ClassVar


class Answer(Enum):
    """Where a failure ends."""

    STOP_PAGE = "stop"  # we do not know whom to answer, or do not trust it
    E_SERVICE = "answer"  # a SAML error Response goes back to the e-service
    OPERATOR = "operator"  # nobody was logging in


class Fault(Enum):
    """Whose doing it is, and so the log level."""

    CITIZEN = "info"
    PEER = "warning"
    OURS = "error"


class BrokerError(Exception):
    """Base of all expected failures.

    `code` is public and never changes meaning. `detail` is for the log only: it may name
    peers and checks, and must never hold attribute values or message bodies.
    """

    code: ClassVar[str]
    answer: ClassVar[Answer]
    fault: ClassVar[Fault]

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


# --- the message of an e-service cannot be trusted or understood -----------------------------------------------


class MessageUnreadable(BrokerError):
    """Not a well-formed, bounded, DTD-free SAML message on a binding we serve."""

    code = "message-unreadable"
    answer = Answer.STOP_PAGE
    fault = Fault.PEER


class UnknownEService(BrokerError):
    """The Issuer of the AuthnRequest is no active e-service."""

    code = "unknown-e-service"
    answer = Answer.STOP_PAGE
    fault = Fault.PEER


class DestinationMismatch(BrokerError):
    """The message was meant for another address."""

    code = "destination-mismatch"
    answer = Answer.STOP_PAGE
    fault = Fault.PEER


class AnswerUrlNotRegistered(BrokerError):
    """The requested ACS is not in the e-service's metadata."""

    code = "answer-url-not-registered"
    answer = Answer.STOP_PAGE
    fault = Fault.PEER


class MessageStale(BrokerError):
    """IssueInstant is missing, too old or in the future."""

    code = "message-stale"
    answer = Answer.STOP_PAGE
    fault = Fault.PEER


class ReplayedMessage(BrokerError):
    """The message ID was used before, within its lifetime."""

    code = "message-replayed"
    answer = Answer.STOP_PAGE
    fault = Fault.PEER


class RequestSignatureInvalid(BrokerError):
    """The AuthnRequest of a known e-service is unsigned, or its signature does not verify with any of its keys."""

    code = "request-signature-invalid"
    answer = Answer.E_SERVICE
    fault = Fault.PEER


class RequestUnsupported(BrokerError):
    """The AuthnRequest asks for something outside the profile."""

    code = "request-unsupported"
    answer = Answer.E_SERVICE
    fault = Fault.PEER


class NameIdPolicyUnsupported(BrokerError):
    """NameIDPolicy asks for a format or qualifier that we do not issue."""

    code = "name-id-policy-unsupported"
    answer = Answer.E_SERVICE
    fault = Fault.PEER


class ProxyCountExceeded(BrokerError):
    """Scoping/ProxyCount forbids sending the citizen on."""

    code = "proxy-count-exceeded"
    answer = Answer.E_SERVICE
    fault = Fault.PEER


# --- the login in this browser ---------------------------------------------------------------------------------


class LoginExpired(BrokerError):
    """The login is unknown or its time has passed."""

    code = "login-expired"
    answer = Answer.STOP_PAGE
    fault = Fault.CITIZEN


class LoginNotYours(BrokerError):
    """The login was started in another browser, or this browser keeps no cookies."""

    code = "login-not-yours"
    answer = Answer.STOP_PAGE
    fault = Fault.CITIZEN


class LoginMovedOn(BrokerError):
    """Another tab, a reload or a race has already taken this step."""

    code = "login-moved-on"
    answer = Answer.STOP_PAGE
    fault = Fault.CITIZEN


class Cancelled(BrokerError):
    """The citizen cancelled, here or at the upstream."""

    code = "cancelled"
    answer = Answer.E_SERVICE
    fault = Fault.CITIZEN


# --- nobody can serve the request ------------------------------------------------------------------------------


class NoUpstreamForAssurance(BrokerError):
    """No upstream can reach a level that the e-service accepts."""

    code = "no-upstream-for-assurance"
    answer = Answer.E_SERVICE
    fault = Fault.PEER


class NoUpstreamAvailable(BrokerError):
    """Upstreams reach the level, but IDPList, categories or the e-service's choices exclude them all."""

    code = "no-upstream-available"
    answer = Answer.E_SERVICE
    fault = Fault.PEER


class UpstreamNotOffered(BrokerError):
    """The chosen upstream is not among the offers of this login."""

    code = "upstream-not-offered"
    answer = Answer.STOP_PAGE
    fault = Fault.CITIZEN


class PassiveNotPossible(BrokerError):
    """IsPassive was asked and nobody can be identified without a page."""

    code = "passive-not-possible"
    answer = Answer.E_SERVICE
    fault = Fault.PEER


# --- the upstream's answer -------------------------------------------------------------------------------------


class UpstreamSignatureInvalid(BrokerError):
    """The Response is unsigned, or not signed by the upstream that was asked."""

    code = "upstream-signature-invalid"
    answer = Answer.E_SERVICE
    fault = Fault.PEER


class UpstreamRefused(BrokerError):
    """The upstream answered with an error status."""

    code = "upstream-refused"
    answer = Answer.E_SERVICE
    fault = Fault.PEER


class UpstreamAuthnFailed(BrokerError):
    """The citizen could not be authenticated at the upstream: an ordinary failed login."""

    code = "upstream-authn-failed"
    answer = Answer.E_SERVICE
    fault = Fault.CITIZEN


class UpstreamLacksAssurance(BrokerError):
    """The upstream says that it cannot reach the level asked for."""

    code = "upstream-lacks-assurance"
    answer = Answer.E_SERVICE
    fault = Fault.PEER


class UpstreamUnknownPrincipal(BrokerError):
    """Somebody else than the expected person used their eID."""

    code = "upstream-unknown-principal"
    answer = Answer.E_SERVICE
    fault = Fault.CITIZEN


class UpstreamNotAvailable(BrokerError):
    """A proxying upstream (the eIDAS connector) has no usable IdP or country for the request."""

    code = "upstream-not-available"
    answer = Answer.E_SERVICE
    fault = Fault.PEER


class Fraud(BrokerError):
    """The upstream decided that it is fraud."""

    code = "fraud"
    answer = Answer.E_SERVICE
    fault = Fault.CITIZEN


class PossibleFraud(BrokerError):
    """The upstream suspects fraud."""

    code = "possible-fraud"
    answer = Answer.E_SERVICE
    fault = Fault.CITIZEN


class AssertionUnacceptable(BrokerError):
    """The signature is fine; the assertion is not for us, not now, or not asked for."""

    code = "upstream-assertion-unacceptable"
    answer = Answer.E_SERVICE
    fault = Fault.PEER


class AssertionUndecryptable(BrokerError):
    """The assertion is not encrypted, or not to us, or not as the profile allows."""

    code = "upstream-assertion-undecryptable"
    answer = Answer.E_SERVICE
    fault = Fault.PEER


class ReplayedAssertion(BrokerError):
    """The Assertion/@ID was accepted before."""

    code = "upstream-assertion-replayed"
    answer = Answer.E_SERVICE
    fault = Fault.PEER


class UpstreamAnswerIncomplete(BrokerError):
    """A mandatory attribute of the dialect is missing, malformed, or outside the upstream's scopes."""

    code = "upstream-answer-incomplete"
    answer = Answer.E_SERVICE
    fault = Fault.PEER


# --- policy ----------------------------------------------------------------------------------------------------


class AssuranceNotMet(BrokerError):
    """The upstream delivered a level that allows none of the accepted ones."""

    code = "assurance-not-met"
    answer = Answer.E_SERVICE
    fault = Fault.PEER


class AssuranceNotDeclared(BrokerError):
    """The upstream delivered a level that it does not declare and nobody vouched for."""

    code = "assurance-not-declared"
    answer = Answer.E_SERVICE
    fault = Fault.PEER


class CoordinationNumberNotAccepted(BrokerError):
    """The person has a coordination number and the e-service has not opted in."""

    code = "coordination-number-not-accepted"
    answer = Answer.E_SERVICE
    fault = Fault.CITIZEN


class RequiredAttributeMissing(BrokerError):
    """An attribute that the e-service requires (isRequired) was not delivered or may not be released."""

    code = "required-attribute-missing"
    answer = Answer.E_SERVICE
    fault = Fault.PEER


class EServiceCannotDecrypt(BrokerError):
    """The e-service's metadata has no usable encryption key."""

    code = "e-service-cannot-decrypt"
    answer = Answer.E_SERVICE
    fault = Fault.PEER


class PeerWithdrawn(BrokerError):
    """The e-service or the upstream of a login in flight is no longer active."""

    code = "peer-withdrawn"
    answer = Answer.STOP_PAGE
    fault = Fault.OURS


# --- the broker itself -----------------------------------------------------------------------------------------


class StoreUnavailable(BrokerError):
    """A store does not answer; the login cannot go on now."""

    code = "store-unavailable"
    answer = Answer.STOP_PAGE
    fault = Fault.OURS


class AuditUnavailable(BrokerError):
    """The audit event could not be stored, so no assertion leaves."""

    code = "audit-unavailable"
    answer = Answer.STOP_PAGE
    fault = Fault.OURS


class KeyUnavailable(BrokerError):
    """No active key for what is to be signed or decrypted."""

    code = "key-unavailable"
    answer = Answer.STOP_PAGE
    fault = Fault.OURS


class MetadataRejected(BrokerError):
    """Metadata was not taken over; the findings say why."""

    code = "metadata-rejected"
    answer = Answer.OPERATOR
    fault = Fault.OURS


class ConfigRejected(BrokerError):
    """The configuration has problems; `problems` lists every one."""

    code = "config-rejected"
    answer = Answer.OPERATOR
    fault = Fault.OURS

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class StoreMismatch(BrokerError):
    """The durable store belongs to another environment or another version."""

    code = "store-mismatch"
    answer = Answer.OPERATOR
    fault = Fault.OURS


class KeyRejected(BrokerError):
    """A key operation (add, promote, retire) was refused."""

    code = "key-rejected"
    answer = Answer.OPERATOR
    fault = Fault.OURS
