"""Where things lie in DATA_DIR. No Django here: the supervisor and the settings both read it."""

import hashlib
import os
import socket
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from energysite import env

MODES = ("demo", "house")
ROOT_HOME = Path("/var/lib/energysite")
# sockaddr_un holds 107 bytes and a zero; ".s.PGSQL.5432" is the longest name put into a run folder.
LONGEST_SOCKET = 107
LONGEST_RUN_DIR = LONGEST_SOCKET - len("/.s.PGSQL.5432")


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


def digest(folder: Path) -> str:
    return hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]


def make_folder(folder: Path) -> Path:
    """Make the folder and its parents.

    Root's new folders can be passed through by others, whatever the umask: the account that runs the database has to
    reach its own folder. Secrets in them are files of mode 0600.
    """
    for part in (*reversed(folder.parents), folder):
        if not part.exists():
            part.mkdir(exist_ok=True)
            if os.geteuid() == 0:
                part.chmod(part.stat().st_mode | 0o011)
    return folder


def make_mode_dir(data_dir: Path, mode: str) -> Path:
    return make_folder(data_dir / mode)


def ordinary_account_reaches(folder: Path) -> bool:
    """True when every existing folder on the way can be entered by anyone."""
    folder = folder.resolve()
    return all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents) if part.exists())


def service_dir(data_dir: Path, mode: str) -> Path:
    """The folder of the database cluster.

    PostgreSQL refuses to run as root, so root gives it to an ordinary account; where that account cannot reach
    DATA_DIR, the cluster lies in /var/lib/energysite/<hash of DATA_DIR>. A cluster that is in DATA_DIR stays there.
    """
    if (data_dir / mode / "postgres").exists():
        return data_dir / mode
    if os.geteuid() == 0 and not ordinary_account_reaches(data_dir):
        return ROOT_HOME / digest(data_dir) / mode
    return data_dir / mode


def run_dir(data_dir: Path, mode: str) -> Path:
    """The folder of the sockets, 0700: a short path is chosen where the data folder lies too deep for a socket."""
    folder = service_dir(data_dir, mode) / "run"
    if len(os.fsencode(folder)) <= LONGEST_RUN_DIR:
        return folder
    if os.geteuid() == 0:
        return ROOT_HOME / digest(data_dir) / mode / "run"
    return _short_dir(data_dir, mode)


def _short_dir(data_dir: Path, purpose: str) -> Path:
    """For sockets of a data folder that lies too deep. children.give refuses it when somebody else made it."""
    return Path(f"/tmp/energysite-{os.geteuid()}-{digest(data_dir)}-{purpose}")  # noqa: S108


def control_socket(data_dir: Path) -> Path:
    """The supervisor's socket, by which its mode is switched."""
    path = data_dir / "control.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET:
        return path
    folder = ROOT_HOME / digest(data_dir) if os.geteuid() == 0 else _short_dir(data_dir, "control")
    return folder / path.name


def broker_url(redis_url: str) -> str:
    """Celery's spelling of a Redis URL: a socket is redis+socket:// there."""
    if not redis_url.startswith("unix://"):
        return redis_url
    parts = urlsplit(redis_url)
    number = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.path}?virtual_host={number}"


def database(url: str) -> dict[str, str]:
    """Django's NAME, USER, PASSWORD, HOST and PORT of a DATABASE_URL; ?host=/folder names a socket's folder."""
    parts = urlsplit(url)
    host = parse_qs(parts.query).get("host", [parts.hostname or ""])[0]
    return {
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(host),
        "PORT": str(parts.port or ""),
    }


def allowed_hosts(extra: list[str], public_url: str) -> list[str]:
    """localhost, this machine's names and ALLOWED_HOSTS; its addresses are checked per request by the middleware."""
    name = socket.gethostname()
    short = name.partition(".")[0]
    hosts = ["localhost", "127.0.0.1", "[::1]", name, short, f"{short}.local", *extra]
    if public_url:
        hosts.append(urlsplit(public_url).hostname or "")
    return sorted({host.lower() for host in hosts if host})
