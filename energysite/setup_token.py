"""The one-time token that makes somebody the owner. Django-free: `up` prints it before any page answers.

DATA_DIR/setup.token (0600) holds the token and what it is for: `create` the owner, or `reset NAME`: a new password for
an owner who lost theirs. DATA_DIR/setup.tries (0600) counts wrong tries. A token with no tries left is dead; the next start of
`up` and `manage.py owner --reset` make a new one. Both need the machine itself, so a visitor gains nothing by using tries up.
"""

import fcntl
import hmac
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TRIES = 10
RESET_LIVES_S = 3600
CREATE = "create"


@dataclass(frozen=True)
class Token:
    value: str
    user: str | None  # None: the token makes the first owner; a name: it sets that owner's password anew


def path(data_dir: Path) -> Path:
    return data_dir / "setup.token"


def _private(file: Path, flags: int) -> int:
    """A descriptor of a 0600 file. It belongs to the account of DATA_DIR, also when root runs the command for a service."""
    descriptor = os.open(file, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        home = file.parent.stat()
        os.fchown(descriptor, home.st_uid, home.st_gid)
    return descriptor


@contextmanager
def _locked(data_dir: Path) -> Iterator[int]:
    """Holds the tries file for one process and thread at a time; gives its descriptor."""
    data_dir.mkdir(parents=True, exist_ok=True)
    descriptor = _private(data_dir / "setup.tries", os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _used(descriptor: int) -> int:
    """Wrong tries so far. A file that cannot be understood counts as used up: a new token is one start away."""
    raw = os.pread(descriptor, 20, 0).strip()
    if not raw:
        return 0
    return int(raw) if raw.isdigit() else TRIES


def _count(descriptor: int, used: int) -> None:
    os.pwrite(descriptor, b"%d\n" % used, 0)
    os.ftruncate(descriptor, len(b"%d\n" % used))
    os.fsync(descriptor)


def _write(data_dir: Path, purpose: str) -> str:
    value = secrets.token_hex(16)
    fresh = path(data_dir).with_name("setup.token.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(_private(fresh, os.O_WRONLY | os.O_EXCL), "w") as file:
        file.write(f"{value}\n{purpose}\n")
    fresh.replace(path(data_dir))
    return value


def read(data_dir: Path) -> Token | None:
    """The token in force, whether tries are left or not; None where there is none or a reset is older than an hour."""
    try:
        with path(data_dir).open() as file:
            value, _, purpose = file.read().strip().partition("\n")
            written = os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:
        return None
    if purpose.startswith("reset "):
        # A clock that jumped back must not lengthen its life.
        return Token(value, purpose.removeprefix("reset ")) if 0 <= time.time() - written < RESET_LIVES_S else None
    return Token(value, None) if len(value) == 32 and purpose == CREATE else None


def ensure(data_dir: Path) -> str:
    """The token that makes the first owner: the one there is, or a new one where there is none or its tries are used up."""
    with _locked(data_dir) as tries:
        token = read(data_dir)
        if token is not None and token.user is None and _used(tries) < TRIES:
            return token.value
        _count(tries, 0)
        return _write(data_dir, CREATE)


def renew(data_dir: Path, user: str | None = None) -> str:
    """A new token in place of any other, with all its tries: for the first owner, or for `user`'s new password."""
    with _locked(data_dir) as tries:
        _count(tries, 0)
        return _write(data_dir, CREATE if user is None else f"reset {user}")


def tries_left(data_dir: Path) -> int:
    with _locked(data_dir) as tries:
        return max(0, TRIES - _used(tries))


def check(data_dir: Path, given: str) -> bool:
    """True for the token in force. A wrong one is counted on disk before the answer; after 10 nothing is right any more."""
    clean = "".join(given.split()).lower().encode()
    with _locked(data_dir) as tries:
        used = _used(tries)
        token = read(data_dir)
        if token is None or used >= TRIES:
            return False
        if hmac.compare_digest(clean, token.value.encode()):
            return True
        _count(tries, used + 1)
        return False


def remove(data_dir: Path) -> None:
    """An owner exists: no token is right any more."""
    with _locked(data_dir) as tries:
        path(data_dir).unlink(missing_ok=True)
        _count(tries, 0)
