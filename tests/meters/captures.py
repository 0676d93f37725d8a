"""Real captures lie beside the repository, not in it; what needs one is skipped where they are absent."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "captures"
ISKRA = "iskra-2m550t-10min-1hz.p1"


def path(name: str) -> Path:
    file = FOLDER / name
    if not file.exists():
        pytest.skip(f"the capture {name} is not beside the repository ({FOLDER})")
    return file


def read(name: str) -> bytes:
    return path(name).read_bytes()
