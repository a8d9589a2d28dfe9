"""The project's own files, for the tests that read them."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

from support.programs import need_program

REPOSITORY = Path(__file__).resolve().parents[2]
BROKER = REPOSITORY / "broker"


def modules(folder: Path = BROKER) -> tuple[Path, ...]:
    """Every Python file under `folder`, in stable order."""
    return tuple(sorted(folder.rglob("*.py")))


def syntax(module: Path) -> ast.Module:
    """Its syntax tree."""
    return ast.parse(module.read_text(), filename=str(module))


def imported(module: Path) -> Iterator[str]:
    """The dotted name of every import in it, wherever it stands."""
    for node in ast.walk(syntax(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def literals(module: Path) -> Iterator[tuple[int, str]]:
    """Every string in it that is no docstring, with its line."""
    tree = syntax(module)
    docstrings = {id(statement.value) for statement in ast.walk(tree) if isinstance(statement, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def tracked() -> tuple[Path, ...]:
    """Every file that git tracks here."""
    git = need_program("git", "git")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True, text=True)
    paths = (REPOSITORY / name for name in listed.stdout.split("\0") if name)
    return tuple(path for path in paths if path.is_file())


def shown(path: Path) -> str:
    """The path as a message names it."""
    return str(path.relative_to(REPOSITORY))
