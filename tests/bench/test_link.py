import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.link import MAXIMUM_ON_THE_WAY, Impairment, Link


def _run(impairment: Impairment, count: int, every: float = 0.01, size: int = 972, seed: int = 1) -> list[list[float]]:
    link = Link(impairment, seed)
    return [list(link.arrivals(index * every, size)) for index in range(count)]


def test_a_good_link_does_nothing() -> None:
    assert _run(Impairment(), 3) == [[0.0], [0.01], [0.02]]


def test_delay_is_added_to_every_packet() -> None:
    assert _run(Impairment(delay_ms=50), 2) == [[pytest.approx(0.05)], [pytest.approx(0.06)]]


@given(seed=st.integers(0, 1 << 32), jitter=st.floats(0, 200))
def test_jitter_never_changes_the_order(seed: int, jitter: float) -> None:
    moments = [each[0] for each in _run(Impairment(jitter_ms=jitter), 50, seed=seed)]
    assert moments == sorted(moments)
    assert all(index * 0.01 <= moment for index, moment in enumerate(moments))


def test_loss_is_as_frequent_as_asked() -> None:
    fates = _run(Impairment(loss=0.2), 5000)
    assert fates.count([]) / 5000 == pytest.approx(0.2, abs=0.03)


def test_a_seed_repeats_the_run_and_another_does_not() -> None:
    bad = Impairment(loss=0.3, jitter_ms=30, duplicate=0.1, reorder=0.1)
    assert _run(bad, 100, seed=7) == _run(bad, 100, seed=7)
    assert _run(bad, 100, seed=7) != _run(bad, 100, seed=8)


def test_duplicates_arrive_twice() -> None:
    assert _run(Impairment(duplicate=1), 1) == [[0.0, 0.0]]


def test_a_held_back_packet_is_overtaken() -> None:
    link = Link(Impairment(reorder=1, reorder_ms=30), seed=1)
    (held,) = link.arrivals(0.0, 100)
    link.impairment = Impairment()
    (next_one,) = link.arrivals(0.01, 100)
    assert next_one < held
    assert link.counters.reordered == 1


def test_the_rate_spaces_packets_and_the_queue_is_bounded() -> None:
    # 972 + 28 bytes of headers = 8 ms at 1 Mbit/s; all at once, 40 ms of queue hold five of them.
    link = Link(Impairment(rate_kbps=1000, queue_ms=40), seed=1)
    arrivals = [moment for _ in range(20) for moment in link.arrivals(0.0, 972)]
    assert arrivals == [pytest.approx(0.008 * number) for number in range(1, 6)]
    assert link.counters.overflowed == 15


def test_an_empty_queue_takes_even_a_packet_larger_than_itself() -> None:
    assert _run(Impairment(rate_kbps=1000, queue_ms=1), 1) == [[pytest.approx(0.008)]]


def test_a_blackout_swallows_all_and_ends() -> None:
    link = Link(Impairment(blackout=True), seed=1)
    assert link.arrivals(0.0, 100) == ()
    link.impairment = Impairment()
    assert link.arrivals(1.0, 100) == (1.0,)
    assert (link.counters.blacked_out, link.counters.forwarded) == (1, 1)


def test_memory_is_bounded() -> None:
    link = Link(Impairment(delay_ms=1000), seed=1)
    assert link.arrivals(0.0, 100, on_the_way=MAXIMUM_ON_THE_WAY) == ()


def test_impossible_links_are_refused() -> None:
    for wrong in ('{"loss":1.5}', '{"delay_ms":-1}', '{"speed":3}'):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(wrong, type=Impairment)
