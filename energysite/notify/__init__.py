"""What somebody should know even when nobody looks: raised by who sees it, told once, and once more when it is over.

Whoever detects something calls `saw` with all that is wrong in its field each time it looks, or `raise_notice` and `recover` when it
begins and ends. Sending is another's work (`energysite.notify.sending`): nobody waits for a mail server here.
"""

from energysite.notify.raising import Trouble, raise_notice, recover, saw

__all__ = ["Trouble", "raise_notice", "recover", "saw"]
