import ast
import re

from support.source_tree import BROKER, literals, modules, shown, syntax

BANNED_CLASS = re.compile(r"(Manager|Helper|Util|Utils|Handler|Info)$")
BANNED_FILE = re.compile(r"^(utils?|helpers?|misc|common|managers?)$")
URI = re.compile(r"^(urn:|https?://id\.)")
EXCUSE = re.compile(r"# type: ignore\[[\w, -]+\] .{5,}")
NAMESPACES = (BROKER / "saml" / "xml.py", BROKER / "saml" / "metadata_names.py")
TABLES = (BROKER / "vocabulary", BROKER / "demo", *NAMESPACES)


def test_saml_names_stand_in_the_vocabulary_only() -> None:
    strays = [
        f"{shown(module)}:{line} {text}"
        for module in modules()
        if not any(module.is_relative_to(table) for table in TABLES)
        for line, text in literals(module)
        if URI.search(text)
    ]
    assert not strays


def test_no_file_is_named_for_what_did_not_fit_elsewhere() -> None:
    assert not [shown(module) for module in modules() if BANNED_FILE.match(module.stem)]


def test_no_class_is_named_for_nothing() -> None:
    named = [
        f"{shown(module)}: {node.name}"
        for module in modules()
        for node in ast.walk(syntax(module))
        if isinstance(node, ast.ClassDef) and BANNED_CLASS.search(node.name)
    ]
    assert not named


def test_peers_are_called_e_service_and_upstream() -> None:
    bare = [
        f"{shown(module)}:{node.lineno} {argument.arg}"
        for module in modules()
        for node in ast.walk(syntax(module))
        if isinstance(node, ast.FunctionDef)
        for argument in [*node.args.args, *node.args.kwonlyargs]
        if argument.arg in {"sp", "idp"}
    ]
    assert not bare


def test_every_excused_type_has_a_code_and_a_reason() -> None:
    bare = [
        f"{shown(module)}:{number}"
        for module in modules()
        for number, line in enumerate(module.read_text().splitlines(), 1)
        if "# type: ignore" in line and not EXCUSE.search(line)
    ]
    assert not bare
