"""When was it measured? The meter's clock rules while it is sane; whether it is, only a synchronised system clock can say. Pure.

Off by more than 2 minutes, a telegram is stored at the meter's time minus the learned offset (running median of meter time -
receipt time, whole seconds). Without the system's clock as a witness the meter is believed.
"""

import ctypes
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median_low

EARLIEST = 1_199_145_600  # 2008-01-01: no smart meter is older
LATEST = 4_102_444_800  # 2100-01-01: the limit while nobody knows what time it is
DAY_S = 86_400
OFF_S = 120
SANE_AGAIN_S = 60  # below this a corrected meter is believed again: no flutter around two minutes
WINDOW = 61
CONFIRM = 10  # telegrams in a row that agree on a new offset before the old one is forgotten
TOLERANCE_S = 2  # the median may wander this far before the offset in use follows: each step repeats or skips a second
SYSTEM_STEP_S = 3.0
ADJTIMEX_ERROR = 5  # TIME_ERROR: the kernel's clock is not synchronised


@dataclass(frozen=True, slots=True)
class Stamp:
    """`time`: epoch seconds to store at, None when no believable time is known. `offset_s` is what was taken off."""

    time: int | None
    offset_s: int = 0

    @property
    def corrected(self) -> bool:
        return self.offset_s != 0


def believable(time: float, now: float, *, synchronised: bool = True) -> bool:
    """2008 to a day from now; where `now` itself is in doubt, to 2100."""
    return EARLIEST <= time <= (now + DAY_S if synchronised else LATEST)


_libc = ctypes.CDLL(None)


def system_synchronised() -> bool:
    """What the kernel says (adjtimex, read only); False where it cannot be asked."""
    if not hasattr(_libc, "adjtimex"):
        return False
    state = _libc.adjtimex(ctypes.create_string_buffer(512))  # struct timex, zeroed: no mode, nothing is set
    return 0 <= state < ADJTIMEX_ERROR


class MeterClock:
    """One meter's. Feed every telegram in order of arrival to `stamp`.

    `learned_s` is an offset from an earlier run: it serves until the system's clock can say more.
    """

    def __init__(self, mode: str, synchronised: Callable[[], bool], learned_s: int = 0) -> None:
        self._trust = mode == "meter"
        self._synchronised = synchronised
        self._offsets: deque[int] = deque(maxlen=WINDOW)
        self._astray: list[int] = []  # offsets in a row that do not fit the learned one
        self._learned = learned_s
        self._correcting = learned_s != 0
        self._wall_minus_mono: float | None = None
        self.measured_s: int | None = None  # the median offset, for the person; None until judged

    @property
    def offset_s(self) -> int:
        """What is taken off the meter's time now: 0 while the meter is sane or trusted."""
        return self._learned if self._correcting and not self._trust else 0

    def stamp(self, meter: float | None, wall: float, mono: float) -> Stamp:
        """meter: the telegram's own time (epoch) or None; wall, mono: system and monotonic clock at its last byte."""
        if meter is None:
            return Stamp(int(wall) if wall >= EARLIEST else None)
        synchronised = self._synchronised()
        if synchronised:
            self._watch_system(wall, mono)
            offset = self._judge(round(meter - wall))
        else:
            self._forget()
            offset = self.offset_s
        if self._trust:
            offset = 0
        time = int(meter) - offset
        return Stamp(time, offset) if believable(time, wall, synchronised=synchronised) else Stamp(None)

    def _forget(self) -> None:
        self._offsets.clear()
        self._astray.clear()

    def _watch_system(self, wall: float, mono: float) -> None:
        """A step of the system's own clock says nothing about the meter: what was learned is learned again."""
        difference = wall - mono
        if self._wall_minus_mono is not None and abs(difference - self._wall_minus_mono) > SYSTEM_STEP_S:
            self._forget()
        self._wall_minus_mono = difference

    def _judge(self, offset: int) -> int:
        """The offset to take off this telegram's time: 0 while the meter is sane."""
        if not self._offsets:
            self._learned = offset  # the first telegram is judged at once: 2000-01-01 is never believed
        elif abs(offset - self._learned) > OFF_S:
            return self._stray(offset)
        self._astray.clear()
        self._offsets.append(offset)
        middle = median_low(self._offsets)
        if abs(middle - self._learned) > TOLERANCE_S:
            self._learned = middle
        self._conclude(middle)
        return self.offset_s

    def _stray(self, offset: int) -> int:
        """A telegram far from the learned offset: one bad stamp, or the meter's clock was set. Agreement tells."""
        if self._astray and abs(offset - self._astray[0]) > OFF_S:
            self._astray.clear()
        self._astray.append(offset)
        candidate = self._astray[0]
        if len(self._astray) >= CONFIRM:
            self._offsets.clear()
            self._offsets.extend(self._astray)
            self._astray.clear()
            self._learned = candidate
            self._conclude(candidate)
        return candidate if abs(candidate) > OFF_S else 0

    def _conclude(self, middle: int) -> None:
        self.measured_s = middle
        self._correcting = abs(middle) > (SANE_AGAIN_S if self._correcting else OFF_S)
