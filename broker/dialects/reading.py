"""From the attributes of an assertion to catalogue attributes: known, well-formed, in scope; the rest is named."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from types import MappingProxyType

from broker.core.errors import UpstreamAnswerIncomplete
from broker.core.parties import Upstream
from broker.core.person import AttributeKey, AuthenticatedPerson
from broker.core.subject import MAPPED_PNR, PNR
from broker.messages.assertion import VerifiedAssertion
from broker.vocabulary.attributes import BIRTH_DATE, PREVIOUS_PNR, AttributeRow, Catalogue
from broker.vocabulary.identifiers import NAME_ID_PERSISTENT
from broker.vocabulary.values import is_born_after, split_scope

MALFORMED = "malformed"
OUTSIDE_SCOPES = "outside the scopes of the upstream"
SEVERAL_VALUES = "several values"
IN_THE_FUTURE = "in the future"

_NUMBERS = (PNR, PREVIOUS_PNR, MAPPED_PNR)
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an assertion says, attribute by attribute. No value that was not taken over is kept."""

    attributes: Mapping[AttributeKey, tuple[str, ...]]  # in catalogue order
    refused: Mapping[AttributeKey, str]  # delivered, and some or all of it not taken over, with the reason
    unknown: tuple[str, ...]  # wire names that the catalogue lacks

    def first(self, key: AttributeKey) -> str | None:
        """The first value of `key`, or None."""
        values = self.attributes.get(key, ())
        return values[0] if values else None

    def with_value(self, key: AttributeKey, value: str) -> "Reading":
        """This reading with one attribute more."""
        return replace(self, attributes=MappingProxyType({**self.attributes, key: (value,)}))

    def without(self, keys: Iterable[AttributeKey], reason: str) -> "Reading":
        """This reading with `keys` refused for `reason`, as far as they were there."""
        gone = {key: reason for key in keys if key in self.attributes}
        kept = {key: values for key, values in self.attributes.items() if key not in gone}
        return replace(self, attributes=MappingProxyType(kept), refused=MappingProxyType({**self.refused, **gone}))


def read_attributes(assertion: VerifiedAssertion, upstream: Upstream, catalogue: Catalogue) -> Reading:
    """Every attribute that the catalogue knows, normalised. An empty value counts as not delivered.

    A value that is malformed, or outside the upstream's scopes, is not accepted; whether that ends the login is for
    the dialect, which knows what is mandatory.

    Spec: Attribute Specification 2 and 3.1; Deployment Profile 6.2.1 (scopes).
    """
    # A birth date is local time, which can be a day ahead of UTC.
    today = assertion.authn_instant.date() + timedelta(days=1)
    taken: dict[AttributeKey, tuple[str, ...]] = {}
    refused: dict[AttributeKey, str] = {}
    for row in catalogue.rows:
        good: dict[str, None] = {}
        for raw in filter(str.strip, assertion.attributes.get(row.name, ())):
            value, problem = _take(raw, row, upstream, today)
            if problem is None:
                good[value] = None
            else:
                refused[row.key] = problem
        if row.single and len(good) > 1:
            refused[row.key] = SEVERAL_VALUES
        elif row.single and row.key in refused:
            continue  # one good value among bad ones is not what a single-valued attribute means
        elif good:
            taken[row.key] = tuple(good)
    return Reading(
        attributes=MappingProxyType(taken),
        refused=MappingProxyType(refused),
        unknown=tuple(name[:_LONGEST_NAME] for name in assertion.attributes if catalogue.find_by_name(name) is None),
    )


def require(reading: Reading, keys: Iterable[AttributeKey], upstream: Upstream, catalogue: Catalogue) -> None:
    """Raise unless every one of `keys` was taken over.

    Raises:
        UpstreamAnswerIncomplete: names each that was not, and why; never a value.
    """
    missing = [
        f"{catalogue.get(key).friendly} ({reading.refused.get(key, 'missing')})"
        for key in keys
        if key not in reading.attributes
    ]
    if missing:
        raise UpstreamAnswerIncomplete(f"{upstream.entity_id}: {', '.join(missing)}")


def make_person(
    assertion: VerifiedAssertion, upstream: Upstream, reading: Reading, catalogue: Catalogue, country: str | None
) -> AuthenticatedPerson:
    """The person, with what was not taken over named: `unknown_attributes` never holds a value."""
    in_order = {row.key: reading.attributes[row.key] for row in catalogue.rows if row.key in reading.attributes}
    refused = (f"{catalogue.get(key).friendly} ({reason})" for key, reason in reading.refused.items())
    return AuthenticatedPerson(
        upstream=upstream.entity_id,
        context=assertion.context,
        authenticated_at=assertion.authn_instant,
        authorities=assertion.authorities,
        attributes=MappingProxyType(in_order),
        name_id=assertion.name_id if assertion.name_id_format == NAME_ID_PERSISTENT else None,
        country=country,
        assertion_id=assertion.assertion_id,
        unknown_attributes=(*reading.unknown, *refused),
    )


def _take(raw: str, row: AttributeRow, upstream: Upstream, today: date) -> tuple[str, str | None]:
    """The normalised value and None, or nothing and why."""
    try:
        value = row.normalise(raw)
    except ValueError:
        return "", MALFORMED
    if row.scoped and split_scope(value)[1] not in upstream.scopes:
        return "", OUTSIDE_SCOPES
    born_later = row.key in _NUMBERS and is_born_after(value, today)
    if born_later or (row.key == BIRTH_DATE and date.fromisoformat(value) > today):
        return "", IN_THE_FUTURE
    return value, None
