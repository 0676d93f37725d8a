"""The file of a backup: a zip of members with known flat names, streamed both ways. No Django, no database.

`manifest.json` names every other member with its rows, unpacked bytes and SHA-256. Nothing in the file is ever run, no
path in it is honoured, and reading stops as soon as a member says something else than the manifest. The checksums show
damage; they do not prove who made the file.
"""

import hashlib
import json
import os
import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from energysite.errors import EnergyError

Piece = bytes | bytearray | memoryview

FORMAT = 1
MANIFEST = "manifest.json"
DAYS = "days.txt"
TABLE_MEMBER = re.compile(r"[a-z][a-z0-9_]{0,62}\.copy")
MOST_MEMBERS = 500
MOST_MANIFEST_BYTES = 8_000_000
BLOCK_BYTES = 1 << 18
# On a Pi the processor is the limit: 3 packs nearly as small as 6 in a third of the time.
LEVEL = 3
# What zipfile and zlib raise for a damaged file.
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, OverflowError, RuntimeError, ValueError)


class BackupError(EnergyError):
    """The backup cannot be made, read or used; the message is a sentence."""


class Damaged(BackupError):
    """The file is not, or no longer, a backup as it was written."""


@dataclass(frozen=True, slots=True)
class Member:
    """`columns` of a table in the order of its rows; `bytes` unpacked."""

    rows: int
    bytes: int
    sha256: str
    columns: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Manifest:
    """`migrations`: those applied, by app. `counters`: the registers in `days.txt`, by table. `created`: UTC, ISO."""

    program: str
    created: str
    mode: str
    zone: str
    migrations: dict[str, list[str]]
    counters: dict[str, list[str]]
    tables: dict[str, Member]
    days: Member

    @property
    def total_bytes(self) -> int:
        return self.days.bytes + sum(member.bytes for member in self.tables.values())

    @property
    def total_rows(self) -> int:
        return sum(member.rows for member in self.tables.values())


