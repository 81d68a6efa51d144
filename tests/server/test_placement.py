"""What a worker is thought to have to do."""

from server.placement import ROOM_SHARE, YOUNG_SECONDS, WorkerLoad


def test_the_load_is_the_share_of_a_core_used_lately() -> None:
    load = WorkerLoad()
    for second in range(60):
        load.seen(second * 400_000, second)
    assert abs(load.share - 0.4) < 0.01
    for second in range(60, 120):
        load.seen(60 * 400_000, second)
    assert load.share < 0.01


def test_a_new_process_begins_to_count_anew() -> None:
    load = WorkerLoad()
    load.seen(5_000_000, 10)
    load.seen(1_000, 11)
    load.seen(1_000, 11)
    assert load.share == 0


def test_rooms_that_are_still_filling_count_as_what_they_will_be() -> None:
    load = WorkerLoad()
    for _ in range(10):
        load.placed(100)
    assert abs(load.expected(100) - 10 * ROOM_SHARE) < 1e-9
    assert load.steps(100) == int(10 * ROOM_SHARE / 0.05)
    assert load.expected(100 + YOUNG_SECONDS + 1) == 0
