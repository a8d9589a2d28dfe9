"""Metadata bytes → entities as data. With signers, nothing is read before the whole document is verified.

The file is parsed once to judge it: its form, its signature, its lines. The entities are then read one after the
other from the canonical bytes that the signature covers, so that 10,000 of them need no second tree.
"""

import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from lxml import etree

from broker.core.errors import MessageUnreadable
from broker.messages.entity import PeerKey
from broker.messages.finding import Finding, any_blocks, found
from broker.messages.metadata import ReadDocument, ReadEntity
from broker.saml.lexical import Malformed, read_instant
from broker.saml.metadata_entity import IsAddress, https_only, https_or_loopback, read_entity
from broker.saml.metadata_keys import KeyRefused, read_signer
from broker.saml.metadata_lines import OriginalLines, is_entity
from broker.saml.metadata_names import ENTITIES, ENTITY
from broker.saml.metadata_signature import verify_metadata
from broker.saml.xml import DS_SIGNATURE, METADATA_BOUNDS, canonicalise, parse_wire

_DURATION = re.compile(
    r"P(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,6})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,8})M)?(?:(\d{1,9})(?:\.\d+)?S)?)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataReader:
    """Reads metadata for one installation; implements `flow.metadata_ports.ReadMetadata`."""

    loopback_http: bool  # a test environment: peers on this machine may use http

    def __call__(self, data: bytes, signers: Sequence[bytes] = ()) -> ReadDocument:
        """See `read_metadata`."""
        return read_metadata(data, signers=signers, loopback_http=self.loopback_http)


def read_metadata(data: bytes, *, signers: Sequence[bytes] = (), loopback_http: bool = False) -> ReadDocument:
    """What `data` says, verified with one of `signers` (PEM certificates) when any are given.

    Bad content is never an exception: a document that cannot be used has a blocking finding and no entities; a bad
    entity has a blocking finding and no record. No time is judged here.

    Spec: SAML metadata 2.3; Sweden Connect Deployment Profile 2.
    """
    reading = _DocumentReading(data, https_or_loopback if loopback_http else https_only)
    reading.pin(signers)
    return reading.read()


class _DocumentReading:
    def __init__(self, data: bytes, is_address: IsAddress) -> None:
        self._data = data
        self._is_address = is_address
        self._findings: list[Finding] = []
        self._pinned: list[PeerKey] = []
        self._must_verify = False
        self._facts = ReadDocument(
            content_hash=hashlib.sha256(data).hexdigest(),
            name=None,
            aggregate=False,
            valid_until=None,
            cache_duration=None,
            signed=False,
            signers=(),
            signed_by=None,
            entities=(),
            findings=(),
        )

    def pin(self, signers: Sequence[bytes]) -> None:
        """Read the signer certificates; having been given any, however bad, means that the signature decides."""
        for pem in signers:
            self._must_verify = True
            try:
                self._pinned += read_signer(pem)
            except KeyRefused as refused:
                what = ", ".join(str(fact) for fact in refused.facts.values())
                self._remark("signer-unreadable", what=f"{refused.rule} {what}".strip())
        self._facts = replace(self._facts, signers=tuple({key.fingerprint: key for key in self._pinned}.values()))

    def read(self) -> ReadDocument:
        root = self._parse()
        if root is not None and root.tag not in (ENTITIES, ENTITY):
            self._remark("document-not-metadata", line=root.sourceline)
            root = None
        if root is None or any_blocks(self._findings):
            return self._result()
        self._read_root(root)
        signature = root.find(DS_SIGNATURE)
        self._facts = replace(self._facts, signed=signature is not None)
        trusted = self._verify(root, signature) if self._must_verify else self._canonical(root)
        if trusted is None or any_blocks(self._findings):
            return self._result()
        lines = OriginalLines(root)
        del root, signature  # the tree of a large aggregate is not needed any more
        entities = _quarantine_duplicates(self._entities(trusted, lines))
        return self._result(entities)

    def _parse(self) -> etree._Element | None:
        if len(self._data) > METADATA_BOUNDS.max_bytes:
            self._remark("document-too-large", limit=f"{METADATA_BOUNDS.max_bytes // (1024 * 1024)} MiB")
        elif (at := self._data.find(b"<!DOCTYPE")) >= 0:
            self._remark("document-has-dtd", line=self._data.count(b"\n", 0, at) + 1)
        else:
            try:
                return parse_wire(self._data, METADATA_BOUNDS)
            except MessageUnreadable as unreadable:
                self._remark("document-unreadable", what=unreadable.detail)
        return None

    def _read_root(self, root: etree._Element) -> None:
        """Facts of the root, before the signature is verified: they decide nothing until it is."""
        valid_until, cache_duration = None, None
        try:
            if root.get("validUntil") is not None:
                valid_until = read_instant(root.get("validUntil"), "validUntil")
        except Malformed:
            self._remark("valid-until-unreadable", line=root.sourceline)
        if root.get("cacheDuration") is not None:
            cache_duration = _read_duration(root.get("cacheDuration") or "")
            if cache_duration is None:
                self._remark("cache-duration-unreadable", line=root.sourceline)
        aggregate = root.tag == ENTITIES
        self._facts = replace(
            self._facts,
            name=(root.get("Name") or "").strip() or None if aggregate else None,
            aggregate=aggregate,
            valid_until=valid_until,
            cache_duration=cache_duration,
        )

    def _verify(self, root: etree._Element, signature: etree._Element | None) -> bytes | None:
        if signature is None:
            self._remark("signature-missing", line=root.sourceline)
            return None
        outcome = verify_metadata(root, signature, self._pinned)
        if isinstance(outcome, Finding):
            self._findings.append(outcome)
            return None
        self._facts = replace(self._facts, signed_by=outcome.key_id)
        return outcome.data

    def _canonical(self, root: etree._Element) -> bytes | None:
        try:
            return canonicalise(root)
        except MessageUnreadable as unreadable:
            self._remark("document-unreadable", what=unreadable.detail)
            return None

    def _entities(self, trusted: bytes, lines: OriginalLines) -> Iterator[ReadEntity]:
        ordinal = 0
        for _, element in etree.iterparse(
            io.BytesIO(trusted),
            events=("end",),
            tag=ENTITY,
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            collect_ids=False,
        ):
            if not is_entity(element):
                continue
            yield read_entity(
                element,
                line_of=lines.within(ordinal, element),
                is_address=self._is_address,
            )
            ordinal += 1
            _forget(element)

    def _result(self, entities: tuple[ReadEntity, ...] = ()) -> ReadDocument:
        return replace(self._facts, entities=entities, findings=tuple(self._findings))

    def _remark(self, rule: str, *, line: int | None = None, **facts: str | int) -> None:
        self._findings.append(found(rule, entity_id=None, line=line, severity=None, **facts))


def _forget(element: etree._Element) -> None:
    """Free an entity that has been read, and everything before it."""
    element.clear(keep_tail=False)
    while (previous := element.getprevious()) is not None:
        previous.getparent().remove(previous)


def _quarantine_duplicates(entities: Iterator[ReadEntity]) -> tuple[ReadEntity, ...]:
    """One of several equal descriptions, none of several that differ: nobody can say which one counts."""
    read: list[ReadEntity] = []
    first: dict[str, ReadEntity] = {}
    differing = Counter[str]()
    for entity in entities:
        if not entity.entity_id:
            read.append(entity)
            continue
        known = first.setdefault(entity.entity_id, entity)
        if known is entity:
            read.append(entity)
        elif (known.e_service, known.upstream) != (entity.e_service, entity.upstream):
            differing[entity.entity_id] += 1
            read.append(entity)
    if not differing:
        return tuple(read)
    return tuple(_quarantined(entity) if differing[entity.entity_id] else entity for entity in read)


def _quarantined(entity: ReadEntity) -> ReadEntity:
    finding = found("entity-duplicate", entity_id=entity.entity_id, line=entity.line)
    return replace(entity, e_service=None, upstream=None, findings=(*entity.findings, finding))


def _read_duration(text: str) -> timedelta | None:
    """An xs:duration of a reasonable length; years and months, which have none, as 365 and 30 days."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None
    years, months, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=years * 365 + months * 30 + days, hours=hours, minutes=minutes, seconds=seconds)
