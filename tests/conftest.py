"""A private PostgreSQL for the whole run: on a Unix socket alone, gone with the run."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import URL

from rooms.storage.migration import migrate_server

SUPERUSER = "konsilium"
PATTERN = "pattern"
HASTE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=", "max_connections=60")
"""The run is over before the power can fail."""


@dataclass
class PostgresqlServer:
    folder: Path
    numbers: "count[int]" = field(default_factory=count)

    def make_pattern(self) -> None:
        """Brings the pattern of new databases to the newest shape, once for all tests."""
        self.new_database(PATTERN, "template0")
        migrate_server(self._url(PATTERN))

    def new_database(self, name: str = "", pattern: str = "") -> URL:
        """A database of its own for one test; with the pattern `template0` it is empty."""
        name = name or f"test_{next(self.numbers)}"
        psql = ["psql", "-q", "-h", str(self.folder), "-U", SUPERUSER, "-d", "postgres"]
        command = f"CREATE DATABASE {name} TEMPLATE {pattern or PATTERN}"
        subprocess.run([*psql, "-c", command], check=True, timeout=50)
        return self._url(name)

    def _url(self, name: str) -> URL:
        # With a password at hand, although none is asked for, the driver does not look for its file.
        return URL.create("postgresql", SUPERUSER, "unused", database=name, query={"host": str(self.folder)})


def _programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`; Debian keeps it off the PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = shutil.which("initdb") or (debian[-1] if debian else None)
    return None if found is None or shutil.which("psql") is None else Path(found).resolve().parent


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """Skips, with the package to install, where there is none."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not there: install the package postgresql")
    # Short: the path of a Unix socket has 107 bytes. `initdb` refuses to run as root.
    folder = Path(tempfile.mkdtemp(prefix="konsilium-pg-"))
    user = None
    if os.geteuid() == 0:
        user = pwd.getpwnam("nobody").pw_name
        shutil.chown(folder, user)
    data = folder / "data"

    def run(program: str, *words: str) -> None:
        subprocess.run(
            [programs / program, *words], user=user, cwd=folder, check=True, timeout=50, stdout=subprocess.DEVNULL
        )

    try:
        run("initdb", "-D", str(data), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = " ".join(f"-c {setting}" for setting in (*HASTE, f"unix_socket_directories={folder}"))
        run("pg_ctl", "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
        try:
            server = PostgresqlServer(folder)
            server.make_pattern()
            yield server
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)
