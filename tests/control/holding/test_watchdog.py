"""Who hears that the holder lives, and what happens when nobody does."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from control.holding.watchdog import EXIT_STILL, Watchdog
from tests.source import ROOT


def test_rule_1_the_supervisor_and_systemd_hear_a_beat_and_a_pipe_that_nobody_reads_holds_up_nothing(tmp_path: Path) -> None:
    address = str(tmp_path / "notify.sock")
    ours, theirs = os.pipe()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        os.set_blocking(theirs, False)
        try:
            while os.write(theirs, bytes(65536)):
                pass
        except BlockingIOError:
            pass
        dog = Watchdog(theirs, address)
        assert dog.beat()
        assert systemd.recv(100) == b"WATCHDOG=1"
        os.close(ours)
        dog.due()
        assert not dog.beat(), "the supervisor is gone"
    os.close(theirs)
    dog.close()


def test_rule_1_a_holder_that_hangs_and_that_nobody_watches_ends_itself() -> None:
    hangs = "import time; from control.holding import watchdog; watchdog.STILL_S = 0.2; watchdog.Watchdog(-1, ''); time.sleep(60)"
    assert subprocess.run([sys.executable, "-c", hangs], cwd=ROOT, timeout=30, check=False).returncode == EXIT_STILL
