"""What one reading of one device found, for Test and doctor, whatever the device. Pure."""

from dataclasses import dataclass

HEARD_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Look:
    """`facts`: the values in words, in the language of who asked. `error`: what is wrong and what to do, or with `ok` what a person
    should know all the same. `live`: answered from the last frame, `age_s` old, because the device was read less than a period ago.
    `heard`: at most HEARD_SHOWN characters of what the device sent, without any secret."""

    name: str
    ok: bool
    facts: tuple[str, ...] = ()
    error: str = ""
    live: bool = False
    age_s: float = 0.0
    took_ms: int | None = None
    heard: str = ""
