"""Clusters of padding: bounded, ended at the first sign of overuse, rarer after each failure."""

from itertools import pairwise

import pytest

from mediaserver.doubt import RoundTrip
from mediaserver.downlink import Downlink
from mediaserver.probing import (
    FIRST_STEP,
    FIRST_WAIT_SECONDS,
    MOST_GOAL,
    MOST_WAIT_SECONDS,
    Backoff,
    Prober,
    ProbeState,
)

TICK = 0.05
BUDGET = 400_000
MEDIA = 250_000
WANTED, FULL = 800_000, 3_000_000


class Probed:
    """A limited down-link in use, whose client is heard three times a second."""

    def __init__(self) -> None:
        self.now = 100.0
        self.sent = 0.0
        self.padded: list[tuple[float, int]] = []
        self.downlink = Downlink()
        self.downlink.estimated(2 * BUDGET, 2 * BUDGET, self.now)
        self.overuse()
        self.prober = Prober(self.downlink)
        self.prober.overused(self.now, MEDIA)

    def overuse(self) -> None:
        self.downlink.estimated(min(BUDGET, int(self.downlink.estimate * 0.9)), MEDIA, self.now)

    def run(self, seconds: float, *, heard: bool = True, wanted: int = WANTED, full: int = FULL) -> None:
        ticks = round(seconds / TICK)
        for number in range(ticks):
            self.now += TICK
            self.sent += MEDIA * TICK
            if heard and number % 6 == 0:
                self.downlink.estimated(self.downlink.estimate, MEDIA, self.now)
            octets = self.prober.step(wanted, full, int(self.sent), 0.05, self.now)
            self.sent += octets * 8
            if octets:
                self.padded.append((self.now, octets))

    def until(self, state: ProbeState) -> None:
        while self.prober.state is not state:
            self.run(TICK)


@pytest.fixture
def probed() -> Probed:
    return Probed()


def test_nothing_soon_after_overuse_and_nothing_without_use(probed: Probed) -> None:
    probed.run(FIRST_WAIT_SECONDS - 0.1)
    assert probed.padded == []
    probed.run(20, wanted=0, full=0)
    assert probed.padded == []


def test_a_cluster_that_goes_well_proves_its_goal(probed: Probed) -> None:
    probed.run(FIRST_WAIT_SECONDS + 2)
    assert probed.downlink.budget == pytest.approx(BUDGET * FIRST_STEP, rel=0.05)


def test_a_cluster_is_bounded_in_rate_and_time(probed: Probed) -> None:
    probed.run(FIRST_WAIT_SECONDS + 1)
    seconds = probed.padded[-1][0] - probed.padded[0][0]
    assert seconds <= 0.7
    assert sum(octets for _, octets in probed.padded) * 8 <= (BUDGET * FIRST_STEP - MEDIA) * 0.8
    assert max(octets for _, octets in probed.padded) * 8 <= BUDGET * FIRST_STEP * 0.1


def test_padding_ends_with_overuse_and_the_budget_is_as_before(probed: Probed) -> None:
    probed.until(ProbeState.PADDING)
    probed.run(0.2)
    probed.overuse()
    assert probed.prober.overused(probed.now, MEDIA)
    padded = len(probed.padded)
    probed.run(FIRST_WAIT_SECONDS - 0.1)
    assert len(probed.padded) == padded
    assert probed.downlink.budget == BUDGET


