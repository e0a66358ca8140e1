"""A sealed path is read by who names the account and holds the secret, and by nobody else."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from fedi_dataset.places import seal_place, unseal_place

SECRET = bytes(range(32))
ADA = "https://harbor.example/users/ada"


@settings(max_examples=50)
@given(path=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=300))
def test_a_path_comes_back_for_its_account_alone(path: str) -> None:
    """Whatever stands in it; with another account or secret nothing comes back."""
    sealed = seal_place(path, ADA, SECRET)
    assert unseal_place(sealed, ["https://harbor.example/users/bob", ADA], SECRET) == path
    assert unseal_place(sealed, [f"{ADA}2"], SECRET) is None
    assert unseal_place(sealed, [], SECRET) is None
    assert unseal_place(sealed, [ADA], bytes(32)) is None


def test_a_sealed_path_shows_nothing_of_it() -> None:
    """Paths that begin alike are sealed unlike, and the same path the same."""
    one = seal_place("/exports/ada-harbor-example.zip", ADA, SECRET)
    other = seal_place("/exports/ada-harbor-example.car", ADA, SECRET)
    assert one == seal_place("/exports/ada-harbor-example.zip", ADA, SECRET)
    assert b"ada" not in bytes.fromhex(one)
    assert one[:8] != other[:8]
    assert one[32:48] != other[32:48]
