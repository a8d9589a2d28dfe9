"""A clone, an empty environment and a new HOME, on this machine with its packages."""

import subprocess
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.programs import need_program
from support.source_tree import REPOSITORY

pytestmark = pytest.mark.machine

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def run(command: Sequence[str | Path], *, folder: Path, home: Path, seconds: int) -> str:
    """What `command` printed in `folder`, with no environment but HOME and PATH; it must exit 0."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={"HOME": str(home), "PATH": PATH},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout[-6000:]}"
    return done.stdout


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A HOME that nothing has written to."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What is committed, as somebody else gets it."""
    folder = tmp_path / "clone"
    subprocess.run([need_program("git", "git"), "clone", "-q", REPOSITORY, folder], check=True)
    return folder


def test_make_demo_leads_to_finished_logins(clone: Path, home: Path) -> None:
    python = need_program("python3.11", "python3.11-venv")
    said = run(["make", "demo", "ARGS=--once", f"PYTHON={python}"], folder=clone, home=home, seconds=600)
    assert "bankid" in said.lower()


def test_an_installed_package_has_all_it_needs(clone: Path, home: Path, tmp_path: Path) -> None:
    environment, elsewhere = tmp_path / "environment", tmp_path / "elsewhere"
    elsewhere.mkdir()
    venv.create(environment, with_pip=True)
    pins = tmp_path / "pins.txt"
    lock = (REPOSITORY / "requirements.lock").read_text().splitlines()
    pins.write_text("\n".join(line.removesuffix(" \\") for line in lock if not line.startswith((" ", "#"))))
    pip: list[str | Path] = [environment / "bin" / "python", "-m", "pip", "install", "-q", "-c", pins, "."]
    run(pip, folder=clone, home=home, seconds=600)

    said = run([environment / "bin" / "broker", "demo", "--once"], folder=elsewhere, home=home, seconds=300)
    assert "bankid" in said.lower()
    located = run(
        [environment / "bin" / "python", "-c", "import broker; print(broker.__file__)"],
        folder=elsewhere,
        home=home,
        seconds=60,
    )
    assert Path(located.strip()).is_relative_to(environment), "the installed package, not a checkout"
