"""CSV with a column for each value: our own readings, and the CSV stores of the program this one follows."""

from collections.abc import Iterator

from meters.exchange import cells, files, header, lines
from meters.exchange.batches import Maker
from meters.exchange.fields import time_column
from meters.exchange.steps import Place, Step
from meters.exchange.trouble import BadRows


def steps(reader: files.Counted, head: header.Header, maker: Maker, bad: BadRows, place: Place) -> Iterator[Step]:
    """The batches of one file from `place` on. Raises Unreadable."""
    time = time_column(head.names)
    assert time is not None, "recognised by it"
    wanted = [field.column for field in maker.fields]
    header.refuse_doubles(head, {time, *wanted})
    offset, line = max(place.offset, head.length), max(place.line, head.line + 1)
    maker.clock.restore(place.clock)
    files.skip(reader, offset)
    for block in lines.blocks(reader, bad, number=line, offset=offset):
        before = bad.count
        batch = maker.make(cells.read(block, head, time, wanted, bad), bad)
        after = Place(place.part, block.offset, block.number + block.length, maker.clock.state())
        yield Step(batch, after, len(batch) + bad.count - before, reader.share)
