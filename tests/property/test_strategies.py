"""Every database makes of a value what the engine makes of it, and sees what is a result already."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.types import NullType

from retention.actions.strategies import Keyed, UnreadableError, rewriter
from retention.connectors.sql import rewritten
from retention.connectors.sql.opening import open_target
from retention.model.catalogue import TableId
from retention.model.dataset import Connector, Secret
from retention.model.strategy import Strategy, Way

TEXTS = [
    Strategy(way=Way.NULL),
    Strategy(way=Way.REDACT),
    Strategy(way=Way.REDACT, constant="Ø'%s"),
    Strategy(way=Way.HASH),
    Strategy(way=Way.MASK, keep=2),
    Strategy(way=Way.MASK, keep=0),
    Strategy(way=Way.MASK, keep=3, last=True),
    Strategy(way=Way.YEAR),
    Strategy(way=Way.MONTH),
    Strategy(way=Way.PREFIX, length=3),
    Strategy(way=Way.PREFIX, ipv4=16, ipv6=32),
    Strategy(way=Way.FAKE, of="city"),
    Strategy(way=Way.TOKEN),
]
WHOLE = [Strategy(way=Way.REDACT, constant=-7), *(Strategy(way=Way.ROUND, width=w) for w in (2, 10, 1000))]
REAL = [Strategy(way=Way.ROUND, width=w) for w in (1, 10)]
DAYS = [Strategy(way=way) for way in (Way.NULL, Way.YEAR, Way.MONTH)]
COLUMNS = {"t": TEXTS, "n": WHOLE, "d": [*REAL, Strategy(way=Way.REDACT, constant=Decimal("1.5"))], "f": REAL}
DATED = {"day": DAYS, "moment": DAYS, "zoned": DAYS}
TYPES = {"t": "VARCHAR(400)", "n": "BIGINT", "d": "NUMERIC(20,4)", "f": "DOUBLE PRECISION"}
DATE_TYPES = {
    "postgresql": {"day": "DATE", "moment": "TIMESTAMP", "zoned": "TIMESTAMPTZ"},
    "mariadb": {"day": "DATE", "moment": "DATETIME(6)", "zoned": "TIMESTAMP(6) NULL"},
}
KEYED = Keyed(key=b"k" * 32)

shaped = st.one_of(
    st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:]{1,5})?", fullmatch=True),
    st.dates().map(date.isoformat),
    st.sampled_from(["", " ", "***", "*****", "ab***", "[redacted]", "[REDACTED]", "[redacted] ", "rh1-" + "a" * 26,
                     "RH1-" + "a" * 26, "192.0.2.77", "192.0.0.0/16", "192.0.2.0/24", "2001:DB8::77", "2001:db8::/32",
                     "::1", "10.0.0.0/8", "0000-01-01", "2024-02-30", "2024-01-01\n", "e\u0301tude", "👩‍👧", "ÅØ"]),
)  # fmt: skip
texts = st.one_of(
    shaped, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
)
rows = st.lists(
    st.tuples(
        st.none() | texts,
        st.none() | st.integers(-(2**40), 2**40),
        st.none() | st.decimals(-(10**12), 10**12, places=4),
        st.none() | st.floats(-(2.0**50), 2.0**50, allow_nan=False).map(lambda x: x + 0.0),
        st.none() | st.datetimes(datetime(1971, 1, 2), datetime(2037, 1, 1)),
    ),
    min_size=1,
    max_size=60,
)


AWKWARD = [
    None,
    "",
    "Ann",
    "e\u0301t",
    "1984-05-06",
    "1984-05-06 07:08",
    "452649600",
    "192.0.2.77",
    "2001:db8:1:2::7",
]
"""The table of the page on strategies, but for a megabyte and what is no text (a run has those)."""


@pytest.fixture
def opened(store):
    dates = DATE_TYPES.get(store.kind, {})
    types = {"id": "INTEGER", **TYPES, **dates}
    made = f"CREATE TABLE v ({', '.join(f'{name} {type_}' for name, type_ in types.items())})"
    (store.verbatim if store.kind == "mariadb" else store.script)(made)
    target = open_target(
        Connector(name="db", file="db.toml", type="sql", url=Secret(literal=store.url), folder="/"), {}
    )
    yield target, target.catalogue(), {**COLUMNS, **({name: DATED[name] for name in dates})}
    target.close()


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=rows)
@example(values=[(text, None, None, None, None) for text in AWKWARD])
def test_databases_and_engine_agree(opened, values):
    target, catalogue, strategies = opened
    (id_,) = (id_ for id_ in catalogue.tables if id_.name == "v")
    columns = catalogue.tables[id_].columns
    dialect = target._dialect
    with target._writing.connect() as connection:
        _fill(connection, id_, list(strategies), values)
        for name, every in strategies.items():
            for strategy in every:
                _agree(connection, dialect, id_, columns[name], strategy)
        connection.rollback()


def _fill(connection, id_, names, values):
    at = ", ".join(f":{name}" for name in ("id", *names))
    connection.exec_driver_sql("DELETE FROM v")
    for number, (text, whole, exact, real, moment) in enumerate(values):
        row = {"id": number, "t": text, "n": whole, "d": exact, "f": real, "day": moment and moment.date()}
        row |= {"moment": moment, "zoned": moment and moment.replace(tzinfo=UTC)}
        if connection.dialect.name == "sqlite":
            row["d"] = exact if exact is None else float(exact)
        some = {name: row[name] for name in ("id", *names)}
        connection.execute(sa.text(f"INSERT INTO v (id, {', '.join(names)}) VALUES ({at})"), some)


def _agree(connection, dialect, id_: TableId, column, strategy):
    source = sa.table("v", sa.column("id"))
    element = sa.column(column.name, NullType(), _selectable=source)
    nothing = sa.literal_column("0")
    unread = rewritten.unreadable(dialect, element, column, strategy)
    made = nothing if strategy.computed else rewritten.value(dialect, element, column, strategy)
    query = sa.select(
        element,
        made.label("made"),
        rewritten.done(dialect, element, column, strategy).label("done"),
        (nothing if unread is None else unread).label("unread"),
    ).select_from(source)
    meant = rewriter(strategy, KEYED)
    for value, found, done, unreadable in connection.execute(query):
        context = (strategy, value, found, done)
        try:
            wanted = meant(value)
        except UnreadableError:
            assert bool(unreadable) or strategy.computed, context
            assert not done, context
            continue
        assert not unreadable, context
        if not strategy.computed:
            assert _same(found, wanted), (*context, wanted)
        if strategy.told and strategy.way is not Way.HASH:
            assert bool(done) == (value is None or _same(wanted, value)), (*context, wanted)
        if strategy.way is Way.HASH:
            assert bool(done) == (value is None or (value.startswith("rh1-") and len(value) == 30)), context
        if not strategy.told:
            assert bool(done) == (value is None), context


def _same(one, other):
    if isinstance(one, str) and isinstance(other, datetime):
        one = datetime.fromisoformat(one)
    if isinstance(one, float) and isinstance(other, Decimal):
        return one == float(other)
    return (type(one) is type(other) and one == other) or (not isinstance(one, str) and one == other)
