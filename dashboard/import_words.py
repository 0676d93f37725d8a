"""What the import page says of an import: how far it is, what came of it, why it ended."""

from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from meters.exchange.child import Import, Stage

BAD_SHOWN = 100

TROUBLES = {
    "crashed": lambda: _("It stopped with an error of its own. What was imported so far stays."),
    "memory": lambda: _("The import needed more memory than it may take. Split the file, by year for example, and import the parts."),
    "killed": lambda: _(
        "The import was killed from outside, perhaps because the machine ran out of memory. What was imported so far stays."
    ),
    "cancelled": lambda: _("You stopped it. What was imported so far stays."),
    "site": lambda: _("The site was stopped meanwhile. What was imported so far stays."),
}
REFUSALS = {
    "large": lambda: _("The file is larger than 200 MB. Pack it (.gz or .zip), or split it by year, and upload the parts."),
    "empty": lambda: _("The file is empty."),
    "disk": lambda: _("There is no room for this file: the rest of the disk is kept for readings."),
    "file": lambda: _("This upload was replaced or thrown away meanwhile. Reload the page."),
    "busy": lambda: _("An import runs already. Wait for its end, or stop it first."),
}


def refusal(code: str) -> str:
    return REFUSALS[code]()


def trouble(job: Import) -> str:
    """Why it failed, in a sentence."""
    return job.message if job.trouble == "refused" else TROUBLES.get(job.trouble, TROUBLES["crashed"])()


def percent(job: Import) -> int:
    if job.stage is Stage.UPLOADING:
        return 100 * job.received // job.about["size"]
    return int(job.progress.get("percent", 0))


def progress(job: Import) -> str:
    rows, total = job.progress.get("rows", 0), job.progress.get("total", 0)
    words = {"n": number(rows), "total": number(total)}
    phase = job.progress.get("phase", "")
    if phase == "blocks":
        return _("Everything is stored. Quarters and days are computed: %(n)s of %(total)s.") % words
    if phase == "reading":
        return _("%(n)s of about %(total)s rows read.") % words
    return _("The file is being opened.")


def outcome(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(number, what, why) of the rows of a finished import; only those that occurred, the new ones always."""
    rows = [
        ("new", ngettext("new reading", "new readings", result["new"]), ""),
        ("duplicates", _("were there already"), _("They stay as they are.")),
        ("finer", _("left out"), _("The source was measured finer at that time.")),
        ("suspects", _("set aside"), _("They look wrong; a person decides, on the health page.")),
        ("bad_count", _("could not be read"), _("They are listed below.")),
    ]
    return [(number(result[name]), what, why) for name, what, why in rows if result[name] or name == "new"]


def bad_lines(found: dict[str, Any]) -> list[dict[str, Any]]:
    return list(found.get("bad", []))[:BAD_SHOWN]


def bad_more(found: dict[str, Any]) -> int:
    return max(0, int(found.get("bad_count", 0)) - len(bad_lines(found)))


def number(value: int) -> str:
    return number_format(value, use_l10n=True, force_grouping=True)
