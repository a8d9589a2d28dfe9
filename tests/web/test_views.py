from dataclasses import replace
from pathlib import Path

import pytest
from support.scripted import BANKID, make_e_service, make_upstream
from support.web import LOGIN, ask, many_upstreams, tell

from broker.core.discovery import Excluded, Exclusion
from broker.core.login import EntityId
from broker.core.parties import Logo
from broker.flow.steps import PostBrowser
from broker.web import views
from broker.web.languages import load_catalogues
from broker.web.peers import LOGO_BYTES
from broker.web.views import chooser_view, help_view, post_view, stop_view

CATALOGUES = load_catalogues(Path(views.__file__).parent / "locale")
SV = CATALOGUES.default
EN = CATALOGUES.others(SV)[0]
PNG = "data:image/png;base64,"


def logo(url: str = PNG, width: int = 64, height: int = 64, language: str | None = None) -> Logo:
    return Logo(url=url, width=width, height=height, language=language)


def excluded(reason: Exclusion, name: str) -> Excluded:
    return Excluded(upstream=make_upstream(names={"sv": name}), reason=reason, detail="")


CONNECTOR = make_upstream(
    EntityId("https://eidas.example.se/idp"), names={"sv": "Utländsk e-legitimation"}, eidas_connector=True
)


def test_the_chooser_names_the_e_service_in_the_readers_language() -> None:
    assert chooser_view(ask(), SV).title == "Logga in till Bygglov"
    assert chooser_view(ask(), EN).title == "Log in to Building permits"


def test_offers_keep_their_order() -> None:
    offers = many_upstreams(5)
    assert [offer.entity_id for offer in chooser_view(ask(*offers), SV).offers] == [o.entity_id for o in offers]


def test_eids_of_one_name_are_told_apart_by_whose_they_are() -> None:
    entity_ids = ("https://a.example.se/idp", "https://b.example.se/1", "https://b.example.se/2", "urn-like:c")
    same = tuple(make_upstream(EntityId(entity_id), names={"sv": "BankID"}) for entity_id in entity_ids)
    freja = make_upstream(EntityId("https://freja.example.se/idp"), names={"sv": "Freja"})
    assert [offer.detail for offer in chooser_view(ask(*same, freja), SV).offers] == [
        "a.example.se",
        "https://b.example.se/1",
        "https://b.example.se/2",
        "urn-like:c",
        None,
    ]


def test_foreign_eids_have_a_group_of_their_own() -> None:
    view = chooser_view(ask(make_upstream(), CONNECTOR), SV, english=EN)
    assert [offer.entity_id for offer in view.offers] == [BANKID]
    assert [offer.entity_id for offer in view.foreign] == [CONNECTOR.entity_id]
    assert view.no_foreign is None
    assert view.foreign_in_english == EN("choose.foreign")


def test_without_a_foreign_eid_the_group_says_so() -> None:
    assert chooser_view(ask(), SV).no_foreign == SV("choose.foreign.none", service="Bygglov")


def test_the_english_page_says_it_in_english_once() -> None:
    assert chooser_view(ask(), EN, english=EN).foreign_in_english is None


@pytest.mark.parametrize(("number", "searchable"), [(8, False), (9, True)])
def test_a_search_field_comes_with_the_ninth_offer(number: int, searchable: bool) -> None:
    assert (chooser_view(ask(*many_upstreams(number)), SV).search is not None) is searchable


def test_a_search_keeps_what_matches_and_always_the_foreign_eids() -> None:
    view = chooser_view(ask(*many_upstreams(12), CONNECTOR), SV, query=" 07 ")
    assert [offer.name for offer in view.offers] == ["eID 07"]
    assert len(view.foreign) == 1
    assert view.query == "07"
    assert view.found == SV("choose.search.found", query="07", count="1")


def test_a_query_that_nobody_offered_a_field_for_hides_nothing() -> None:
    assert len(chooser_view(ask(*many_upstreams(3)), SV, query="x").offers) == 3


def test_missing_eids_are_grouped_by_their_reason_in_words() -> None:
    step = ask(
        excluded=(
            excluded(Exclusion.CANNOT_REACH_ASSURANCE, "A"),
            excluded(Exclusion.NOT_ALLOWED, "B"),
            excluded(Exclusion.CANNOT_REACH_ASSURANCE, "C"),
            excluded(Exclusion.HIDDEN, "D"),
        )
    )
    assert [(group.reason, group.names) for group in chooser_view(step, SV).missing] == [
        (SV("choose.excluded.assurance"), ("A", "C")),
        (SV("choose.excluded.not-allowed"), ("B",)),
    ]