def test_a_deep_fall_is_not_the_probes_doing(probed: Probed) -> None:
    probed.until(ProbeState.PADDING)
    probed.downlink.estimated(BUDGET // 4, MEDIA, probed.now)
    assert not probed.prober.overused(probed.now, MEDIA)
    assert probed.downlink.budget == BUDGET // 4
    assert probed.prober.state is ProbeState.WAITING


def test_what_a_remb_says_of_little_that_was_sent_is_the_probes_doing(probed: Probed) -> None:
    """It is an average: just after a time in which little was sent it lies deep, and the link holds what it held."""
    probed.until(ProbeState.PADDING)
    probed.run(0.2)
    probed.downlink.estimated(BUDGET * 4 // 10, MEDIA, probed.now)
    assert probed.prober.overused(probed.now, BUDGET // 2)
    assert probed.downlink.budget == BUDGET


def test_each_failure_makes_the_next_cluster_later_up_to_a_bound(probed: Probed) -> None:
    began = []
    for _ in range(5):
        probed.until(ProbeState.PADDING)
        began.append(probed.now)
        probed.run(0.2)
        probed.overuse()
        probed.prober.overused(probed.now, MEDIA)
    waits = [later - earlier for earlier, later in pairwise(began)]
    assert waits == sorted(waits)
    assert waits[0] < waits[1]
    assert waits[-1] == pytest.approx(MOST_WAIT_SECONDS, abs=0.5)


def test_after_success_the_next_cluster_does_not_wait_for_old_failures(probed: Probed) -> None:
    for _ in range(3):
        probed.until(ProbeState.PADDING)
        probed.run(0.2)
        probed.overuse()
        probed.prober.overused(probed.now, MEDIA)
    # What is of use lies so little above the budget that the link need not have changed.
    for state in (ProbeState.PADDING, ProbeState.WAITING):
        while probed.prober.state is not state:
            probed.run(TICK, wanted=BUDGET + 10_000)
    assert probed.downlink.budget is not None
    assert BUDGET < probed.downlink.budget < BUDGET * 1.2
    proved = probed.now
    probed.until(ProbeState.PADDING)
    assert probed.now - proved <= FIRST_WAIT_SECONDS + 0.5


def test_while_overuse_is_doubted_there_is_no_cluster(probed: Probed) -> None:
    probed.downlink.doubt.begin(BUDGET // 2, probed.now)
    probed.run(FIRST_WAIT_SECONDS + 1, heard=False)
    assert not probed.padded
    probed.downlink.doubt.end()
    probed.run(1)
    assert probed.padded


def test_overuse_without_a_cluster_is_not_the_probers(probed: Probed) -> None:
    assert not probed.prober.overused(probed.now, MEDIA)


def test_a_client_that_is_not_heard_proves_nothing(probed: Probed) -> None:
    probed.until(ProbeState.PADDING)
    probed.run(5, heard=False)
    assert probed.downlink.budget == BUDGET
    assert probed.prober.state is ProbeState.WAITING


@pytest.mark.parametrize(
    ("queue", "later", "proves"),
    [(0.1, 0.0, True), (0.2, 0.0, False), (0.2, 0.3, True)],
    ids=["little", "some", "later"],
)
def test_a_queue_at_the_end_is_a_failure(probed: Probed, queue: float, later: float, *, proves: bool) -> None:
    """A REMB far below what is sent can't fall, and lost padding is missed by nobody."""
    while not probed.prober.asks:
        probed.run(TICK)
    asked = probed.now
    probed.run(0.4)
    probed.downlink.measured_round_trip(RoundTrip(0.03, asked - 0.5), MEDIA, probed.now)
    probed.downlink.measured_round_trip(RoundTrip(0.03 + queue, asked + later), MEDIA, probed.now)
    probed.run(1.4)
    assert probed.downlink.budget is not None
    assert (probed.downlink.budget > BUDGET) is proves


def test_an_answer_that_comes_late_is_waited_for(probed: Probed) -> None:
    while not probed.prober.asks:
        probed.run(TICK)
    asked = probed.now
    probed.downlink.measured_round_trip(RoundTrip(0.03, asked - 0.5), MEDIA, probed.now)
    probed.run(1)
    assert probed.downlink.budget == BUDGET
    # The next sender report was answered before.
    for since, queue in ((asked + 0.5, 0.0), (asked, 0.3)):
        probed.downlink.measured_round_trip(RoundTrip(0.03 + queue, since), MEDIA, probed.now)
    probed.run(3)
    assert probed.downlink.budget == BUDGET


def test_on_a_link_that_changed_it_goes_fast(probed: Probed) -> None:
    probed.run(FIRST_WAIT_SECONDS + 6)
    assert probed.downlink.budget is not None
    assert probed.downlink.budget > 2_000_000


def test_it_goes_no_further_than_would_be_of_use(probed: Probed) -> None:
    probed.run(60, wanted=600_000, full=700_000)
    assert probed.downlink.budget == pytest.approx(700_000, rel=0.1)
    padded = len(probed.padded)
    probed.run(20, wanted=0, full=0)
    assert len(probed.padded) == padded


def test_it_never_sends_immense_amounts(probed: Probed) -> None:
    probed.run(60, wanted=1 << 40, full=1 << 40)
    assert probed.downlink.budget is not None
    assert probed.downlink.budget <= MOST_GOAL


def test_no_limit_no_probe() -> None:
    prober = Prober(Downlink())
    assert prober.step(WANTED, FULL, 0, 0.05, 5.0) == 0


def test_backoff_doubles_and_forgets() -> None:
    backoff = Backoff(2, 10)
    assert [backoff.failed() for _ in range(5)] == [2, 4, 8, 10, 10]
    backoff.succeeded()
    assert backoff.wait == 2
