"""What a change of metadata means: certificates, addresses, categories, levels, names. Order and white space do not
appear. Pure."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from broker.core.parties import Logo
from broker.flow.metadata_ports import PeerChange, PeerSettings, Source, StoredPeer
from broker.messages.entity import Endpoint, EntityRecord, PeerKey
from broker.messages.finding import Finding, found
from broker.messages.metadata import PeerKind
from broker.vocabulary.languages import DEFAULT_LANGUAGE, best_text

_SHOWN_URL = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What one field of a peer lost and gained."""

    field: str
    removed: tuple[str, ...]
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerDifference:
    """One peer that differs between two versions. `what` is "added", "removed" or "changed"."""

    kind: PeerKind
    entity_id: str
    name: str
    what: str
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDifference:
    """One federation that differs between two versions. `what` as for a peer."""

    name: str
    what: str
    differences: tuple[Difference, ...]


def describe_change(change: PeerChange) -> PeerDifference:
    """What the change of one peer means."""
    before, after = change.before.peer, change.after.peer
    what = "changed" if (before and after) or not (before or after) else "added" if after else "removed"
    named = after or before
    return PeerDifference(
        kind=change.kind,
        entity_id=change.entity_id,
        name=(named and best_text(named.record.names, DEFAULT_LANGUAGE)) or change.entity_id,
        what=what,
        differences=_compare(
            _facts(before, change.before.settings),
            _facts(after, change.after.settings),
        ),
    )


def describe_sources(before: Mapping[str, Source], after: Mapping[str, Source]) -> tuple[SourceDifference, ...]:
    """What the change of the federations means."""
    return tuple(
        SourceDifference(
            name=name,
            what="changed" if name in before and name in after else "added" if name in after else "removed",
            differences=_compare(_source_facts(before.get(name)), _source_facts(after.get(name))),
        )
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    )


def describe_peer(peer: StoredPeer) -> Mapping[str, tuple[str, ...]]:
    """Every field of a peer that is not empty, in words: as an administrator sees it."""
    facts = _facts(peer, peer.settings)
    return {field: tuple(sorted(values)) for field, values in facts.items() if values}


def keys_of(record: EntityRecord) -> Mapping[str, PeerKey]:
    """Every key of a record, by fingerprint."""
    roles = [role for role in (record.sp, record.idp) if role is not None]
    return {key.fingerprint: key for role in roles for key in (*role.signing_keys, *role.encryption_keys)}


def signing_keys_of(record: EntityRecord) -> frozenset[str]:
    """The fingerprints of the keys that a record's messages are verified with."""
    return frozenset(key.fingerprint for role in (record.sp, record.idp) if role for key in role.signing_keys)


def warn_of_losses(before: EntityRecord, after: EntityRecord) -> Iterator[Finding]:
    """What an administrator should look at twice before the metadata of a peer are replaced."""
    entity_id = after.entity_id
    if after.idp is not None:
        for uri in _missing(before.assurance, after.assurance):
            yield found("assurance-gained", entity_id=entity_id, uri=uri)
        for uri in _missing(after.assurance, before.assurance):
            yield found("assurance-lost", entity_id=entity_id, uri=uri)
        for scope in _missing(after.idp.scopes, before.idp.scopes if before.idp else ()):
            yield found("scope-lost", entity_id=entity_id, scope=scope)
    for uri in _missing(after.categories, before.categories):
        yield found("category-lost", entity_id=entity_id, uri=uri)
    old, new = signing_keys_of(before), signing_keys_of(after)
    if old and new and not old & new:
        yield found("keys-replaced", entity_id=entity_id)


def _missing(there: Iterable[str], wanted: Iterable[str]) -> list[str]:
    present = frozenset(there)
    return [one for one in wanted if one not in present]


def _compare(before: Mapping[str, frozenset[str]], after: Mapping[str, frozenset[str]]) -> tuple[Difference, ...]:
    nothing: frozenset[str] = frozenset()
    return tuple(
        Difference(
            field=field,
            removed=tuple(sorted(before.get(field, nothing) - after.get(field, nothing))),
            added=tuple(sorted(after.get(field, nothing) - before.get(field, nothing))),
        )
        for field in dict.fromkeys((*before, *after))
        if before.get(field, nothing) != after.get(field, nothing)
    )


