"""What the tests of readers share: one reading with a deadline, and the answers that were recorded from real devices."""

import json
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from solar.production import Production
from solar.readers import Reader

RECORDED = settings.BASE_DIR.parent / "shared" / "captures" / "devices"


def read(reader: Reader, seconds: float = 3.0) -> Production:
    with closing(reader):
        return reader.read(time.monotonic() + seconds)


def recorded(name: str) -> Any:
    path = Path(RECORDED / name)
    if not path.exists():
        pytest.skip("the recordings of real devices are not beside the repository")
    return json.loads(path.read_text())
