"""Everything that `broker check` remarks, with its severity; and that `serve` refuses exactly what blocks."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.attack_peers import UpstreamPeer
from support.command_line import Folder, make_folder
from support.servers import HOST

from broker.config.key_files import write_key_pair

LOA3 = "http://id.elegnamnden.se/loa/1.0/loa3"
LOA4 = "http://id.elegnamnden.se/loa/1.0/loa4"
UNCERTIFIED = "http://id.swedenconnect.se/loa/1.0/uncertified-loa3"
UNUSED = 1  # nobody listens on this port


def remarks(folder: Folder) -> list[tuple[str, str, str]]:
    checked = folder.run("check", "--json")
    found = [(remark["severity"], remark["where"], remark["what"]) for remark in checked.json]
    assert checked.code == (2 if any(severity == "blocks" for severity, *_ in found) else 0)
    return found


def worse(folder: Folder) -> list[tuple[str, str, str]]:
    """Every remark that is more than information."""
    return [remark for remark in remarks(folder) if remark[0] != "information"]


def loosen(name: str) -> Callable[[Folder], None]:
    def change(folder: Folder) -> None:
        (path,) = folder.keys.glob(name)
        path.chmod(0o640)

    return change


def lose(name: str) -> Callable[[Folder], None]:
    def change(folder: Folder) -> None:
        (path,) = folder.keys.glob(name)
        path.unlink()

    return change


def spoil(name: str, content: bytes) -> Callable[[Folder], None]:
    def change(folder: Folder) -> None:
        (path,) = folder.keys.glob(name)
        path.write_bytes(content)

    return change


def exchange(folder: Folder) -> None:
    name = folder.key_named("signing")
    for ending in ("key", "crt"):
        (folder.keys / f"{name}.{ending}").unlink()
    write_key_pair(folder.keys, name, "p256", "another", datetime.now(UTC))


def edit(before: str, after: str) -> Callable[[Folder], None]:
    return lambda folder: folder.edit(before, after)


def end_soon(folder: Folder) -> None:
    soon = (datetime.now(UTC) + timedelta(days=20)).strftime("%Y-%m-%d %H:%M:%S.%f")
    connection = sqlite3.connect(folder.data / "durable.sqlite")
    connection.execute("UPDATE key_state SET not_after = ? WHERE use = 'signing'", (soon,))
    connection.commit()
    connection.close()


def test_a_fresh_installation_has_nothing_but_information(folder: Folder) -> None:
    assert {severity for severity, *_ in remarks(folder)} == {"information"}


def test_a_hub_is_told_what_it_must_confirm_and_others_are_not(folder: Folder, tmp_path: Path) -> None:
    assert any(where == "broker.assurance" for _, where, _ in remarks(folder))
    published = make_folder(tmp_path / "published", assurance="published")
    assert not any(where == "broker.assurance" for _, where, _ in remarks(published))


@pytest.mark.parametrize(
    ("change", "severity", "where", "word"),
    [
        pytest.param(loosen("signing-*.key"), "warning", "signing-", "chmod 600", id="a key that others can read"),
        pytest.param(loosen("name-id.secret"), "warning", "name-id", "chmod 600", id="a secret that others can read"),
        pytest.param(loosen("sealing.secret"), "warning", "sealing", "chmod 600", id="the other secret likewise"),
        pytest.param(lose("name-id.secret"), "blocks", "files", "name-id.secret", id="no secret for NameIDs"),
        pytest.param(lose("sealing.secret"), "blocks", "files", "sealing.secret", id="no secret for encryption"),
        pytest.param(spoil("sealing.secret", b"abc0\n"), "blocks", "files", "64 hex digits", id="a short secret"),
        pytest.param(lose("signing-*.key"), "blocks", "keys/signing-", "not here", id="no signing key"),
        pytest.param(lose("encryption-*.crt"), "blocks", "keys/encryption-", "not here", id="no certificate"),
        pytest.param(spoil("signing-*.key", b"x"), "blocks", "keys/signing-", "cannot be read", id="a spoilt key"),
        pytest.param(exchange, "blocks", "keys/signing-", "another key", id="another key of the same name"),
        pytest.param(end_soon, "warning", "keys/signing-", "rollover", id="a certificate that ends soon"),
        pytest.param(
            edit("[service]", '[service]\nlogo = "none.svg"'), "blocks", "files", "none.svg", id="no such logo"
        ),
        pytest.param(edit("[service]", '[service]\nlogo = "broker.toml"'), "blocks", "files", ".png", id="no picture"),
        pytest.param(
            edit('transient = ""', f'transient = "redis://{HOST}:{UNUSED}/0"'),
            "blocks",
            "stores.transient",
            "store-unavailable",
            id="Redis is down",
        ),
        pytest.param(
            edit('transient = ""', 'transient = "rediss+x://here"'),
            "blocks",
            "stores.transient",
            "rediss+x",
            id="no such kind of store",
        ),
        pytest.param(
            edit('durable = ""', f'durable = "postgresql+psycopg://broker@{HOST}:{UNUSED}/broker"'),
            "blocks",
            "stores.durable",
            "store-unavailable",
            id="PostgreSQL is down",
        ),
        pytest.param(
            edit('durable = ""', 'durable = "mysql://here/broker"'),
            "blocks",
            "stores.durable",
            "mysql",
            id="no such kind of database",
        ),
        pytest.param(
            edit('durable = ""', 'durable = "no/such/folder/x.sqlite"'),
            "blocks",
            "stores.durable",
            "store-unavailable",
            id="no folder for the file",
        ),
        pytest.param(
            edit('transient = ""', 'transient = "redis://h/0"\ntransient_password_file = "none"'),
            "blocks",
            "stores.transient",
            "none",
            id="no password file",
        ),
        pytest.param(
            edit("[stores]", f'[rules]\n"{LOA3}" = ["{LOA4}"]\n[stores]'),
            "blocks",
            "broker",
            "loa4",
            id="a rule that makes more of a level than it is",
        ),
    ],
)
def test_what_is_wrong_is_said_once(
    folder: Folder, change: Callable[[Folder], None], severity: str, where: str, word: str
) -> None:
    change(folder)
    found = worse(folder)
    assert len(found) == 1, found
    assert found[0][0] == severity
    assert where in found[0][1]
    assert word in found[0][2]
    if severity == "blocks":
        refused = folder.run("serve")
        assert refused.code == 2
        assert found[0][2] in refused.err


def test_levels_by_default_that_the_role_may_not_name_are_remarked(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "published", assurance="published")
    text = folder.config.read_text()
    start = text.index("default_contexts = [")
    end = text.index("]", start) + 1
    folder.config.write_text(f'{text[:start]}default_contexts = ["{LOA3}", "{UNCERTIFIED}"]{text[end:]}')
    assert [(severity, LOA3 in what) for severity, _, what in worse(folder)] == [("warning", True)]
    folder.config.write_text(f'{text[:start]}default_contexts = ["{LOA3}"]{text[end:]}')
    assert [(severity, LOA3 in what) for severity, _, what in worse(folder)] == [("blocks", True)]
    folder.config.write_text(f'{text[:start]}default_contexts = ["urn:x:unknown"]{text[end:]}')
    assert [(severity, "urn:x:unknown" in what) for severity, _, what in worse(folder)] == [("blocks", True)]


def test_logins_of_another_environment_are_not_taken_over_either(folder: Folder) -> None:
    folder.done("check")  # takes the store of logins into use for `test`
    for file in folder.data.glob("durable.sqlite*"):
        file.unlink()
    text = folder.config.read_text().replace('environment = "test"', 'environment = "qa"')
    folder.config.write_text(text.replace("http://127.0.0.1:18080", "https://login.example.se"))
    folder.done("migrate")
    ((severity, where, what),) = worse(folder)
    assert (severity, where) == ("blocks", "stores.transient")
    assert "'test'" in what
    assert folder.run("serve").code == 2


def test_everything_is_said_at_once(folder: Folder) -> None:
    lose("sealing.secret")(folder)
    lose("encryption-*.key")(folder)
    loosen("signing-*.key")(folder)
    folder.edit('transient = ""', f'transient = "redis://{HOST}:{UNUSED}/0"')
    assert sorted((severity, where.split("/")[0]) for severity, where, _ in worse(folder))[:3] == [
        ("blocks", "files"),
        ("blocks", "keys"),
        ("blocks", "stores.transient"),
    ]
    assert len(worse(folder)) == 4


def test_the_worst_is_printed_first_and_start_up_is_promised_only_when_nothing_blocks(folder: Folder) -> None:
    loosen("name-id.secret")(folder)
    said = folder.run("check").out.splitlines()
    assert said[0].startswith("warning")
    assert said[-1] == "Nothing prevents start-up."
    lose("sealing.secret")(folder)
    said = folder.run("check").out.splitlines()
    assert said[0].startswith("blocks")
    assert "Nothing prevents start-up." not in said


def test_no_secret_is_ever_printed(folder: Folder) -> None:
    secret = (folder.keys / "name-id.secret").read_text().strip()
    spoil("name-id.secret", f"{secret}\n{secret}x\n".encode())(folder)
    folder.edit('transient = ""', f'transient = "redis://user:hemligt@{HOST}:{UNUSED}/0"')
    for verb in ("check", "serve"):
        said = folder.run(verb)
        assert said.code == 2
        assert secret not in said.out + said.err
        assert "hemligt" not in said.out + said.err


def test_upstreams_are_missed_until_there_is_one(folder: Folder, tmp_path: Path) -> None:
    assert any("no active upstream" in what for _, _, what in remarks(folder))
    peer = tmp_path / "peer.xml"
    peer.write_text(UpstreamPeer().metadata())
    folder.done("metadata", "add", peer, "--kind", "upstream", "--loa", LOA3)
    assert not any("no active upstream" in what for _, _, what in remarks(folder))


def test_nothing_is_started_and_nothing_is_changed(folder: Folder) -> None:
    folder.done("check")
    before = {path.name: path.read_bytes() for path in folder.keys.iterdir()}
    settings = folder.config.read_bytes()
    folder.done("check")
    assert {path.name: path.read_bytes() for path in folder.keys.iterdir()} == before
    assert folder.config.read_bytes() == settings
