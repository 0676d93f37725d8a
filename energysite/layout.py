"""Where things lie in DATA_DIR. No Django here: the supervisor and the settings both read it."""

import hashlib
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

from energysite import env

MODES = ("demo", "house")
ROOT_HOME = Path("/var/lib/energysite")
# sockaddr_un holds 107 bytes and a zero; ".s.PGSQL.5432" is the longest name put into a run folder.
LONGEST_RUN_DIR = 107 - len("/.s.PGSQL.5432")


def mode(data_dir: Path, *, external_database: bool = False) -> str:
    """demo or house: MODE rules, then DATA_DIR/mode; with a database of one's own there is no automatic demo."""
    chosen = env.choice("MODE", (*MODES, ""), "")
    if chosen:
        return chosen
    if external_database:
        return "house"
    try:
        stored = (data_dir / "mode").read_text().strip()
    except FileNotFoundError:
        return "demo"
    if stored not in MODES:
        raise env.EnvError(f"{data_dir / 'mode'} holds {stored!r}; it may hold demo or house.")
    return stored


def _digest(data_dir: Path) -> str:
    return hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:16]


def ordinary_account_reaches(folder: Path) -> bool:
    """True when every existing folder on the way can be entered by anyone."""
    folder = folder.resolve()
    return all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents) if part.exists())


def service_dir(data_dir: Path, mode: str) -> Path:
    """The folder of the database cluster.

    PostgreSQL refuses to run as root, so root gives it to an ordinary account; where that account cannot reach
    DATA_DIR, the cluster lies in /var/lib/energysite/<hash of DATA_DIR>.
    """
    if os.geteuid() == 0 and not ordinary_account_reaches(data_dir):
        return ROOT_HOME / _digest(data_dir) / mode
    return data_dir / mode


def run_dir(data_dir: Path, mode: str) -> Path:
    """The folder of the sockets, 0700: a short path is chosen where the data folder lies too deep for a socket."""
    folder = service_dir(data_dir, mode) / "run"
    if len(os.fsencode(folder)) <= LONGEST_RUN_DIR:
        return folder
    if os.geteuid() == 0:
        return ROOT_HOME / _digest(data_dir) / mode / "run"
    return Path(f"/tmp/energysite-{os.geteuid()}-{_digest(data_dir)}-{mode}")


def allowed_hosts(extra: list[str], public_url: str) -> list[str]:
    """localhost, this machine's names and ALLOWED_HOSTS; its addresses are checked per request by the middleware."""
    name = socket.gethostname()
    short = name.partition(".")[0]
    hosts = ["localhost", "127.0.0.1", "[::1]", name, short, f"{short}.local", *extra]
    if public_url:
        hosts.append(urlsplit(public_url).hostname or "")
    return sorted({host.lower() for host in hosts if host})
