"""`python -m sandbox`: run the sandbox PBX on this machine until Ctrl-C."""

import argparse
import asyncio
from collections.abc import Iterator
import contextlib
from dataclasses import replace
from pathlib import Path
import signal
import sys

import voluptuous as vol

from .checks import web_address
from .config import EXAMPLE, ConfigError, SandboxConfig, check, load
from .model import Account, EventPush
from .schema import network
from .server import Sandbox
from .speech import Speech

DEFAULT_PORT = 8580
_LAST_PORT = 65535


def main(arguments: list[str] | None = None) -> int:
    """Run the sandbox and return the program's exit code."""
    options = _parser().parse_args(arguments)
    try:
        config = configuration(options)
        asyncio.run(_serve(config, options))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"cannot listen: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def configuration(options: argparse.Namespace) -> SandboxConfig:
    """Return the configuration from the file and the flags; flags take precedence.

    Raises:
        ConfigError: the file or a flag is not valid.
    """
    config = load(options.config)
    login = {
        name: value
        for name in ("username", "password", "api_key", "mode")
        if (value := getattr(options, name)) is not None
    }
    if login:
        first = config.accounts[0] if config.accounts else Account()
        config = replace(
            config, accounts=(replace(first, **login), *config.accounts[1:])
        )
    if options.permit:
        config = replace(config, permitted_addresses=tuple(options.permit))
    config = replace(config, events=_events(config.events, options))
    check(config, "with these flags")
    return config


def _events(events: EventPush | None, options: argparse.Namespace) -> EventPush | None:
    changes = {
        name: value
        for name in ("url", "method", "style", "username", "password")
        if (value := getattr(options, f"event_{name}")) is not None
    }
    if events is not None:
        return replace(events, **changes)
    if not changes:
        return None
    if "url" not in changes:
        raise ConfigError("the --event-… flags require --event-url")
    return EventPush(**changes)


async def _serve(config: SandboxConfig, options: argparse.Namespace) -> None:
    with _stop_signals() as stop:
        async with Sandbox(
            config, host=options.host, port=options.port, echo=_say
        ) as sandbox:
            for line in greeting(sandbox):
                _say(line)
            await stop.wait()
    _say("stopped")


@contextlib.contextmanager
def _stop_signals() -> Iterator[asyncio.Event]:
    """Yield an event that is set by SIGINT (Ctrl-C) or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.ExitStack() as stack:
        for number in (signal.SIGINT, signal.SIGTERM):
            # If the loop does not support signals, Ctrl-C raises KeyboardInterrupt.
            with contextlib.suppress(NotImplementedError, RuntimeError):
                loop.add_signal_handler(number, stop.set)
                stack.callback(loop.remove_signal_handler, number)
        yield stop


def greeting(sandbox: Sandbox) -> list[str]:
    """Return the lines that explain how to connect to the sandbox."""
    config = sandbox.config
    events = "not sent (see --event-url)"
    if config.events is not None:
        events = f"{config.events.url} ({config.events.method.upper()})"
    lines = [
        f"Sandbox PBX at {sandbox.url} — open it in a browser to watch the phones",
        f"  API      {sandbox.api_url}",
        f"  events   {events}",
        f"  speech   {_drawn(config.speech)}",
    ]
    for account in config.accounts:
        credentials = {
            "basic": f"{account.username} / {account.password}",
            "key": f"API key {account.api_key}",
            "both": f"{account.username} / {account.password}, "
            f"API key {account.api_key}",
        }
        lines.append(f"  account  {credentials[account.mode]}")
    phones = ", ".join(
        f"{phone.number} {phone.name}".strip() for phone in config.phones
    )
    return [*lines, f"  phones   {phones}", "Press Ctrl-C to stop."]


def _drawn(speech: Speech | None) -> str:
    if speech is None:
        return f"not drawn (see {EXAMPLE.name})"
    boxes = "say" if speech.key is None else "say and key"
    return (
        f"{speech.number} in {speech.context}: {boxes} ask {speech.url} "
        f"({speech.method.upper()})"
    )


def _say(text: str) -> None:
    # Flush: the output may be a file or a pipe.
    print(text, flush=True)


def _checked_url(text: str) -> str:
    try:
        return web_address(text)
    except vol.Invalid as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _checked_port(text: str) -> int:
    if not text.isdecimal() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(
            f"must be a whole number from 0 to {_LAST_PORT}"
        )
    return int(text)


def _checked_network(text: str) -> str:
    try:
        return network(text)
    except vol.Invalid as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="A PBX with virtual phones, to test the integration and your "
        "automations. It stores nothing on disk and does not ring real phones.",
        epilog=f"All settings are described in sandbox/{EXAMPLE.name}. Copy it, change "
        "it, and pass it to --config.",
    )
    parser.add_argument(
        "--config",
        type=Path,
        default=EXAMPLE,
        metavar="FILE",
        help="the configuration, a YAML file (default: the example)",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="the address to listen on (default: %(default)s, this machine only; "
        "0.0.0.0 is every address)",
    )
    parser.add_argument(
        "--port",
        type=_checked_port,
        default=DEFAULT_PORT,
        help="the port to listen on (default: %(default)s; 0: any free port)",
    )
    _add_account(parser.add_argument_group("the first API account"))
    _add_events(parser.add_argument_group("events"))
    return parser


def _add_account(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--username", help="its username")
    group.add_argument("--password", help="its password")
    group.add_argument("--api-key", help="its API key")
    group.add_argument(
        "--mode",
        choices=["basic", "key", "both"],
        help="the credentials that a request needs",
    )
    group.add_argument(
        "--permit",
        action="append",
        type=_checked_network,
        metavar="ADDRESS",
        help="an address or network that is allowed to use the API; can be repeated "
        "(default: all)",
    )


def _add_events(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--event-url",
        type=_checked_url,
        metavar="URL",
        help="the URL that events are sent to (default: none)",
    )
    group.add_argument(
        "--event-method",
        choices=["get", "post"],
        help="GET with query parameters, or POST with JSON (default: post)",
    )
    group.add_argument(
        "--event-style",
        choices=["g4", "rest4"],
        help="g4: all events to this URL; rest4: append the name of the event "
        "(default: g4)",
    )
    group.add_argument("--event-username", metavar="NAME", help="for HTTP Basic")
    group.add_argument("--event-password", metavar="PASSWORD", help="for HTTP Basic")


if __name__ == "__main__":
    sys.exit(main())
