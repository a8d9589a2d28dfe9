"""What `broker init` writes, and what it leaves alone."""

import os
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from support.command_line import Folder, broker, init, make_folder

from broker.config.load import load_settings


def modes(folder: Path) -> dict[str, str]:
    """Every file and folder below `folder` that is not for the owner only, with its mode."""
    found = {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
    return {name: oct(mode) for name, mode in found.items() if mode & 0o077}


def test_it_writes_settings_keys_secrets_and_stores_for_the_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = make_folder(tmp_path / "new" / "broker")
    finally:
        os.umask(before)
    written = {str(path.relative_to(folder.path)) for path in folder.path.rglob("*") if path.is_file()}
    written -= {"data/durable.sqlite-wal", "data/durable.sqlite-shm"}  # while this process has the store open
    signing, encryption = folder.key_named("signing"), folder.key_named("encryption")
    assert written == {
        "broker.toml",
        *(f"keys/{name}.{ending}" for name in (signing, encryption) for ending in ("key", "crt")),
        "keys/name-id.secret",
        "keys/sealing.secret",
        "data/durable.sqlite",
    }
    assert modes(folder.path) == {}


def test_what_it_writes_can_start(tmp_path: Path) -> None:
    checked = make_folder(tmp_path / "broker").run("check")
    assert (checked.code, "Nothing prevents start-up." in checked.out) == (0, True)


@pytest.mark.parametrize("environment", ["production", "qa", "test"])
@pytest.mark.parametrize("assurance", ["hub", "published", "reviewed"])
def test_every_role_in_every_environment_can_start(tmp_path: Path, environment: str, assurance: str) -> None:
    made = init(
        tmp_path / "broker",
        *("--keys", "rsa2048", "--organisation", 'Åre "kommun" \\ [x]'),
        base_url="https://login.example.se",
        environment=environment,
        assurance=assurance,
    )
    assert made.code == 0, made.err
    settings = load_settings(tmp_path / "broker" / "broker.toml", {})
    assert (settings.broker.environment, settings.broker.assurance) == (environment, assurance)
    assert settings.organisation.name["sv"] == 'Åre "kommun" \\ [x]'
    assert bool(settings.broker.eidas_connectors) == (environment != "test")
    remarks = Folder(path=tmp_path / "broker").run("check", "--json").json
    assert [remark for remark in remarks if remark["severity"] != "information"] == []


@pytest.mark.parametrize(
    ("kind", "signing", "encryption"),
    [("rsa3072", 3072, 3072), ("rsa2048", 2048, 2048), ("p256", 256, 3072), (None, 3072, 3072)],
    ids=["rsa3072", "rsa2048", "p256", "default"],
)
def test_keys_are_of_the_kind_that_was_asked_for_and_encryption_is_rsa(
    tmp_path: Path, kind: str | None, signing: int, encryption: int
) -> None:
    assert init(tmp_path / "broker", *(("--keys", kind) if kind else ())).code == 0
    folder = Folder(path=tmp_path / "broker")
    for use, bits in (("signing", signing), ("encryption", encryption)):
        name = folder.key_named(use)
        key = load_pem_private_key((folder.keys / f"{name}.key").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey if bits == 256 else rsa.RSAPrivateKey)
        assert key.key_size == bits
        certificate = x509.load_pem_x509_certificate((folder.keys / f"{name}.crt").read_bytes())
        assert certificate.public_key() == key.public_key()
    states = {(entry["use"], entry["state"]) for entry in folder.run("keys", "list", "--json").json}
    assert states == {("signing", "active"), ("encryption", "active")}


def test_two_brokers_share_no_secret(tmp_path: Path) -> None:
    first, second = make_folder(tmp_path / "a"), make_folder(tmp_path / "b")
    for name in ("name-id.secret", "sealing.secret"):
        assert (first.keys / name).read_bytes() != (second.keys / name).read_bytes()


@pytest.mark.parametrize("taken", ["broker.toml", "keys", "data"])
def test_it_never_overwrites(tmp_path: Path, taken: str) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    if taken == "broker.toml":
        (folder / taken).write_text("mine")
    else:
        (folder / taken).mkdir()
    refused = init(folder)
    assert refused.code == 2
    assert str(folder / taken) in refused.err
    assert [path.name for path in folder.iterdir()] == [taken]


def test_a_second_call_changes_nothing(folder: Folder) -> None:
    before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    assert init(folder.path).code == 2
    assert {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()} == before


def test_a_link_that_leads_nowhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "broker").mkdir()
    (tmp_path / "broker" / "broker.toml").symlink_to(tmp_path / "elsewhere.toml")
    assert init(tmp_path / "broker").code == 2
    assert not (tmp_path / "elsewhere.toml").exists()


