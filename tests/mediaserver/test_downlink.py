"""The estimator alone: which signs are overuse, and what budget follows."""

import pytest

from mediaserver.doubt import PATIENCE_SECONDS, RoundTrip
from mediaserver.downlink import LEAST_BUDGET, Downlink, SentRate
from mediaserver.rtcp import LARGEST_ESTIMATE, Nack, ReportBlock

SENT = 1_000_000


def report(highest: int, lost: float, ssrc: int = 7) -> ReportBlock:
    return ReportBlock(ssrc, int(256 * lost), 0, highest, 0, 0, 0)


@pytest.fixture
def downlink() -> Downlink:
    return Downlink()


def test_a_remb_that_rises_or_stays_is_no_limit(downlink: Downlink) -> None:
    for number, bits in enumerate((900_000, 920_000, 915_000, 990_000)):
        downlink.estimated(bits, SENT, number * 0.3)
    assert downlink.budget is None


def test_a_remb_that_falls_is_the_budget(downlink: Downlink) -> None:
    downlink.estimated(1_500_000, SENT, 1.0)
    downlink.estimated(400_000, SENT, 1.3)
    assert downlink.budget == 400_000
    assert downlink.overuses == 1
    assert downlink.fallen_from == SENT


def test_the_first_remb_far_below_what_is_sent_is_a_fall(downlink: Downlink) -> None:
    downlink.estimated(300_000, SENT, 1.0)
    assert downlink.budget == 300_000


def test_a_first_remb_beside_little_is_no_fall(downlink: Downlink) -> None:
    downlink.estimated(40_000, 90_000, 1.0)
    assert downlink.budget is None


def test_while_a_sudden_fall_settles_only_lower_ones_count(downlink: Downlink) -> None:
    for number, bits in enumerate((1_500_000, 900_000, 500_000)):
        downlink.estimated(bits, SENT, 1 + number * 0.2)
    assert downlink.budget == 500_000


def test_a_remb_above_the_budget_raises_it(downlink: Downlink) -> None:
    downlink.estimated(1_500_000, SENT, 1.0)
    downlink.estimated(400_000, SENT, 1.3)
    downlink.estimated(420_000, 300_000, 3.0)
    assert downlink.budget == 420_000


def test_a_remb_that_stays_below_what_is_sent_is_overuse_that_lasts(downlink: Downlink) -> None:
    downlink.estimated(1_500_000, SENT, 1.0)
    downlink.estimated(500_000, SENT, 1.3)
    downlink.proved(900_000, 0.0)
    for number in range(20):
        downlink.estimated(500_000, 800_000, 2 + number * 0.3)
    assert downlink.budget == 500_000


def test_a_remb_that_rises_while_more_is_sent_than_the_budget_raises_it_step_by_step(downlink: Downlink) -> None:
    """A publisher may send more than it was told to; were it too much, the REMB would not rise."""
    downlink.estimated(1_500_000, SENT, 1.0)
    downlink.estimated(300_000, SENT, 1.3)
    downlink.estimated(310_000, 500_000, 2.0)
    assert downlink.budget == 310_000, "what was sent of late was sent before the fall"
    downlink.estimated(320_000, 500_000, 3.5, padded=True)
    assert downlink.budget == 320_000, "padding is judged when all of it was heard of"
    downlink.estimated(330_000, 500_000, 4.5)
    downlink.estimated(340_000, 500_000, 5.5)
    assert downlink.budget == 500_000


def test_sound_that_comes_and_goes_is_neither_overuse_nor_room(downlink: Downlink) -> None:
    """A REMB speaks of pictures alone, and sound pauses."""
    for number in range(60):
        sound = 500_000 if number % 12 < 6 else 2_000
        downlink.estimated(400_000, 350_000 + sound, 1 + number * 0.3, sound=sound)
    assert (downlink.overuses, downlink.budget) == (0, None)
    downlink.estimated(300_000, 352_000, 20.0, sound=2_000)
    assert downlink.budget == 302_000


def test_what_is_proved_is_not_stuck_while_the_remb_follows(downlink: Downlink) -> None:
    downlink.estimated(1_500_000, SENT, 1.0)
    downlink.estimated(130_000, SENT, 1.3)
    for number in range(6):
        downlink.proved(200_000 + 100_000 * number, 3 + number * 1.5)
        downlink.estimated(130_000, 200_000 + 100_000 * number, 4 + number * 1.5)
    assert downlink.budget == 700_000


