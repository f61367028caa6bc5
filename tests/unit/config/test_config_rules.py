"""The language of rules: what each key becomes, what exceptions replace, and what cannot be meant."""

from __future__ import annotations

import pytest

from retention.model.clock import Period, Start
from retention.model.policy import MONTH, Basis

SHOP = """
type = "sql"
url = "env:URL"
[datasets.orders]
data    = "orders"
table   = "orders"
events  = { booked = "a", closed = "b", asked = "c", old = "d" }
facts   = { company = "company", disputed = "state = 'disputed'", size = "size" }
fields  = { note = "note" }
periods = { instructed = { column = "t.days", unit = "days", between = ["1 day", "2 years"] } }
[datasets.accounts]
data    = "accounts"
table   = "accounts"
events  = { booked = "a", closed = "b", asked = "c" }
facts   = { company = "company", disputed = { any = "disputes" }, size = "size" }
fields  = { name = ["first", "last"], address = ["street"] }
"""
HEAD = """
[policy]
timezone = "Europe/Oslo"
[rules.x]
promise = "p"
data = "orders"
action = "delete"
"""
KEEP = 'keep = "5 years"\nfrom = "booked"\n'


@pytest.fixture
def variants(loaded):
    """`variants(lines)`: the variants of a rule of these lines, its exceptions among them."""
    return lambda lines: loaded(policies=HEAD + lines, shop=SHOP).policy.rules["x"].variants


@pytest.fixture
def said(problems):
    """`said(lines)`: key → problem, of a rule of these lines."""

    def of(lines):
        found = problems(policies=HEAD + lines, shop=SHOP)
        assert len({p.key for p in found}) == len(found), found
        return {p.key.removeprefix("rules.x."): p for p in found}

    return of


def years(number):
    return Period(months=12 * number, days=0)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (KEEP, {"keep": years(5), "event": "booked", "until": (), "upon": (), "within": MONTH}),
        ('until = "closed"', {"keep": None, "event": None, "until": ("closed",)}),
        ('until = ["closed", "asked"]', {"until": ("closed", "asked")}),
        ('until = "closed"\nfrom = "booked"', {"event": "booked", "until": ("closed",), "keeping": False}),
        (KEEP + 'until = ["closed"]', {"keep": years(5), "until": ("closed",), "keeping": True}),
        ('upon = "asked"', {"upon": ("asked",), "keep": None, "event": None, "events": ("asked",)}),
        ('upon = ["asked", "closed"]\nwithin = "3 days"', {"within": Period(months=0, days=3)}),
        (
            'keep = { period = "instructed" }\nfrom = "booked"',
            {"keep": None, "instructed": "instructed", "keeping": True},
        ),
        (KEEP + 'at_most = "6 years"', {"at_most": years(6), "unbounded": False, "defer_while": None}),
        (
            KEEP + 'at_most = "none"\ndefer_while = "disputed"\nbasis = "legal claims"',
            {"at_most": None, "unbounded": True, "basis": Basis.LEGAL_CLAIMS},
        ),
        (
            'upon = "asked"\nat_most = "none"\ndefer_while = "disputed"\nbasis = "legal obligation"',
            {"unbounded": True, "upon": ("asked",)},
        ),
        (
            KEEP + 'yields_to = ["legal obligation", "legal claims"]',
            {"yields_to": {Basis.LEGAL_OBLIGATION, Basis.LEGAL_CLAIMS}},
        ),
        (KEEP + 'basis = "contract"\nyields_to = ["contract"]', {"yields_to": {Basis.CONTRACT}}),
        (
            KEEP + 'needs = { accounts = ["name", "address"], orders = ["note"] }',
            {"needs": {"accounts": ("name", "address"), "orders": ("note",)}},
        ),
        (KEEP + 'keep = "5 years"\n'.replace("keep", "within"), {"within": years(5)}),
    ],
)
def test_a_rule_is_read_as_it_is_written(variants, lines, expected):
    (variant,) = variants(lines)
    assert {name: getattr(variant, name) for name in expected} == expected


def test_conditions_over_facts_are_parsed(loaded):
    lines = (
        KEEP + "where = \"company = 'x'\"\nat_most = \"6 years\"\ndefer_while = 'NOT disputed AND size > 2'"
    )
    rule = loaded(policies=HEAD + lines, shop=SHOP).policy.rules["x"]
    assert (rule.where.text, rule.base.defer_while.text) == ("company = 'x'", "NOT disputed AND size > 2")


