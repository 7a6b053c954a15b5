"""The sandbox's configuration, and the YAML file that it can come from."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import voluptuous as vol
import yaml

from .faults import Fault
from .model import SHOWN, Account, Context, EventPush, Phone, ReportStyle, Trunk
from .schema import SCHEMA

EXAMPLE = Path(__file__).with_name("example.yaml")


class ConfigError(Exception):
    """The configuration cannot be used; the message says where and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SandboxConfig:
    """Everything about a sandbox; what is left out is as in `example.yaml`."""

    base_path: str = field(default_factory=lambda: example().base_path)
    time_zone: str = field(default_factory=lambda: example().time_zone)
    accounts: tuple[Account, ...] = field(default_factory=lambda: example().accounts)
    # Addresses or networks that may ask; none: everybody may.
    permitted_addresses: tuple[str, ...] = ()
    # Requests that this PBX is too old for.
    missing_services: tuple[str, ...] = ()
    phones: tuple[Phone, ...] = field(default_factory=lambda: example().phones)
    outside: tuple[Phone, ...] = field(default_factory=lambda: example().outside)
    trunks: tuple[Trunk, ...] = field(default_factory=lambda: example().trunks)
    contexts: tuple[Context, ...] = field(default_factory=lambda: example().contexts)
    report: ReportStyle = field(default_factory=ReportStyle)
    events: EventPush | None = None
    # The faults in force from the start, by request path.
    faults: tuple[tuple[str, Fault], ...] = ()


def example() -> SandboxConfig:
    """Return the configuration that is used when there is no other."""
    return _read_once(EXAMPLE)


def load(path: Path) -> SandboxConfig:
    """Read a configuration file.

    Raises:
        ConfigError: naming the file and the key that is wrong.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    return parse(data, str(path))


def parse(data: object, source: str) -> SandboxConfig:
    """Turn what a file says into a configuration.

    Raises:
        ConfigError: naming the source and the key that is wrong.
    """
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise ConfigError(f"{source}: must be a mapping of keys to values")
    try:
        config = SandboxConfig(**SCHEMA(data))
    except vol.MultipleInvalid as error:
        problems = "; ".join(_described(each) for each in error.errors)
        raise ConfigError(f"{source}: {problems}") from error
    if "contexts" not in data:
        _check_borrowed(config, source)
    check(config, source)
    return config


def check(config: SandboxConfig, source: str) -> None:
    """Look for what is right by itself and wrong together.

    Raises:
        ConfigError: naming the source and the key that is wrong.
    """
    for find in (_without_trunk, _there_twice, _unusable_accounts, _colons):
        for problem in find(config):
            raise ConfigError(f"{source}: {problem}")


@cache
def _read_once(path: Path) -> SandboxConfig:
    return load(path)


def _described(error: vol.Invalid) -> str:
    """Name the key, as one would write it, before what is wrong with it."""
    key = ""
    for part in error.path:
        if isinstance(part, int):
            key += f"[{part}]"
        else:
            key += f".{part}" if key else str(part)
    return f"{key}: {error.msg}" if key else error.msg


def _check_borrowed(config: SandboxConfig, source: str) -> None:
    """See that the example's contexts suit the file's own trunks."""
    for context in config.contexts:
        if _lacks_trunk(context, config):
            raise ConfigError(
                f"{source}: trunks: {context.trunk} is missing, which the context "
                f"{context.name} needs. That one comes from {EXAMPLE.name}, as the "
                "file has no contexts: write contexts of your own too, or add the trunk"
            )


def _lacks_trunk(context: Context, config: SandboxConfig) -> bool:
    names = {trunk.name for trunk in config.trunks}
    return context.trunk is not None and context.trunk not in names


def _without_trunk(config: SandboxConfig) -> Iterator[str]:
    for index, context in enumerate(config.contexts):
        if _lacks_trunk(context, config):
            yield f"contexts[{index}].trunk: there is no trunk {context.trunk}"


def _there_twice(config: SandboxConfig) -> Iterator[str]:
    seen: set[str] = set()
    for index, phone in enumerate(config.phones):
        if phone.number in seen:
            yield f"phones[{index}].number: {phone.number} is there twice"
        seen.add(phone.number)


def _unusable_accounts(config: SandboxConfig) -> Iterator[str]:
    """Find accounts by which nobody can log in."""
    for index, account in enumerate(config.accounts):
        for name in SHOWN[account.mode]:
            if not getattr(account, name):
                yield (
                    f"accounts[{index}].{name}: must not be empty with the mode "
                    f"{account.mode}"
                )


def _colons(config: SandboxConfig) -> Iterator[str]:
    """Find user names that HTTP Basic would cut at their colon."""
    names = {
        f"accounts[{index}]": account.username
        for index, account in enumerate(config.accounts)
    }
    if config.events is not None:
        names["events"] = config.events.username
    for owner, name in names.items():
        if ":" in name:
            yield f"{owner}.username: must not have a colon"
