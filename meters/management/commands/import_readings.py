"""manage.py import_readings: a file, or a folder of files, into a source; recognised by what stands in it."""

import json
from argparse import ArgumentParser
from contextlib import nullcontext
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import translation

from energysite.management.commands._backup import Progress as Bar
from meters.exchange import fields
from meters.exchange.progress import Progress, ProgressFile
from meters.exchange.target import CREATABLE
from meters.exchange.trouble import LISTED, BadRow, Unreadable

REFUSED = "The database did not take it. What was read so far is stored: start the import again and it goes on."


class Command(BaseCommand):
    help = (
        "Imports readings: CSV with the names of decode_p1, the CSV stores or MongoDB collections (mongoexport) of older programs, P1"
        " captures, Fluvius quarter-hour CSV; also packed (.gz, .zip) or as a folder. What is stored already stays as it is, so the same"
        " file may be imported again, also after an import that was cut off: it goes on there. Rows that cannot be read are listed, the"
        " rest goes in. Ends when the blocks that it touches are done. Exit status 0, or 1 when nothing could be imported."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="a file, or a folder of them in the order of their names")
        parser.add_argument("--source", metavar="NAME", help="where the readings go; a --preview can do without")
        parser.add_argument("--create", choices=CREATABLE, help="make the source when there is none of this name")
        parser.add_argument("--medium", choices=("gas", "water"), help="of a volume that is made; from the file by default")
        parser.add_argument(
            "--unit", choices=fields.UNITS, help="of a store's numbers: Wh (W, litres) or kWh (kW, m3); seen from them by default"
        )
        parser.add_argument("--preview", action="store_true", help="tell what would be done, and write nothing")
        parser.add_argument("--no-wait", action="store_true", help="leave the blocks to the worker")
        parser.add_argument("--json", action="store_true", help="the result as one JSON object")
        parser.add_argument("--language", default="", metavar="CODE", help="of the sentences about the file, such as nl")
        parser.add_argument("--progress-file", type=Path, metavar="PATH", help="a JSON file that always tells how far it is")

    def handle(self, *args: Any, language: str, **options: Any) -> None:
        with translation.override(language) if language else nullcontext():
            self._handle(**options)

    def _handle(self, file: Path, progress_file: Path | None, **options: Any) -> None:
        bar = Bar(self.stderr)
        told = None if progress_file is None else ProgressFile(progress_file)

        def progress(phase: str, done: int, total: int, bad: int) -> None:
            bar(phase, done, total, "blocks" if phase == "blocks" else "rows")
            if told is not None:
                told(phase, done, total, bad)

        try:
            outcome = self._do(file, progress, options)
        except (Unreadable, DatabaseError) as error:
            message = str(error) if isinstance(error, Unreadable) else f"{REFUSED} ({error})"
            bar.end()
            if told is not None:
                told.end("failed", message, None)
            raise CommandError(message) from error
        bar.end()
        if told is not None:
            told.end("done", "", outcome)
        if options["json"]:
            self.stdout.write(json.dumps(outcome))
        else:
            self._say(outcome, preview=options["preview"])

    def _do(self, file: Path, progress: Progress, options: dict[str, Any]) -> dict[str, Any]:
        # numpy and pandas: late, so that `--help` and the commands' list do without; this process ends.
        from meters.exchange import importing

        how = {name: options[name] for name in ("medium", "unit")}
        if options["preview"]:
            return _plain(asdict(importing.preview(file, options["source"], options["create"], progress=progress, **how)))
        if not options["source"]:
            raise Unreadable("Say where the readings go: --source NAME (with --preview you see what the file holds).")
        done = importing.run(file, options["source"], options["create"], progress, wait=not options["no_wait"], **how)
        return _plain(asdict(done))

    def _say(self, outcome: dict[str, Any], *, preview: bool) -> None:
        for row in outcome["bad"]:
            self.stderr.write(_bad_line(row), str)
        if outcome["bad_count"] > LISTED:
            self.stderr.write(f"... and {outcome['bad_count'] - LISTED:,} more", str)
        for note in outcome["notes"]:
            self.stdout.write(note)
        span = f" from {outcome['first']} to {outcome['last']}" if outcome["first"] else ""
        if preview:
            unit = f", in {outcome['unit']}" if outcome["unit"] else ""
            where = f"for {outcome['source']}" if outcome["source"] else f"of {', '.join(outcome['media'])}"
            self.stdout.write(f"{outcome['title']}: {outcome['rows']:,} readings {where}{span}{unit}; {outcome['bad_count']:,} bad rows")
            self.stdout.write(f"columns: {', '.join(outcome['columns']) or '-'}")
            if outcome["left_over"]:
                self.stdout.write(f"for other sources: {', '.join(outcome['left_over'])}")
            self.stdout.write(f"{outcome['overlap']:,} lie where the source was measured finer already, and would be left out")
            for row in outcome["sample"]:
                self.stdout.write("  " + ", ".join(f"{name}={value}" for name, value in row.items()))
            return
        self.stdout.write(
            f"{outcome['source']}: {outcome['new']:,} new readings{span}; {outcome['duplicates']:,} were there already,"
            f" {outcome['finer']:,} measured finer already, {outcome['suspects']:,} set aside as suspicious,"
            f" {outcome['bad_count']:,} bad rows; {outcome['blocks']:,} blocks done"
        )


def _bad_line(row: dict[str, Any]) -> str:
    where = f"{row['file']}, line {row['line']}" if row["file"] else f"line {row['line']}"
    return f"{where}: {row['reason']}"


def _plain(value: Any) -> Any:
    """As JSON can hold it."""
    if isinstance(value, BadRow):
        return value._asdict()
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
