import json
import math

import pytest

from bench.report import median, percentile, print_result, print_table


def test_percentiles_are_values_that_were_measured() -> None:
    assert median([5, 1, 3]) == 3
    assert percentile(range(1, 101), 95) == 95
    assert math.isnan(median([]))


def test_what_was_not_measured_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    print_result({"a": 1.23456, "b": math.nan, "c": math.inf, "d": 4})
    assert json.loads(capsys.readouterr().out) == {"a": 1.235, "b": None, "c": None, "d": 4}


def test_tables_stand_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("Title", ["name", "ms"], [["first", 12.34], ["second", None]])
    assert capsys.readouterr().out == "\nTitle\nname      ms\n------  ----\nfirst   12.3\nsecond  none\n"
