"""Who owns this house, and the way in for one who is not yet owner or lost the password."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from energysite import addresses, env, owners, setup_token


def setup_url(token: str) -> str:
    """The link that `up` prints too; the token is used up by opening it and finishing."""
    return f"{settings.PUBLIC_URL or _local_url()}/setup/?token={token}"


def _local_url() -> str:
    """Where the `up` of this folder listens, or listened last; else where it would."""
    try:
        return str(json.loads((settings.DATA_DIR / "up.lock").read_text())["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return addresses.local_url(addresses.bind_address(), env.integer("PORT", 8000, low=1, high=65535))


class Command(BaseCommand):
    help = "Says who owns the house. --reset prints a new one-time link: for the first owner, or for an owner's new password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reset", action="store_true", help="print a new one-time link; older ones end")
        parser.add_argument("--user", default="", help="whose password, where there are several owners")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.MODE == "demo":
            self._demo(reset=options["reset"])
            return
        names = list(owners.owners().order_by("date_joined").values_list("username", flat=True))
        if not names:
            token = setup_token.renew(settings.DATA_DIR) if options["reset"] else setup_token.ensure(settings.DATA_DIR)
            self._print(_("This house has no owner yet. Open this link to become it:"), setup_url(token))
        elif options["reset"]:
            name = self._whose(names, options["user"])
            url = setup_url(setup_token.renew(settings.DATA_DIR, name))
            self._print(_("Open this link within an hour to give %(name)s a new password:") % {"name": name}, url)
        else:
            self._print(_("Owner: %(names)s") % {"names": ", ".join(names)}, _("Password lost? manage.py owner --reset"))

    def _demo(self, *, reset: bool) -> None:
        token = setup_token.renew(settings.DATA_DIR) if reset else setup_token.ensure(settings.DATA_DIR)
        self._print(_("The demo has no owner. Open this link to leave it and set up your house:"), setup_url(token))

    def _whose(self, names: list[str], asked: str) -> str:
        if asked in names:
            return asked
        if asked or len(names) > 1:
            raise CommandError(_("Say whose password, with --user: one of %(names)s.") % {"names": ", ".join(names)})
        return names[0]

    def _print(self, *lines: str) -> None:
        for line in lines:
            self.stdout.write(line)