@pytest.mark.parametrize(
    ("logos", "shown"),
    [
        pytest.param((), None, id="none"),
        pytest.param((logo("https://cdn.example.com/logo.png"),), None, id="a third party is never asked"),
        pytest.param((logo("data:text/html,x"),), None, id="no picture"),
        pytest.param((logo(height=0),), None, id="no height"),
        pytest.param((logo(PNG + "x" * LOGO_BYTES),), None, id="too large for the page"),
        pytest.param((logo(PNG + "en", language="en"), logo(PNG + "sv", language="sv")), PNG + "sv", id="own language"),
        pytest.param((logo(PNG + "wide", width=640), logo(PNG + "square")), PNG + "square", id="squarest"),
        pytest.param((logo(PNG + "s", 16, 16), logo(PNG + "l")), PNG + "l", id="largest"),
    ],
)
def test_a_logo_is_shown_when_the_page_itself_can_carry_it(logos: tuple[Logo, ...], shown: str | None) -> None:
    view = chooser_view(ask(make_upstream(logos=logos)), SV)
    assert view.offers[0].logo == shown


def test_all_logos_together_stay_within_the_pages_budget() -> None:
    big = (logo(PNG + "x" * (LOGO_BYTES // 2)),)
    offers = tuple(replace(upstream, logos=big) for upstream in many_upstreams(4))
    view = chooser_view(ask(*offers), SV)
    assert sum(len(offer.logo or "") for offer in view.offers) <= LOGO_BYTES
    assert view.offers[0].logo is not None
    assert {offer.monogram for offer in view.offers} == {"E"}


def test_a_form_to_an_e_service_says_whose() -> None:
    step = PostBrowser(url="https://a.example.se/acs", fields=(), e_service=make_e_service())
    assert post_view(step, EN).title == "You are being sent back to Building permits"
    assert post_view(replace(step, e_service=None), EN).title == EN("post.title.upstream")


def test_the_reference_is_grouped_for_reading_aloud() -> None:
    assert stop_view(tell("fraud"), SV, others=(), retry=None).reference == ("ABCD", "EFGH", "JKLM")


def test_a_page_that_is_in_no_log_has_no_reference() -> None:
    assert stop_view(tell("not-found"), SV, others=(), retry=None).reference == ()


def test_an_answerable_failure_has_a_button_back() -> None:
    view = stop_view(tell("fraud", e_service=make_e_service(), login_id=LOGIN), SV, others=(), retry=None)
    assert view.back is not None
    assert view.back.href == f"/login/{LOGIN}/answer"
    assert view.back.text == "Gå tillbaka till Bygglov"


def test_a_long_name_is_not_repeated_on_a_button() -> None:
    e_service = make_e_service(names={"sv": "Äldreomsorgens självbetjäning och ansökan om hemtjänst"})
    view = stop_view(tell("fraud", e_service=e_service, login_id=LOGIN), SV, others=(), retry=None)
    assert view.back is not None
    assert view.back.text == "Gå tillbaka till tjänsten"


@pytest.mark.parametrize(
    ("address", "href"),
    [
        ("https://www.example.se/", "https://www.example.se/"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
    ],
)
def test_an_e_services_address_is_a_link_when_it_is_a_web_address(address: str, href: str | None) -> None:
    e_service = make_e_service(information_urls={"sv": address})
    view = stop_view(tell("login-expired", e_service=e_service), SV, others=(), retry=None)
    assert (view.restart.href if view.restart else None) == href


@pytest.mark.parametrize(
    ("contact", "href"),
    [
        pytest.param("mailto:help@example.se", "mailto:help@example.se", id="mail as in metadata"),
        pytest.param("help@example.se", "mailto:help@example.se", id="mail"),
        pytest.param("a@b.se?subject=x&cc=c@d.se", "mailto:a@b.se%3Fsubject%3Dx%26cc%3Dc@d.se", id="nothing but mail"),
        pytest.param("08-123 45 67", "tel:081234567", id="telephone"),
        pytest.param("+46 8 123", "tel:+468123", id="telephone abroad"),
        pytest.param("javascript:alert", None, id="neither"),
        pytest.param(None, None, id="none"),
    ],
)
def test_a_contact_becomes_a_link(contact: str | None, href: str | None) -> None:
    link = help_view(make_e_service(support_contact=contact), SV).contact
    assert (link.href if link else None) == href
