"""The form of every answer."""

import json

from sandbox.envelope import DONE, done, html, refusal


def test_done_and_refused() -> None:
    """The three keys, always."""
    assert json.loads(done([1]).text()) == {
        "success": 1,
        "message": DONE,
        "data": [1],
    }
    refused = refusal("نه \ud800", status=403)
    assert json.loads(refused.text())["message"] == "نه \ud800"
    response = refused.response()
    assert (response.status, response.content_type) == (403, "application/json")


def test_a_page_for_people() -> None:
    """What the web server in front says is no JSON."""
    response = html(404, "Not Found", "It is not here.")
    assert response.content_type == "text/html"
    assert "<h1>Not Found</h1>" in str(response.text)
