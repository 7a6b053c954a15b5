"""Access control of the API: addresses, credentials and permissions."""

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
    """Return the refusal of a request, or None if it is allowed."""
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
    """Return whether an address is on the list; an empty list permits all."""
    if not permitted:
        return True
    try:
        address = ip_address(remote or "")
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        # A dual-stack socket reports IPv4 addresses like this.
        address = address.ipv4_mapped
    return any(address in ip_network(entry, strict=False) for entry in permitted)


def parse_basic(header: str | None) -> Credentials | None:
    """Parse an Authorization header; return None if it is not HTTP Basic."""
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
        # Older clients send Latin-1.
        text = raw.decode("latin-1")
    username, _, password = text.partition(":")
    return (username, password)


def basic_header(username: str, password: str) -> str:
    """Return an Authorization header, in UTF-8."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


def find_account(
    accounts: tuple[Account, ...], basic: Credentials | None, key: str | None
) -> Account | str:
    """Return the account of the credentials, or the message of the refusal."""
    is_missing = basic is None and key is None
    for account in accounts:
        wants_basic = account.mode in {"basic", "both"}
        wants_key = account.mode in {"key", "both"}
        basic_fits = not wants_basic or _same_login(account, basic)
        key_fits = not wants_key or _same(account.api_key, key)
        if basic_fits and key_fits:
            return account
        # One of the two is correct, and the other was not sent.
        is_missing |= wants_basic and key_fits and basic is None
        is_missing |= wants_key and basic_fits and key is None
    return MISSING if is_missing else INVALID


def _same_login(account: Account, basic: Credentials | None) -> bool:
    if basic is None:
        return False
    return _same(account.username, basic[0]) and _same(account.password, basic[1])


def _same(expected: str, given: str | None) -> bool:
    """Compare in constant time; an empty value never matches."""
    if given is None or not expected:
        return False
    # Non-ASCII bytes of a header arrive as lone surrogates.
    sent = given.encode(errors="surrogatepass")
    return hmac.compare_digest(expected.encode(), sent)
