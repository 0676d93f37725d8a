"""`python -m tests.faults.simulated FIRST NUMBER`: so many faults, in a process of its own; the last line is JSON."""

import json
import logging
import os
import sys
import tempfile


def main(first: int, number: int) -> int:
    """0 whatever was found; 1 where a house did not even come on."""
    import django

    django.setup()
    logging.disable(logging.CRITICAL)  # thousands of devices that are away on purpose
    from tests.faults import episode

    episodes = episode.several(number, first)
    found = [[one.fault, one.seed, one.output, one.wants, one.seconds, one.within_s] for each in episodes for one in each.found]
    print(json.dumps({"found": found, "presses": sum(each.presses for each in episodes)}))
    return 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="energysite-faults-") as folder:
        os.environ |= {"DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "energysite.settings", "LOG_LEVEL": "error"}
        sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
