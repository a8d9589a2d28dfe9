"""Which words a failure gets: code → message key. The words are in `locale/`.

Several codes share words on purpose: what failed technically is for the log, under the reference; the citizen
learns what it means for them and what to do next.
"""

from collections.abc import Mapping
from types import MappingProxyType

from broker.core.discovery import Exclusion

STOP_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        # the message of an e-service
        "message-unreadable": "request-broken",
        "unknown-e-service": "unknown-e-service",
        "destination-mismatch": "request-broken",
        "answer-url-not-registered": "request-broken",
        "message-stale": "request-old",
        "message-replayed": "request-old",
        "request-signature-invalid": "request-broken",
        "request-unsupported": "request-broken",
        "name-id-policy-unsupported": "request-broken",
        "proxy-count-exceeded": "request-broken",
        # the login in this browser
        "login-expired": "login-expired",
        "login-not-yours": "login-not-yours",
        "login-moved-on": "login-moved-on",
        "cancelled": "cancelled",
        # nobody can serve the request
        "no-upstream-for-assurance": "no-upstream-for-assurance",
        "no-upstream-available": "no-upstream-available",
        "upstream-not-offered": "upstream-not-offered",
        "passive-not-possible": "passive-not-possible",
        # the upstream's answer
        "upstream-signature-invalid": "answer-unusable",
        "upstream-refused": "upstream-failed",
        "upstream-authn-failed": "upstream-failed",
        "upstream-lacks-assurance": "assurance",
        "upstream-unknown-principal": "somebody-else",
        "upstream-not-available": "upstream-not-available",
        "fraud": "safety",
        "possible-fraud": "safety",
        "upstream-assertion-unacceptable": "answer-unusable",
        "upstream-assertion-undecryptable": "answer-unusable",
        "upstream-assertion-replayed": "answer-unusable",
        "upstream-answer-incomplete": "answer-incomplete",
        # policy
        "assurance-not-met": "assurance",
        "assurance-not-declared": "assurance",
        "coordination-number-not-accepted": "coordination-number",
        "required-attribute-missing": "answer-incomplete",
        "e-service-cannot-decrypt": "e-service-not-ready",
        "peer-withdrawn": "peer-withdrawn",
        # ourselves
        "store-unavailable": "ours",
        "audit-unavailable": "ours",
        "key-unavailable": "ours",
        "metadata-rejected": "ours",
        "config-rejected": "ours",
        "store-mismatch": "ours",
        "key-rejected": "ours",
        # known to the web only
        "unexpected": "ours",
        "not-found": "not-found",
        "wrong-method": "wrong-method",
        "too-large": "request-broken",
        "bad-request": "request-broken",
        "foreign-form": "foreign-form",
    }
)
"""Code → family of texts: `stop.<family>.title`, `.text` and `.advice`."""

WITHOUT_REFERENCE = frozenset({"not-found", "wrong-method"})
"""Pages that nobody needs to tell support about: they are not in the log."""

EXCLUSION_TEXTS: Mapping[Exclusion, str | None] = MappingProxyType(
    {
        Exclusion.CANNOT_REACH_ASSURANCE: "choose.excluded.assurance",
        Exclusion.NOT_IN_IDP_LIST: "choose.excluded.not-asked",
        Exclusion.NOT_ALLOWED: "choose.excluded.not-allowed",
        Exclusion.NO_COMMON_CATEGORY: "choose.excluded.kind",
        Exclusion.LACKS_PROPERTY: "choose.excluded.kind",
        Exclusion.NO_COMMON_CONTRACT: "choose.excluded.contract",
        Exclusion.CANNOT_DELIVER_REQUIRED: "choose.excluded.attributes",
        Exclusion.HIDDEN: None,  # not for citizens to see
    }
)
"""Why an eID is missing → message key, or None when it is not shown at all."""


def stop_keys(code: str) -> tuple[str, str, str]:
    """The message keys of title, text and advice for a failure."""
    family = STOP_TEXTS.get(code, STOP_TEXTS["unexpected"])
    return (f"stop.{family}.title", f"stop.{family}.text", f"stop.{family}.advice")
