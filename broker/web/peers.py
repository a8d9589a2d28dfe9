"""A peer on a page: its name, its picture, and how to reach it; everything that its metadata said is tamed here."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from broker.core.parties import Logo, Texts, Upstream
from broker.web.languages import text_in

LOGO_BYTES = 20_000  # of all logos on one page together
NAME_LENGTH = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerView:
    """An e-service or an eID on a page."""

    entity_id: str
    name: str
    monogram: str  # shown where there is no logo
    logo: str | None  # a data: URL; a page of ours never makes the browser fetch anything from others
    detail: str | None = None  # what tells it from another of the same name


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """A link of ours, or one that a peer published."""

    href: str
    text: str


def matches(upstream: Upstream, query: str) -> bool:
    """Whether a citizen who typed `query` can mean this eID: every word is in one of its names, in any language."""
    names = _plain(" ".join(upstream.names.values()))
    return all(word in names for word in _plain(query).split())


def name_of(names: Texts, entity_id: str, language: str) -> str:
    """What a peer is called: its name, else the host of its entityID; without characters that could rearrange the
    line they stand in.
    """
    text = text_in(names, language) or urlsplit(entity_id).hostname or entity_id
    # Cc and Cf: controls, among them those that turn the reading direction.
    text = "".join(c if c.isprintable() and unicodedata.category(c) != "Cf" else " " for c in text)
    text = " ".join(text.split())
    return text if len(text) <= NAME_LENGTH else f"{text[: NAME_LENGTH - 1]}…"


def peer_view(entity_id: str, names: Texts, logos: Sequence[Logo], language: str, budget: int) -> PeerView:
    """A peer with the best logo that fits into `budget` bytes."""
    name = name_of(names, entity_id, language)
    monogram = next((character.upper() for character in name if character.isalnum()), "·")
    return PeerView(entity_id=entity_id, name=name, monogram=monogram, logo=_logo(logos, language, budget))


def told_apart(peers: Sequence[PeerView]) -> tuple[PeerView, ...]:
    """Some federations have several IdPs of one name, such as "BankID": then the host says whose it is."""
    names = Counter(peer.name for peer in peers)
    hosts = Counter((peer.name, urlsplit(peer.entity_id).hostname) for peer in peers)

    def detail(peer: PeerView) -> str | None:
        host = urlsplit(peer.entity_id).hostname
        if names[peer.name] == 1:
            return None
        return host if host and hosts[(peer.name, host)] == 1 else peer.entity_id

    return tuple(replace(peer, detail=detail(peer)) for peer in peers)


def _logo(logos: Sequence[Logo], language: str, budget: int) -> str | None:
    """The best picture that the page itself can carry: in the right language, then the squarest, then the largest."""
    carried = [
        logo for logo in logos if logo.url.startswith("data:image/") and logo.height > 0 and len(logo.url) <= budget
    ]
    if not carried:
        return None

    def rank(logo: Logo) -> tuple[bool, float, int]:
        return (
            logo.language not in (None, language),
            abs(logo.width / logo.height - 1),
            -logo.height,
        )

    return min(carried, key=rank).url


def web_address(texts: Texts, language: str) -> str | None:
    """An address of a peer that a citizen may follow: nothing but the web."""
    address = text_in(texts, language)
    return address if address is not None and address.startswith(("https://", "http://")) else None


def contact_link(contact: str | None) -> LinkView | None:
    """A mail address or telephone number as a link."""
    text = (contact or "").strip().removeprefix("mailto:")
    if "@" in text:
        return LinkView(href=f"mailto:{quote(text, safe='@')}", text=text)
    digits = "".join(
        character for character in text if character.isascii() and (character.isdigit() or character == "+")
    )
    return LinkView(href=f"tel:{digits}", text=text) if digits else None


def _plain(text: str) -> str:
    """Lower case without accents: who types "hogskolan" finds "Högskolan"."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
