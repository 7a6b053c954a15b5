"""The sandbox's configuration, and the YAML file that it can come from."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import voluptuous as vol
import yaml

from .faults import Fault
from .model import Account, Context, EventPush, Phone, ReportStyle, Trunk
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
    for problem in _contradictions(config):
        raise ConfigError(f"{source}: {problem}")
    return config


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


def _contradictions(config: SandboxConfig) -> list[str]:
    """Find what is right by itself and wrong together."""
    problems = []
    trunks = {trunk.name for trunk in config.trunks}
    for index, context in enumerate(config.contexts):
        if context.trunk is not None and context.trunk not in trunks:
            problems.append(
                f"contexts[{index}].trunk: there is no trunk {context.trunk}"
            )
    seen: set[str] = set()
    for index, phone in enumerate(config.phones):
        if phone.number in seen:
            problems.append(f"phones[{index}].number: {phone.number} is there twice")
        seen.add(phone.number)
    return problems
