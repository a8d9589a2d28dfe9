"""Settings: every problem at once, every default pinned, environment over file."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from broker.config.load import load_settings
from broker.config.settings import Settings
from broker.config.template import render_settings
from broker.core.errors import ConfigRejected
from broker.stores.opening import sqlite_path

DEFAULTS = "broker.default_contexts.0"
BASE = """
[broker]
base_url = "https://login.example.se"
environment = "production"
assurance = "hub"
[organisation]
name = { sv = "Kommunen" }
display_name = { sv = "Kommunen" }
url = { sv = "https://kommun.example.se" }
[service]
name = { sv = "Inloggning" }
description = { sv = "Gemensam" }
"""


def load(folder: Path, text: str = BASE, environ: Mapping[str, str] | None = None) -> Settings:
    file = folder / "broker.toml"
    file.write_text(text, encoding="utf-8")
    return load_settings(file, environ or {})


def problems(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigRejected) as rejected:
        load(folder, text, environ)
    return rejected.value.problems


def changed(old: str, new: str) -> str:
    assert old in BASE
    return BASE.replace(old, new)


def test_defaults_are_the_safe_choice(tmp_path: Path) -> None:
    settings = load(tmp_path)
    found = settings.broker.model_dump(exclude={"base_url", "environment", "assurance"})
    assert found == {
        "reviewed_level": None,
        "nonresident_agreement": False,
        "relay_eidas_names": False,
        "idp_entity_id": "",
        "sp_entity_id": "",
        "default_contexts": None,
        "eidas_connectors": (),
        "federation_e_services": (),
        "trusted_proxies": (),
        "ops_networks": ("127.0.0.0/8", "::1/128"),
        "clock_skew_s": 30,
        "request_max_age_s": 180,
        "login_lifetime_s": 1800,
        "page_lifetime_s": 900,
        "answer_lifetime_s": 60,
    }
    assert settings.broker.idp == "https://login.example.se/saml/idp"
    assert settings.broker.sp == "https://login.example.se/saml/sp"
    assert settings.transient_url == f"sqlite:///{tmp_path / 'data' / 'transient.sqlite'}"
    assert settings.durable_url == f"sqlite:///{tmp_path / 'data' / 'durable.sqlite'}"
    assert (settings.serve.bind, settings.serve.workers, settings.serve.threads) == ("127.0.0.1:8080", 2, 4)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        pytest.param(BASE + "\n[surprise]\nx = 1\n", "surprise", id="unknown table"),
        pytest.param(changed('assurance = "hub"', 'assurance = "hub"\nskip = true'), "broker.skip", id="unknown key"),
        pytest.param(changed('assurance = "hub"', ""), "broker.assurance", id="assurance has no default"),
        pytest.param(changed('"hub"', '"admin"'), "broker.assurance", id="unknown role"),
        pytest.param(changed('"production"', '"dev"'), "broker.environment", id="unknown environment"),
        pytest.param(changed("https://login.example.se", "https://login.example.se/x"), "broker.base_url", id="path"),
        pytest.param(changed("https://login.example.se", "http://127.0.0.1:1"), "broker", id="http in production"),
        pytest.param(
            changed("https://login.example.se", "http://login.example.se").replace('"production"', '"test"'),
            "broker",
            id="http off loopback in test",
        ),
        pytest.param(changed('"hub"', '"reviewed"'), "broker", id="reviewed without a level"),
        pytest.param(changed('"hub"', '"hub"\nreviewed_level = 3'), "broker", id="a level without a review"),
        pytest.param(changed('"hub"', '"published"\nrelay_eidas_names = true'), "broker", id="eIDAS names, no hub"),
        pytest.param(changed('"hub"', '"hub"\nclock_skew_s = 61'), "broker.clock_skew_s", id="skew over a minute"),
        pytest.param(changed('"hub"', '"hub"\ndefault_contexts = ["urn:x"]'), DEFAULTS, id="unknown context"),
        pytest.param(
            changed('"hub"', '"hub"\ntrusted_proxies = ["x"]'), "broker.trusted_proxies.0", id="not a network"
        ),
        pytest.param(changed("url = { sv =", "url = { en ="), "organisation.url", id="no Swedish"),
        pytest.param('home = "/"\n' + BASE, "home", id="the folder is not a setting"),
        pytest.param(changed('example.se"\nenv', 'example.se:443"\nenv'), "broker.base_url", id="the default port"),
        pytest.param(changed("https://login.", "https://LOGIN."), "broker.base_url", id="capitals"),
        pytest.param(changed('example.se"\nenv', 'example.se?"\nenv'), "broker.base_url", id="an empty query"),
        pytest.param(changed('example.se"\nenv', 'example.se:99999"\nenv'), "broker.base_url", id="no such port"),
        pytest.param(
            changed('"hub"', '"hub"\nidp_entity_id = "urn:x"\nsp_entity_id = "urn:x"'), "broker", id="one id for both"
        ),
        pytest.param(changed('"hub"', '"hub"\nidp_entity_id = "urn: x"'), "broker.idp_entity_id", id="a space"),
        pytest.param(changed('name = { sv = "Inl', 'name = { en = "Inl'), "service.name", id="no Swedish for citizens"),
        pytest.param(changed('name = { sv = "Inloggning" }', 'name = { sv = "" }'), "service.name.sv", id="no text"),
        pytest.param(
            changed('description = { sv = "Gem', 'description = { sv = "a\\u0000b'),
            "service.description.sv",
            id="NUL",
        ),
        pytest.param(changed('sv = "https://kommun', 'sv = "kommun'), "organisation.url.sv", id="no address"),
        *(
            pytest.param(f'{BASE}[serve]\nbind = "{bind}"\n', "serve.bind", id=f"bind {bind}")
            for bind in (
                "8080",
                "127.0.0.1",
                "127.0.0.1:",
                ":8080",
                "127.0.0.1:0",
                "127.0.0.1:65536",
                "::1:8080",
                "a b:1",
            )
        ),
    ],
)
def test_each_problem_names_its_key(tmp_path: Path, text: str, path: str) -> None:
    assert [problem.split(":")[0] for problem in problems(tmp_path, text)] == [path]


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    text = changed('"production"', '"dev"').replace('"hub"', '"admin"') + "\n[surprise]\n"
    found = {problem.split(":")[0] for problem in problems(tmp_path, text)}
    assert found == {"broker.environment", "broker.assurance", "surprise"}


@pytest.mark.parametrize(
    ("content", "word"),
    [(b"[broker", "TOML"), (b"\xff\xfe", "UTF-8")],
    ids=["broken TOML", "not UTF-8"],
)
def test_an_unreadable_file_is_named(tmp_path: Path, content: bytes, word: str) -> None:
    file = tmp_path / "broker.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigRejected) as rejected:
        load_settings(file, {})
    assert str(file) in rejected.value.problems[0]
    assert word in rejected.value.problems[0]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigRejected) as rejected:
        load_settings(tmp_path / "none.toml", {})
    assert "none.toml" in rejected.value.problems[0]


def test_environment_variables_override_the_file(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        environ={
            "BROKER_STORES__TRANSIENT": "redis://127.0.0.1:1/0",
            "BROKER_BROKER__TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.0/24",
            "BROKER_SERVE__WORKERS": "3",
            "BROKER_SERVICE_HOST": "10.0.0.1",  # set by container platforms; not ours
        },
    )
    assert settings.transient_url == "redis://127.0.0.1:1/0"
    assert settings.broker.trusted_proxies == ("10.0.0.0/8", "192.0.2.0/24")
    assert settings.serve.workers == 3


@pytest.mark.parametrize("bind", ["127.0.0.1:8080", "0.0.0.0:80", "[::1]:8443", "localhost:8080", "broker-1.lan:65535"])
def test_an_address_to_serve_at(tmp_path: Path, bind: str) -> None:
    assert load(tmp_path, f'{BASE}[serve]\nbind = "{bind}"\n').serve.bind == bind


@pytest.mark.parametrize(
    ("written", "where"),
    [
        ("sqlite:///data/x.sqlite", "data/x.sqlite"),
        ("data/x.sqlite", "data/x.sqlite"),
        ("sqlite:////var/lib/broker/x.sqlite", "/var/lib/broker/x.sqlite"),
        ("/var/lib/broker/x.sqlite", "/var/lib/broker/x.sqlite"),
        ("sqlite:///med%20mellanslag/x.sqlite", "med mellanslag/x.sqlite"),
    ],
)
def test_a_file_of_a_store_lies_beside_the_settings(tmp_path: Path, written: str, where: str) -> None:
    settings = load(tmp_path, f'{BASE}[stores]\ntransient = "{written}"\ndurable = "{written}"\n')
    for url in (settings.transient_url, settings.durable_url):
        assert sqlite_path(url, "") == tmp_path / where


@pytest.mark.parametrize("url", ["redis://h:1/0", "postgresql+psycopg://u@h/d", "mysql://h/d", "sqlite:///x?mode=ro"])
def test_any_other_store_is_as_it_is_written(tmp_path: Path, url: str) -> None:
    settings = load(tmp_path, f'{BASE}[stores]\ntransient = "{url}"\ndurable = "{url}"\n')
    assert (settings.transient_url, settings.durable_url) == (url, url)


def test_stores_work_in_a_folder_of_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "år 2026 #1? 50%25"
    folder.mkdir()
    settings = load(folder)
    assert sqlite_path(settings.durable_url, "") == folder / "data" / "durable.sqlite"


def test_a_misspelt_override_is_a_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, BASE, {"BROKER_STORES__TRANSIENTE": "x"}) == (
        "BROKER_STORES__TRANSIENTE: there is no setting stores.transiente",
    )


@pytest.mark.parametrize("assurance", ["hub", "published", "reviewed"])
@pytest.mark.parametrize("environment", ["production", "qa", "test"])
def test_what_init_writes_loads(tmp_path: Path, environment: str, assurance: str) -> None:
    text = render_settings(
        base_url="https://login.example.se",
        environment=environment,  # type: ignore[arg-type]  # parametrised over the literal's values
        assurance=assurance,  # type: ignore[arg-type]  # likewise
        organisation='Åre "kommun" \\ [x]',
    )
    settings = load(tmp_path, text)
    assert settings.organisation.name["sv"] == 'Åre "kommun" \\ [x]'
    assert settings.broker.assurance == assurance


def test_the_example_in_the_repository_is_what_init_writes() -> None:
    example = Path(__file__).parents[2] / "config" / "broker.example.toml"
    text = render_settings(
        base_url="https://login.example.se",
        environment="production",
        assurance="hub",
        organisation="Exempelkommunen",
    )
    assert example.read_text(encoding="utf-8") == text
