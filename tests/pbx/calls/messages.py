"""Error messages for tests, by translation key instead of by sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
import json
from pathlib import Path

from homeassistant.exceptions import HomeAssistantError
import pytest

import custom_components.pbx

_ENGLISH = Path(custom_components.pbx.__file__).parent / "translations" / "en.json"


def message(translation_key: str, **placeholders: str) -> str:
    """Return an error message in English, as Home Assistant formats it."""
    exceptions = json.loads(_ENGLISH.read_text(encoding="utf-8"))["exceptions"]
    text: str = exceptions[translation_key]["message"]
    return text.rstrip(".").format(**placeholders)


@contextmanager
def raises(translation_key: str) -> Iterator[pytest.ExceptionInfo[HomeAssistantError]]:
    """Check that a translated error is raised."""
    with pytest.raises(HomeAssistantError) as caught:
        yield caught
    assert caught.value.translation_key == translation_key
