"""Who may use the API, from where, and for what."""

import base64
from collections.abc import Mapping
import hmac
from ipaddress import IPv6Address, ip_address, ip_network

from .config import SandboxConfig
from .envelope import Envelope, refusal
from .model import Account

type Credentials = tuple[str, str]

MISSING = "BasicAuth or ApiKey is missing"
INVALID = "BasicAuth or ApiKey is invalid"


def check(
    config: SandboxConfig, path: str, remote: str | None, headers: Mapping[str, str]
) -> Envelope | None:
    """Return the refusal that a request meets, if it meets one."""
    if not is_permitted(config.permitted_addresses, remote):
        return refusal("IP is not permitted", status=403)
    basic = parse_basic(headers.get("Authorization"))
    key = headers.get("X-APIKEY")
    account = find_account(config.accounts, basic, key)
    if isinstance(account, str):
        return refusal(account, status=401)
    if path not in account.permissions:
        return refusal(f'"{path}";Access denied', status=403)
    return None


def is_permitted(permitted: tuple[str, ...], remote: str | None) -> bool:
    """Return whether an address is on the list; an empty list permits everybody."""
    if not permitted:
        return True
    try:
        address = ip_address(remote or "")
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        # How a socket for both kinds shows the older one.
        address = address.ipv4_mapped
    return any(address in ip_network(entry, strict=False) for entry in permitted)


def parse_basic(header: str | None) -> Credentials | None:
    """Read an Authorization header; one that is no HTTP Basic says nothing."""
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        raw = base64.b64decode(value.strip(), validate=True)
    except ValueError:  # not Base64, or not even ASCII
        return ("", "")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        # Clients of the older custom send Latin-1.
        text = raw.decode("latin-1")
    username, _, password = text.partition(":")
    return (username, password)


def find_account(
    accounts: tuple[Account, ...], basic: Credentials | None, key: str | None
) -> Account | str:
    """Return the account that was shown, or what is wrong with the credentials."""
    lacking = basic is None and key is None
    for account in accounts:
        wants_basic = account.mode in {"basic", "both"}
        wants_key = account.mode in {"key", "both"}
        basic_fits = not wants_basic or _same_login(account, basic)
        key_fits = not wants_key or _same(account.api_key, key)
        if basic_fits and key_fits:
            return account
        # One half is right and the other was not sent at all.
        lacking |= wants_basic and key_fits and basic is None
        lacking |= wants_key and basic_fits and key is None
    return MISSING if lacking else INVALID


def _same_login(account: Account, basic: Credentials | None) -> bool:
    if basic is None:
        return False
    return _same(account.username, basic[0]) and _same(account.password, basic[1])


def _same(expected: str, given: str | None) -> bool:
    """Compare without telling by the time it takes; nothing equals nothing."""
    if given is None or not expected:
        return False
    # What a header holds beside ASCII arrives as lone surrogates.
    sent = given.encode(errors="surrogatepass")
    return hmac.compare_digest(expected.encode(), sent)