@pytest.mark.parametrize(
    ("data", "expected"),
    [('"orders"', ("orders",)), ('["accounts", "orders"]', ("accounts", "orders")), ('"any"', ())],
)
def test_data_is_a_name_a_list_or_any(loaded, data, expected):
    policy = (HEAD + KEEP).replace('data = "orders"', f"data = {data}")
    rule = loaded(policies=policy, shop=SHOP).policy.rules["x"]
    assert rule.data == expected
    assert rule.speaks_of("orders")
    assert rule.speaks_of("logs") is (expected == ())


# -- exceptions ----------------------------------------------------------------------------


def exception(*lines):
    return "\n[[rules.x.exceptions]]\n" + "\n".join(("when = \"company = 'GmbH'\"", *lines)) + "\n"


def test_an_exception_replaces_what_it_names_and_keeps_the_rest(variants):
    rule = (
        KEEP
        + 'starts = "after fiscal year"\nfiscal_year_end = "06-30"\ncitation = "§ 13"\nwithin = "1 week"\n'
    )
    german, base = variants(rule + exception('keep = "8 years"', 'starts = "after calendar year"'))
    assert (german.when.text, german.keep, german.start) == (
        "company = 'GmbH'",
        years(8),
        Start.CALENDAR_YEAR,
    )
    assert (german.event, german.citation, german.within) == ("booked", "§ 13", Period(months=0, days=7))
    assert (base.when, base.keep, base.start) == (None, years(5), Start.FISCAL_YEAR)


def test_exceptions_stand_in_the_order_of_the_file_and_the_rule_last(variants):
    second = '[[rules.x.exceptions]]\nwhen = "disputed"\ntimezone = "Europe/Berlin"\n'
    found = variants(KEEP + exception('keep = "8 years"') + second)
    assert [v.when.text if v.when else None for v in found] == ["company = 'GmbH'", "disputed", None]
    assert [v.timezone for v in found] == ["Europe/Oslo", "Europe/Berlin", "Europe/Oslo"]


@pytest.mark.parametrize(
    ("rule", "lines", "expected"),
    [
        (KEEP, ['until = "closed"'], {"keep": years(5), "event": "booked", "until": ("closed",)}),
        (
            KEEP,
            ['until = "closed"', 'keep = "none"', 'from = "none"'],
            {"keep": None, "event": None, "until": ("closed",), "keeping": False},
        ),
        (KEEP, ['upon = "asked"', 'keep = "none"', 'from = "none"'], {"upon": ("asked",), "keep": None}),
        ('upon = "asked"\n', ['upon = "none"', KEEP], {"upon": (), "keep": years(5)}),
        (KEEP + 'starts = "after month"\n', ['starts = "none"'], {"start": Start.NEXT_DAY}),
        (
            KEEP + 'at_most = "6 years"\ndefer_while = "disputed"\n',
            ['defer_while = "none"'],
            {"defer_while": None, "at_most": years(6)},
        ),
        (
            KEEP + 'at_most = "6 years"\ndefer_while = "disputed"\n',
            ['defer_while = "none"', 'at_most = "none"'],
            {"defer_while": None, "at_most": None, "unbounded": False},
        ),
        (
            KEEP + 'at_most = "6 years"\ndefer_while = "disputed"\n',
            ['at_most = "none"', 'basis = "legal claims"'],
            {"at_most": None, "unbounded": True},
        ),
        (
            KEEP + 'basis = "contract"\ncitation = "c"\nneeds = { orders = ["note"] }\n',
            ['basis = "none"', 'citation = "none"', 'needs = "none"'],
            {"basis": None, "citation": None, "needs": {}},
        ),
        (KEEP, ['keep = { period = "instructed" }'], {"keep": None, "instructed": "instructed"}),
        (
            'keep = { period = "instructed" }\nfrom = "booked"\n',
            ['keep = "5 years"'],
            {"keep": years(5), "instructed": None},
        ),
    ],
)
def test_none_takes_away_what_the_rule_says(variants, rule, lines, expected):
    merged, base = variants(rule + exception(*lines))
    assert {name: getattr(merged, name) for name in expected} == expected
    assert base.when is None


