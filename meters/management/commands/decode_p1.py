"""manage.py decode_p1: raw port bytes in, one JSON object a telegram out. Needs no server, no database."""

import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError

from meters.p1.decoder import AUTO, BELGIUM, V2, V3, V4, V5, decode
from meters.p1.framer import Framer
from meters.p1.telegram import to_json

BLOCK = 65536


class Command(BaseCommand):
    help = "Decodes the raw bytes of a P1 port: one JSON object a telegram, invalid ones included. What is left over is told at the end."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", metavar="FILE", help="a capture; without one, standard input is read")
        parser.add_argument(
            "--dialect", choices=(AUTO, BELGIUM, V5, V4, V3, V2), default=AUTO, help="recognised for each telegram by default"
        )

    def handle(self, *args: Any, file: str | None, dialect: str, **options: Any) -> None:
        framer = Framer()
        count = valid = 0
        try:
            for telegrams in _telegrams(file, framer):
                for raw in telegrams:
                    telegram = decode(raw, dialect)
                    count, valid = count + 1, valid + telegram.valid
                    sys.stdout.write(json.dumps(to_json(telegram)) + "\n")
                sys.stdout.flush()
        except BrokenPipeError:  # as with `| head`: nobody reads on
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
        except KeyboardInterrupt:
            self.stderr.write("")
        if framer.discarded or valid < count or not count:
            self.stderr.write(_summary(count, valid, framer))


def _telegrams(file: str | None, framer: Framer) -> Iterator[list[bytes]]:
    """Telegrams as soon as their bytes are there: a live port may be piped in. Raises CommandError."""
    source = _open(file)
    with source:
        while True:
            try:
                data = source.read1(BLOCK)  # type: ignore[attr-defined]
            except OSError as error:
                raise CommandError(f"{file or 'Standard input'} cannot be read: {error.strerror}.") from error
            if not data:
                break
            yield framer.feed(data)
    yield framer.flush()


def _open(file: str | None) -> BinaryIO:
    if file is None:
        if sys.stdin is None:
            raise CommandError("Standard input is closed. Name a file, or pipe the bytes in.")
        return sys.stdin.buffer
    try:
        return Path(file).open("rb")
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} cannot be opened: {getattr(error, 'strerror', None) or error}.") from error


def _summary(count: int, valid: int, framer: Framer) -> str:
    """One sentence."""
    found = f"{_telegrams_of(count)}, {valid} of them valid" if count else "No telegram was found"
    if not framer.discarded:
        return f"{found}."
    cut = f" ({_telegrams_of(framer.cut)} began and did not end)" if framer.cut else ""
    return f"{found}; {framer.discarded} bytes belonged to no whole telegram{cut}."


def _telegrams_of(count: int) -> str:
    return "1 telegram" if count == 1 else f"{count} telegrams"
