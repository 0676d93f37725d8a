"""manage.py export_readings: a source's readings or blocks as CSV."""

import json
import os
import sys
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from energysite import house
from energysite.management.commands._backup import Progress as Bar
from meters.exchange import exporting
from meters.exchange.target import unknown
from meters.models import Source


class Command(BaseCommand):
    help = (
        "Writes the readings of a source as CSV with the names of decode_p1 (import_readings takes it back), or its blocks: minutes,"
        " quarters, hours, days with their energies, powers and coverage. Times are UTC; --from and --to are days or times of the house."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--source", required=True, metavar="NAME")
        parser.add_argument("--from", dest="start", metavar="DATE", help="YYYY-MM-DD or a time; the first reading by default")
        parser.add_argument("--to", dest="end", metavar="DATE", help="not included; up to the last reading by default")
        parser.add_argument("--by", choices=tuple(exporting.BY), default="raw")
        parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="standard output by default")
        parser.add_argument(
            "--json", action="store_true", help="a summary as one JSON object, on standard error where the CSV goes to standard output"
        )

    def handle(self, *args: Any, source: str, output: Path | None, by: str, **options: Any) -> None:
        found = Source.objects.filter(name=source).first()
        if found is None:
            raise CommandError(unknown(source))
        start, end = (_moment(options[name]) for name in ("start", "end"))
        bar = Bar(self.stderr)
        counted = {"rows": 0}

        def progress(phase: str, done: int, total: int, _bad: int) -> None:
            counted["rows"] = done
            if output is not None:
                bar(phase, done, total)

        try:
            size = _write(output, exporting.export(found, by, start, end, progress))
        except BrokenPipeError:  # as with `| head`: nobody reads on
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
        except DatabaseError as error:
            raise CommandError(f"The database does not give it: {error}") from error
        except OSError as error:
            raise CommandError(f"{output or 'Standard output'} cannot be written: {error.strerror}.") from error
        finally:
            bar.end()
        self._summary({"source": source, "by": by, "rows": counted["rows"], "bytes": size, "file": output and str(output)}, options["json"])

    def _summary(self, summary: dict[str, Any], as_json: bool) -> None:
        stream = self.stdout if summary["file"] else self.stderr
        if as_json:
            stream.write(json.dumps(summary), str)
        elif summary["file"]:
            stream.write(f"{summary['file']}: {summary['rows']:,} rows of {summary['source']}", str)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return exporting.moment(text, ZoneInfo(house.current().zone))
    except ValueError as error:
        raise CommandError(f"{text} is no day (YYYY-MM-DD) and no time (YYYY-MM-DDTHH:MM).") from error


def _write(output: Path | None, pieces: Any) -> int:
    """Bytes written. A file appears once it is whole."""
    if output is None:
        return _pour(sys.stdout.buffer, pieces)
    fresh = output.with_name(f"{output.name}.{os.getpid()}.part")
    try:
        with fresh.open("wb") as file:
            size = _pour(file, pieces)
        fresh.replace(output)
    finally:
        fresh.unlink(missing_ok=True)
    return size


def _pour(file: BinaryIO, pieces: Any) -> int:
    size = 0
    for piece in pieces:
        size += file.write(piece)
    file.flush()
    return size
