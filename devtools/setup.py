"""Sets a fresh machine up, step by step. A finished step leaves a stamp, so that it costs nothing the next time."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from devtools.shell import CACHE, PYTHON, ROOT, VENV, CommandFailed, environment, node_folder, run, say

LOCKS = {"requirements.lock": (), "requirements-dev.lock": ("--group", "dev")}

DEBIAN_PACKAGES = {
    "chromium": "chromium",
    "firefox-esr": "firefox-esr",
    "nginx": "nginx-light",
    "turnserver": "coturn",
    "ip": "iproute2",
    "nft": "nftables",
    "fc-list": "fontconfig",
    "pg_lsclusters": "postgresql",
}
"""Program → the Debian package that brings it; tests with real browsers, proxy and PostgreSQL need them."""

PEER_PACKAGES = {"janus": "janus", "ip": "iproute2"}
"""Servers that ours is compared with, and what gives them a network apart."""

FONT_PACKAGES = ("fonts-dejavu-core", "fonts-noto-core")

SYSTEM_PYTHON = f"/usr/bin/python3.{sys.version_info.minor}"
"""The distribution's own: it is built with profile-guided optimisation, one built by hand often is not (ADR 0022)."""

_VENV_PACKAGE = f"python3.{sys.version_info.minor}-venv"

WEB_SOURCES = ("web", "package.json", "package-lock.json")


def python_environment() -> None:
    """`.venv` with exactly the packages of `requirements-dev.lock`, each with its checksum."""
    if VENV.is_symlink():
        return  # somebody else's environment: used as it is
    lock = ROOT / "requirements-dev.lock"
    stamp = VENV / "konsilium-stamp"
    wanted = f"{fingerprint([lock])} {sys.version_info.major}.{sys.version_info.minor}"
    if stamp.exists() and stamp.read_text() == wanted and PYTHON.exists():
        return
    _make_environment()
    say("Python packages (pinned, checksums verified)")
    run(PYTHON, "-m", "pip", "install", "-q", "--require-hashes", "-r", lock)
    stamp.write_text(wanted)


def _make_environment() -> None:
    if PYTHON.exists():
        return
    say("virtual environment in .venv")
    python = next((each for each in (SYSTEM_PYTHON, sys.executable) if _makes_environments(each)), None)
    if python is None:
        raise CommandFailed(f"Python has no ensurepip: install {_VENV_PACKAGE}")
    subprocess.run([python, "-m", "venv", str(VENV)], check=True)


def _makes_environments(python: str) -> bool:
    """Debian has the module that it takes in a package apart."""
    if not Path(python).exists():
        return False
    return _has_ensurepip(python) or (
        python == SYSTEM_PYTHON and _install_debian_packages([_VENV_PACKAGE]) and _has_ensurepip(python)
    )


def _has_ensurepip(python: str) -> bool:
    return subprocess.run([python, "-c", "import ensurepip"], stderr=subprocess.DEVNULL, check=False).returncode == 0


def node_packages() -> None:
    """`node_modules` as `package-lock.json` says.

    Not `npm ci`: it refuses a lock that lacks the optional binaries of other platforms, which small registries do not
    carry. `--no-save` takes the same versions and checksums and writes nothing; `./dev check` sees that the lock fits.
    """
    lock = ROOT / "package-lock.json"
    stamp = ROOT / "node_modules" / ".konsilium-stamp"
    wanted = fingerprint([lock])
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say("JavaScript packages (pinned, checksums verified)")
    run(*npm(), "install", "--no-save", quiet=True)
    stamp.write_text(wanted)


def npm() -> list[str]:
    """The `npm` that came with the Node of our environment (the wheel's own `bin/npm` is a broken copy of a link)."""
    programs = Path(node_folder()[0])
    return [str(programs / "node"), str(programs.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def web_build() -> None:
    """`web/dist`, built again when a source has changed."""
    stamp = CACHE / "web-build"
    sources = [ROOT / name for name in WEB_SOURCES]
    wanted = fingerprint(sources)
    if stamp.exists() and stamp.read_text() == wanted and (ROOT / "web" / "dist" / "index.html").exists():
        return
    say("web client")
    run(*npm(), "run", "--silent", "build", quiet=True)
    CACHE.mkdir(exist_ok=True)
    stamp.write_text(wanted)


def fingerprint(sources: Iterable[Path]) -> str:
    """A checksum over the names and contents of files and folders; what is built there does not count."""
    digest = hashlib.sha256()
    for source in sources:
        files = sorted(source.rglob("*")) if source.is_dir() else [source]
        for file in files:
            relative = file.relative_to(ROOT)
            if file.is_file() and "dist" not in relative.parts:
                digest.update(f"{relative}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def programs(wanted: Mapping[str, str]) -> list[str]:
    """Sees to these programs (with the packages that bring them); returns the Debian packages still missing."""
    missing = [package for program, package in wanted.items() if not _has(program)]
    if not missing or not _install_debian_packages([*missing, *FONT_PACKAGES]):
        return missing
    return [package for program, package in wanted.items() if not _has(program)]


def _has(program: str) -> bool:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def _install_debian_packages(packages: list[str]) -> bool:
    """Installs packages when that is possible: as root, where there is `apt-get`."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    say(f"Debian packages: {' '.join(packages)}")
    extra = {"DEBIAN_FRONTEND": "noninteractive"}
    commands = (["apt-get", "update", "-q"], ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages])
    return all(
        subprocess.run(
            command, env=environment(extra), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False
        ).returncode
        == 0
        for command in commands
    )


def write_locks() -> None:
    """Resolves `pyproject.toml` anew into the lock files; they name no registry."""
    for name, group in LOCKS.items():
        say(name)
        run(
            VENV / "bin" / "uv", "pip", "compile", "pyproject.toml", *group, "--universal", "--python-version", "3.11",
            "--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate", "--upgrade", "-q", "-o", name,
        )  # fmt: skip
    say("package-lock.json")
    run(*npm(), "install", "--package-lock-only", quiet=True)
