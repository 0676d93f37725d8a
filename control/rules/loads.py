"""What each kind of load needs, and what it may take (rule 13). Pure."""

from __future__ import annotations

from dataclasses import dataclass

from control.rules.facts import Load

DAY_S = 86_400
# On without draw is no fault; the load is asked again so much later (rule 10).
RETRY_S = 1800


@dataclass(frozen=True, slots=True)
class Kind:
    """`min_on_s`, `min_off_s`: proposed for a new controller. `compressor`: nothing breaks its minimum off. `resistive`: the month peak may
    break its minimum on (an electric car counts too: it does not mind). `idle_w`, `idle_share`: on and drawing less than this for `idle_s`
    is satisfied or unplugged. `full_days`: it wants a full heat-up that often. `continuous`: it runs for hours, and may take 80 % of its
    output. `heater`: an output that cannot switch itself off may not carry it. `contact`: it is only allowed to run, by an enable contact:
    the output's power says nothing."""

    name: str
    min_on_s: int
    min_off_s: int
    compressor: bool = False
    resistive: bool = False
    idle_w: int = 0
    idle_share: float = 0.0
    idle_s: float = 120.0
    full_days: int = 0
    continuous: bool = False
    heater: bool = False
    contact: bool = False

    def idle_below_w(self, load_w: int) -> float:
        return max(self.idle_w, self.idle_share * load_w)


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("ev", 300, 300, resistive=True, idle_w=100, idle_s=300, continuous=True),
        Kind("boiler", 300, 300, resistive=True, idle_share=0.10, idle_s=120, full_days=7, continuous=True, heater=True),
        Kind("heat_pump", 1200, 1200, compressor=True, contact=True, continuous=True),
        Kind("pump", 600, 300, idle_share=0.10, idle_s=120, continuous=True),
        Kind("other", 300, 300, idle_share=0.10, idle_s=120),
    )
}


def kind(load: Load) -> Kind:
    """Raises KeyError for a kind that nobody knows."""
    return KINDS[load.kind]
