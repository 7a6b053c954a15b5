"""Onboarding of the first user, and login to Home Assistant."""

from dataclasses import dataclass
import time
from typing import Any

from aiohttp import ClientSession


@dataclass(frozen=True, slots=True)
class Login:
    """The username and password of a user."""

    username: str = "demo"
    password: str = "demo"  # noqa: S105


async def log_in(session: ClientSession, url: str, login: Login) -> dict[str, Any]:
    """Log in, and return the tokens in the format of the frontend."""
    client_id = f"{url}/"
    if await _is_new(session):
        code = await _create_owner(session, client_id, login)
    else:
        code = await _authorize(session, client_id, login)
    form = {"grant_type": "authorization_code", "code": code, "client_id": client_id}
    async with session.post("/auth/token", data=form, raise_for_status=True) as answer:
        tokens = await answer.json()
    expires = int((time.time() + tokens["expires_in"]) * 1000)
    return {**tokens, "hassUrl": url, "clientId": client_id, "expires": expires}


async def _is_new(session: ClientSession) -> bool:
    async with session.get("/api/onboarding") as answer:
        if not answer.ok:
            return False
        steps = await answer.json()
    return any(step["step"] == "user" and not step["done"] for step in steps)


async def _create_owner(session: ClientSession, client_id: str, login: Login) -> str:
    """Complete the remaining onboarding step, and return its code."""
    user = {
        "name": login.username.capitalize(),
        "username": login.username,
        "password": login.password,
        "language": "en",
        "client_id": client_id,
    }
    answer = await _post(session, "/api/onboarding/users", user)
    return str(answer["auth_code"])


async def _authorize(session: ClientSession, client_id: str, login: Login) -> str:
    """Complete the login form, and return its code."""
    start = {
        "client_id": client_id,
        "handler": ["homeassistant", None],
        "redirect_uri": client_id,
    }
    flow = await _post(session, "/auth/login_flow", start)
    answer = await _post(
        session,
        f"/auth/login_flow/{flow['flow_id']}",
        {
            "client_id": client_id,
            "username": login.username,
            "password": login.password,
        },
    )
    return str(answer["result"])


async def _post(
    session: ClientSession, path: str, data: dict[str, Any]
) -> dict[str, Any]:
    async with session.post(path, json=data, raise_for_status=True) as answer:
        answered: dict[str, Any] = await answer.json()
        return answered
