"""The live frame of a telegram: everything the pages show, in at most 450 bytes on the wire. Pure."""

import json
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from meters.p1.telegram import Telegram, values

BUDGET = 450
# What the consumer puts around a full frame.
WRAPPING = len('{"type":"frame","full":true,}')
# Left out, group after group, where a long name or many registers leave no room.
SPARE = (("l1_a", "l2_a", "l3_a"), ("l1_v", "l2_v", "l3_v"), ("month_peak_w",), ("quarter_w",), ("l1_w", "l2_w", "l3_w"))
# Digits a value may take: what is left out must not come and go with the numbers.
WIDEST = {"time": 10, "received": 14, "tariff": 2, "gas_l": 9, "water_l": 9, "gas_time": 10, "water_time": 10}
WIDEST |= dict.fromkeys(("import_t1_wh", "import_t2_wh", "export_t1_wh", "export_t2_wh"), 9)
WIDEST |= {f"l{phase}_{unit}": width for phase in (1, 2, 3) for unit, width in (("w", 6), ("v", 5), ("a", 5))}
WIDEST |= {"import_w": 6, "export_w": 6, "quarter_w": 6, "month_peak_w": 6}
PUNCTUATION = 4  # two quotes, a colon, a comma


def frame_of(source: str, telegram: Telegram, time: int, received: float) -> dict[str, Any]:
    """source: the meter's name; time: the stored time, received: of the last byte; both epoch seconds."""
    frame: dict[str, Any] = {"source": source, "time": time, "received": round(received, 3), **values(telegram)}
    for volume in telegram.volumes:
        # One gas and one water meter; the newest counts where a replaced one still answers.
        stamp = _epoch(volume.time)
        before = frame.get(f"{volume.medium}_time")
        if before is not None and (stamp is None or stamp < before):
            continue
        frame[f"{volume.medium}_l"] = volume.volume_l
        if stamp is not None:
            frame[f"{volume.medium}_time"] = stamp
    for name in _left_out(len(json.dumps(source)), tuple(frame)):
        del frame[name]
    return frame


def _epoch(time: datetime | None) -> int | None:
    return None if time is None else int(time.timestamp())


@lru_cache(maxsize=64)
def _left_out(source_bytes: int, names: tuple[str, ...]) -> tuple[str, ...]:
    size = WRAPPING + len('"source":,') + source_bytes + _bytes(name for name in names if name != "source")
    gone: list[str] = []
    for group in SPARE:
        if size <= BUDGET:
            break
        present = [name for name in group if name in names]
        gone += present
        size -= _bytes(present)
    return tuple(gone)


def _bytes(names: Iterable[str]) -> int:
    return sum(len(name) + PUNCTUATION + WIDEST[name] for name in names)