def _facts(peer: StoredPeer | None, settings: PeerSettings | None) -> dict[str, frozenset[str]]:
    facts: dict[str, Iterable[str]] = {}
    if peer is not None:
        facts |= {"source": [peer.source or "administrator"], **_record_facts(peer.record)}
        if peer.signed_by:
            facts["signed-by"] = [peer.signed_by]
    facts |= _settings_facts(settings or PeerSettings())
    return {field: frozenset(values) for field, values in facts.items()}


def _record_facts(record: EntityRecord) -> dict[str, Iterable[str]]:
    facts: dict[str, Iterable[str]] = {
        "level": record.assurance,
        "category": record.categories,
        "name": _texts(record.names),
        "description": _texts(record.descriptions),
        "information-url": _texts(record.information_urls),
        "logo": [_logo(logo) for logo in record.logos],
        "organization": _texts(record.organization_names),
        "contact": [f"{one.kind} {value}" for one in record.contacts for value in (*one.emails, *one.telephones)],
        "digest-method": record.digest_methods,
        "signing-method": record.signing_methods,
        "valid-until": [record.valid_until.isoformat()] if record.valid_until else [],
    }
    if (sp := record.sp) is not None:
        facts |= {
            "signing-key": [_key(key) for key in sp.signing_keys],
            "encryption-key": [_key(key) for key in sp.encryption_keys],
            "assertion-consumer-service": [_endpoint(one) for one in sp.acs],
            "requested-attribute": [
                f"{service.index}: {one.name}{' (required)' if one.required else ''}"
                for service in sp.attribute_services
                for one in service.requested
            ],
            "name-id-format": sp.name_id_formats,
            "signs-requests": [_yes(sp.authn_requests_signed)],
            "wants-signed-assertions": [_yes(sp.want_assertions_signed)],
        }
    if (idp := record.idp) is not None:
        facts |= {
            "signing-key": [_key(key) for key in idp.signing_keys],
            "encryption-key": [_key(key) for key in idp.encryption_keys],
            "single-sign-on-service": [_endpoint(one) for one in idp.sso],
            "scope": idp.scopes,
            "principal-selection": idp.principal_selection,
            "name-id-format": idp.name_id_formats,
            "wants-signed-requests": [_yes(idp.want_authn_requests_signed)],
        }
    return facts


def _source_facts(source: Source | None) -> dict[str, frozenset[str]]:
    if source is None:
        return {}
    return {
        "signer": frozenset(key.fingerprint for key in source.signers),
        "signed-by": frozenset((source.signed_by,)),
        "valid-until": frozenset((source.valid_until.isoformat(),)),
        "content": frozenset((source.content_hash,)),
        "dialect": frozenset((source.dialect,)),
    }


def _settings_facts(settings: PeerSettings) -> dict[str, Iterable[str]]:
    allowed, signs = settings.allowed_upstreams, settings.signature_service
    return {
        "dialect": [settings.dialect] if settings.dialect else [],
        "vouched-level": settings.vouched_contexts,
        "vouched-category": settings.vouched_categories,
        "allowed-upstream": ["(all)"] if allowed is None else allowed or ["(none)"],
        "single-sign-on": [_yes(settings.single_sign_on)],
        "signature-service": [] if signs is None else [_yes(signs)],
        "blocked": [_yes(settings.blocked)],
    }


def _key(key: PeerKey) -> str:
    transports = (f"{_short(algorithm)}/{_short(digest or 'sha1')}" for algorithm, digest in key.key_transports)
    methods = ", ".join((*map(_short, key.block_ciphers), *transports))
    shown = f"{key.fingerprint} {key.key_type} {key.key_bits} until {key.not_after:%Y-%m-%d}"
    return f"{shown} ({methods})" if methods else shown


def _short(algorithm: str) -> str:
    return algorithm.rpartition("#")[2]


def _endpoint(endpoint: Endpoint) -> str:
    parts = [endpoint.binding.rpartition(":")[2], endpoint.location]
    if endpoint.index is not None:
        parts.append(f"index {endpoint.index}")
    if endpoint.is_default:
        parts.append("default")
    return " ".join(parts)


def _logo(logo: Logo) -> str:
    url = logo.url
    if len(url) > _SHOWN_URL:
        url = f"{url[:_SHOWN_URL]}… sha256:{hashlib.sha256(url.encode()).hexdigest()[:16]}"
    return f"{url} {logo.width}x{logo.height} {logo.language or ''}".strip()


def _texts(texts: Mapping[str, str]) -> list[str]:
    return [f"{language}: {text}" for language, text in texts.items()]


def _yes(value: bool) -> str:
    return "yes" if value else "no"
