"""What this machine and this folder have that a copy of them does not (rule 12). No Django."""

import hashlib
from pathlib import Path

MACHINE_ID = Path("/etc/machine-id")
SERIAL = Path("/sys/firmware/devicetree/base/serial-number")  # of a Pi: a card that was copied has the machine-id of the other one
KEY = "secret.key"  # made once, never written again: its inode is that of this folder


def marks(folder: Path) -> list[str]:
    """Raises OSError where the folder has no key, which no site lives without."""
    found = [file.read_text(errors="replace").strip("\0\n ") for file in (MACHINE_ID, SERIAL) if file.is_file()]
    return [*found, str((folder / KEY).stat().st_ino)]


def digest(found: list[str]) -> str:
    return hashlib.sha256("\n".join(found).encode()).hexdigest()[:32]