@pytest.mark.parametrize(
    ("rule", "lines", "key", "found", "write"),
    [
        (KEEP, ['kep = "8 years"'], "kep", "not a known key", "`keep`"),
        (KEEP, ['keep = "8 yrs"'], "keep", "8 yrs", "8 years"),
        (KEEP, ['data = "accounts"'], "data", "no key of this table", "whole rule"),
        (KEEP, ['where = "disputed"'], "where", "no key of this table", "whole rule"),
        (KEEP, ['schedule = "@daily"'], "schedule", "no key of this table", "whole rule"),
        (KEEP, ['promise = "p"'], "promise", "no key of this table", "whole rule"),
        (KEEP, ['approval = "never"'], "approval", "no key of this table", "whole rule"),
        (KEEP, ["limits = { rows = 1 }"], "limits", "no key of this table", "whole rule"),
        (KEEP, ['kept_by = "x"'], "kept_by", "no key of this table", "whole rule"),
        (KEEP, ['otherwise = ["delete"]'], "otherwise", "stopped by what stops", "take it out"),
        (KEEP, ['otherwise = "none"'], "otherwise", "what the rule does not say", "take it out"),
        (KEEP, ['from = "bokked"'], "from", "spelt out by no dataset", '"booked"'),
        (KEEP, ['until = ["closed", "askd"]'], "until[2]", "spelt out by no dataset", '"asked"'),
        (KEEP, ['until = "none"'], "until", "what the rule does not say", "take it out"),
        (KEEP, ['keep = "none"'], "keep", "is missing", "until"),
        (KEEP, ['upon = "asked"'], "keep", "contradicts `upon`", 'keep = "none"'),
        ('upon = "asked"\n', ['keep = "5 years"'], "keep", "contradicts `upon`", 'upon = "none"'),
        (KEEP + 'at_most = "6 years"\n', ['keep = "6 years"'], "at_most", "not longer than keep", "longer"),
        (
            KEEP + 'at_most = "6 years"\n',
            ['at_most = "5 years"'],
            "at_most",
            "not longer than keep",
            "longer",
        ),
        (KEEP + 'at_most = "6 years"\n', ['within = "1 year"'], "within", "as long as the window", "shorter"),
        (KEEP, ['defer_while = "disputed"'], "at_most", "is missing", '"36 months"'),
        (KEEP, ['at_most = "none"'], "at_most", "nothing without `defer_while`", "take it out"),
        (KEEP, ['fiscal_year_end = "06-30"'], "fiscal_year_end", "no effect", "after fiscal year"),
        ('until = "closed"\n', ['starts = "after month"'], "starts", "no effect", "keep"),
        (KEEP, ['yields_to = "none"'], "yields_to", "none", "all rules"),
        (KEEP, ['within = "none"'], "within", "no time", "1 month"),
    ],
)
def test_a_mistake_of_an_exception_names_the_exception(said, rule, lines, key, found, write):
    problems = said(rule + exception('citation = "c"').replace("GmbH", "AS") + exception(*lines))
    problem = problems[f"exceptions[2].{key}"]
    assert found in problem.found
    assert write in problem.write
    assert all(key.startswith("exceptions[2].") for key in problems)


@pytest.mark.parametrize(
    ("lines", "key", "found", "write"),
    [
        ("exceptions = []\n", "exceptions", "empty list", "take it out"),
        ("exceptions = {}\n", "exceptions", "empty table", "[[rules.x.exceptions]]"),
        ('exceptions = ["a"]\n', "exceptions[1]", '"a"', "write a table"),
        ('[[rules.x.exceptions]]\nkeep = "8 years"\n', "exceptions[1].when", "is missing", "company"),
        (exception(), "exceptions[1]", "changes nothing", "take it out"),
        ('[[rules.x.exceptions]]\nwhen = ""\nkeep = "8 years"\n', "exceptions[1].when", "empty", "status"),
        (
            '[[rules.x.exceptions]]\nwhen = "compny = 1"\nkeep = "8 years"\n',
            "exceptions[1].when",
            "spelt out by no dataset",
            '"company"',
        ),
        (
            exception('keep = "8 years"') + exception('keep = "9 years"'),
            "exceptions[2].when",
            "exception above",
            "join",
        ),
    ],
)
def test_what_is_no_exception_is_refused(said, lines, key, found, write):
    problem = said(KEEP + lines)[key]
    assert found in problem.found
    assert write in problem.write


def test_a_mistake_of_the_rule_is_not_repeated_for_its_exceptions(said):
    assert list(said('keep = "5 years"\n' + exception('citation = "c"'))) == ["from"]


def test_what_only_an_exception_takes_up_may_stand_in_the_rule(variants):
    lines = KEEP + 'fiscal_year_end = "06-30"\n' + exception('starts = "after fiscal year"')
    assert [v.fiscal_year_end for v in variants(lines)] == [(6, 30), (6, 30)]


