import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from support.source_tree import BROKER, REPOSITORY, imported, modules, shown

EFFECTFUL = {"os", "time", "random", "secrets", "socket", "sqlite3", "subprocess", "threading", "xml", "http", "urllib"}
STARTS_PROGRAMS = {"subprocess", "multiprocessing", "pty", "asyncio.subprocess"}


def test_every_import_points_inwards() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter, "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def importers(folder: Path, refused: Callable[[str], bool]) -> list[str]:
    """Every import under `folder` that is refused, as "file: name"."""
    return [f"{shown(module)}: {name}" for module in modules(folder) for name in imported(module) if refused(name)]


def test_the_core_imports_only_the_standard_library() -> None:
    def foreign(name: str) -> bool:
        return not name.startswith("broker.core") and name.partition(".")[0] not in sys.stdlib_module_names

    assert not importers(BROKER / "core", foreign)


def test_the_core_sees_no_clock_no_chance_and_no_file() -> None:
    assert not importers(BROKER / "core", lambda name: name.partition(".")[0] in EFFECTFUL)


def test_no_program_is_started_outside_the_demo() -> None:
    demo = {BROKER / "cli" / "demo.py", *modules(BROKER / "demo")}
    starters = [shown(module) for module in modules() if module not in demo and STARTS_PROGRAMS & {*imported(module)}]
    assert not starters


def test_the_demo_parties_share_no_saml_code_with_the_broker() -> None:
    assert not importers(BROKER / "demo", lambda name: name.startswith("broker.saml"))