class Writer:
    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Closes the zip while its file is still open; what that says after an error is only the same error again."""
        try:
            self._zip.close()
        except OSError:
            if error is None:
                raise

    def add(self, name: str, lines: Iterable[Piece], columns: list[str], tell: Callable[[int], None]) -> Member:
        """Store a member from pieces of any size; its rows are its lines. `tell` hears now and then how many there are so far."""
        digest, size, rows = hashlib.sha256(), 0, 0
        with self._zip.open(name, "w", force_zip64=True) as member:
            for block in _blocks(lines):
                digest.update(block)
                size += len(block)
                rows += block.count(b"\n")
                member.write(block)
                tell(rows)
        return Member(rows, size, digest.hexdigest(), columns)

    def finish(self, manifest: Manifest) -> None:
        self._zip.writestr(MANIFEST, json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1))
        self._zip.close()


def _blocks(pieces: Iterable[Piece]) -> Iterator[bytes]:
    """PostgreSQL sends a piece a row; they are joined so that each costs next to nothing."""
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        if len(waiting) >= BLOCK_BYTES:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


@contextmanager
def created(path: Path) -> Iterator[IO[bytes]]:
    """A file of mode 0600 that is at `path`, on disk, only once it is whole; an older one there is never replaced."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)  # 0600
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            raise BackupError(f"{path} is there already; it is not replaced. Choose another name.")
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Reader:
    """An archive opened and its list of members checked; `blocks` checks their contents. Raises Damaged."""

    def __init__(self, path: Path) -> None:
        if path.exists() and not path.is_file():
            raise BackupError(f"{path} is no file.")
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise BackupError(f"{path} cannot be read: {error.strerror}.") from error
        try:
            with _damage(path):
                self._zip = zipfile.ZipFile(self._file)
                infos = self._members()
                self.manifest = _manifest(self._json(infos[MANIFEST]))
                self._check_members(infos)
        except BaseException:
            self._file.close()
            raise
        self.path = path

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()
        self._file.close()

    def _members(self) -> dict[str, zipfile.ZipInfo]:
        infos = self._zip.infolist()
        if len(infos) > MOST_MEMBERS:
            raise Damaged(f"it has {len(infos)} members, a backup has fewer")
        found: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            if info.filename in found:
                raise Damaged(f"{info.filename!r:.80} is in it twice")
            if info.filename not in (MANIFEST, DAYS) and not TABLE_MEMBER.fullmatch(info.filename):
                raise Damaged(f"{info.filename!r:.80} does not belong into a backup")
            if info.flag_bits & 1 or info.compress_type != zipfile.ZIP_DEFLATED:
                raise Damaged(f"{info.filename} is packed in another way")
            found[info.filename] = info
        if MANIFEST not in found:
            raise Damaged("it has no manifest.json")
        return found

    def _json(self, info: zipfile.ZipInfo) -> Any:
        with self._zip.open(info) as member:
            raw = member.read(MOST_MANIFEST_BYTES + 1)
        if len(raw) > MOST_MANIFEST_BYTES:
            raise Damaged("its manifest is too large")
        try:
            return json.loads(raw)
        except ValueError:
            raise Damaged("its manifest cannot be read") from None

    def _check_members(self, infos: dict[str, zipfile.ZipInfo]) -> None:
        wanted = {DAYS: self.manifest.days} | {f"{table}.copy": member for table, member in self.manifest.tables.items()}
        if wrong := sorted(wanted.keys() ^ (infos.keys() - {MANIFEST})):
            raise Damaged(f"manifest and members differ in {', '.join(wrong)[:200]}")
        for name, member in wanted.items():
            if infos[name].file_size != member.bytes:
                raise Damaged(f"{name} unpacks to {infos[name].file_size} bytes, its manifest says {member.bytes}")

    def blocks(self, table: str | None) -> Iterator[bytes]:
        """The rows of a table, or of days.txt for None, in blocks of whole lines; raises Damaged at the latest at the end.

        Never more bytes than the manifest says come out, whatever the packed data would grow to.
        """
        name, expected = (DAYS, self.manifest.days) if table is None else (f"{table}.copy", self.manifest.tables[table])
        digest, size, rows, rest = hashlib.sha256(), 0, 0, b""
        with _damage(self.path), self._zip.open(name) as member:
            while block := member.read(BLOCK_BYTES):
                size += len(block)
                if size > expected.bytes:
                    raise Damaged(f"{name} grows beyond the {expected.bytes} bytes of its manifest")
                digest.update(block)
                rows += block.count(b"\n")
                whole, newline, after = (rest + block).rpartition(b"\n")
                rest = after
                if newline:
                    yield whole + newline
            if rest or size != expected.bytes or rows != expected.rows or digest.hexdigest() != expected.sha256:
                raise Damaged(f"{name} is not what was written: its checksum differs")


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Every way in which a file can be broken, as one sentence."""
    try:
        yield
    except Damaged as error:
        if str(error).startswith("This is no"):
            raise
        raise Damaged(f"This is no whole backup: {path.name}: {error}. Nothing was changed; use another copy.") from error
    except DAMAGE as error:
        raise Damaged(
            f"This is no whole backup: {path.name}: {error or 'it ends too early'}. Nothing was changed; use another copy."
        ) from error
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror or error}.") from error


def _manifest(raw: Any) -> Manifest:
    """Checked field by field: names become SQL identifiers later, and only if the tables' own list has them."""
    if not isinstance(raw, dict) or not isinstance(raw.get("format"), int):
        raise Damaged("its manifest cannot be read")
    if raw["format"] > FORMAT:
        raise BackupError("This backup was made by a newer version of the program: update first, then restore it.")
    try:
        tables = {_text(name): _member(member) for name, member in raw["tables"].items()}
        return Manifest(
            program=_text(raw["program"]),
            created=_text(raw["created"]),
            mode=_text(raw["mode"]),
            zone=_text(raw["zone"]),
            migrations=_lists(raw["migrations"]),
            counters=_lists(raw["counters"]),
            tables=tables,
            days=_member(raw["days"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Damaged("its manifest cannot be read") from None


def _member(raw: dict[str, Any]) -> Member:
    rows, size = raw["rows"], raw["bytes"]
    if type(rows) is not int or type(size) is not int or rows < 0 or size < 0:
        raise ValueError
    return Member(rows, size, _text(raw["sha256"]), _texts(raw["columns"]))


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 200:
        raise ValueError
    return value


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise ValueError
    return [_text(one) for one in value]


def _lists(value: dict[str, Any]) -> dict[str, list[str]]:
    return {_text(key): _texts(names) for key, names in value.items()}