# -- what goes together --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "key", "found", "write"),
    [
        ('from = "booked"', "keep", "is missing", "`until`"),
        ('keep = "5 years"', "from", "is missing", "booked"),
        ('keep = "5 years"\nuntil = "closed"', "from", "is missing", "booked"),
        (KEEP + 'upon = "asked"', "keep", "contradicts `upon`", "one of the two"),
        ('from = "booked"\nupon = "asked"', "from", "contradicts `upon`", "one of the two"),
        ('until = "closed"\nupon = "asked"', "until", "contradicts `upon`", "one of the two"),
        ('at_most = "1 year"\nupon = "asked"', "at_most", "contradicts `upon`", "one of the two"),
        ('upon = "asked"\nneeds = { orders = ["note"] }', "needs", "keeps nothing", "one of the two"),
        ('upon = "asked"\ndefer_while = "disputed"', "at_most", "is missing", "at_most"),
        ('until = "closed"\nat_most = "1 year"', "at_most", "nothing without `keep`", "keep"),
        (KEEP + 'defer_while = "disputed"', "at_most", "put it off for ever", '"36 months"'),
        (KEEP + 'at_most = "none"', "at_most", "nothing without `defer_while`", "take it out"),
        (KEEP + 'at_most = "none"\ndefer_while = "disputed"', "at_most", "without an end", "legal claims"),
        (
            KEEP + 'at_most = "none"\ndefer_while = "disputed"\nbasis = "contract"',
            "at_most",
            "without an end",
            "legal obligation",
        ),
        (KEEP + 'at_most = "5 years"', "at_most", "not longer than keep", "longer"),
        (KEEP + 'at_most = "4 years"', "at_most", "not longer than keep", "longer"),
        (KEEP + 'at_most = "60 months"', "at_most", "not longer than keep", "longer"),
        (KEEP + 'at_most = "1826 days"', "at_most", "for what happens on 2023-", "longer"),
        (KEEP + 'at_most = "none of it"', "at_most", "none of it", "years"),
        (KEEP + 'at_most = ""', "at_most", "empty string", "5 years"),
        (KEEP + "at_most = 0", "at_most", "is 0", "unit"),
        (KEEP + 'at_most = { period = "x" }', "at_most", "a table", "36 months"),
        (
            KEEP + 'at_most = "6 years"\ndefer_while = "disputed"\nwithin = "1 year"',
            "within",
            "as long as",
            "shorter",
        ),
        (KEEP + 'at_most = "6 years"\nwithin = "366 days"', "within", "as long as", "shorter"),
        (KEEP + 'at_most = "61 months"\ndefer_while = "disputed"', "within", "default", '"3 days"'),
        (KEEP + 'within = "0 days"', "within", "late at once", "1 day"),
        (KEEP + 'within = "1 moth"', "within", "1 moth", "month"),
        (KEEP + "within = 30", "within", "is 30", "unit"),
        ('until = "closed"\nstarts = "after month"', "starts", "counts no period", "keep"),
        ('upon = "closed"\nfiscal_year_end = "06-30"', "fiscal_year_end", "no effect", "starts"),
        ('from = "booked"\nuntil = ["closed", "booked"]', "until", "as it begins", "event that ends"),
        ("until = []", "until", "empty list", "unsubscribed"),
        ('until = ""', "until", "empty string", "booked"),
        ('until = ["closed", "closed"]', "until[2]", "listed twice", "take one"),
        ("until = [5]", "until[1]", "is 5", "quotes"),
        ('until = "none"', "until", "no event", "take the key out"),
        ("upon = []", "upon", "empty list", "take it out"),
        ('upon = "close"', "upon", "spelt out by no dataset", '"closed"'),
        (KEEP + "yields_to = []", "yields_to", "empty list", "all rules"),
        (KEEP + 'yields_to = "contract"', "yields_to", "contract", "list"),
        (
            KEEP + 'yields_to = ["legal clams"]',
            "yields_to[1]",
            "not one of its values",
            '"legal claims"',
        ),
        (KEEP + 'yields_to = ["contract", "contract"]', "yields_to[2]", "twice", "take one"),
        (KEEP + "needs = {}", "needs", "empty table", "accounts"),
        (KEEP + 'needs = ["name"]', "needs", "a list", "accounts"),
        (KEEP + 'needs = { accounts = "name" }', "needs.accounts", "name", "list of fields"),
        (KEEP + "needs = { accounts = [] }", "needs.accounts", "empty list", "name"),
        (KEEP + 'needs = { acounts = ["name"] }', "needs.acounts", "carried by no dataset", '"accounts"'),
        (KEEP + 'needs = { accounts = ["nam"] }', "needs.accounts[1]", "no dataset", '"name"'),
        (KEEP + 'needs = { accounts = ["name", "name"] }', "needs.accounts[2]", "twice", "take one"),
        (KEEP + 'where = "compny = 1"', "where", "spelt out by no dataset", '"company"'),
        (KEEP + 'where = "orders.company = 1"', "where", "names facts only", "connector"),
        (KEEP + 'where = "disputed = 1"', "where", "true or false by itself", "NOT disputed"),
        (KEEP + "where = \"lower(disputed) = 'x'\"", "where", "true or false by itself", "NOT disputed"),
        (KEEP + 'where = "disputed IS NULL"', "where", "true or false by itself", "NOT disputed"),
        (KEEP + 'where = "disputed IS TRUE"', "where", "true or false by itself", "NOT disputed"),
        (KEEP + 'where = ""', "where", "is empty", "status"),
        (KEEP + "where = true", "where", "is true", "quotes"),
        (KEEP + 'where = "size < now()"', "where", "asks for the time", "keep"),
        (KEEP + 'where = "size = 1; DROP TABLE x"', "where", "semicolon", "alone"),
        (KEEP + 'where = "size IN (SELECT 1)"', "where", "subquery", "values"),
        (KEEP + 'where = "size = 1 -- x"', "where", "comment", "above the key"),
        (KEEP + 'where = "pg_sleep(1) = size"', "where", "pg_sleep", "lower"),
        (KEEP + f"where = '''{'size = 1 OR ' * 300}\n{'size = 1 OR ' * 300}\n{'size = 1 OR ' * 300} size = 2'''",
         "where", "10,000", "shorter"),
        ('keep = { period = "instruced" }\nfrom = "booked"', "keep.period", "no dataset", '"instructed"'),
        (
            'keep = { period = "instructed" }\nfrom = "booked"\nat_most = "730 days"',
            "at_most",
            "may be instructed to keep (730 days)",
            "between",
        ),
        (
            'keep = { period = "instructed" }\nfrom = "booked"\nat_most = "3 years"\nwithin = "1 year"',
            "within",
            "as long as",
            "shorter",
        ),
        ('kept_by = "x"\nuntil = "closed"', "until", "contradicts `kept_by`", "one of the two"),
        ('kept_by = "x"\nwhere = "disputed"', "where", "contradicts `kept_by`", "one of the two"),
        ('kept_by = "x"\nneeds = { orders = ["note"] }', "needs", "contradicts `kept_by`", "one of the two"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(said, lines, key, found, write):
    problem = said(lines)[key]
    assert problem.file == "policies.toml"
    assert found in problem.found
    assert write in problem.write


@pytest.mark.parametrize(
    "lines",
    [
        KEEP + 'at_most = "1828 days"',
        KEEP + 'at_most = "6 years"\nwithin = "11 months"',
        KEEP + 'at_most = "61 months"',  # nothing is put off: how long it takes has no window
        KEEP + 'at_most = "2 months"'.replace("2 months", "5 years 1 day"),
        'keep = { period = "instructed" }\nfrom = "booked"\nat_most = "800 days"',
        KEEP + 'where = "disputed AND (size IS NULL OR company IS TRUE)"',
        KEEP + "where = \"company = 'disputed'\"",
    ],
)
def test_what_only_just_can_be_meant_is_read(variants, lines):
    assert len(variants(lines)) == 1


def test_a_rule_on_one_data_names_what_each_of_its_datasets_spells_out(problems):
    other = SHOP.replace("company = ", "firm = ").replace("booked = ", "boked = ")
    found = problems(
        policies=HEAD + KEEP + 'where = "company = 1"\n' + exception('keep = "8 years"'),
        shop=SHOP,
        other={"connectors/crm.toml": other},
    )
    assert [(p.file, p.key) for p in found] == [
        ("connectors/crm.toml", "datasets.orders.events.booked"),
        ("connectors/crm.toml", "datasets.orders.facts.company"),
    ]
    assert "`boked`" in found[0].write
    assert "`where`" in found[1].found


def test_a_rule_on_any_data_wants_its_words_of_every_dataset(problems):
    policy = (HEAD + 'keep = "1 year"\nfrom = "old"\n').replace('data = "orders"', 'data = "any"')
    (problem,) = problems(policies=policy, shop=SHOP)
    assert problem.key == "datasets.accounts.events.old"


def test_a_slice_is_not_deleted_by_a_rule_that_names_it_and_passed_over_by_one_on_any_data(problems, loaded):
    shop = SHOP.replace('table   = "orders"', 'table   = "orders"\ncolumns = ["note"]')
    (problem,) = problems(policies=HEAD + KEEP, shop=shop)
    assert (problem.key, "`shop.orders` is a slice" in problem.found) == ("rules.x.action", True)
    assert loaded(policies=(HEAD + KEEP).replace('"orders"', '"any"'), shop=shop).policy.rules
