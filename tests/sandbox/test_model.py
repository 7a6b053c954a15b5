"""What a sandbox is made of."""

from sandbox import Manner, Phone


def test_a_phone_behaves_as_itself_or_by_its_role() -> None:
    """A role's own behavior comes before the phone's."""
    phone = Phone("101", behavior="busy", as_callee=Manner(behavior="decline"))
    assert phone.manner("caller") is phone
    assert phone.manner("callee").behavior == "decline"
    assert Phone("102", as_caller=Manner(after=9)).manner("caller").after == 9