def test_overuse_never_raises_a_budget(downlink: Downlink) -> None:
    downlink.estimated(1_500_000, SENT, 1.0)
    downlink.estimated(900_000, SENT, 1.3)
    downlink.reported(report(0, 0.0), 700_000, 2.5)
    downlink.reported(report(500, 0.4), 700_000, 3.5)
    before = downlink.budget
    assert before is not None
    assert before < 500_000
    for number in range(12):
        downlink.estimated(900_000, 1_400_000, 4 + number * 0.3)
    assert downlink.budget == before


def test_overuse_just_after_a_proof_tells_that_it_was_too_much_and_not_how_little_there_is(downlink: Downlink) -> None:
    downlink.estimated(1_500_000, SENT, 1.0)
    downlink.estimated(400_000, SENT, 1.3)
    downlink.proved(540_000, 10.0)
    for number in range(5):
        downlink.estimated(200_000 - 20_000 * number, 500_000, 11.0 + number / 50)
    assert downlink.budget == 340_000
    assert downlink.overuses == 2
    # What goes on is no echo.
    downlink.estimated(110_000, 340_000, 12.5)
    assert downlink.budget == 110_000


def test_a_remb_from_when_little_was_sent_does_not_say_how_little_the_link_holds(downlink: Downlink) -> None:
    downlink.estimated(1_500_000, SENT, 1.0)
    downlink.estimated(130_000, SENT, 1.3)
    downlink.proved(400_000, 5.0)
    for number in range(7):
        downlink.estimated(130_000, 400_000, 6 + number * 0.3)
    assert downlink.budget == 340_000


@pytest.mark.parametrize("lost", [0.0, 0.02, 0.05, 0.09])
def test_little_loss_is_the_paths_own(downlink: Downlink, lost: float) -> None:
    for number in range(60):
        downlink.reported(report(number * 100, lost), SENT, float(number))
    assert downlink.budget is None


def test_heavy_loss_is_a_full_link_whose_rate_is_what_arrives(downlink: Downlink) -> None:
    downlink.reported(report(1000, 0), SENT, 1.0)
    downlink.reported(report(1200, 0.6), SENT, 2.0)
    assert downlink.budget == pytest.approx(400_000, rel=0.05)


def test_few_packets_prove_nothing(downlink: Downlink) -> None:
    downlink.reported(report(1000, 0), SENT, 1.0)
    downlink.reported(report(1015, 0.5), SENT, 2.0)
    assert downlink.budget is None


def test_a_retreat_is_not_repeated_for_what_was_sent_before_it(downlink: Downlink) -> None:
    downlink.reported(report(1000, 0), SENT, 1.0)
    downlink.reported(report(1200, 0.6), SENT, 2.0)
    downlink.reported(report(1300, 0.6), SENT, 2.5)
    downlink.reported(report(1400, 0.6), 400_000, 2.9)
    assert downlink.overuses == 1


def test_loss_that_stays_although_less_is_sent_is_the_paths_own(downlink: Downlink) -> None:
    sent = SENT
    for number in range(40):
        downlink.reported(report(number * 200, 0.17), sent, float(number))
        sent = min(sent, downlink.budget or sent)
    assert downlink.budget is not None
    assert downlink.budget > 600_000


def test_nacks_tell_of_a_full_link_before_any_report(downlink: Downlink) -> None:
    downlink.missed(Nack(7, (100,)), SENT, 1.0)
    downlink.missed(Nack(7, tuple(range(110, 150))), SENT, 1.1)
    assert downlink.budget is not None


def test_nacks_repeated_count_once(downlink: Downlink) -> None:
    downlink.missed(Nack(7, (100,)), SENT, 1.0)
    for number in range(20):
        downlink.missed(Nack(7, (200, 201, 202)), SENT, 1.1 + number * 0.05)
    assert downlink.budget is None


def test_sequence_numbers_wrap(downlink: Downlink) -> None:
    downlink.missed(Nack(7, (65_530,)), SENT, 1.0)
    downlink.missed(Nack(7, (65_534, 2)), SENT, 1.1)
    downlink.missed(Nack(7, (90,)), SENT, 1.2)
    assert downlink.budget is None
    downlink.missed(Nack(7, tuple(range(91, 150))), SENT, 1.3)
    assert downlink.budget is not None


def test_a_nack_long_after_the_last_counts_from_itself(downlink: Downlink) -> None:
    downlink.missed(Nack(7, (100,)), SENT, 1.0)
    downlink.missed(Nack(7, tuple(range(101, 130))), SENT, 400.0)
    assert downlink.budget is None


