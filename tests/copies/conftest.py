"""The people and the Hub of the tests of push."""

from tests.push.conftest import erase, hub, loopback, owner, person, reader, withdrawn

__all__ = ["erase", "hub", "loopback", "owner", "person", "reader", "withdrawn"]
