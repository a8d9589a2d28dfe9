"""`broker metadata …` as an operator types it: what it prints, what it changes, how it exits."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from support.metadata_desks import DeskBench
from support.metadata_files import LOA2, LOA3, EServiceDraft, UpstreamDraft, fingerprint_of, rsa, signed_aggregate

from broker.cli.metadata import metadata_group
from broker.config.template import render_settings

E_SERVICE, UPSTREAM = "https://bygglov.example.se/sp", "https://eid.example.se/idp"
FEED = "https://md.example.se/all"
FINE, REFUSED, MISUSED = 0, 1, 2


class Shell:
    """The commands over one desk, in one folder."""

    def __init__(self, bench: DeskBench, folder: Path) -> None:
        self.bench = bench
        self.folder = folder
        self.config = folder / "broker.toml"
        text = render_settings(
            base_url="https://login.example.se",
            environment="production",
            assurance="hub",
            organisation="Exempelkommunen",
        )
        self.config.write_text(text, encoding="utf-8")
        self._group: click.Group = metadata_group(lambda _settings: bench.desk())

    def run(self, *arguments: str, language: str = "en_GB.UTF-8") -> Result:
        """One command."""
        runner = CliRunner(env={"LC_ALL": language})
        result = runner.invoke(self._group, [*arguments, "--config", str(self.config)])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    def json(self, *arguments: str) -> Any:
        """What one command answers to a program."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def file(self, content: str | bytes, name: str = "metadata.xml") -> str:
        """A file with `content`."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    bench = DeskBench(tmp_path)
    yield Shell(bench, tmp_path)
    bench.engine.dispose()


@pytest.fixture
def add(shell: Shell) -> Callable[..., Result]:
    """Adds the two peers of most stories."""

    def run(xml: str | bytes, kind: str, *options: str) -> Result:
        return shell.run("add", shell.file(xml), "--kind", kind, *options)

    return run


Add = Callable[..., Result]


def signer_file(shell: Shell, name: str = "signer") -> str:
    return shell.file(rsa(name).certificate, f"{name}.crt")


# --- add -------------------------------------------------------------------------------------------------------


def test_add_shows_findings_and_the_change_and_activates(shell: Shell, add: Add) -> None:
    result = add(EServiceDraft().xml(), "e-service")
    assert result.exit_code == FINE
    assert "warning [signature-none-vouched]" in result.stdout
    assert f"+ e-service {E_SERVICE} (Bygglov)" in result.stdout
    assert "Version 1 is active." in result.stdout
    assert shell.bench.active() == {("e-service", E_SERVICE)}


def test_add_answers_programs_in_json(shell: Shell) -> None:
    answer = shell.json("add", shell.file(UpstreamDraft().xml()), "--kind", "upstream")
    assert (answer["refused"], answer["before"], answer["after"], answer["active"]) == (False, 0, 1, 1)
    assert answer["subject"] == UPSTREAM
    warning = next(finding for finding in answer["findings"] if finding["rule"] == "signature-none-vouched")
    assert set(warning) == {"rule", "severity", "entity_id", "line", "sv", "en", "fix_sv", "fix_en"}
    assert answer["changes"]["peers"][0]["what"] == "added"


def test_a_refused_file_exits_1_and_leaves_what_is_active(shell: Shell, add: Add) -> None:
    add(EServiceDraft().xml(), "e-service")
    result = add("<!DOCTYPE a><a/>", "e-service")
    assert result.exit_code == REFUSED
    assert "blocks [document-has-dtd] line 1" in result.stdout
    assert "Refused. Version 1 stays active." in result.stdout


def test_findings_speak_swedish_to_who_does(shell: Shell) -> None:
    result = shell.run("add", shell.file("<a/>"), "--kind", "upstream", language="sv_SE.UTF-8")
    assert "Ladda upp SAML 2.0-metadata." in result.stdout


def test_information_is_shown_on_request(shell: Shell, add: Add) -> None:
    assert "more for information" in add(EServiceDraft().xml(), "e-service").stdout
    other = EServiceDraft(entity_id="urn:other").xml()
    assert "information [logo-missing]" in add(other, "e-service", "--verbose").stdout


def test_a_federation_is_added_with_its_signer(shell: Shell, add: Add) -> None:
    result = add(signed_aggregate(UpstreamDraft().xml()), "federation", "--signer", signer_file(shell))
    assert result.exit_code == FINE
    assert shell.bench.active() == {("upstream", UPSTREAM)}


def test_a_federation_without_signer_or_with_a_wrong_one_is_refused(shell: Shell, add: Add) -> None:
    data = signed_aggregate(UpstreamDraft().xml())
    without = add(data, "federation")
    wrong = add(data, "federation", "--signer", signer_file(shell, "other"))
    assert (without.exit_code, wrong.exit_code) == (REFUSED, REFUSED)
    assert "[signer-required]" in without.stdout
    assert "[signature-wrong-signer]" in wrong.stdout


def test_signers_may_be_several(shell: Shell, add: Add) -> None:
    options = ("--signer", signer_file(shell, "other"), "--signer", signer_file(shell))
    assert add(signed_aggregate(UpstreamDraft().xml()), "federation", *options).exit_code == FINE


def test_add_takes_the_administrators_word(shell: Shell, add: Add) -> None:
    options = ("--loa", LOA3, "--loa", LOA2, "--category", "urn:own", "--dialect", "bankid", "--why", "avtal 17")
    assert add(UpstreamDraft(levels=()).xml(), "upstream", *options).exit_code == FINE
    settings = shell.bench.peer(UPSTREAM).settings
    assert settings.vouched_contexts == (LOA3, LOA2)
    assert settings.vouched_categories == ("urn:own",)
    assert settings.dialect == "bankid"
    assert shell.bench.desk().history()[0].act.why == "avtal 17"


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "missing.xml", "--kind", "upstream"),
        ("add", "broker.toml"),
        ("add", "broker.toml", "--kind", "nonsense"),
        ("set", UPSTREAM),
        ("set", UPSTREAM, "--loa", LOA3, "--no-loa"),
        ("set", UPSTREAM, "--upstream", "urn:a", "--all-upstreams"),
        ("rollback", "yesterday"),
    ],
    ids=lambda arguments: " ".join(arguments)[:40],
)
def test_misuse_exits_2(shell: Shell, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shell.folder)
    assert shell.run(*arguments).exit_code == MISUSED


def test_a_broken_configuration_exits_2(shell: Shell) -> None:
    shell.config.write_text("nonsense = true\n", encoding="utf-8")
    assert shell.run("list").exit_code == MISUSED


# --- list and show ---------------------------------------------------------------------------------------------


def test_list_names_peers_levels_categories_and_federations(shell: Shell, add: Add) -> None:
    add(signed_aggregate(UpstreamDraft().xml()), "federation", "--signer", signer_file(shell))
    add(EServiceDraft().xml(), "e-service")
    result = shell.run("list")
    assert result.exit_code == FINE
    for text in (
        "Exempel-id",
        UPSTREAM,
        LOA3,
        "Bygglov",
        E_SERVICE,
        f"Federation {FEED}",
        fingerprint_of(rsa("signer")),
    ):
        assert text in result.stdout


def test_list_answers_programs_with_everything(shell: Shell, add: Add) -> None:
    bad = UpstreamDraft(entity_id="urn:bad", key_descriptors="").xml()
    add(signed_aggregate(UpstreamDraft().xml(), bad), "federation", "--signer", signer_file(shell))
    answer = shell.json("list")
    (peer,) = answer["peers"]
    assert (peer["name"], peer["levels"], peer["source"]) == ("Exempel-id", [LOA3], FEED)
    assert answer["sources"][0]["signed_by"] == fingerprint_of(rsa("signer"))
    (quarantined,) = answer["quarantined"]
    assert (quarantined["entity_id"], quarantined["findings"][0]["rule"]) == ("urn:bad", "signing-key-missing")


def test_list_can_be_narrowed_and_paged(shell: Shell, add: Add) -> None:
    add(UpstreamDraft().xml(), "upstream")
    add(EServiceDraft().xml(), "e-service")
    shell.run("block", UPSTREAM)

    def listed(*options: str) -> list[str]:
        return [peer["entity_id"] for peer in shell.json("list", *options)["peers"]]

    assert listed() == [E_SERVICE, UPSTREAM]
    assert listed("--kind", "upstream") == [UPSTREAM]
    assert listed("--search", "bygg") == [E_SERVICE]
    assert listed("--blocked") == [UPSTREAM]
    assert listed("--limit", "1", "--offset", "1") == [UPSTREAM]
    assert "(1 more)" in shell.run("list", "--limit", "1").stdout


def test_show_tells_keys_addresses_and_what_was_said(shell: Shell, add: Add) -> None:
    add(UpstreamDraft(scopes=("example.se",)).xml(), "upstream", "--loa", LOA2)
    result = shell.run("show", UPSTREAM)
    assert result.exit_code == FINE
    for text in (fingerprint_of(rsa()), "https://eid.example.se/sso", "vouched-level", LOA2, "scope", "example.se"):
        assert text in result.stdout
    (detail,) = shell.json("show", UPSTREAM)
    assert detail["fields"]["vouched-level"] == [LOA2]


def test_show_of_nobody_exits_1(shell: Shell) -> None:
    result = shell.run("show", "urn:nobody")
    assert (result.exit_code, result.stdout) == (REFUSED, "")
    assert "urn:nobody is not active" in result.stderr


# --- set, block, remove ----------------------------------------------------------------------------------------


def test_set_changes_what_was_said(shell: Shell, add: Add) -> None:
    add(EServiceDraft().xml(), "e-service")
    result = shell.run("set", E_SERVICE, "--upstream", UPSTREAM, "--sso", "--signature-service", "--category", "urn:x")
    assert result.exit_code == FINE
    assert "warning [upstream-unknown]" in result.stdout
    assert f"    + allowed-upstream: {UPSTREAM}" in result.stdout
    shell.run("set", E_SERVICE, "--all-upstreams", "--no-sso", "--no-category")
    fields = shell.json("show", E_SERVICE)[0]["fields"]
    assert (fields["allowed-upstream"], fields["single-sign-on"]) == (["(all)"], ["no"])
    assert "vouched-category" not in fields


def test_block_and_lift(shell: Shell, add: Add) -> None:
    add(UpstreamDraft().xml(), "upstream")
    assert shell.run("block", UPSTREAM, "--why", "läckt nyckel").exit_code == FINE
    assert "(blocked)" in shell.run("list").stdout
    assert shell.run("block", UPSTREAM).stdout.endswith("Nothing was changed. Version 2 is active.\n")
    assert shell.run("block", UPSTREAM, "--lift").exit_code == FINE
    assert "(blocked)" not in shell.run("list").stdout


def test_remove_takes_a_peer_or_a_whole_federation(shell: Shell, add: Add) -> None:
    add(signed_aggregate(UpstreamDraft().xml()), "federation", "--signer", signer_file(shell))
    add(EServiceDraft().xml(), "e-service")
    assert shell.run("remove", UPSTREAM).exit_code == REFUSED
    assert shell.run("remove", E_SERVICE).exit_code == FINE
    assert shell.run("remove", FEED).exit_code == FINE
    assert shell.bench.active() == set()


# --- history, diff, rollback -----------------------------------------------------------------------------------


def test_history_lists_who_what_and_why(shell: Shell, add: Add) -> None:
    add(UpstreamDraft().xml(), "upstream", "--why", "avtal 17")
    shell.run("block", UPSTREAM)
    lines = shell.run("history").stdout.splitlines()
    assert lines[0].split() == ["VERSION", "UTC", "WHO", "WHAT", "SUBJECT", "WHY"]
    assert "metadata block" in lines[1]
    assert "anna" in lines[2]
    assert "avtal 17" in lines[2]
    assert [entry["version"] for entry in shell.json("history")] == [2, 1]
    assert [entry["version"] for entry in shell.json("history", "--before", "2")] == [1]


def test_diff_compares_versions(shell: Shell, add: Add) -> None:
    add(UpstreamDraft().xml(), "upstream")
    add(UpstreamDraft(levels=(LOA2,)).xml(), "upstream")
    result = shell.run("diff")
    assert f"    - level: {LOA3}\n    + level: {LOA2}" in result.stdout
    assert shell.json("diff", "0")["peers"][0]["what"] == "added"
    assert shell.json("diff", "0", "--to", "0")["total"] == 0
    assert "Nothing differs." in shell.run("diff", "2").stdout


def test_diff_names_federations_that_changed(shell: Shell, add: Add) -> None:
    add(signed_aggregate(UpstreamDraft().xml()), "federation", "--signer", signer_file(shell))
    assert f"+ federation {FEED}" in shell.run("diff").stdout
    assert shell.json("diff")["sources"][0]["name"] == FEED


def test_rollback_undoes_and_says_what_it_does_not(shell: Shell, add: Add) -> None:
    add(UpstreamDraft(keys=(rsa("old"),), names={"sv": "Först"}).xml(), "upstream")
    add(UpstreamDraft(keys=(rsa("new"),)).xml(), "upstream")
    add(EServiceDraft().xml(), "e-service")
    assert shell.run("rollback").exit_code == FINE
    assert shell.bench.active() == {("upstream", UPSTREAM)}
    result = shell.run("rollback", "1")
    assert result.exit_code == FINE
    assert "[rollback-key-withdrawn]" in result.stdout
    assert shell.run("rollback", "77").exit_code == REFUSED
