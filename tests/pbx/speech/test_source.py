"""Tests of what is asked to be heard."""

from custom_components.pbx.speech.source import Speech


def test_private() -> None:
    """What is said is not in the text form."""
    shown = repr(Speech(message="The alarm code is 4711", engine="tts.tones"))
    assert "4711" not in shown
    assert "tts.tones" in shown
    assert "4711" not in repr(Speech(media="media-source://tts/x?message=4711"))


def test_options() -> None:
    """Without options, there is a mapping."""
    assert Speech().options == {}
