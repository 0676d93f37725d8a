"""The worker process of `manage.py up`: Celery with threads, and beat inside as one of them.

One process instead of two saves 50 MB. Beat's thread ends silently when the database is away at its start or at its reload, while
the process lives on; so beat waits for the database first, is watched, and its end ends the process: the supervisor starts it again.
"""

import os
import sys
import threading
import time
import warnings

import structlog

THREADS = 16
GRACE_S = 10.0
EXIT_BEAT_ENDED = 70

log = structlog.get_logger(__name__)


def wait_for_database() -> None:
    """Until the database answers; with back-off, said once. Without the pool, which would complain at each try."""
    import psycopg
    from django.db import connection

    pause, said = 0.2, False
    while True:
        try:
            psycopg.connect(**{**connection.get_connection_params(), "connect_timeout": 5}).close()
            return
        except psycopg.OperationalError as error:
            if not said:
                log.warning("worker waits for the database", error=str(error).strip())
            said = True
        time.sleep(pause)
        pause = min(pause * 2, 2.0)


def drop_replaced_databases() -> None:
    """What a restore replaced is kept until the site has started: that is now."""
    from django.conf import settings

    from energysite import backup_databases
    from energysite.backup_archive import BackupError

    if settings.DATABASE_URL:
        return
    try:
        dropped = backup_databases.drop_kept()
    except BackupError as error:
        log.warning("the database that a restore replaced is kept until the next start", error=str(error))
    else:
        if dropped:
            log.info("the database that a restore replaced is dropped", names=dropped)


def watch(beat: threading.Thread) -> None:
    """End the process when beat ends, running tasks first: nothing periodic would ever run again."""
    from celery.worker import state

    beat.join()
    if state.should_stop is not None or state.should_terminate is not None:
        return
    log.error("beat ended; the worker ends and is started again")
    state.should_stop = EXIT_BEAT_ENDED
    time.sleep(GRACE_S)
    os._exit(EXIT_BEAT_ENDED)


def main() -> int:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "energysite.settings")
    django.setup()
    wait_for_database()
    drop_replaced_databases()

    from celery.beat import EmbeddedService
    from celery.platforms import SecurityWarning

    from energysite.celery import app

    # Root in a container of its own is fine: tasks take JSON only, which is what Celery's warning is about.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    # Not app.worker_main: its command line brings prompt_toolkit and pygments, 9 MB.
    worker = app.Worker(
        pool_cls="threads",
        concurrency=THREADS,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    beat = EmbeddedService(app, thread=True, scheduler_cls=app.conf.beat_scheduler)
    beat.start()
    threading.Thread(target=watch, args=(beat,), name="watch beat", daemon=True).start()
    worker.start()
    return worker.exitcode or 0


if __name__ == "__main__":
    sys.exit(main())
