"""Everybody has a turn once a round."""

from mediaserver.turns import Turns


def test_everybody_has_one_turn_a_round() -> None:
    turns = Turns(10, lambda: list(range(23)))
    steps = [turns.next() for _ in range(10)]
    assert sorted(each for step in steps for each in step) == list(range(23))
    assert max(map(len, steps)) == 3
    assert turns.rounds == 1


def test_who_comes_and_goes_counts_from_the_next_round() -> None:
    everybody = ["anna"]
    turns = Turns(2, lambda: list(everybody))
    assert turns.next() == ["anna"]
    everybody[:] = ["boris", "clara"]
    assert turns.next() == []
    assert [turns.next(), turns.next()] == [["boris"], ["clara"]]
    assert turns.rounds == 2
