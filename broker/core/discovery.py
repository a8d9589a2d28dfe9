"""Which upstreams can serve a request, and why not the others. Pure."""

from dataclasses import dataclass
from enum import Enum

from broker.core.login import ContextUri
from broker.core.parties import Upstream


class Exclusion(Enum):
    """Why an upstream is not offered; shown by `broker explain` and, in words, to the citizen who asks."""

    CANNOT_REACH_ASSURANCE = "cannot-reach-assurance"
    NOT_IN_IDP_LIST = "not-in-idp-list"
    NOT_ALLOWED = "not-allowed-for-e-service"
    NO_COMMON_CATEGORY = "no-common-category"
    LACKS_PROPERTY = "lacks-service-property"
    NO_COMMON_CONTRACT = "no-common-contract"
    CANNOT_DELIVER_REQUIRED = "cannot-deliver-required-attribute"
    HIDDEN = "hidden-from-discovery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One upstream that can serve the request, and what would be asked of it."""

    upstream: Upstream
    contexts: tuple[ContextUri, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """One upstream that cannot, with the first rule that excluded it and what it compared."""

    upstream: Upstream
    reason: Exclusion
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Everything discovery knows: the offers in the directory's stable order, and the rest with reasons."""

    offers: tuple[Offer, ...]
    excluded: tuple[Excluded, ...]
