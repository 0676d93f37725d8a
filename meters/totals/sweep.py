"""The cache's side of the outbox: what a commit could not drop at once is dropped here."""

from itertools import groupby

from meters.blocks import outbox
from meters.totals import cache

CONSUMER = "cache"
MOST = 2000


def sweep() -> int:
    """Works through the marks there are. Raises redis.RedisError while Redis is away: the marks stay. Returns how many went."""
    gone = 0
    while taken := sorted(outbox.take(CONSUMER, MOST)):
        for source_id, marks in groupby(taken, key=lambda mark: mark[0]):
            cache.drop(source_id, [day for _source, day, _generation in marks])
        gone += outbox.drop(CONSUMER, taken)
        if len(taken) < MOST:
            break
    return gone
