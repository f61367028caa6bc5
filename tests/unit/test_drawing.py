"""Lines of periods that tenants instruct: those that plain periods draw."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from retention import periods
from retention.connectors.sql.moments import step_of
from retention.model.clock import Clock, Period, Start
from retention.model.dataset import PeriodUnit
from retention.planning.fates.drawing import MOST, lines

AS_OF = datetime(2024, 2, 29, 11, tzinfo=UTC)


@pytest.mark.parametrize("within", [None, Period(months=1, days=0)])
@pytest.mark.parametrize("start", [Start.NEXT_DAY, Start.FISCAL_YEAR])
@pytest.mark.parametrize("unit", list(PeriodUnit))
def test_each_number_draws_the_line_of_a_plain_period(
    unit: PeriodUnit, start: Start, within: Period | None
) -> None:
    clock = Clock(period=unit.period(1), start=start, fiscal_year_end=(6, 30), timezone="Europe/Oslo")

    drawn = lines(AS_OF, clock, unit, (3, 30), within, "Europe/Oslo")

    assert drawn is not None
    assert (drawn.least, len(drawn.every)) == (3, 28)
    for number, line in enumerate(drawn.every, 3):
        counted = Clock(
            period=unit.period(number), start=start, fiscal_year_end=(6, 30), timezone="Europe/Oslo"
        )
        plain = periods.late_cutoff(AS_OF, counted, within) if within else periods.cutoff(AS_OF, counted)
        assert (line.day, line.instant) == (plain.day, plain.instant)
        assert line.naive == periods.naive_boundary(plain, "Europe/Oslo")


@pytest.mark.parametrize("between", [(1, MOST + 1), (499, 501)])
def test_too_many_and_too_long_ones_are_counted_by_the_database(between: tuple[int, int]) -> None:
    clock = Clock(period=Period(months=12, days=0))

    assert lines(AS_OF, clock, PeriodUnit.YEARS, between, None, None) is None


def test_lines_that_lie_equally_far_apart_are_no_list() -> None:
    first = date(2024, 3, 1)

    assert step_of([first - timedelta(days=7 * i) for i in range(5)]) == 7
    assert step_of([first, first - timedelta(days=1), first - timedelta(days=3)]) is None
    assert step_of([datetime(2024, 3, 1), datetime(2024, 2, 28, 23)]) is None
    assert step_of([first]) is None
