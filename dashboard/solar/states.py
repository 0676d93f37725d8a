"""What agents say of themselves: from Valkey, from their rows where it is away, and their last frames."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import redis

from energysite import agent_states, live
from energysite.models import Agent
from solar.moment import LEAST_S

logger = logging.getLogger(__name__)

# A frame is of this moment while it is no older than this many periods of its source, or the seconds that a telegram may be late.
PERIODS = 2


@dataclass(frozen=True, slots=True)
class Told:
    """By the agents' names. `frames`: last frames, however old; empty while Valkey is away."""

    states: dict[str, dict[str, Any]]
    frames: dict[str, live.Frame] = field(default_factory=dict)

    def fresh(self, agent: Agent, now: float) -> live.Frame:
        """The frame of this moment, empty where there is none. `now`: epoch."""
        frame = self.frames.get(agent.name, {})
        period_s = max(frame.get("period_s", 0), agent.period_s)
        return frame if frame and now - frame["received"] <= max(LEAST_S, PERIODS * period_s) else {}


def told(agents: Iterable[Agent]) -> Told:
    """Needs each agent's state row (select_related) for the time that Valkey is away."""
    agents = list(agents)
    names = [agent.name for agent in agents]
    try:
        states = agent_states.read_all(live.client(), names)
        frames = {name: frame for name, frame in live.last_frames(live.client()).items() if name in names}
    except redis.RedisError as error:
        logger.warning("no live values for the solar page: %s", error)
        states, frames = {}, {}
    return Told({agent.name: states.get(agent.name) or agent.state.state for agent in agents}, frames)
