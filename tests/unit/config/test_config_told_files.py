"""What people type of persons, read."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from retention.config import told_files
from retention.errors import UsageError
from retention.model.told import Subject

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def read(text, event=None):
    return [(line.number, dict(line.values), line.wrong) for line in told_files.lines(text, "file", event)]


def test_an_identifier_keeps_all_behind_the_first_sign():
    assert told_files.subject(" email =a=b@x ") == Subject(kind="email", value="a=b@x ")


@pytest.mark.parametrize(
    "text", ["email", "=a", " =a", "email=", "email= \u2003", "email=a\0", "email=\ud800", "e=" + "x" * 1001]
)
def test_what_is_no_identifier_is_refused_without_repeating_it(text):
    with pytest.raises(ValueError, match="it") as refused:
        told_files.subject(text)
    assert "xxx" not in str(refused.value)


def test_a_list_of_people_says_every_line_that_is_wrong():
    assert len(told_files.subjects("a=1\r\n\nb=2\u2028c=3\n", "people")) == 2
    with pytest.raises(UsageError, match=r"line 1: .*line 3: .*") as refused:
        told_files.subjects("secret1\na=1\nsecret2=\n", "people")
    assert "secret" not in str(refused.value)
    with pytest.raises(UsageError, match="and 5 more"):
        told_files.subjects("x\n" * 10, "people")
    with pytest.raises(UsageError, match="is empty"):
        told_files.subjects("\n \n", "people")


def test_times_are_days_or_instants_and_never_ahead():
    assert told_files.a_time(" 2026-03-10 ", "Europe/Oslo", NOW) == date(2026, 3, 10)
    assert told_files.a_time("2026-03-10T13:00:00+01:00", "UTC", NOW) == NOW
    for text in (
        "2026-03-11",
        "2026-03-10T12:00:00.000001Z",
        "1971-01-01",
        "0000-00-00",
        "10.3.2026",
        "",
        "2026-03-10T12:00:00",
    ):
        with pytest.raises(ValueError, match=r"."):
            told_files.a_time(text, "UTC", NOW)


def test_the_day_that_has_begun_in_the_policys_zone_is_not_ahead():
    before_midnight = datetime(2026, 3, 9, 23, 30, tzinfo=UTC)
    assert told_files.a_time("2026-03-10", "Europe/Oslo", before_midnight) == date(2026, 3, 10)
    with pytest.raises(ValueError, match="ahead"):
        told_files.a_time("2026-03-10", "UTC", before_midnight)


@pytest.mark.parametrize("ref", ["CASE-12", "Sak/2026:17#3", "2026_1.a"])
def test_case_numbers_are_references(ref):
    assert told_files.a_reference(ref, Subject(kind="email", value="a@x")) == ref


@pytest.mark.parametrize("ref", ["", "a@x.org", "Anna Hansen", "-x", "x" * 101, "a\nb", "17"])
def test_what_may_tell_of_somebody_is_no_reference(ref):
    with pytest.raises(ValueError, match="for ever"):
        told_files.a_reference(ref, Subject(kind="id", value=" 17"))


def test_csv_has_its_columns_in_any_order_and_quotes():
    text = 'Value, KIND ,event\r\n"a,b",email,e\r\r\n"x, ""y""",id,e'
    assert read(text) == [
        (2, {"value": "a,b", "kind": "email", "event": "e"}, None),
        (4, {"value": 'x, "y"', "kind": "id", "event": "e"}, None),
    ]


def test_a_quote_that_is_left_open_takes_no_other_line_with_it():
    found = read('kind,value\nid,"1\nid,2\nid,"3"\nid,4"\nid,5\n', "e")
    wrong = "it can't be read as CSV: a quote is not closed on it"
    assert [(number, values.get("value"), why) for number, values, why in found] == [
        (2, None, wrong),
        (3, "2", None),
        (4, "3", None),
        (5, '4"', None),
        (6, "5", None),
    ]


def test_a_row_of_another_length_is_bad_by_itself():
    found = read("kind,value\nid,1,2\nid\nid,3\n", "e")
    assert [wrong is None for _, _, wrong in found] == [False, False, True]
    assert [number for number, _, _ in found] == [2, 3, 4]


def test_a_quote_that_goes_on_behind_itself_is_bad_by_itself():
    found = read('kind,value\nid,"1"x\nid,3\n', "e")
    assert [(number, wrong is None) for number, _, wrong in found] == [(2, False), (3, True)]


def test_a_field_too_long_for_csv_is_bad_by_itself():
    found = read("kind,value\nid," + "x" * 200_000 + "\nid,3\n", "e")
    assert (found[0][2] is not None, found[-1][1]) == (True, {"kind": "id", "value": "3"})


def test_json_lines_are_objects_of_text():
    lines = [
        '{"kind": "id", "value": 7, "at": null}',
        "",
        "[]",
        "{",
        '{"kind": true, "value": "x"}',
        '{"kind": "id", "value": 1.5}',
        '{"x": "y"}',
    ]
    found = read("\n".join(lines))
    assert [number for number, _, _ in found] == [1, 3, 4, 5, 6, 7]
    assert found[0][1] == {"kind": "id", "value": "7"}
    assert all(wrong for _, _, wrong in found[1:])


def test_a_number_without_end_in_json_is_bad_and_not_a_crash():
    found = read('{"kind": "id", "value": ' + "9" * 5000 + "}\n" + json.dumps({"kind": "id", "value": "3"}))
    assert [wrong is None for _, _, wrong in found] == [False, True]


def test_a_key_that_stands_twice_in_a_json_object_is_bad():
    """The second won: an event was told about somebody else."""
    line = '{"kind": "email", "kind": "id", "value": "4"}'
    assert read(line) == [(1, {}, "it has the key 'kind' twice")]


def test_a_file_is_utf_8_and_of_a_size_that_can_be_read():
    assert told_files.decoded(b"\xef\xbb\xbfx", "file") == "x"
    with pytest.raises(UsageError, match="not UTF-8"):
        told_files.decoded(b"\xff\xfex\x00", "file")
    with pytest.raises(UsageError, match="several files"):
        told_files.decoded(b"x" * (told_files.MOST_BYTES + 1), "file")
