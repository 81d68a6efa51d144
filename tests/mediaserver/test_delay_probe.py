from mediaserver.delay_probe import DelayProbe


def test_percentiles_are_upper_bounds_and_start_anew() -> None:
    probe = DelayProbe()
    for _ in range(98):
        probe.record(0.00012)
    probe.record(0.00312)
    probe.record(9.0)
    assert probe.snapshot() == {
        "delay_samples": 100,
        "delay_us_p50": 150,
        "delay_us_p99": 3150,
        "delay_us_max": 200_000,
    }
    probe.record(-1.0)
    assert probe.snapshot() == {"delay_samples": 1, "delay_us_p50": 50, "delay_us_p99": 50, "delay_us_max": 50}