def test_headers_of_sound_are_no_overuse_that_lasts(downlink: Downlink) -> None:
    downlink.estimated(500_000, SENT, 1.0)
    downlink.estimated(60_000, SENT, 1.3)
    for number in range(60):
        downlink.estimated(60_000, 75_000, 2 + number * 0.3)
    assert downlink.overuses == 2


def test_a_growing_round_trip_counts_without_remb(downlink: Downlink) -> None:
    for number in range(5):
        downlink.measured_round_trip(RoundTrip(0.05, float(number)), 60_000, float(number))
    downlink.measured_round_trip(RoundTrip(0.6, 6.0), 60_000, 6.0)
    assert downlink.budget == 51_000


def test_a_negative_round_trip_says_nothing(downlink: Downlink) -> None:
    downlink.measured_round_trip(RoundTrip(-1.0, 1.0), 60_000, 1.0)
    for number in range(4):
        downlink.measured_round_trip(RoundTrip(0.05, 2.0 + number), 60_000, 2.0 + number)
    assert downlink.budget is None


def test_a_growing_round_trip_is_left_to_the_browser_where_a_remb_comes(downlink: Downlink) -> None:
    downlink.estimated(2 * SENT, SENT, 5.0)
    downlink.measured_round_trip(RoundTrip(0.05, 5.5), SENT, 5.5)
    downlink.measured_round_trip(RoundTrip(0.6, 6.0), SENT, 6.0)
    assert downlink.budget is None


class TestDoubt:
    """A browser on a busy machine tells of queues where there are none."""

    @pytest.fixture
    def limited(self, downlink: Downlink) -> Downlink:
        """To 400 kbit/s, a second ago."""
        downlink.estimated(1_500_000, SENT, 1.0)
        downlink.estimated(400_000, SENT, 1.3)
        for number in range(8):
            downlink.measured_round_trip(RoundTrip(0.03, 2.0 + number), 300_000, 2.0 + number)
        downlink.estimated(410_000, 300_000, 9.0)
        return downlink

    def test_a_fall_without_a_queue_changes_nothing(self, limited: Downlink) -> None:
        limited.estimated(200_000, 300_000, 10.0)
        assert (limited.budget, limited.overuses) == (410_000, 1)
        assert limited.doubt.asks
        limited.measured_round_trip(RoundTrip(0.05, 10.0), 300_000, 10.6)
        for number in range(6):
            limited.estimated(200_000, 300_000, 11.0 + number * 0.3)
        assert (limited.budget, limited.overuses) == (410_000, 1)

    def test_a_fall_with_a_queue_that_stays_counts(self, limited: Downlink) -> None:
        limited.estimated(200_000, 300_000, 10.0)
        limited.doubt.asks = False
        limited.measured_round_trip(RoundTrip(0.12, 10.0), 300_000, 10.4)
        assert limited.doubt.asks, "a machine that was busy for a moment looks the same"
        limited.measured_round_trip(RoundTrip(0.12, 10.2), 300_000, 10.5)
        assert limited.overuses == 1, "that was sent before it was asked again"
        limited.measured_round_trip(RoundTrip(0.12, 10.45), 300_000, 10.6)
        assert (limited.budget, limited.overuses) == (200_000, 2)

    def test_a_queue_that_is_gone_was_none(self, limited: Downlink) -> None:
        limited.estimated(200_000, 300_000, 10.0)
        limited.measured_round_trip(RoundTrip(0.12, 10.0), 300_000, 10.4)
        limited.measured_round_trip(RoundTrip(0.04, 10.45), 300_000, 10.6)
        assert (limited.budget, limited.overuses, limited.doubt.open) == (410_000, 1, False)

    def test_a_fall_with_a_deep_queue_counts_at_once(self, limited: Downlink) -> None:
        limited.estimated(200_000, 300_000, 10.0)
        limited.measured_round_trip(RoundTrip(0.3, 10.0), 300_000, 10.4)
        assert (limited.budget, limited.overuses) == (200_000, 2)

    def test_what_was_sent_long_before_is_no_answer(self, limited: Downlink) -> None:
        limited.estimated(200_000, 300_000, 10.0)
        limited.measured_round_trip(RoundTrip(0.03, 9.2), 300_000, 10.1)
        assert limited.doubt.open

    def test_without_an_answer_it_counts_soon(self, limited: Downlink) -> None:
        limited.estimated(200_000, 300_000, 10.0)
        limited.settle(300_000, 10.0 + PATIENCE_SECONDS - 0.1)
        assert limited.budget == 410_000
        limited.settle(300_000, 10.0 + PATIENCE_SECONDS + 0.1)
        assert limited.budget == 200_000

    def test_a_second_fall_counts_at_once(self, limited: Downlink) -> None:
        limited.estimated(300_000, 300_000, 10.0)
        limited.estimated(200_000, 300_000, 10.05)
        assert limited.budget == 200_000

    def test_a_fall_beside_loss_counts_at_once(self, limited: Downlink) -> None:
        limited.reported(report(100, 0), 300_000, 9.3)
        limited.reported(report(150, 0.11), 300_000, 9.8)
        limited.estimated(200_000, 300_000, 10.0)
        assert limited.budget == 200_000

    def test_a_rise_ends_it(self, limited: Downlink) -> None:
        limited.estimated(300_000, 300_000, 10.0)
        limited.estimated(310_000, 300_000, 10.3)
        limited.measured_round_trip(RoundTrip(0.3, 10.0), 300_000, 10.6)
        assert limited.overuses == 1

    def test_who_told_no_round_trip_is_believed_at_once(self, downlink: Downlink) -> None:
        downlink.estimated(1_500_000, SENT, 1.0)
        downlink.measured_round_trip(RoundTrip(0.03, 1.0), SENT, 1.1)
        downlink.estimated(1_500_000, SENT, 7.0)
        downlink.estimated(400_000, SENT, 7.3)
        assert downlink.budget == 400_000

    def test_the_same_answer_again_says_nothing_new(self, limited: Downlink) -> None:
        for number in range(100):
            limited.measured_round_trip(RoundTrip(0.2, 9.5), 300_000, 9.6 + number / 300)
        limited.estimated(200_000, 300_000, 10.0)
        for since in (10.0, 10.2):
            limited.measured_round_trip(RoundTrip(0.1, since), 300_000, since + 0.2)
        assert limited.budget == 200_000, "the shortest round trip is still the one without a queue"

    def test_a_remb_that_stays_is_overuse_only_with_a_queue(self, limited: Downlink) -> None:
        limited.proved(900_000, 10.0)
        for number in range(40):
            now = 13 + number * 0.3
            limited.estimated(400_000, 800_000, now)
            limited.measured_round_trip(RoundTrip(0.03, now), 800_000, now)
        assert limited.budget == 900_000
        for number in range(20):
            now = 26 + number * 0.3
            limited.estimated(400_000, 800_000, now)
            limited.measured_round_trip(RoundTrip(0.2, now), 800_000, now)
        assert limited.budget is not None
        assert limited.budget < 700_000


