"""Configuration of the sandbox, and the YAML file that it is loaded from."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import voluptuous as vol
import yaml

from .faults import Fault
from .model import SHOWN, Account, Context, EventPush, Phone, ReportStyle, Trunk
from .schema import SCHEMA
from .speech import AnnouncementStyle, Speech

EXAMPLE = Path(__file__).with_name("example.yaml")


class ConfigError(Exception):
    """The configuration is not valid; the message names the source and the key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SandboxConfig:
    """Configuration of a sandbox; the defaults are those of `example.yaml`."""

    base_path: str = field(default_factory=lambda: example().base_path)
    time_zone: str = field(default_factory=lambda: example().time_zone)
    accounts: tuple[Account, ...] = field(default_factory=lambda: example().accounts)
    # Addresses or networks that are allowed to use the API; empty: all.
    permitted_addresses: tuple[str, ...] = ()
    # Requests that this PBX does not support, like an older version.
    missing_services: tuple[str, ...] = ()
    phones: tuple[Phone, ...] = field(default_factory=lambda: example().phones)
    external: tuple[Phone, ...] = field(default_factory=lambda: example().external)
    trunks: tuple[Trunk, ...] = field(default_factory=lambda: example().trunks)
    contexts: tuple[Context, ...] = field(default_factory=lambda: example().contexts)
    report: ReportStyle = field(default_factory=ReportStyle)
    events: EventPush | None = None
    # What is drawn in the dialplan for speech; None: nothing.
    speech: Speech | None = None
    announcements: AnnouncementStyle = field(default_factory=AnnouncementStyle)
    # Faults that are active from the start, by request path.
    faults: tuple[tuple[str, Fault], ...] = ()


def example() -> SandboxConfig:
    """Return the default configuration."""
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
    """Return the configuration from the content of a file.

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
        _check_default_contexts(config, source)
    check(config, source)
    return config


def check(config: SandboxConfig, source: str) -> None:
    """Check settings that depend on each other.

    Raises:
        ConfigError: naming the source and the key that is wrong.
    """
    for find in (
        _missing_trunks,
        _duplicate_numbers,
        _incomplete_accounts,
        _usernames_with_colon,
        _wrong_wires,
    ):
        for problem in find(config):
            raise ConfigError(f"{source}: {problem}")


@cache
def _read_once(path: Path) -> SandboxConfig:
    return load(path)


def _described(error: vol.Invalid) -> str:
    """Return the message with the path of the key before it."""
    key = ""
    for part in error.path:
        if isinstance(part, int):
            key += f"[{part}]"
        else:
            key += f".{part}" if key else str(part)
    return f"{key}: {error.msg}" if key else error.msg


def _check_default_contexts(config: SandboxConfig, source: str) -> None:
    """Check that the trunks of the file match the example's contexts."""
    for context in config.contexts:
        if _lacks_trunk(context, config):
            raise ConfigError(
                f"{source}: trunks: {context.trunk} is missing, but the context "
                f"{context.name} of {EXAMPLE.name} uses it. Add the trunk, or set your "
                "own contexts"
            )


def _lacks_trunk(context: Context, config: SandboxConfig) -> bool:
    names = {trunk.name for trunk in config.trunks}
    return context.trunk is not None and context.trunk not in names


def _missing_trunks(config: SandboxConfig) -> Iterator[str]:
    for index, context in enumerate(config.contexts):
        if _lacks_trunk(context, config):
            yield f"contexts[{index}].trunk: there is no trunk {context.trunk}"


def _duplicate_numbers(config: SandboxConfig) -> Iterator[str]:
    seen: set[str] = set()
    for index, phone in enumerate(config.phones):
        if phone.number in seen:
            yield f"phones[{index}].number: {phone.number} is a duplicate"
        seen.add(phone.number)


def _incomplete_accounts(config: SandboxConfig) -> Iterator[str]:
    """Find accounts without the credentials that their mode requires."""
    for index, account in enumerate(config.accounts):
        for name in SHOWN[account.mode]:
            if not getattr(account, name):
                yield (
                    f"accounts[{index}].{name}: must not be empty with the mode "
                    f"{account.mode}"
                )


def _usernames_with_colon(config: SandboxConfig) -> Iterator[str]:
    """Find usernames that HTTP Basic would truncate at the colon."""
    names = {
        f"accounts[{index}]": account.username
        for index, account in enumerate(config.accounts)
    }
    if config.events is not None:
        names["events"] = config.events.username
    if config.speech is not None:
        names["speech"] = config.speech.username
    for owner, name in names.items():
        if ":" in name:
            yield f"{owner}.username: must not contain a colon"


def _wrong_wires(config: SandboxConfig) -> Iterator[str]:
    """Find what is drawn for speech, and leads nowhere."""
    speech = config.speech
    if speech is None:
        return
    if speech.number in {phone.number for phone in config.phones}:
        yield f"speech.number: {speech.number} is an extension"
    if speech.context not in {context.name for context in config.contexts}:
        yield f"speech.context: there is no context {speech.context}"
    if speech.key is None and "key" in speech.say.outputs.values():
        yield "speech.say.outputs: there is no box key"
