"""Who the person is to one e-service: a stable key, and the pairwise pseudonym made of it. Pure."""

import base64
import hashlib
import hmac

from broker.core.login import EntityId
from broker.core.person import AttributeKey, AuthenticatedPerson

PNR = AttributeKey("pnr")
MAPPED_PNR = AttributeKey("mapped_pnr")  # a population register's match for a foreign person, never the person's own
PRID = AttributeKey("prid")
ORG_AFFILIATION = AttributeKey("org_affiliation")
COUNTRY = AttributeKey("country")  # with a foreign eID: the country that issued it


def person_key(person: AuthenticatedPerson) -> str | None:
    """What stays the same about `person` from login to login, with a name space; None when nothing does.

    The order is fixed: what identifies a human being first, then an employment, then the upstream's own word. A
    mapped number is no key: it comes and goes with the citizen's consent, and prid does not.
    """
    for space, key in (("pnr", PNR), ("prid", PRID)):
        if value := person.first(key):
            return f"{space}:{value}"
    if affiliations := person.attributes.get(ORG_AFFILIATION, ()):
        return f"org:{min(affiliations)}"  # several may come in any order
    if person.name_id is not None:
        # With its length, because an entityID may hold any character: two pairs must never read the same.
        return f"nameid:{len(person.upstream)}:{person.upstream}:{person.name_id}"
    return None


def pairwise_name_id(secret: bytes, e_service: EntityId, key: str) -> str:
    """The NameID of the person with `key` at `e_service`; the same citizen is a stranger to every other e-service.

    Keyed, because an unkeyed hash of a personnummer is found by trying all 10^8 candidates. 40 characters.

    Spec: Deployment Profile 6.2 and 3 (persistent, pairwise, not revealing).
    """
    return _keyed(secret, b"pairwise name id", e_service.encode(), key.encode())


def person_pseudonym(secret: bytes, key: str) -> str:
    """The person with `key` in audit and statistics. Tells nothing without the secret; never leaves to a peer."""
    return _keyed(secret, b"audit pseudonym", key.encode())


def _keyed(secret: bytes, purpose: bytes, *parts: bytes) -> str:
    """HMAC-SHA256 over length-prefixed parts, so that no two lists of parts read the same; 200 bits, base32."""
    if len(secret) < 32:
        raise ValueError("a secret for pseudonyms has at least 32 bytes")
    message = b"".join(len(part).to_bytes(4, "big") + part for part in (purpose, *parts))
    mac = hmac.new(secret, message, hashlib.sha256).digest()
    return base64.b32encode(mac[:25]).decode().lower()
