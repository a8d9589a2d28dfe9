"""What each role publishes about itself; xmlsec1 checks the signatures."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree
from support.command_line import Folder, init
from support.messages import is_signed_by

from broker.config.load import load_settings
from broker.core.errors import ConfigRejected
from broker.wiring.opened import open_all
from broker.wiring.own_metadata import OwnMetadataDocuments, load_logo
from broker.wiring.serving import build_keys

LOA3 = "http://id.elegnamnden.se/loa/1.0/loa3"
LOA4 = "http://id.elegnamnden.se/loa/1.0/loa4"
UNCERTIFIED_LOA3 = "http://id.swedenconnect.se/loa/1.0/uncertified-loa3"
LOA3_PNR = "http://id.elegnamnden.se/ec/1.0/loa3-pnr"
LOA3_ORGID = "http://id.swedenconnect.se/ec/1.0/loa3-orgid"
CONTRACT = "http://id.swedenconnect.se/contract/sc/eid-choice-2017"
NATURAL_PERSON = "http://id.elegnamnden.se/ec/1.0/eidas-naturalperson"
ROLES = ("hub", "published", "reviewed")
NS = {"md": "urn:oasis:names:tc:SAML:2.0:metadata", "mdui": "urn:oasis:names:tc:SAML:metadata:ui"}
NS["saml"] = "urn:oasis:names:tc:SAML:2.0:assertion"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Folder]:
    """One production installation of each role."""
    root = tmp_path_factory.mktemp("roles")
    for role in ROLES:
        made = init(
            root / role, "--keys", "rsa2048", base_url="https://login.example.se", environment="qa", assurance=role
        )
        assert made.code == 0, made.err
    return {role: Folder(path=root / role) for role in ROLES}


@pytest.fixture
def documents(folders: dict[str, Folder]) -> Iterator[dict[str, OwnMetadataDocuments]]:
    with ExitStack() as stack:
        found = {}
        for role, folder in folders.items():
            opened = stack.enter_context(closing(open_all(load_settings(folder.config, {}))))
            found[role] = OwnMetadataDocuments(opened, build_keys(opened))
        yield found


def values_of(document: bytes, attribute: str) -> set[str]:
    """The values of an entity attribute."""
    path = f"//saml:Attribute[@Name='{attribute}']/saml:AttributeValue/text()"
    return {str(value) for value in etree.fromstring(document).xpath(path, namespaces=NS)}


def certified(document: bytes) -> set[str]:
    return values_of(document, "urn:oasis:names:tc:SAML:attribute:assurance-certification")


def categories(document: bytes) -> set[str]:
    return values_of(document, "http://macedir.org/entity-category")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("side", ["idp", "sp"])
def test_both_documents_are_signed_valid_for_a_week_and_name_the_service(
    folders: dict[str, Folder], documents: dict[str, OwnMetadataDocuments], role: str, side: str
) -> None:
    document = documents[role].idp() if side == "idp" else documents[role].sp()
    certificate = (folders[role].keys / f"{folders[role].key_named('signing')}.crt").read_bytes()
    assert is_signed_by(document, certificate, element="md:EntityDescriptor")
    root = etree.fromstring(document)
    left = datetime.fromisoformat(root.get("validUntil") or "") - datetime.now(UTC)
    assert timedelta(days=6) < left <= timedelta(days=7)
    assert root.get("cacheDuration")
    languages = root.xpath("//mdui:DisplayName/@xml:lang", namespaces=NS)
    assert set(languages) == {"sv", "en"}
    assert root.xpath("//mdui:Logo", namespaces=NS)
    assert root.xpath("//md:Organization", namespaces=NS)


@pytest.mark.parametrize(
    ("role", "certain", "never"),
    [
        ("hub", {LOA3, LOA4}, set()),
        ("published", {UNCERTIFIED_LOA3}, {LOA3, LOA4}),
        ("reviewed", {LOA3, UNCERTIFIED_LOA3}, {LOA4}),
    ],
)
def test_the_idp_declares_what_its_role_may_assert_and_nothing_more(
    documents: dict[str, OwnMetadataDocuments], role: str, certain: set[str], never: set[str]
) -> None:
    declared = certified(documents[role].idp())
    assert certain <= declared
    assert not never & declared


@pytest.mark.parametrize("role", ROLES)
def test_employees_are_promised_only_with_a_scope(
    documents: dict[str, OwnMetadataDocuments], folders: dict[str, Folder], role: str
) -> None:
    assert LOA3_ORGID not in categories(documents[role].idp())
    text = folders[role].config.read_text(encoding="utf-8").replace("[service]", '[service]\nscopes = ["2120001231"]')
    other = folders[role].path / "with-scopes.toml"
    other.write_text(text, encoding="utf-8")
    with closing(open_all(load_settings(other, {}))) as opened:
        promised = categories(OwnMetadataDocuments(opened, build_keys(opened)).idp())
    assert LOA3_ORGID in promised


def test_the_sp_asks_for_what_it_is_configured_to(folders: dict[str, Folder]) -> None:
    text = folders["hub"].config.read_text(encoding="utf-8")
    other = folders["hub"].path / "with-contracts.toml"
    other.write_text(text.replace("[service]", f'[service]\ncontracts = ["{CONTRACT}"]'), encoding="utf-8")
    with closing(open_all(load_settings(other, {}))) as opened:
        made = OwnMetadataDocuments(opened, build_keys(opened))
        assert {LOA3_PNR, CONTRACT, NATURAL_PERSON} <= categories(made.sp())
        assert CONTRACT not in categories(made.idp())


def test_a_document_is_kept_while_the_keys_stay_the_same(documents: dict[str, OwnMetadataDocuments]) -> None:
    assert documents["hub"].idp() == documents["hub"].idp()


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        pytest.param("logo.gif", b"GIF89a", ".png", id="another format"),
        pytest.param("logo.svg", b"<svg/>" * 20_000, "at most", id="too large"),
        pytest.param("none.svg", None, "none.svg", id="missing"),
    ],
)
def test_a_logo_that_cannot_be_served_is_refused(
    folders: dict[str, Folder], tmp_path: Path, name: str, content: bytes | None, word: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    settings = load_settings(folders["hub"].config, {"BROKER_SERVICE__LOGO": str(tmp_path / name)})
    with pytest.raises(ConfigRejected, match=word):
        load_logo(settings)


def test_a_logo_of_ones_own_is_served(folders: dict[str, Folder], tmp_path: Path) -> None:
    (tmp_path / "logo.PNG").write_bytes(b"\x89PNG")
    settings = load_settings(folders["hub"].config, {"BROKER_SERVICE__LOGO": str(tmp_path / "logo.PNG")})
    assert load_logo(settings).media_type == "image/png"
