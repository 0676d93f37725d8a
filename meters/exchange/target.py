"""Where readings go: a source by its name, or one to be made."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from energysite.text import plain
from meters.exchange import fields
from meters.exchange.trouble import Unreadable, shown
from meters.models import Source
from meters.storage import KIND_OF

MEDIUM_OF = {"electricity": "electricity", "production": "solar", "analog": "analog"}
CREATABLE = ("electricity", "production", "volume", "analog")


@dataclass(slots=True)
class Target:
    """`source` is None until it is made. `serial` may be learned from the file."""

    name: str
    kind: str
    medium: str
    serial: str = ""
    source: Source | None = None

    @property
    def source_id(self) -> int | None:
        return None if self.source is None else self.source.pk

    def make(self) -> Source:
        """The source, made with its default data managers where there is none yet."""
        from meters.blocks.managers import ensure_defaults

        if self.source is None:
            with transaction.atomic():
                self.source = Source.objects.create(name=self.name, kind=self.kind, medium=self.medium, serial=self.serial[:64])
                ensure_defaults(self.source)
        return self.source


def resolve(name: str | None, create: str | None, medium: str | None, media: Iterable[str]) -> Target:
    """The source of this name; else one to be made of kind `create`. `media`: what the file has readings of. Raises Unreadable."""
    held = list(media)
    source = Source.objects.filter(name=name).first() if name else None
    if source is not None:
        return _existing(source, create, held)
    if create is None:
        if name is None:
            return Target("", KIND_OF[Source.Medium(held[0])], held[0])
        raise Unreadable(unknown(name, create_too=True))
    wanted = MEDIUM_OF.get(create) or medium or next((one for one in held if one in ("gas", "water")), "gas")
    if create not in CREATABLE or (create == "volume" and wanted not in ("gas", "water")):
        raise Unreadable(_("A source of the kind %(kind)s cannot be made.") % {"kind": shown(create)})
    clean = plain(name or "", 120)
    if not clean or clean != name:
        raise Unreadable(_("The new source needs a name of at most 120 printable characters."))
    _refuse_other(wanted, held, clean)
    return Target(clean, str(KIND_OF[Source.Medium(wanted)]), wanted)


def unknown(name: str, *, create_too: bool = False) -> str:
    names = ", ".join(shown(one) for one in Source.objects.order_by("name").values_list("name", flat=True)[:30]) or _("none")
    words = _("There is no source called %(name)s. Known: %(names)s.") % {"name": shown(name), "names": names}
    if create_too:
        words += " " + _("To make it, add --create with electricity, production, volume or analog.")
    return words


def _existing(source: Source, create: str | None, held: list[str]) -> Target:
    if create is not None and create != source.kind:
        raise Unreadable(
            _("%(name)s exists already and is of the kind %(kind)s. Leave out --create, or choose another name.")
            % {"name": shown(source.name), "kind": source.kind}
        )
    _refuse_other(source.medium, held, source.name)
    return Target(source.name, source.kind, source.medium, source.serial, source)


def _refuse_other(medium: str, held: list[str], name: str) -> None:
    if medium not in held:
        raise Unreadable(
            _("The file has no readings for %(name)s, which is of %(medium)s. It has: %(media)s.")
            % {
                "name": shown(name),
                "medium": Source.Medium(medium).label,
                "media": ", ".join(str(Source.Medium(one).label) for one in held),
            }
        )


def left_over(names: Iterable[str], medium: str) -> list[str]:
    """Columns of the file that another source could take."""
    given = list(names)
    used = {field.column for field in fields.of(given, medium)}
    known = {field.column for table in fields.table(given).values() for field in table if field.target != "flags"}
    return [name for name in dict.fromkeys(given) if name in known - used]
