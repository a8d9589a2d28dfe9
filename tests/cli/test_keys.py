"""`broker keys`: every step of a rollover, and every step that is refused. Serving processes: see tests/journeys."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.command_line import Folder

from broker.config.key_files import KeyKind, write_key_pair
from broker.config.load import load_settings
from broker.stores.sql_keys import SqlHeartbeats
from broker.wiring.opened import open_all


def states(folder: Folder) -> dict[str, str]:
    return {key["key_id"]: key["state"] for key in folder.run("keys", "list", "--json").json}


def refused(folder: Folder, *arguments: str) -> str:
    outcome = folder.run("keys", *arguments)
    assert outcome.code == 1, outcome.out
    assert outcome.err.startswith("key-rejected: ")
    assert outcome.err.count("\n") == 1
    return outcome.err


def serve_elsewhere(folder: Folder, *keys: str, ago: timedelta = timedelta()) -> None:
    """Another node says that it holds these keys."""
    known = {key["key_id"]: key["fingerprint"] for key in folder.run("keys", "list", "--json").json}
    beats = SqlHeartbeats(open_all(load_settings(folder.config, {})).durable)
    beats.beat("elsewhere:1", frozenset(known[key] for key in keys), datetime.now(UTC) - ago)


def test_a_fresh_installation_has_one_active_key_of_each_use(folder: Folder) -> None:
    listed = folder.run("keys", "list", "--json").json
    assert {(key["use"], key["state"], len(key["fingerprint"])) for key in listed} == {
        ("signing", "active", 64),
        ("encryption", "active", 64),
    }
    table = folder.done("keys", "list")
    for key in listed:
        assert key["key_id"] in table
        assert key["fingerprint"] in table


@pytest.mark.parametrize("use", ["signing", "encryption"])
def test_a_whole_rollover(folder: Folder, use: str) -> None:
    old, new = folder.key_named(use), f"{use}-2"
    assert "published" in folder.done("keys", "add", new, "--use", use, "--kind", "rsa2048")
    assert {(folder.keys / f"{new}.{ending}").stat().st_mode & 0o777 for ending in ("key", "crt")} == {0o600}
    assert (states(folder)[old], states(folder)[new]) == ("active", "published")
    folder.done("keys", "promote", new)
    assert (states(folder)[old], states(folder)[new]) == ("published", "active")
    folder.done("keys", "retire", old)
    assert (states(folder)[old], states(folder)[new]) == ("retired", "active")
    (folder.keys / f"{old}.key").unlink()
    assert folder.run("check").code == 0


def test_a_pair_that_lies_there_is_taken_as_it_is(folder: Folder) -> None:
    write_key_pair(folder.keys, "signing-hsm", "p256", "ours", datetime.now(UTC))
    before = (folder.keys / "signing-hsm.key").read_bytes()
    folder.done("keys", "add", "signing-hsm", "--use", "signing")
    assert (folder.keys / "signing-hsm.key").read_bytes() == before
    assert states(folder)["signing-hsm"] == "published"


def test_a_key_is_added_once(folder: Folder) -> None:
    folder.done("keys", "add", "signing-2", "--use", "signing", "--kind", "p256")
    refused(folder, "add", "signing-2", "--use", "signing")
    (folder.keys / "copy.key").write_bytes((folder.keys / "signing-2.key").read_bytes())
    (folder.keys / "copy.crt").write_bytes((folder.keys / "signing-2.crt").read_bytes())
    refused(folder, "add", "copy", "--use", "signing")
    assert "copy" not in states(folder)


@pytest.mark.parametrize("name", ["Signing", "../evil", ".hidden", "a/b", "", "x" * 65, "å"], ids=repr)
def test_a_key_has_a_plain_name(folder: Folder, name: str) -> None:
    before = sorted(folder.path.rglob("*"))
    refused(folder, "add", name, "--use", "signing")
    assert sorted(folder.path.rglob("*")) == before


def test_an_elliptic_curve_does_not_encrypt(folder: Folder) -> None:
    refused(folder, "add", "encryption-2", "--use", "encryption", "--kind", "p256")
    assert "encryption-2" not in states(folder)
    assert not (folder.keys / "encryption-2.key").exists()


@pytest.mark.parametrize("spoilt", ["key", "crt"])
def test_half_a_pair_is_refused(folder: Folder, spoilt: str) -> None:
    write_key_pair(folder.keys, "signing-2", "p256", "ours", datetime.now(UTC))
    (folder.keys / f"signing-2.{spoilt}").unlink()
    refused(folder, "add", "signing-2", "--use", "signing")
    (folder.keys / f"signing-2.{spoilt}").write_text("nothing")
    refused(folder, "add", "signing-2", "--use", "signing")
    assert "signing-2" not in states(folder)


def test_a_certificate_of_another_key_is_refused(folder: Folder) -> None:
    for name in ("signing-2", "other"):
        write_key_pair(folder.keys, name, "p256", "ours", datetime.now(UTC))
    (folder.keys / "other.crt").replace(folder.keys / "signing-2.crt")
    assert "another key" in refused(folder, "add", "signing-2", "--use", "signing")


@pytest.mark.parametrize("kind", ["rsa1024", "p224", "p521", "ed25519"])
def test_a_kind_that_nobody_knows_is_misuse(folder: Folder, kind: KeyKind) -> None:
    assert folder.run("keys", "add", "signing-2", "--use", "signing", "--kind", kind).code == 2


def test_only_a_published_key_is_promoted_or_retired(folder: Folder) -> None:
    active = folder.key_named("signing")
    assert "active" in refused(folder, "promote", active)
    assert "active" in refused(folder, "retire", active)
    folder.done("keys", "add", "signing-2", "--use", "signing", "--kind", "p256")
    folder.done("keys", "retire", "signing-2")
    assert "retired" in refused(folder, "promote", "signing-2")
    assert "retired" in refused(folder, "retire", "signing-2")
    for verb in ("promote", "retire"):
        assert "no such key" in refused(folder, verb, "signing-3")


def test_a_key_is_promoted_when_every_live_node_holds_it(folder: Folder) -> None:
    active = folder.key_named("signing")
    folder.done("keys", "add", "signing-2", "--use", "signing", "--kind", "p256")
    serve_elsewhere(folder, active)
    assert "elsewhere:1" in refused(folder, "promote", "signing-2")
    assert states(folder)[active] == "active"
    serve_elsewhere(folder, active, "signing-2")
    folder.done("keys", "promote", "signing-2")


def test_a_node_that_has_fallen_silent_is_not_waited_for(folder: Folder) -> None:
    active = folder.key_named("signing")
    folder.done("keys", "add", "signing-2", "--use", "signing", "--kind", "p256")
    serve_elsewhere(folder, active, ago=timedelta(minutes=1))
    folder.done("keys", "promote", "signing-2")
    assert states(folder)["signing-2"] == "active"


def test_a_key_whose_file_is_gone_is_listed_and_remarked(folder: Folder) -> None:
    folder.done("keys", "add", "signing-2", "--use", "signing", "--kind", "p256")
    (folder.keys / "signing-2.key").unlink()
    assert states(folder)["signing-2"] == "published"
    checked = folder.run("check", "--json")
    assert checked.code == 0
    assert [r["where"] for r in checked.json if r["severity"] == "warning"] == ["keys/signing-2"]


def test_every_change_is_in_the_audit_with_who_and_what(folder: Folder) -> None:
    folder.done("keys", "add", "signing-2", "--use", "signing", "--kind", "p256")
    folder.done("keys", "promote", "signing-2")
    folder.done("keys", "add", "signing-3", "--use", "signing", "--kind", "p256")
    folder.done("keys", "retire", "signing-3")
    exported = folder.done("audit", "export")
    for action in ("keys add", "keys promote", "keys retire"):
        assert f'"action": "{action}"' in exported
    assert '"subject": "signing-2"' in exported


def test_no_private_key_is_ever_printed(folder: Folder) -> None:
    said = folder.done("keys", "add", "signing-2", "--use", "signing") + folder.done("keys", "list", "--json")
    said += folder.done("audit", "export")
    assert "PRIVATE" not in said
    for line in (folder.keys / "signing-2.key").read_text().splitlines()[1:-1]:
        assert line not in said


def test_a_folder_that_is_gone_is_a_sentence(folder: Folder, tmp_path: Path) -> None:
    folder.keys.rename(tmp_path / "elsewhere")
    assert str(folder.keys) in refused(folder, "add", "signing-2", "--use", "signing")
