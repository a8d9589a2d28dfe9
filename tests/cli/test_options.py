"""What every verb has in common: settings from a file and the environment, and three exit codes."""

import json
from pathlib import Path

import pytest
from support.command_line import Folder, broker

from broker.cli.main import build_cli
from broker.wiring.commands import build_parts

VERBS: tuple[tuple[str, ...], ...] = (
    ("audit", "export"),
    ("audit", "verify"),
    ("check",),
    ("explain", "--e-service", "https://nobody.example.se"),
    ("keys", "add", "signing-2", "--use", "signing"),
    ("keys", "list"),
    ("keys", "promote", "signing-2"),
    ("keys", "retire", "signing-2"),
    ("metadata", "block", "https://nobody.example.se"),
    ("metadata", "diff"),
    ("metadata", "history"),
    ("metadata", "list"),
    ("metadata", "remove", "https://nobody.example.se"),
    ("metadata", "rollback"),
    ("metadata", "set", "https://nobody.example.se", "--no-sso"),
    ("metadata", "show", "https://nobody.example.se"),
    ("migrate",),
    ("serve",),
)
SAYING = {("audit", "export"), ("keys", "add"), ("keys", "promote"), ("keys", "retire"), ("migrate",), ("serve",)}
PRINTING = tuple(verb for verb in VERBS if verb[:2] not in SAYING)  # the others say sentences, or speak JSON only
every_verb = pytest.mark.parametrize("verb", VERBS, ids=" ".join)


def names_of_verbs() -> set[str]:
    """Every verb that the command has, with its group."""
    found = set()
    for name, command in build_cli(build_parts()).commands.items():
        inner = getattr(command, "commands", None)
        found |= {f"{name} {verb}" for verb in inner} if inner else {name}
    return found


def test_every_verb_with_settings_is_tried_here() -> None:
    tried = {" ".join(verb[:2]) if verb[0] in ("audit", "keys", "metadata") else verb[0] for verb in VERBS}
    assert names_of_verbs() - tried == {"demo", "init", "metadata add"}  # the last needs a file first


@every_verb
def test_a_missing_settings_file_is_misuse_and_named(tmp_path: Path, verb: tuple[str, ...]) -> None:
    missing = broker(*verb, "--config", tmp_path / "none.toml")
    assert missing.code == 2
    assert "none.toml" in missing.err + missing.out


@every_verb
def test_every_problem_of_the_settings_is_listed(folder: Folder, verb: tuple[str, ...]) -> None:
    folder.edit('environment = "test"', 'environment = "toast"')
    folder.edit('assurance = "hub"', 'assurance = "nave"\nskip_checks = true')
    folder.edit("workers = 2", "workers = 0")
    refused = folder.run(*verb)
    assert refused.code == 2
    for key in ("broker.environment", "broker.assurance", "broker.skip_checks", "serve.workers"):
        assert key in refused.err + refused.out


@every_verb
def test_an_unmigrated_store_is_misconfiguration(folder: Folder, verb: tuple[str, ...]) -> None:
    folder.edit('durable = ""', 'durable = "data/another.sqlite"')
    outcome = folder.run(*verb)
    if verb == ("migrate",):
        assert outcome.code == 0
    else:
        assert outcome.code == 2
        assert "broker migrate" in outcome.err + outcome.out


@every_verb
def test_a_store_that_does_not_answer_is_no_verdict(folder: Folder, verb: tuple[str, ...]) -> None:
    (folder.data / "durable.sqlite").write_bytes(b"something else entirely " * 1000)
    (folder.data / "durable.sqlite-wal").unlink(missing_ok=True)
    outcome = folder.run(*verb)
    assert outcome.code == 2
    assert "store-unavailable" in outcome.err + outcome.out


@every_verb
def test_a_store_of_another_environment_is_misconfiguration(folder: Folder, verb: tuple[str, ...]) -> None:
    folder.edit('environment = "test"', 'environment = "qa"')
    folder.edit('base_url = "http://127.0.0.1:18080"', 'base_url = "https://login.example.se"')
    folder.edit('url = { sv = "http://127.0.0.1:18080" }', 'url = { sv = "https://login.example.se" }')
    outcome = folder.run(*verb)
    assert outcome.code == 2
    assert "'test'" in outcome.err + outcome.out
    assert "'qa'" in outcome.err + outcome.out


