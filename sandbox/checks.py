"""Checks of values in the configuration file."""

from collections.abc import Callable, Mapping
import sys
from typing import Any, TypeAliasType, get_args
from urllib.parse import urlsplit

import voluptuous as vol

from .model import NUMBER


def text(value: object) -> str:
    """Validate text."""
    if not isinstance(value, str):
        # Without quotes, YAML would read 0912 as a number, and drop the zero.
        raise vol.Invalid("must be text: put it in quotes")
    return value


def flag(value: object) -> bool:
    """Validate true or false."""
    if not isinstance(value, bool):
        raise vol.Invalid("must be true or false")
    return value


def seconds(value: object) -> float:
    """Validate a number of seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise vol.Invalid("must be a number of seconds, 0 or more")
    # NaN, which compares false with everything, would break the event loop.
    if not 0 <= value <= sys.float_info.max:
        raise vol.Invalid("must be a number of seconds, 0 or more, and finite")
    return float(value)


def count(least: int) -> Callable[[object], int]:
    """Return a validator for whole numbers."""

    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise vol.Invalid(f"must be a whole number, {least} or more")
        return value

    return check


def one_of(*names: str) -> Callable[[object], str]:
    """Return a validator for some words."""

    def check(value: object) -> str:
        if not isinstance(value, str) or value not in names:
            raise vol.Invalid(f"must be one of {', '.join(names)}")
        return value

    return check


def choice(alias: TypeAliasType) -> Callable[[object], str]:
    """Return a validator for the values of a literal type alias."""
    return one_of(*get_args(alias.__value__))


def many(item: object) -> Callable[[object], tuple[Any, ...]]:
    """Return a validator for a list."""
    schema = vol.Schema([item])

    def check(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise vol.Invalid("must be a list")
        return tuple(schema(value))

    return check


def made[T](make: Callable[..., T], keys: Mapping[Any, Any]) -> Callable[[object], T]:
    """Return a validator that creates an object from a mapping."""
    schema = vol.Schema(dict(keys))

    def check(value: object) -> T:
        if not isinstance(value, dict):
            raise vol.Invalid("must be a mapping of keys to values")
        return make(**schema(value))

    return check


def optional[T](check: Callable[[object], T]) -> Callable[[object], T | None]:
    """Return a validator that also accepts null."""
    return lambda value: None if value is None else check(value)


def number(value: object) -> str:
    """Validate a number that can be dialed."""
    if NUMBER.fullmatch(found := text(value)) is None:
        raise vol.Invalid("must be 1 to 40 digits, letters or any of * # + _ . -")
    return found


def pattern(value: object) -> str:
    """Validate a number with wildcards."""
    if NUMBER.fullmatch((found := text(value)).replace("?", "*")) is None:
        raise vol.Invalid("must be 1 to 40 digits, letters or any of * ? # + _ . -")
    return found


def web_address(value: object) -> str:
    """Validate the URL of a web service."""
    found = text(value)
    try:
        parts = urlsplit(found)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise vol.Invalid("must be a URL that starts with http:// or https://")
    return found
