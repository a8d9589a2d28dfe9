"""What an administrator asks for, and the plan that the desk makes of it before anything is changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from broker.core.login import CategoryUri, ContextUri
from broker.flow.metadata_ports import Change, PeerSettings
from broker.messages.finding import Finding, found
from broker.messages.metadata import PeerKind
from broker.vocabulary.categories import CATEGORIES, CategoryKind, kind_of
from broker.vocabulary.contexts import CONNECTOR_ONLY, CONTEXTS


class UploadKind(Enum):
    """What a file brings: one peer, or a federation's aggregate."""

    E_SERVICE = "e-service"
    UPSTREAM = "upstream"
    FEDERATION = "federation"


class Keep(Enum):
    """The value of a setting that is not to be changed."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsPatch:
    """What is to be changed of what an administrator says about a peer."""

    dialect: str | Keep = KEEP
    vouched_contexts: tuple[str, ...] | Keep = KEEP
    vouched_categories: tuple[str, ...] | Keep = KEEP
    allowed_upstreams: tuple[str, ...] | Keep | None = KEEP
    single_sign_on: bool | Keep = KEEP
    signature_service: bool | Keep | None = KEEP

    def apply(self, settings: PeerSettings) -> PeerSettings:
        """`settings` with the changes."""

        vouched_contexts = settings.vouched_contexts if self.vouched_contexts is KEEP else self.vouched_contexts
        categories = settings.vouched_categories if self.vouched_categories is KEEP else self.vouched_categories
        allowed = settings.allowed_upstreams if self.allowed_upstreams is KEEP else self.allowed_upstreams
        signs = settings.signature_service if self.signature_service is KEEP else self.signature_service
        return PeerSettings(
            dialect=settings.dialect if self.dialect is KEEP else self.dialect,
            vouched_contexts=tuple(dict.fromkeys(vouched_contexts)),
            vouched_categories=tuple(dict.fromkeys(categories)),
            allowed_upstreams=None if allowed is None else tuple(dict.fromkeys(allowed)),
            single_sign_on=settings.single_sign_on if self.single_sign_on is KEEP else self.single_sign_on,
            signature_service=signs,
            blocked=settings.blocked,
        )

    @property
    def vouches(self) -> bool:
        """Whether levels or categories are stated."""
        return bool(_given(self.vouched_contexts) or _given(self.vouched_categories))


def _given(values: tuple[str, ...] | Keep) -> tuple[str, ...]:
    return () if isinstance(values, Keep) else values


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file, and what the administrator says about it."""

    data: bytes
    file_name: str
    kind: UploadKind
    signers: tuple[bytes, ...] = ()  # PEM certificates
    source: str | None = None  # the name of a federation; None: as the file names itself
    said: SettingsPatch = SettingsPatch()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRules:
    """What this installation is, as far as the desk must know."""

    own_entities: frozenset[str]
    own_idp: str
    hub: bool  # serves only e-services that were registered one by one
    feed_e_services: frozenset[str]  # of a federation, named in the settings: registered all the same
    dialects: frozenset[str]
    connectors: frozenset[str]  # the official eIDAS connectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The next version, ready to be made, or refused."""

    base: int
    action: str
    subject: str
    content_hash: str | None
    change: Change
    findings: tuple[Finding, ...]
    refused: bool
    rolled_back_to: int | None = None


def check_said(
    said: SettingsPatch, *, kind: PeerKind, entity_id: str | None, from_federation: bool, rules: DeskRules
) -> Iterator[Finding]:
    """Why something that an administrator says about a peer is refused, or should be looked at twice."""
    if from_federation and said.vouches:
        yield found("vouching-for-federation", entity_id=entity_id)
    yield from _misplaced(said, kind, entity_id)
    if not isinstance(said.dialect, Keep) and said.dialect not in rules.dialects:
        known = ", ".join(sorted(rules.dialects))
        yield found("dialect-unknown", entity_id=entity_id, dialect=said.dialect, known=known)
    for uri in _given(said.vouched_contexts):
        row = CONTEXTS.get(ContextUri(uri))
        if row is None or row.retired:
            yield found("loa-unknown", entity_id=entity_id, uri=uri)
        elif row.uri in CONNECTOR_ONLY and entity_id not in rules.connectors:
            yield found("assurance-reserved", entity_id=entity_id, uri=uri)
    for uri in _given(said.vouched_categories):
        if ":" not in uri or any(c.isspace() or not c.isprintable() for c in uri):
            yield found("category-not-uri", entity_id=entity_id, uri=uri)
        elif uri not in CATEGORIES and kind_of(CategoryUri(uri)) is CategoryKind.OTHER:
            yield found("category-unknown", entity_id=entity_id, uri=uri)


def _misplaced(said: SettingsPatch, kind: PeerKind, entity_id: str | None) -> Iterator[Finding]:
    if kind is PeerKind.E_SERVICE:
        if _given(said.vouched_contexts):
            yield found("loa-not-for-e-service", entity_id=entity_id)
        wrong: dict[str, object] = {"dialect": said.dialect}
    else:
        wrong = {
            "upstream": said.allowed_upstreams,
            "sso": said.single_sign_on,
            "signature-service": said.signature_service,
        }
    for setting, value in wrong.items():
        if value is not KEEP:
            yield found("setting-not-for-kind", entity_id=entity_id, setting=setting, kind=kind.value)
