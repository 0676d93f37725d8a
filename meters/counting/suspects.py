"""Readings that lie aside, grouped in episodes: kept, and recognised when they come again."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from energysite.counters import Rule
from meters.counting import stored
from meters.counting.plain import Row, registers
from meters.kinds import Kind

ROWS_AN_INSERT = 200

Key = tuple[int, stored.Values]  # epoch second, registers


@dataclass(slots=True)
class Held:
    """The new readings of one episode. `parameters`: the rule in figures, those of its first reading."""

    rule: Rule
    first: int
    parameters: dict[str, Any]
    last: int
    rows: list[Row] = field(default_factory=list)
    asks: bool = False


def figures(kind: Kind, parameters: dict[str, int]) -> dict[str, Any]:
    """As the database keeps them: `register` by its name; before, value (Wh, l), seconds; or time (epoch s) alone."""
    if "register" not in parameters:
        return dict(parameters)
    return {**parameters, "register": kind.registers[parameters["register"]]}


def known(kind: Kind, source_id: int, seconds: Sequence[int]) -> set[Key]:
    """The suspects of a source at these seconds."""
    if not kind.suspects or not seconds:
        return set()
    sql = f"""
        SELECT extract(epoch FROM suspect.time)::bigint, {", ".join(f"suspect.{name}" for name in kind.registers)}
        FROM meters_rejectepisode AS episode JOIN {kind.suspects} AS suspect ON suspect.episode_id = episode.id
        WHERE episode.source_id = %s AND episode.last >= to_timestamp(%s) AND episode.first <= to_timestamp(%s)
        AND suspect.time = ANY(SELECT to_timestamp(second) FROM unnest(%s::bigint[]) AS second)"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [source_id, min(seconds), max(seconds), list(seconds)])
        return {(second, tuple(values)) for second, *values in cursor.fetchall()}


def key(kind: Kind, row: Row) -> Key:
    return stored.epoch(row[1]), registers(row, len(kind.registers))


def keep(kind: Kind, source_id: int, episodes: Iterable[Held]) -> None:
    """Add to the episodes, made where they are new. A signal without a suspect table has only the episode's row."""
    count = "excluded.count + episode.count" if kind.suspects else "greatest(excluded.count, episode.count)"
    sql = f"""
        INSERT INTO meters_rejectepisode AS episode (source_id, rule, first, last, count, parameters, asks, decision, decided_by)
        VALUES (%s, %s, to_timestamp(%s), to_timestamp(%s), %s, %s, %s, 'open', '')
        ON CONFLICT (source_id, rule, first) DO UPDATE
        SET last = greatest(excluded.last, episode.last), count = {count}, asks = excluded.asks OR episode.asks RETURNING id"""  # noqa: S608
    for held in episodes:
        with connection.cursor() as cursor:
            parameters = [source_id, held.rule.value, held.first, held.last, len(held.rows), json.dumps(held.parameters), held.asks]
            cursor.execute(sql, parameters)
            [episode_id] = cursor.fetchone()
        if kind.suspects:
            insert(kind, episode_id, held.rows)


def insert(kind: Kind, episode_id: int, rows: Sequence[Row]) -> None:
    names = kind.columns[1:]
    row = f"(%s,{','.join(['%s'] * len(names))})"
    with connection.cursor() as cursor:
        for start in range(0, len(rows), ROWS_AN_INSERT):
            chosen = rows[start : start + ROWS_AN_INSERT]
            cursor.execute(
                f"INSERT INTO {kind.suspects} (episode_id, {','.join(names)}) VALUES {','.join([row] * len(chosen))}",  # noqa: S608
                [value for one in chosen for value in (episode_id, *one[1:])],
            )


def asks_no_more(source_id: int, rule: Rule, first: int) -> None:
    """The counter went on at its old level: there is nothing left to decide about this one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE meters_rejectepisode SET asks = false WHERE source_id = %s AND rule = %s AND first = to_timestamp(%s)",
            [source_id, rule.value, first],
        )
