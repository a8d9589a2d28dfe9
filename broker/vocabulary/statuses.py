"""SAML status codes: what we answer for each refusal, and what an upstream's status means to us."""

from collections.abc import Mapping, Sequence

from broker.core import errors

_SAML = "urn:oasis:names:tc:SAML:2.0:status:"
_SWEDISH = "http://id.elegnamnden.se/status/1.0/"

SUCCESS = f"{_SAML}Success"
REQUESTER = f"{_SAML}Requester"
RESPONDER = f"{_SAML}Responder"
VERSION_MISMATCH = f"{_SAML}VersionMismatch"

AUTHN_FAILED = f"{_SAML}AuthnFailed"
INVALID_NAME_ID_POLICY = f"{_SAML}InvalidNameIDPolicy"
NO_AUTHN_CONTEXT = f"{_SAML}NoAuthnContext"
NO_AVAILABLE_IDP = f"{_SAML}NoAvailableIDP"
NO_PASSIVE = f"{_SAML}NoPassive"
NO_SUPPORTED_IDP = f"{_SAML}NoSupportedIDP"
PROXY_COUNT_EXCEEDED = f"{_SAML}ProxyCountExceeded"
REQUEST_DENIED = f"{_SAML}RequestDenied"
REQUEST_UNSUPPORTED = f"{_SAML}RequestUnsupported"
UNKNOWN_PRINCIPAL = f"{_SAML}UnknownPrincipal"

CANCEL = f"{_SWEDISH}cancel"
FRAUD = f"{_SWEDISH}fraud"
POSSIBLE_FRAUD = f"{_SWEDISH}possibleFraud"

StatusPair = tuple[str, str | None]

ANSWERS: Mapping[str, StatusPair] = {
    errors.RequestSignatureInvalid.code: (REQUESTER, REQUEST_DENIED),
    errors.RequestUnsupported.code: (REQUESTER, REQUEST_UNSUPPORTED),
    errors.NameIdPolicyUnsupported.code: (REQUESTER, INVALID_NAME_ID_POLICY),
    errors.ProxyCountExceeded.code: (REQUESTER, PROXY_COUNT_EXCEEDED),
    errors.Cancelled.code: (RESPONDER, CANCEL),
    errors.NoUpstreamForAssurance.code: (REQUESTER, NO_AUTHN_CONTEXT),
    errors.NoUpstreamAvailable.code: (REQUESTER, NO_AVAILABLE_IDP),
    errors.PassiveNotPossible.code: (REQUESTER, NO_PASSIVE),
    errors.UpstreamSignatureInvalid.code: (RESPONDER, AUTHN_FAILED),
    errors.UpstreamRefused.code: (RESPONDER, AUTHN_FAILED),
    errors.UpstreamAuthnFailed.code: (RESPONDER, AUTHN_FAILED),
    errors.UpstreamLacksAssurance.code: (RESPONDER, NO_AUTHN_CONTEXT),
    errors.UpstreamUnknownPrincipal.code: (RESPONDER, UNKNOWN_PRINCIPAL),
    errors.UpstreamNotAvailable.code: (RESPONDER, NO_AVAILABLE_IDP),
    errors.Fraud.code: (RESPONDER, FRAUD),
    errors.PossibleFraud.code: (RESPONDER, POSSIBLE_FRAUD),
    errors.AssertionUnacceptable.code: (RESPONDER, AUTHN_FAILED),
    errors.AssertionUndecryptable.code: (RESPONDER, AUTHN_FAILED),
    errors.ReplayedAssertion.code: (RESPONDER, AUTHN_FAILED),
    errors.UpstreamAnswerIncomplete.code: (RESPONDER, AUTHN_FAILED),
    errors.AssuranceNotMet.code: (RESPONDER, NO_AUTHN_CONTEXT),
    errors.AssuranceNotDeclared.code: (RESPONDER, NO_AUTHN_CONTEXT),
    errors.CoordinationNumberNotAccepted.code: (REQUESTER, REQUEST_DENIED),
    errors.RequiredAttributeMissing.code: (REQUESTER, REQUEST_DENIED),
    errors.EServiceCannotDecrypt.code: (REQUESTER, REQUEST_DENIED),
}
"""Refusal code -> (top level, second level) that the e-service receives.

Spec: Deployment Profile 6.4; Registry 3.1.4; for the failures of an upstream, what a proxy relays (SC-IDP-50).
"""

_UPSTREAM_CODES: Mapping[str, str] = {
    FRAUD: errors.Fraud.code,
    POSSIBLE_FRAUD: errors.PossibleFraud.code,
    CANCEL: errors.Cancelled.code,
    UNKNOWN_PRINCIPAL: errors.UpstreamUnknownPrincipal.code,
    NO_AUTHN_CONTEXT: errors.UpstreamLacksAssurance.code,
    AUTHN_FAILED: errors.UpstreamAuthnFailed.code,
    NO_AVAILABLE_IDP: errors.UpstreamNotAvailable.code,
    NO_SUPPORTED_IDP: errors.UpstreamNotAvailable.code,
}
"""Status code of an upstream -> our code; the gravest first, which wins when an upstream names several."""


def status_for(code: str) -> StatusPair:
    """The status pair that tells an e-service about `code`; for anything unexpected a bare Responder."""
    return ANSWERS.get(code, (RESPONDER, None))


def code_for_upstream_status(codes: Sequence[str]) -> str:
    """Our refusal code for an upstream's status codes, outermost first.

    The top level does not matter: BankID IdPs send Requester for an ordinary failed login, others Responder
    (BankID profile 5.2). What is not in the table is a fault of the configuration: `upstream-refused`.
    """
    for status, code in _UPSTREAM_CODES.items():
        if status in codes:
            return code
    return errors.UpstreamRefused.code
