"""Search of extensions and trunks."""

from collections.abc import Iterable, Mapping

from .config import SandboxConfig


def search_users(
    body: Mapping[str, object], config: SandboxConfig
) -> list[dict[str, object]]:
    """Return the extensions that match the conditions."""
    rows: list[dict[str, object]] = [
        {
            "_id": f"5be6{index:020x}",
            "name": phone.name,
            "number": phone.number,
            "mapped": "",
            "active": _yes(yes=phone.active),
        }
        for index, phone in enumerate(config.phones)
    ]
    status = body.get("status")
    if status in ("yes", "no"):
        rows = [row for row in rows if row["active"] == status]
    return matching(rows, body, ("name", "number", "mapped"))


def search_trunks(
    body: Mapping[str, object], config: SandboxConfig
) -> list[dict[str, object]]:
    """Return the trunks that match the conditions."""
    rows: list[dict[str, object]] = [
        {
            "_id": f"5be7{index:020x}",
            "name": trunk.name,
            "active": _yes(yes=trunk.active),
        }
        for index, trunk in enumerate(config.trunks)
    ]
    return matching(rows, body, ("name",))


def _yes(*, yes: bool) -> str:
    return "yes" if yes else "no"


def matching(
    rows: list[dict[str, object]], body: Mapping[str, object], names: Iterable[str]
) -> list[dict[str, object]]:
    """Return the matching rows; with `alike`, a part of the value matches."""
    conditions = body.get("conditions")
    if not isinstance(conditions, dict):
        return rows
    alike = body.get("alike") in (True, "true", "1")
    for name in names:
        wanted = conditions.get(name)
        if not isinstance(wanted, str) or not wanted:
            continue
        rows = [row for row in rows if _fits(str(row[name]), wanted, alike=alike)]
    return rows


def _fits(value: str, wanted: str, *, alike: bool) -> bool:
    if alike:
        return wanted.casefold() in value.casefold()
    return value == wanted
