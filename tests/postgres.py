"""A database for tests of other projects' engines: Postgres where it is installed, else SQLite.

As a program it runs a command with the database's address as the last argument.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

USER: Final = "engine"
POSTGRES: Final = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def database(folder: Path) -> Generator[str]:
    """Postgres where it is installed; SQLite elsewhere."""
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if not POSTGRES or (as_user and shutil.which("runuser") is None):
        yield f"sqlite:///{folder / 'airflow.db'}"
        return
    binaries, home, port = POSTGRES[-1].parent, folder / "postgres", free_port()
    home.mkdir()
    folder.chmod(0o755)
    if as_user:
        shutil.chown(home, "postgres")
    data, options = str(home / "data"), f"-p {port} -k {home} -h 127.0.0.1"
    control = [*as_user, str(binaries / "pg_ctl"), "-D", data, "-l", str(home / "log"), "-w"]
    initdb = [*as_user, str(binaries / "initdb"), "-D", data, "-A", "trust", "-U", USER]
    subprocess.run([*initdb, "-E", "UTF8"], check=True, stdout=subprocess.DEVNULL, cwd="/")
    subprocess.run(
        [*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, cwd="/"
    )
    try:
        create = [str(binaries / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", USER]
        subprocess.run([*create, USER], check=True)
        yield f"postgresql://{USER}@127.0.0.1:{port}/{USER}"
    finally:
        subprocess.run(
            [*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, cwd="/"
        )


if __name__ == "__main__":
    with TemporaryDirectory() as folder, database(Path(folder)) as url:
        sys.exit(subprocess.run([*sys.argv[1:], url], check=False).returncode)
