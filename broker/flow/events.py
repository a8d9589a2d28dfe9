"""Audit events as data: what support, statistics and an auditor need, and no personal value.

A person appears only as `person_pseudonym`, a keyed hash. Every event is one row of the hash chain
(`audit/chain.py`); `docs/data.md` lists the fields for the operator.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRequested:
    """An AuthnRequest was verified, and a login started (or, with `code`, was refused at once)."""

    at: datetime
    reference: str
    e_service: str
    asked: tuple[str, ...]  # contexts as asked
    accepted: tuple[str, ...]  # contexts after categories and default
    force_authn: bool
    is_passive: bool
    offers: int  # number of upstreams offered
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamAsked:
    """The citizen was sent to an upstream."""

    at: datetime
    reference: str
    e_service: str
    upstream: str
    dialect: str
    contexts: tuple[str, ...]
    chosen_by: str  # "citizen" or "only-offer"
    signing_key: str
    signature_algorithm: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamAnswered:
    """An upstream's answer was accepted or refused; the decision about the login is in it."""

    at: datetime
    reference: str
    e_service: str
    upstream: str
    code: str  # "granted", or why not
    detail: str  # checks that failed, never values
    upstream_status: tuple[str, ...]
    delivered: str | None
    asserted: str | None
    authorities: tuple[str, ...]
    country: str | None
    person_pseudonym: str | None
    released: tuple[str, ...]  # "key: rule"
    withheld: tuple[str, ...]
    unknown_attributes: tuple[str, ...]
    upstream_assertion: str | None
    verifying_key: str | None
    signature_algorithm: str | None
    encryption_algorithm: str | None
    at_upstream_ms: int  # from sending the citizen until the answer


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginConcluded:
    """A Response was handed to the browser. Stored before it leaves."""

    at: datetime
    reference: str
    e_service: str
    code: str  # "granted" or the refusal
    response: str  # Response/@ID
    assertion: str | None
    signing_key: str
    signature_algorithm: str
    encryption_algorithm: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdministratorActed:
    """An administrator changed metadata or keys."""

    at: datetime
    reference: str
    actor: str  # OS user, or (later) the administrator's pseudonym
    action: str  # for example "metadata add"
    subject: str  # entityID, source or key id
    before: int | None  # metadata version
    after: int | None
    content_hash: str | None  # SHA-256 of the file
    findings: tuple[str, ...]  # "severity rule entityID"


AuditEvent: TypeAlias = LoginRequested | UpstreamAsked | UpstreamAnswered | LoginConcluded | AdministratorActed
