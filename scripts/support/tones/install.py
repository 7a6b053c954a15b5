"""The engine as a custom component of a Home Assistant."""

import json
from pathlib import Path
from typing import Final

from ..machine import ROOT

DOMAIN: Final = "tone_speech"
# To be added to the configuration.
CONFIGURATION: Final = f"\ntts:\n  - platform: {DOMAIN}\n    cache: false\n"

_HERE: Final = Path(__file__).parent
# Written, as a validator takes each folder with such a file for a published one.
_MANIFEST: Final = {
    "domain": DOMAIN,
    "name": "Tones",
    "codeowners": [],
    "documentation": "https://example.com",
    "iot_class": "calculated",
    "requirements": [],
    "version": "1.0.0",
}


def install(config_dir: Path) -> None:
    """Add the engine to a configuration folder, beside the components of this project.

    Args:
        config_dir: the folder, in which no Home Assistant runs.
    """
    components = config_dir / "custom_components"
    if components.is_symlink():
        components.unlink()
    engine = components / DOMAIN
    engine.mkdir(parents=True, exist_ok=True)
    # A folder with this file comes before that of a project in which the program is
    # started.
    (components / "__init__.py").touch()
    (engine / "manifest.json").write_text(json.dumps(_MANIFEST))
    (engine / "__init__.py").write_text('"""Tones for words."""\n')
    links = {engine / name: _HERE / name for name in ("tones.py", "tts.py")}
    for ours in (ROOT / "custom_components").iterdir():
        if (ours / "manifest.json").is_file():
            links[components / ours.name] = ours
    for link, target in links.items():
        link.unlink(missing_ok=True)
        link.symlink_to(target)
