"""Does a part of a page still say what it said? The page's script compares marks, not HTML."""

import zlib


def mark(html: str) -> str:
    """Changes with the HTML."""
    return f"{zlib.crc32(html.encode()):08x}"
