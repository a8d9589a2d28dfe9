"""What an entity shows of itself: names, logos, links, organisation, contacts. All of it a stranger's words."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml import etree

from broker.core.parties import Logo
from broker.messages.entity import Contact
from broker.saml.metadata_names import XML_LANG, md, mdui

_MAX_TEXT = 1000
_MAX_URL = 2048
_MAX_LOGO = 128 * 1024  # characters of a data: URL
_MAX_LOGO_SIDE = 10_000
_DATA_IMAGE = re.compile(r"data:image/(?:png|jpeg|jpg|gif|webp|svg\+xml)(?:;charset=[A-Za-z0-9-]+)?(?:;base64)?,\S+")
_MAIL = re.compile(r"[^@\s<>\"'?&]{1,64}@[^@\s<>\"'?&/]{1,255}")
_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(-[A-Za-z0-9]{1,8})*")
# Direction marks and overrides can make a name read as another one; joiners are part of some scripts.
_HARMLESS_FORMAT = frozenset("\u200c\u200d\u00ad")

Remark = Callable[..., None]
"""Takes a rule, the element and the facts; knows the entity and its lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """The texts and pictures of one role."""

    names: Mapping[str, str]
    descriptions: Mapping[str, str]
    information_urls: Mapping[str, str]
    logos: tuple[Logo, ...]


def read_presentation(role: etree._Element, remark: Remark) -> Presentation:
    """mdui:UIInfo of `role`; empty when there is none. What is dropped is remarked upon."""
    shown = role.findall(f"{md('Extensions')}/{mdui('UIInfo')}")
    return Presentation(
        names=read_texts(_children(shown, mdui("DisplayName")), remark),
        descriptions=read_texts(_children(shown, mdui("Description")), remark),
        information_urls=_read_links(_children(shown, mdui("InformationURL")), remark),
        logos=tuple(
            logo for element in _children(shown, mdui("Logo")) if (logo := _read_logo(element, remark)) is not None
        ),
    )


def read_texts(elements: Iterable[etree._Element], remark: Remark) -> dict[str, str]:
    """Language → text; the first of a language counts."""
    texts: dict[str, str] = {}
    for element in elements:
        raw = text_of(element)
        cleaned = _clean(raw)
        if cleaned != raw:
            remark("text-cleaned", element, element=_local(element))
        if cleaned:
            texts.setdefault(_language_of(element) or "und", cleaned)
    return texts


def read_contacts(entity: etree._Element) -> tuple[Contact, ...]:
    """md:ContactPerson with at least an e-mail address or telephone number."""
    contacts = []
    for element in entity.findall(md("ContactPerson")):
        emails = (text_of(e).removeprefix("mailto:").strip() for e in element.findall(md("EmailAddress")))
        telephones = (_clean(text_of(e)) for e in element.findall(md("TelephoneNumber")))
        contact = Contact(
            kind=(element.get("contactType") or "other").strip(),
            emails=tuple(email for email in emails if _MAIL.fullmatch(email)),
            telephones=tuple(number for number in telephones if number),
        )
        if contact.emails or contact.telephones:
            contacts.append(contact)
    return tuple(contacts)


def text_of(element: etree._Element) -> str:
    """The text of an element without children, white space collapsed; empty for any other."""
    return "" if len(element) else " ".join((element.text or "").split())


def _children(parents: Iterable[etree._Element], name: str) -> list[etree._Element]:
    return [child for parent in parents for child in parent.findall(name)]


def _read_links(elements: Iterable[etree._Element], remark: Remark) -> dict[str, str]:
    links: dict[str, str] = {}
    for element in elements:
        url = text_of(element)
        if _is_web_address(url):
            links.setdefault(_language_of(element) or "und", url)
        else:
            remark("url-refused", element, element=_local(element))
    return links


def _read_logo(element: etree._Element, remark: Remark) -> Logo | None:
    url = "" if len(element) else (element.text or "").strip()
    if url.startswith("data:"):
        url = "".join(url.split())  # base64 is often broken into lines
        if len(url) > _MAX_LOGO:
            remark("logo-refused", element, what=f"> {_MAX_LOGO // 1024} KiB")
            return None
        if not _DATA_IMAGE.fullmatch(url):
            remark("logo-refused", element, what=url[:40])
            return None
    elif not (_is_web_address(url) and url.startswith("https:")):
        # http: would be blocked by browsers as mixed content, and anything else (javascript:) is no picture.
        remark("logo-refused", element, what=url[:80])
        return None
    width, height = _side(element.get("width")), _side(element.get("height"))
    if width is None or height is None:
        remark("logo-refused", element, what="width, height")
        return None
    return Logo(url=url, width=width, height=height, language=_language_of(element))


def _side(text: str | None) -> int | None:
    written = (text or "").strip()
    if not (written.isascii() and written.isdigit()) or len(written) > 5:
        return None
    side = int(written)
    return side if 0 < side <= _MAX_LOGO_SIDE else None


def _is_web_address(url: str) -> bool:
    if len(url) > _MAX_URL or any(c.isspace() or not c.isprintable() for c in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("https", "http") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def _language_of(element: etree._Element) -> str | None:
    tag = (element.get(XML_LANG) or "").strip()
    return tag.lower() if _LANGUAGE.fullmatch(tag) else None


def _clean(text: str) -> str:
    kept = text if text.isprintable() else "".join(c for c in text if c.isprintable() or c in _HARMLESS_FORMAT)
    return kept if len(kept) <= _MAX_TEXT else kept[: _MAX_TEXT - 1] + "…"


def _local(element: etree._Element) -> str:
    return str(etree.QName(element).localname)
