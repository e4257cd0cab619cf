"""The tree of a conversation's messages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.history.tree import MessageTree


def branched() -> MessageTree:
    """ask - answer - again - more
    |       \\ retried
    \\ edited - other"""
    tree = MessageTree()
    tree.add(["ask", "answer", "again", "more"])
    tree.add(["ask", "retried"])
    tree.add(["edited", "other"])
    return tree


def test_messages_part_where_another_path_goes_on() -> None:
    tree = branched()
    assert tree.siblings("answer") == tree.siblings("retried") == ("answer", "retried")
    assert tree.siblings("ask") == ("ask", "edited")
    assert tree.siblings("more") == ("more",)
    assert tree.siblings("nothing") == ()


def test_a_branch_is_followed_to_what_was_written_last() -> None:
    tree = branched()
    assert tree.leaf("answer") == "more"
    assert tree.leaf("ask") == "retried"
    tree.add(["ask", "answer", "anew"])
    assert tree.leaf("ask") == tree.leaf("answer") == "anew"
    assert tree.leaf("again") == "more"


def test_a_path_begins_with_the_first_message() -> None:
    tree = branched()
    assert tree.path("more") == ("ask", "answer", "again", "more")
    assert tree.path("edited") == ("edited",)
    assert tree.path(None) == tree.path("nothing") == ()


def test_what_is_there_keeps_its_place() -> None:
    tree = branched()
    tree.add(["edited", "answer"])
    assert tree.path("answer") == ("ask", "answer")


@given(st.dictionaries(st.integers(0, 9).map(str), st.none() | st.integers(0, 9).map(str)))
def test_hostile_parents_end(parents: dict[str, str | None]) -> None:
    """A damaged database may have circles, and messages whose parent is missing."""
    tree = MessageTree(parents)
    for id in parents:
        path = tree.path(id)
        assert path[-1] == id and len(set(path)) == len(path)
        assert tree.leaf(id) in parents
        assert id in tree.siblings(id)