@pytest.mark.parametrize("verb", PRINTING, ids=" ".join)
def test_what_prints_can_print_json(folder: Folder, verb: tuple[str, ...]) -> None:
    outcome = folder.run(*verb, "--json")
    assert outcome.code in (0, 1), outcome.err
    if outcome.out:
        json.loads(outcome.out)
    else:
        assert outcome.code == 1
        assert outcome.err


def test_check_lists_problems_of_the_settings_as_json_too(folder: Folder) -> None:
    folder.edit('assurance = "hub"', 'assurance = "nave"')
    checked = folder.run("check", "--json")
    assert checked.code == 2
    assert [(remark["severity"], remark["what"].partition(":")[0]) for remark in checked.json] == [
        ("blocks", "broker.assurance")
    ]


def test_without_config_the_settings_of_this_folder_count(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.path)
    assert broker("check").code == 0


def test_a_relative_store_lies_beside_the_settings_wherever_the_command_is_run(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.edit('durable = ""', 'durable = "sqlite:///data/other.sqlite"')
    folder.edit('transient = ""', 'transient = "data/logins.sqlite"')
    monkeypatch.chdir(tmp_path)
    folder.done("migrate")
    folder.done("check")
    assert (folder.data / "other.sqlite").exists()
    assert (folder.data / "logins.sqlite").exists()


def test_the_environment_overrides_the_file(folder: Folder) -> None:
    assert folder.run("check").code == 0
    overridden = folder.run("check", env={"BROKER_STORES__DURABLE": "data/new.sqlite"})
    assert overridden.code == 2
    assert "broker migrate" in overridden.out
    assert folder.run("migrate", env={"BROKER_STORES__DURABLE": "data/new.sqlite"}).code == 0
    assert folder.run("check", env={"BROKER_STORES__DURABLE": "data/new.sqlite"}).code == 0


def test_a_misspelt_variable_is_a_problem_and_a_foreign_one_is_not(folder: Folder) -> None:
    foreign = {"BROKER_SERVICE_HOST": "10.0.0.1", "BROKER_PORT": "tcp://10.0.0.1:80"}
    assert folder.run("check", env=foreign).code == 0
    misspelt = folder.run("keys", "list", env={"BROKER_STORES__DURABEL": "x"})
    assert misspelt.code == 2
    assert "BROKER_STORES__DURABEL" in misspelt.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("check", "--no-such-option"),
        ("keys", "add"),
        ("keys", "add", "x", "--use", "everything"),
        ("explain",),
        ("serve", "--workers", "0"),
        ("serve", "--workers", "many"),
        ("serve", "--bind", "127.0.0.1"),
        ("serve", "--bind", "127.0.0.1:70000"),
        ("serve", "--bind", "unix:/tmp/x"),
        ("metadata", "add", "/no/such/file.xml", "--kind", "upstream"),
        ("init",),
    ],
    ids=" ".join,
)
def test_a_command_that_cannot_be_meant_is_misuse(arguments: tuple[str, ...]) -> None:
    assert broker(*arguments).code == 2


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("check", "--help"), ("keys", "-h")], ids=" ".join)
def test_help_is_fine(arguments: tuple[str, ...]) -> None:
    helped = broker(*arguments)
    assert helped.code == 0
    assert helped.out.startswith("Usage: ")


def test_a_file_where_a_folder_must_be_is_a_sentence(folder: Folder) -> None:
    (folder.path / "keys-as-file").write_text("")
    folder.edit("[stores]", '[files]\nkeys = "keys-as-file"\n[stores]')
    for verb in (("check",), ("keys", "add", "signing-2", "--use", "signing"), ("serve",)):
        outcome = folder.run(*verb)
        assert outcome.code in (1, 2)
        assert "keys-as-file" in outcome.err + outcome.out
