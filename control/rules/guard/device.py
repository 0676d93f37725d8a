"""What the device and its relay can bear (rule 4, first place; rules 9 and 10): locked, too hot, overloaded, stuck, out of reach. Pure."""

from __future__ import annotations

from control.rules.facts import FOREVER, Said
from control.rules.sight import Sight

# A short loss of the network is no reason to switch; a longer one leaves nobody knowing what the device does.
LOST_S = 30.0


def stop(sight: Sight) -> Said | None:
    """Why it may not be on, whatever anybody wants."""
    load, memory, device = sight.load, sight.memory, sight.device
    if load.load_w > load.rated_w and not sight.kind.contact:
        return Said("over_rating", {"load_w": load.load_w, "rated_w": load.rated_w})
    if memory.locked:
        return Said(memory.locked, {"rated_w": load.rated_w})
    if device.locked:
        return Said("locked_starts" if device.locked == "starts" else "locked", {"why": device.locked})
    if device.paused:
        return Said("paused")
    if load.dry_run:
        return None
    if device.told_s > LOST_S:
        return Said("holder_silent") if device.told_s == FOREVER else Said("holder_silent_for", {"since_s": round(device.told_s)})
    if memory.lost_mono is not None and sight.snapshot.mono - memory.lost_mono >= LOST_S:
        return Said("unreachable", {"since_s": round(sight.snapshot.mono - memory.lost_mono), "level": device.level})
    return None
