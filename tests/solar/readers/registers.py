"""The registers of SunSpec devices, as the information models lay them out."""

import struct


def text(words: str, registers: int) -> list[int]:
    return list(struct.unpack(f">{registers}H", words.encode().ljust(2 * registers, b"\0")))


def floating(value: float) -> list[int]:
    return list(struct.unpack(">HH", struct.pack(">f", value)))


def chain(number: int, values: list[int], *others: tuple[int, list[int]], base: int = 40000) -> dict[int, int]:
    """Mark, common model, these models, the end."""
    common = [*text("Maker", 16), *text("Model X", 16), *[0] * 34]
    words = [0x5375, 0x6E53]
    for model, given in ((1, common), (number, values), *others):
        words += [model, len(given), *given]
    return {base + i: word for i, word in enumerate([*words, 0xFFFF, 0])}


def integers(power: int = 3210, scale: int = 0, total: int = 12_345_678, state: int = 4) -> list[int]:
    values = [0xFFFF] * 50
    values[12], values[13] = power & 0xFFFF, scale & 0xFFFF
    values[22], values[23], values[24], values[36] = total >> 16, total & 0xFFFF, 0, state
    return values


def floats(power: float, total: float, state: int = 4) -> list[int]:
    values = [0] * 60
    values[20:22], values[30:32], values[46] = floating(power), floating(total), state
    return values


def strings(*modules: tuple[str, int, int], power_scale: int = 0, energy_scale: int = 0, state: int = 4) -> list[int]:
    """Model 160: name, W and Wh of each module as they stand in the registers."""
    values = [0xFFFF, 0xFFFF, power_scale & 0xFFFF, energy_scale & 0xFFFF, 0, 0, len(modules), 0]
    for number, (name, power, total) in enumerate(modules, 1):
        values += [number, *text(name, 8), 0xFFFF, 0xFFFF, power, total >> 16, total & 0xFFFF, 0, 0, 0x8000, state, 0, 0]
    return values


def storage(charge: int, scale: int = -2) -> list[int]:
    """Model 124."""
    values = [0] * 24
    values[6], values[20] = charge, scale & 0xFFFF
    return values