@pytest.mark.parametrize(
    ("base_url", "environment"),
    [
        pytest.param("http://login.example.se", "test", id="http off this machine"),
        pytest.param("http://127.0.0.1:8080", "production", id="http in production"),
        pytest.param("http://localhost.example.se:8080", "test", id="not loopback"),
        pytest.param("https://login.example.se/broker", "production", id="a path"),
        pytest.param("https://login.example.se/", "production", id="a slash"),
        pytest.param("https://login.example.se?x", "production", id="a query"),
        pytest.param("https://login.example.se?", "production", id="an empty query"),
        pytest.param("https://login.example.se#", "production", id="an empty fragment"),
        pytest.param("https://u:p@login.example.se", "production", id="a password"),
        pytest.param("https://@login.example.se", "production", id="an empty name"),
        pytest.param("https://login.example.se:", "production", id="an empty port"),
        pytest.param("https://login.example.se:0", "production", id="port 0"),
        pytest.param("https://login.example.se:65536", "production", id="no such port"),
        pytest.param("https://login.example.se:443", "production", id="the default port"),
        pytest.param("https://Login.example.se", "production", id="capitals"),
        pytest.param("https://[::1", "production", id="half an address"),
        pytest.param("https://", "production", id="no host"),
        pytest.param("login.example.se", "production", id="no scheme"),
        pytest.param("ftp://login.example.se", "production", id="another scheme"),
        pytest.param("https://räksmörgås.se", "production", id="not as browsers send it"),
        pytest.param("https://login.example.se evil", "production", id="a space"),
        pytest.param("", "production", id="empty"),
    ],
)
def test_a_bad_address_is_refused_and_leaves_nothing_behind(tmp_path: Path, base_url: str, environment: str) -> None:
    refused = init(tmp_path / "broker", base_url=base_url, environment=environment)
    assert refused.code == 2
    assert "base_url" in refused.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", " ", "två\nrader", "\x07"], ids=["empty", "blank", "two lines", "a bell"])
def test_a_name_that_no_document_could_show_is_refused(tmp_path: Path, name: str) -> None:
    refused = init(tmp_path / "broker", "--organisation", name)
    assert (refused.code, "organisation" in refused.err) == (2, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", ["--base-url", "--environment", "--assurance"])
def test_who_the_broker_is_has_no_default(tmp_path: Path, missing: str) -> None:
    given = {"--base-url": "https://login.example.se", "--environment": "qa", "--assurance": "hub"}
    options = [part for option, value in given.items() if option != missing for part in (option, value)]
    refused = broker("init", tmp_path / "broker", *options)
    assert (refused.code, missing in refused.err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_used_as_it_is(tmp_path: Path) -> None:
    assert init(tmp_path, "--keys", "rsa2048").code == 0
    assert (tmp_path / "broker.toml").exists()


def test_a_failure_half_way_leaves_an_existing_folder_empty_for_the_next_try(tmp_path: Path) -> None:
    elsewhere = {"BROKER_STORES__DURABLE": str(tmp_path / "missing" / "durable.sqlite")}
    folder = tmp_path / "broker"
    folder.mkdir()
    options = ("--base-url", "https://kommun.example.se", "--environment", "qa", "--assurance", "hub", "--keys", "p256")
    assert broker("init", folder, *options, env=elsewhere).code == 2
    assert list(folder.iterdir()) == []
    assert broker("init", folder, *options).code == 0


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = init(tmp_path / "file" / "broker")
    assert refused.code == 2
    assert refused.err.count("\n") == 1
    assert str(tmp_path / "file" / "broker") in refused.err
