"""Steps as finished view data: everything a template shows is decided here, nothing there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from broker.core.discovery import Excluded
from broker.core.login import LoginId
from broker.core.parties import EService
from broker.flow.steps import AskCitizen, PostBrowser, TellCitizen
from broker.web.languages import Catalogue
from broker.web.peers import (
    LOGO_BYTES,
    NAME_LENGTH,
    LinkView,
    PeerView,
    contact_link,
    matches,
    name_of,
    peer_view,
    told_apart,
    web_address,
)
from broker.web.texts import EXCLUSION_TEXTS, WITHOUT_REFERENCE, stop_keys

SEARCH_ABOVE = 8  # offers; fewer are read faster than searched
_NAME_LENGTH_ON_BUTTONS = 40  # beyond it a button says "the service": the page has named it already


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingView:
    """One reason, and the eIDs that it keeps away."""

    reason: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooserView:
    """The chooser."""

    title: str
    path: str  # of this login
    service: PeerView
    offers: tuple[PeerView, ...]
    foreign: tuple[PeerView, ...]
    foreign_in_english: str | None  # beside the heading in another language: who needs it may not read that
    no_foreign: str | None  # said when nobody is in `foreign`
    search: str | None  # label of the search field, when there is one
    query: str
    found: str | None  # what the search gave
    missing: tuple[MissingView, ...]
    cancel: str  # the words of the button


@dataclass(frozen=True, slots=True, kw_only=True)
class PostView:
    """A form on its way to a peer."""

    title: str
    url: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StopWords:
    """The words of a stop page in one language."""

    language: str
    direction: str
    in_this_language: str
    title: str
    text: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopView:
    """What went wrong, and the one way on."""

    title: str
    words: StopWords
    others: tuple[StopWords, ...]  # where the page cannot be asked for again in another language
    reference: tuple[str, ...]  # in groups of four, to be read aloud; empty when there is nothing to look up
    service: PeerView | None
    back: LinkView | None  # the form's button that takes the citizen back, with a SAML error
    retry: LinkView | None
    restart: LinkView | None  # the e-service's own address


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpView:
    """Whom to ask; at the same place on every page."""

    service: str | None
    contact: LinkView | None
    information: LinkView | None


def login_path(login_id: LoginId) -> str:
    """The address of the citizen's pages for one login."""
    return f"/login/{quote(login_id, safe='')}"


def chooser_view(step: AskCitizen, t: Catalogue, *, english: Catalogue | None = None, query: str = "") -> ChooserView:
    """The chooser, filtered when the citizen has searched. Foreign eIDs stay, whatever was searched for."""
    budget = LOGO_BYTES
    service = peer_view(step.e_service.entity_id, step.e_service.names, step.e_service.logos, t.language, budget)
    budget -= len(service.logo or "")
    home: list[PeerView] = []
    foreign: list[PeerView] = []
    listed = [offer.upstream for offer in step.choice.offers if not offer.upstream.eidas_connector]
    query = " ".join(query.split())[:NAME_LENGTH]
    searchable = len(listed) > SEARCH_ABOVE
    shown = [upstream for upstream in listed if matches(upstream, query)] if searchable else listed
    for upstream in shown:
        view = peer_view(upstream.entity_id, upstream.names, upstream.logos, t.language, budget)
        budget -= len(view.logo or "")
        home.append(view)
    for offer in step.choice.offers:
        if offer.upstream.eidas_connector:
            foreign.append(peer_view(offer.upstream.entity_id, offer.upstream.names, (), t.language, 0))
    return ChooserView(
        title=t("choose.title", service=service.name),
        path=login_path(step.login_id),
        service=service,
        offers=told_apart(home),
        foreign=told_apart(foreign),
        foreign_in_english=english("choose.foreign") if english is not None and english != t else None,
        no_foreign=None if foreign else t("choose.foreign.none", service=service.name),
        search=t("choose.search", count=str(len(listed))) if searchable else None,
        query=query,
        found=t("choose.search.found", query=query, count=str(len(shown))) if searchable and query else None,
        missing=_missing(step.choice.excluded, t),
        cancel=_on_button("choose.cancel", service.name, t),
    )


def post_view(step: PostBrowser, t: Catalogue) -> PostView:
    """The form that carries a message to an e-service or an upstream."""
    if step.e_service is None:
        title = t("post.title.upstream")
    else:
        title = t("post.title.service", service=name_of(step.e_service.names, step.e_service.entity_id, t.language))
    return PostView(title=title, url=step.url, fields=step.fields)


def stop_view(step: TellCitizen, t: Catalogue, *, others: Iterable[Catalogue], retry: LinkView | None) -> StopView:
    """A stop page. A way back to the e-service goes before every other way on."""
    service = None
    restart = None
    if step.e_service is not None:
        names, logos = step.e_service.names, step.e_service.logos
        service = peer_view(step.e_service.entity_id, names, logos, t.language, LOGO_BYTES)
        address = web_address(step.e_service.information_urls, t.language)
        if address is not None:
            restart = LinkView(href=address, text=_on_button("stop.restart", service.name, t))
    back = None
    if step.login_id is not None:
        text = _on_button("stop.return", service.name if service is not None else None, t)
        back = LinkView(href=f"{login_path(step.login_id)}/answer", text=text)
    words = _stop_words(step.code, t)
    return StopView(
        title=words.title,
        words=words,
        others=tuple(_stop_words(step.code, other) for other in others),
        reference=() if step.code in WITHOUT_REFERENCE else _in_fours(step.reference),
        service=service,
        back=back,
        retry=retry,
        restart=restart,
    )


def help_view(e_service: EService | None, t: Catalogue) -> HelpView:
    """The e-service's contact and information, from its metadata."""
    if e_service is None:
        return HelpView(service=None, contact=None, information=None)
    name = name_of(e_service.names, e_service.entity_id, t.language)
    address = web_address(e_service.information_urls, t.language)
    information = LinkView(href=address, text=t("page.help.information", service=name)) if address else None
    return HelpView(service=name, contact=contact_link(e_service.support_contact), information=information)


def _on_button(key: str, service: str | None, t: Catalogue) -> str:
    if service is None or len(service) > _NAME_LENGTH_ON_BUTTONS:
        return t(f"{key}.short")
    return t(key, service=service)


def _missing(excluded: Sequence[Excluded], t: Catalogue) -> tuple[MissingView, ...]:
    by_reason: dict[str, list[str]] = {}
    for entry in excluded:
        key = EXCLUSION_TEXTS[entry.reason]
        if key is not None:
            name = name_of(entry.upstream.names, entry.upstream.entity_id, t.language)
            by_reason.setdefault(t(key), []).append(name)
    return tuple(MissingView(reason=reason, names=tuple(names)) for reason, names in by_reason.items())


def _in_fours(reference: str) -> tuple[str, ...]:
    return tuple(reference[start : start + 4] for start in range(0, len(reference), 4))


def _stop_words(code: str, t: Catalogue) -> StopWords:
    title, text, advice = stop_keys(code)
    return StopWords(
        language=t.language,
        direction=t.direction,
        in_this_language=t("page.in-this-language"),
        title=t(title),
        text=t(text),
        advice=t(advice),
    )
