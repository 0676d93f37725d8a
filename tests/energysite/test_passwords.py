import subprocess
import sys

from django.conf import settings

# Ten at once by the site's own hasher; prints how many MB the process ever took.
MANY_AT_ONCE = """
import threading
from django.conf import settings
settings.configure(PASSWORD_HASHERS=[%r])
from django.contrib.auth.hashers import check_password, make_password
stored = make_password("right")
tries = [threading.Thread(target=check_password, args=("wrong", stored)) for _ in range(10)]
[one.start() for one in tries]
[one.join() for one in tries]
assert check_password("right", stored)
# Not getrusage: its maximum is inherited from the process that forked.
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def test_passwords_tried_all_at_once_do_not_use_up_the_memory():
    done = subprocess.run(
        [sys.executable, "-c", MANY_AT_ONCE % settings.PASSWORD_HASHERS[0]],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert int(done.stdout) < 250, "one hash takes 100 MB"
