"""What SQLite's triggers run at, read off their text."""

import pytest

from retention.connectors.sql.sqlite.triggers import trigger_of
from retention.model.catalogue import TableId
from retention.planning.binding.triggers import may_run

TABLE = TableId(schema=None, name="t")


@pytest.mark.parametrize(
    ("head", "events", "columns"),
    [
        ("AFTER UPDATE ON t", {"UPDATE"}, None),
        ('update of a, "b c", [d], `e` /* of x */ on t', {"UPDATE"}, {"a", "b c", "d", "e"}),
        ('BEFORE UPDATE OF "on" ON t', {"UPDATE"}, {"on"}),
        ("AFTER DELETE ON t", {"DELETE"}, None),
        ("INSTEAD OF INSERT ON t WHEN 'UPDATE OF a ON t' = 1", {"INSERT"}, None),
    ],
)
def test_events_and_columns(head, events, columns):
    made = trigger_of("x", TABLE, f'CREATE TRIGGER "x update" {head} BEGIN UPDATE t SET "made" = 1; END')
    assert made.events == events
    assert made.columns == columns
    assert made.body == 'BEGIN UPDATE t SET "made" = 1; END'


def test_what_can_not_be_read_runs_at_everything():
    made = trigger_of("x", TABLE, "CREATE TRIGGER something else")
    assert made.events == {"DELETE", "INSERT", "UPDATE"}
    assert may_run(made, ["a"])


def test_only_an_update_of_its_columns_runs_it():
    made = trigger_of("x", TABLE, "CREATE TRIGGER x UPDATE OF a, B ON t BEGIN SELECT 1; END")
    assert may_run(made, ["b", "c"])
    assert not may_run(made, ["c", "d"])
