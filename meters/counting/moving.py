"""Whole rows between the readings and the suspects of an episode, and what follows when readings are taken away."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from meters.blocks.touch import reopen
from meters.counting import stored
from meters.counting.plain import Row
from meters.kinds import Kind
from meters.models import Block

# What a block says until it is computed again; nothing may be said of time that no reading proves any more.
VALUES = ("energy", "end", "min", "mean", "max")


def _run(sql: str, parameters: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)


def _names(kind: Kind) -> str:
    return ", ".join(kind.columns[1:])


def suspects_of(kind: Kind, episode_id: int, source_id: int, *, after: int | None = None, most: int | None = None) -> list[Row]:
    """As rows of the kind, by time. `after`: later than this second."""
    sql = f"SELECT %s::int, {_names(kind)} FROM {kind.suspects} WHERE episode_id = %s"  # noqa: S608
    parameters: list[Any] = [source_id, episode_id]
    if after is not None:
        sql += " AND time > to_timestamp(%s)"
        parameters.append(after)
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} ORDER BY time, id LIMIT %s", [*parameters, most])
        return cursor.fetchall()


def take_in(kind: Kind, episode_id: int, source_id: int) -> int:
    """All of an episode into the readings; the suspects stay as a record of what entered."""
    return _run(
        f"INSERT INTO {kind.table} (source_id, {_names(kind)}) SELECT %s, {_names(kind)} FROM {kind.suspects}"  # noqa: S608
        " WHERE episode_id = %s ORDER BY id ON CONFLICT DO NOTHING",
        [source_id, episode_id],
    )


def put_back(kind: Kind, episode_id: int, source_id: int, since: int) -> int:
    """Every reading from `since` on out of the readings and into the episode, where it is not there already."""
    _run(
        f"""INSERT INTO {kind.suspects} (episode_id, {_names(kind)}) SELECT %s, {_names(kind)} FROM {kind.table} AS reading
            WHERE source_id = %s AND time >= to_timestamp(%s)
            AND NOT EXISTS (SELECT FROM {kind.suspects} AS there WHERE there.episode_id = %s AND there.time = reading.time)""",  # noqa: S608
        [episode_id, source_id, since, episode_id],
    )
    return _run(f"DELETE FROM {kind.table} WHERE source_id = %s AND time >= to_timestamp(%s)", [source_id, since])  # noqa: S608


def _same_registers(kind: Kind) -> str:
    return " AND ".join(f"reading.{name} IS NOT DISTINCT FROM suspect.{name}" for name in kind.registers)


def take_out(kind: Kind, episode_id: int, source_id: int) -> int:
    """The readings that are suspects of the episode, out of the readings."""
    return _run(
        f"""DELETE FROM {kind.table} AS reading USING {kind.suspects} AS suspect WHERE suspect.episode_id = %s
            AND reading.source_id = %s AND reading.time = suspect.time AND {_same_registers(kind)}""",  # noqa: S608
        [episode_id, source_id],
    )


def stored_beneath(kind: Kind, episode_id: int, source_id: int) -> list[Row]:
    """The readings at the times of the episode's suspects."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT source_id, {_names(kind)} FROM {kind.table} WHERE source_id = %s"  # noqa: S608
            f" AND time IN (SELECT time FROM {kind.suspects} WHERE episode_id = %s) ORDER BY time",
            [source_id, episode_id],
        )
        return cursor.fetchall()


def delete(kind: Kind, source_id: int, seconds: Sequence[int]) -> int:
    return _run(
        f"DELETE FROM {kind.table} WHERE source_id = %s AND time = ANY(SELECT to_timestamp(s) FROM unnest(%s::bigint[]) AS s)",  # noqa: S608
        [source_id, list(seconds)],
    )


def clear_suspects(kind: Kind, episode_id: int, seconds: Sequence[int] | None = None) -> int:
    if seconds is None:
        return _run(f"DELETE FROM {kind.suspects} WHERE episode_id = %s", [episode_id])  # noqa: S608
    return _run(
        f"DELETE FROM {kind.suspects} WHERE episode_id = %s AND time = ANY(SELECT to_timestamp(s) FROM unnest(%s::bigint[]) AS s)",  # noqa: S608
        [episode_id, list(seconds)],
    )


def taken_away(kind: Kind, source_id: int, low: int, high: int) -> int:
    """After readings between two seconds went: the blocks are open again, and those beyond the newest reading say nothing."""
    newest = stored.newest(kind, source_id)
    before = stored.run(kind, source_id, low, "<", 1)
    after = stored.run(kind, source_id, high, ">", 1)
    begin = before[0].time if before else low - 1
    end = after[0].time if after else high + 1
    opened = reopen(source_id, [(stored.instant(begin), stored.instant(end))], removed=True)
    if not after:
        _unsay(source_id, None if newest is None else newest.time)
    return opened


def _unsay(source_id: int, newest: int | None) -> None:
    blocks = Block.objects.filter(source_id=source_id)
    if newest is None:
        blocks.delete()
        return
    edge = stored.instant(newest)
    blocks.filter(start__gte=edge).delete()
    names = [field.name for field in Block._meta.concrete_fields if field.name[:-1] in VALUES] + ["covered_s", "meter_w", "proof"]
    blocks.filter(end__gt=edge).update(**dict.fromkeys(names), recovered=False)