def test_a_slow_change_of_the_route_is_no_queue(downlink: Downlink) -> None:
    for number in range(200):
        downlink.measured_round_trip(RoundTrip(0.05 + number * 0.004, float(number)), 60_000, float(number))
    assert downlink.budget is None


def test_the_echo_of_a_probe_is_not_heard(downlink: Downlink) -> None:
    downlink.estimated(1_500_000, SENT, 1.0)
    downlink.estimated(400_000, SENT, 1.3)
    downlink.estimated(300_000, SENT, 9.0)
    downlink.restore(400_000, 9.0)
    downlink.estimated(250_000, SENT, 9.4)
    assert downlink.budget == 400_000
    downlink.estimated(200_000, SENT, 11.0)
    assert downlink.budget == 200_000


def test_absurd_feedback_keeps_the_budget_sane(downlink: Downlink) -> None:
    downlink.estimated(LARGEST_ESTIMATE, SENT, 1.0)
    downlink.estimated(0, SENT, 1.3)
    assert downlink.budget == LEAST_BUDGET
    for highest in (0, 0xFFFFFFFF, 5, 1 << 31):
        downlink.reported(report(highest, 1), SENT, 3.0)
    downlink.missed(Nack(7, ()), SENT, 4.0)
    downlink.missed(Nack(7, (5, 4, 3)), SENT, 4.0)
    downlink.measured_round_trip(RoundTrip(9.9, 5.0), SENT, 5.0)
    assert downlink.budget >= LEAST_BUDGET


def test_the_sent_rate_is_that_of_the_last_second() -> None:
    meter = SentRate()
    for number in range(40):
        meter.sample(number * 50_000, number * 0.1)
    assert meter.rate == 500_000
    for number in range(40, 60):
        meter.sample(39 * 50_000, number * 0.1)
    assert meter.rate == 0
    meter.sample(0, 7.0)
    meter.sample(100, 7.5)
    assert meter.rate == 200


def test_a_nack_that_names_nothing_says_nothing(downlink: Downlink) -> None:
    downlink.missed(Nack(7, ()), SENT, 1.0)
    assert downlink.budget is None
    assert downlink.heard_at == 1.0
