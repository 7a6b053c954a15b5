"""What can be drawn for speech."""

from sandbox import Speech

SPEECH = Speech(number="8801", url="http://127.0.0.1/")


def test_what_the_documents_of_the_integration_draw() -> None:
    """Both boxes ask; the output `e` of `say` leads to `key`, too."""
    assert SPEECH.say.outputs == {"next": "key", "done": "hang_up", "e": "key"}
    assert SPEECH.box("say") is SPEECH.say
    assert SPEECH.key is not None
    assert SPEECH.key.outputs["connect"] == "dial"
    assert SPEECH.give_up_after == 1


def test_a_box_that_is_not_drawn() -> None:
    """Nothing is there, and a wire to it leads nowhere."""
    assert Speech(number="8801", url="http://a/", key=None).box("key") is None
