"""`manage.py totals`: what was counted by quarter, hour, day, week, month or year, one JSON object a line."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from energysite import house as the_house
from energysite import timegrid
from energysite.management.commands._backup import Progress
from meters.totals import house
from meters.totals.house import By, NoSuchTotals


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no date; write it as 2026-07-31") from None


class Command(BaseCommand):
    help = (
        "Prints what was counted, one JSON object a line: start, end, coverage (0 to 1), recovered, then Wh and litres. Exact to 1 Wh"
        " and 1 l; values that are not known are absent. Days are those of the house's time zone, both hours of an autumn night among them."
        " Sources of one medium are summed. Runs with the site stopped too."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from",
            dest="since",
            type=day,
            metavar="DATE",
            help="the first day; without it 1 (quarter, hour) or 30 days, 12 months, 10 years",
        )
        parser.add_argument("--to", dest="until", type=day, metavar="DATE", help="the last day, itself included; without it today")
        parser.add_argument("--by", choices=[str(by) for by in By], default="day", help="length of a line's period (day)")
        parser.add_argument("--source", metavar="NAME", help="of this source alone")

    def handle(self, *args: Any, since: date | None, until: date | None, by: str, source: str | None, **options: Any) -> None:
        zone, now = ZoneInfo(the_house.current().zone), timezone.now()
        last = until or timegrid.local_day(now, zone)
        first = since or house.first_date(By(by), last)
        progress = Progress(self.stderr)
        try:
            for row in house.rows(
                By(by), first, last, source, zone=zone, now=now, tell=lambda done, lines: progress("totals", done, lines)
            ):
                self.stdout.write(json.dumps(row))
        except NoSuchTotals as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"The database does not answer: {str(error).strip()}") from error
        except (OverflowError, ValueError) as error:
            raise CommandError(f"There are no totals of {first} to {last}: {error}") from error
        finally:
            progress.end()
