"""A Debian root with nothing in it but the essential packages, to prove that our package lists name all that is needed.

It uses the package mirror and the certificates that this machine is set up with, and nothing else of this machine.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.programs import absent, need_program
from support.source_tree import REPOSITORY

RELEASE = "bookworm"
HOME = "/home/citizen"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
PACKAGE_CLIENTS = (
    "etc/apt/sources.list",
    "etc/apt/sources.list.d",
    "etc/apt/trusted.gpg.d",
    "usr/share/keyrings",
    "usr/local/share/ca-certificates",
    "etc/pip.conf",
    "etc/resolv.conf",
    "etc/hosts",
)
"""How this machine reaches its registries: copied, because a bare root knows none."""
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def need_root_of_its_own() -> None:
    """Making device nodes, mounting and changing the root directory are for root, and not in every container."""
    unshare = need_program("unshare", "util-linux")
    if os.geteuid() != 0:
        absent("only root can build a Debian root")
    tried = subprocess.run([unshare, "--mount", "--pid", "--fork", "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        absent(f"this container does not allow a mount of its own: {tried.stderr.strip()}")


def mirror() -> str:
    """The package mirror that this machine uses."""
    listed = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for path in listed:
        if path.suffix not in (".list", ".sources") or not path.is_file():
            continue
        for line in path.read_text().splitlines():
            words = line.split()
            addresses = [word for word in words if "://" in word]
            if words and words[0] in ("deb", "URIs:") and addresses and not line.rstrip().endswith("security"):
                return addresses[0]
    absent("no package mirror is configured on this machine")
    raise AssertionError


@dataclass(frozen=True, slots=True, kw_only=True)
class BareDebian:
    """The root, with a clone of this repository in /srv/broker."""

    root: Path

    def run(self, command: str, *, seconds: int, **settings: str) -> str:
        """What a shell in /srv/broker printed, with no environment but HOME, PATH and `settings`; it must exit 0."""
        assignments = [f"{name}={value}" for name, value in {"HOME": HOME, "PATH": PATH, **settings}.items()]
        inside = ["chroot", str(self.root), "/usr/bin/env", "-i", *assignments]
        done = subprocess.run(
            [
                *("unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={self.root}/proc"),
                *inside,
                *("/bin/sh", "-euc", f"cd /srv/broker\n{command}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
        )
        assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout[-6000:]}"
        return done.stdout


@contextmanager
def bare_debian(folder: Path) -> Iterator[BareDebian]:
    """Build one in `folder`, which is emptied afterwards."""
    need_root_of_its_own()
    debootstrap, git = need_program("debootstrap", "debootstrap"), need_program("git", "git")
    root = folder / "root"
    log = folder / "debootstrap.log"
    with log.open("wb") as sink:
        built = subprocess.run(
            [debootstrap, "--variant=minbase", RELEASE, str(root), mirror()], stdout=sink, stderr=subprocess.STDOUT
        )
    assert built.returncode == 0, log.read_text()[-4000:]
    try:
        (root / "etc/apt/sources.list").unlink(missing_ok=True)  # debootstrap's own, without the security updates
        for name in PACKAGE_CLIENTS:
            _copy(Path("/") / name, root / name)
        for settings in Path("/etc/apt/apt.conf.d").iterdir():
            if "Acquire::" in settings.read_text():
                _copy(settings, root / "etc/apt/apt.conf.d" / settings.name)
        certificates = root / CERTIFICATES.lstrip("/")
        certificates.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CERTIFICATES, certificates)
        (root / HOME.lstrip("/")).mkdir(parents=True)
        subprocess.run([git, "clone", "-q", REPOSITORY, root / "srv" / "broker"], check=True)
        yield BareDebian(root=root)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source.resolve(), target)
