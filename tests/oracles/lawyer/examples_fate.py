"""The worked examples of DESIGN §4, and nasty ones: what another rule, a hold or a reference makes of a record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from tests.oracles.lawyer.shapes import SHAPES
from tests.oracles.lawyer.situations import Situation, at, on, rule, says, situation
from tests.oracles.lawyer.world import ANY, Hold, Rule, Telling

TABLES = {name: table for shape in SHAPES.values() for name, table in shape.tables.items()}
LINE, PAGE, MARK = (TABLES[name].references[0] for name in ("order_lines", "pages", "marks"))
PHONE = TABLES["phones"].references[0]
LIVES, HOME = (TABLES[name].references[0] for name in ("customers", "people"))
ABOUT, ALSO = TABLES["notes"].references
NEW, OLD = {"d": on("2025-12-01")}, {"d": on("2020-01-01")}
TODAY = "2026-01-01"


def keep(name: str, data: str, **keys: Any) -> Rule:
    return rule(name, data, **{"keep": "1 year", "start": "booked", **keys})


def erase(**keys: Any) -> Rule:
    return rule("erase", ANY, upon=("asked",), **keys)


def examples() -> Iterator[Situation]:
    yield from other_rules()
    yield from needs_and_conflict()
    yield from holds()
    yield from references()
    yield from rings()
    yield from sharing()
    yield from one_row_two_records()
    yield from shared_addresses()
    yield from shared_houses()
    yield from who_acts()
    yield from told()
    yield from nasty()


def order(
    name: str, rules: Any, row: Mapping[str, Any], expected: Mapping[str, str], **more: Any
) -> Situation:
    """One order under several rules."""
    said = {f"{which} orders 1": fate for which, fate in expected.items()}
    return situation(name, TODAY, rules, {"orders": [{"id": 1, **row}]}, said, **more)


def other_rules() -> Iterator[Situation]:
    short, long = keep("short", "orders", keep="1 month"), keep("long", "orders", keep="9 years")
    yield order("a longer rule keeps", [short, long], OLD, {"short": "retained", "long": "not_due"})
    undated = keep("other", "orders", start="seen")
    yield order(
        "a rule without a date keeps", [short, undated], OLD, {"short": "retained", "other": "undated"}
    )
    scoped = keep("scoped", "orders", keep="9 years", where=("=", "status", "paid"))
    yield order(
        "out of its scope it does not", [short, scoped], {**OLD, "status": "open"}, {"short": "due late"}
    )
    yield order(
        "a scope that can't be told keeps", [short, scoped], OLD, {"short": "retained", "scoped": "unclear"}
    )
    until = rule("until", "orders", until=("closed",))
    yield order("`until` alone keeps", [short, until], OLD, {"short": "retained", "until": "not_due"})
    upon = rule("upon", "orders", upon=("closed",))
    yield order("`upon` keeps nothing", [short, upon], OLD, {"short": "due late", "upon": "out_of_scope"})
    law = keep("law", "orders", keep="9 years", basis="legal obligation")
    contract = keep("contract", "orders", keep="9 years", basis="contract")
    giving = keep("short", "orders", keep="1 month", yields_to=("legal obligation",))
    yield order("gives way to a law", [giving, law], OLD, {"short": "retained"})
    yield order(
        "and to no contract",
        [giving, contract],
        OLD,
        {"short": "due late", "contract": "not_due"},
        left={"orders": []},
    )
    plain = keep("plain", "orders", keep="9 years")
    yield order("a rule without basis is in none", [giving, plain], OLD, {"short": "due late"})
    doubtful = rule(
        "doubtful",
        "orders",
        keep="1 month",
        start="booked",
        exceptions=[says(when=("=", "status", "x"), basis="legal obligation")],
    )
    yield order(
        "an unclear variant keeps by any basis",
        [giving, doubtful],
        OLD,
        {"short": "retained", "doubtful": "unclear"},
    )
    known = rule(
        "known",
        "orders",
        keep="1 month",
        start="booked",
        where=("=", "status", "paid"),
        exceptions=[says(when=("true", "big"), basis="legal obligation")],
    )
    yield order(
        "one that may not speak of it keeps by that of the variant that it would follow",
        [giving, known],
        {**OLD, "amount": 0},
        {"short": "due late", "known": "unclear"},
    )
    yield order(
        "kept by somebody else: not here",
        [short, Rule(name="x", data=("orders",), kept_by=True)],
        OLD,
        {"short": "due late"},
    )


def needs_and_conflict() -> Iterator[Situation]:
    accounts = keep("accounts", "customers", keep="1 month")
    name = {"customers": ("name",)}
    books = keep("books", "orders", keep="9 years", needs=name, basis="legal obligation")
    rows = {"customers": [{"id": 1, **OLD}, {"id": 2, **OLD}], "orders": [{"id": 1, "customer_id": 1, **OLD}]}
    yield situation(
        "an invoice needs its buyer",
        TODAY,
        [accounts, books],
        rows,
        {"accounts customers 1": "retained", "accounts customers 2": "due late"},
        left={"customers": [1], "orders": [1]},
    )
    plain = keep("books", "orders", keep="9 years")
    yield situation(
        "without `needs` it only refers",
        TODAY,
        [accounts, plain],
        rows,
        {"accounts customers 1": "referenced late"},
    )
    forced = keep("forced", "orders", keep="1 month", at_most="3 years")
    yield order("past its own at_most: conflict", [forced, plain], OLD, {"forced": "conflict late"})
    still = keep("forced", "orders", keep="1 month", at_most="6 years")
    yield order(
        "its last day at most: not yet", [still, plain], {"d": on("2020-01-01")}, {"forced": "retained"}
    )
    yield order("the day after", [still, plain], {"d": on("2019-12-31")}, {"forced": "conflict late"})


def holds() -> Iterator[Situation]:
    r = keep("r", "orders", keep="1 month")
    rows = {
        "customers": [{"id": 7, "email": " Ann@X.org", **OLD}],
        "orders": [{"id": 1, "customer_id": 7, **OLD}, {"id": 2, **OLD}],
        "contacts": [{"id": 1, "customer": 7, "email": "other@x.org", **OLD}],
    }
    every: dict[str, dict[str, Any]] = {"orders": {}, "customers": {}, "contacts": {"parts": (PHONE,)}}

    def held(name: str, hold: Hold, one: str, two: str, **more: Any) -> Situation:
        expected = {"r orders 1": one, "r orders 2": two}
        return situation(name, TODAY, r, rows, expected, datasets=every, holds=[hold], **more)

    yield held(
        "held: a person", Hold(on="subject", what=("customer", "7")), "held", "due late", left={"orders": [1]}
    )
    mail = Hold(on="subject", what=("email", "ann@x.org "))
    yield held("carried from the e-mail to the number", mail, "held", "due late")
    far = Hold(on="subject", what=("email", "other@x.org"))
    yield held("carried over twice, through another store", far, "held", "due late")
    chain = [
        {"id": 1, "customer": 5, "email": "e"},
        {"id": 2, "customer": 6, "email": "E "},
        {"id": 3, "customer": 6, "email": "f"},
    ]
    orders = [{"id": 1, "customer_id": 5, **OLD}, {"id": 2, **OLD}]
    yield situation(
        "carried over to the end",
        TODAY,
        r,
        {"customers": [{"id": 5}, {"id": 6}], "contacts": chain, "orders": orders},
        {"r orders 1": "held", "r orders 2": "due late"},
        datasets=every,
        holds=[Hold(on="subject", what=("email", "F"))],
    )
    yield held("held: a record", Hold(on="key", what=("orders", (2,))), "due late", "held")
    yield held("held: a dataset", Hold(on="dataset", what="orders"), "held", "held")
    yield held("held: data", Hold(on="data", what="orders"), "held", "held")
    yield held("held: somebody else", Hold(on="subject", what=("customer", "8")), "due late", "due late")
    scoped = keep("r", "orders", keep="1 month", where=("=", "status", "paid"))
    other = keep("s", "orders", keep="1 month")
    states = [{"id": 1, "status": "paid", **OLD}, {"id": 2, "status": "open", **OLD}, {"id": 3, **OLD}]
    yield situation(
        "a hold on a rule protects what it may reach, against all",
        TODAY,
        [scoped, other],
        {"orders": states},
        {
            "r orders 1": "held",
            "r orders 2": "out_of_scope",
            "r orders 3": "unclear",
            "s orders 1": "held",
            "s orders 2": "due late",
            "s orders 3": "held",
        },
        holds=[Hold(on="rule", what="r")],
    )
    accounts = keep("accounts", "customers", keep="1 month")
    yield situation(
        "what is held keeps what it refers to",
        TODAY,
        [r, accounts],
        rows,
        {"accounts customers 7": "held", "r orders 1": "held"},
        holds=[Hold(on="key", what=("orders", (1,)))],
    )
    chain = {
        "customers": [{"id": 7, **OLD}],
        "orders": [{"id": 1, "customer_id": 7, **OLD}, {"id": 2, "next_id": 1, **OLD}],
    }
    yield situation(
        "through others",
        TODAY,
        [r, accounts],
        chain,
        {"accounts customers 7": "held", "r orders 1": "held", "r orders 2": "held"},
        holds=[Hold(on="key", what=("orders", (2,)))],
    )
    paid = keep("paid", "orders", where=("=", "status", "paid"))
    line = [{"id": n, "next_id": n - 1 or None, "status": "open", **OLD} for n in (1, 2)]
    line.append({"id": 3, "next_id": 2, "status": "paid", **OLD})
    line.append({"id": 4, "next_id": 3, "status": "open", **OLD})
    yield situation(
        "a hold on a rule reaches through records of one kind",
        TODAY,
        [r, paid],
        {"orders": line},
        {
            "r orders 1": "held",
            "r orders 2": "held",
            "paid orders 2": "out_of_scope",
            "r orders 3": "held",
            "r orders 4": "due late",
        },
        holds=[Hold(on="rule", what="paid")],
        left={"orders": [1, 2, 3]},
    )
    yield situation(
        "and so does one on data that refer to one of them",
        TODAY,
        [r, keep("claims", "claims")],
        {"orders": line, "claims": [{"id": 1, "order_id": 2, **OLD}]},
        {
            "r orders 1": "held",
            "r orders 2": "held",
            "claims claims 1": "held",
            "r orders 3": "due late",
            "r orders 4": "due late",
        },
        holds=[Hold(on="data", what="claims")],
    )
    signed = keep("signed", "contracts", where=("=", "status", "paid"))
    chain = {
        "contracts": [
            {"shop": "n", "nr": 1, "item_id": 1, "status": "paid", **OLD},
            {"shop": "n", "nr": 2, "status": "open", **OLD},
            {"shop": "n", "nr": 3, "status": "open", **OLD},
        ],
        "items": [{"id": 1, "shop": "n", "nr": 2, **OLD}],
    }
    yield situation(
        "and through another kind back to the first",
        TODAY,
        [signed, keep("c", "contracts"), keep("i", "items")],
        chain,
        {
            "c contracts n,1": "held",
            "i items 1": "held",
            "c contracts n,2": "held",
            "c contracts n,3": "due late",
        },
        shape="rings",
        holds=[Hold(on="rule", what="signed")],
    )
    yield order(
        "held is said of what has ended", [r], NEW, {"r": "not_due"}, holds=[Hold(on="data", what="orders")]
    )


def references() -> Iterator[Situation]:
    r = keep("r", "orders", keep="1 month")
    one = {"id": 1, **OLD}
    claims = {"orders": [one], "claims": [{"id": 1, "order_id": 1, **OLD}]}
    yield situation(
        "a row of no dataset refers",
        TODAY,
        r,
        claims,
        {"r orders 1": "referenced late"},
        left={"orders": [1]},
    )
    claim = keep("claims", "claims", keep="1 month")
    yield situation(
        "a row that goes does not",
        TODAY,
        [r, claim],
        claims,
        {"r orders 1": "due late", "claims claims 1": "due late"},
        left={"orders": [], "claims": []},
    )
    parts = {"orders": {"parts": (LINE,)}}
    lines = {"orders": [one], "order_lines": [{"id": 1, "order_id": 1}]}
    yield situation(
        "a part goes along",
        TODAY,
        r,
        lines,
        {"r orders 1": "due late"},
        datasets=parts,
        left={"order_lines": []},
    )
    yield situation("a line that is no part", TODAY, r, lines, {"r orders 1": "referenced late"})
    yield situation(
        "a NULL refers to nothing",
        TODAY,
        r,
        {"orders": [one], "claims": [{"id": 1}]},
        {"r orders 1": "due late"},
    )
    new = {"orders": [one, {"id": 2, "next_id": 1, **NEW}]}
    yield situation(
        "a younger one refers to it",
        TODAY,
        r,
        new,
        {"r orders 1": "referenced late", "r orders 2": "not_due"},
    )
    chain = {"orders": [one, {"id": 2, "next_id": 1, **OLD}, {"id": 3, "next_id": 2, **NEW}]}
    yield situation(
        "a chain stays for its end",
        TODAY,
        r,
        chain,
        {"r orders 1": "referenced late", "r orders 2": "referenced late"},
        left={"orders": [1, 2, 3]},
    )
    yield situation(
        "a chain goes in one run",
        TODAY,
        r,
        {"orders": [one, {"id": 2, "next_id": 1, **OLD}]},
        {"r orders 1": "due late", "r orders 2": "due late"},
        left={"orders": []},
    )


def rings() -> Iterator[Situation]:
    r = keep("r", "orders", keep="1 month")
    itself = {"orders": [{"id": 1, "next_id": 1, **OLD}]}
    yield situation("refers to itself", TODAY, r, itself, {"r orders 1": "due late"}, left={"orders": []})
    ring = [{"id": 1, "next_id": 2, **OLD}, {"id": 2, "next_id": 1, **OLD}]
    yield situation(
        "a ring goes together",
        TODAY,
        r,
        {"orders": ring},
        {"r orders 1": "due late", "r orders 2": "due late"},
    )
    kept = [{"id": 1, "next_id": 2, **OLD}, {"id": 2, "next_id": 1, **NEW}]
    yield situation(
        "or stays together",
        TODAY,
        r,
        {"orders": kept},
        {"r orders 1": "referenced late", "r orders 2": "not_due"},
    )
    both = [keep("c", "contracts", keep="1 month"), keep("i", "items", keep="1 month")]
    rows = {
        "contracts": [
            {"shop": "n", "nr": 1, "item_id": 1, **OLD},
            {"shop": "s", "nr": 1, "item_id": 2, **OLD},
        ],
        "items": [{"id": 1, "shop": "n", "nr": 1, **OLD}, {"id": 2, "shop": "s", "nr": 1, **NEW}],
    }
    yield situation(
        "a ring of two datasets",
        TODAY,
        both,
        rows,
        {
            "c contracts n,1": "due late",
            "i items 1": "due late",
            "c contracts s,1": "referenced late",
            "i items 2": "not_due",
        },
        shape="rings",
        left={"contracts": ["s,1"], "items": [2]},
    )
    chain = {
        "contracts": [{"shop": "n", "nr": 1, "item_id": 2, **OLD}],
        "items": [
            {"id": 1, "shop": "n", "nr": 1, **NEW},
            {"id": 2, "next_id": 3, "shop": "s", "nr": None, **OLD},
            {"id": 3, "shop": "s", "nr": None, **OLD},
        ],
    }
    yield situation(
        "what a kept record of another dataset leads to stays",
        TODAY,
        both,
        chain,
        {
            "c contracts n,1": "referenced late",
            "i items 1": "not_due",
            "i items 2": "referenced late",
            "i items 3": "referenced late",
        },
        shape="rings",
        left={"contracts": ["n,1"], "items": [1, 2, 3]},
    )
    half = {
        "contracts": [{"shop": "n", "nr": 1, **OLD}],
        "items": [{"id": 1, "shop": "n", "nr": None, **NEW}],
    }
    yield situation(
        "half of a composite reference is NULL",
        TODAY,
        both,
        half,
        {"c contracts n,1": "due late"},
        shape="rings",
    )


def sharing() -> Iterator[Situation]:
    both = [keep("c", "contracts", keep="1 month"), keep("i", "items", keep="1 month")]
    parts = {"contracts": {"parts": (ABOUT,)}, "items": {"parts": (ALSO,)}}

    def note(name: str, contract: Any, item: Any, expected: Mapping[str, str], **more: Any) -> Situation:
        rows = {
            "contracts": [{"shop": "n", "nr": 1, **contract}],
            "items": [{"id": 1, **item}],
            "notes": [{"id": 1, "shop": "n", "nr": 1, "item_id": 1}],
        }
        return situation(name, TODAY, both, rows, expected, shape="rings", datasets=parts, **more)

    yield note(
        "a part of two waits for both",
        OLD,
        NEW,
        {"c contracts n,1": "retained", "i items 1": "not_due"},
        left={"notes": [1]},
    )
    yield note(
        "and goes with both",
        OLD,
        OLD,
        {"c contracts n,1": "due late", "i items 1": "due late"},
        left={"contracts": [], "items": [], "notes": []},
    )
    yield note(
        "what holds one holds the other",
        OLD,
        OLD,
        {"c contracts n,1": "held", "i items 1": "held"},
        holds=[Hold(on="dataset", what="items")],
    )
    row = {
        "contracts": [
            {"shop": "n", "nr": 1, **OLD},
            {"shop": "s", "nr": 1, **OLD},
            {"shop": "s", "nr": 2, **NEW},
        ],
        "items": [{"id": 1, "shop": "n", "nr": None, **OLD}, {"id": 2, "shop": "n", "nr": None, **OLD}],
        "notes": [
            {"id": 1, "shop": "n", "nr": 1, "item_id": 1},
            {"id": 2, "shop": "s", "nr": 1, "item_id": 1},
            {"id": 3, "shop": "s", "nr": 1, "item_id": 2},
            {"id": 4, "shop": "s", "nr": 2, "item_id": 2},
        ],
    }
    yield situation(
        "who shares a part with one that stays stays, however far that leads",
        TODAY,
        both,
        row,
        {
            "c contracts n,1": "referenced late",
            "c contracts s,1": "referenced late",
            "c contracts s,2": "not_due",
            "i items 1": "referenced late",
            "i items 2": "retained",
        },
        shape="rings",
        datasets=parts,
        left={"notes": [1, 2, 3, 4]},
    )
    lines = keep("lines", "lines", keep="1 month")
    orders = keep("r", "orders", keep="1 month")
    seats = {"orders": {"parts": (LINE,)}, "lines": {}}

    def line(name: str, first: Any, second: Any, expected: Mapping[str, str], **more: Any) -> Situation:
        rows = {"orders": [{"id": 1, **first}], "order_lines": [{"id": 1, "order_id": 1, **second}]}
        return situation(name, TODAY, [orders, lines], rows, expected, datasets=seats, **more)

    yield line(
        "a part that is a record keeps the whole",
        OLD,
        NEW,
        {"r orders 1": "retained", "lines lines 1": "not_due"},
    )
    yield line("the whole keeps the part", NEW, OLD, {"r orders 1": "not_due", "lines lines 1": "retained"})
    yield line(
        "it goes as a part of another",
        OLD,
        OLD,
        {"r orders 1": "due late", "lines lines 1": "elsewhere"},
        left={"orders": [], "order_lines": []},
    )
    yield line(
        "what holds the whole holds the part",
        OLD,
        OLD,
        {"r orders 1": "held", "lines lines 1": "held"},
        holds=[Hold(on="key", what=("orders", (1,)))],
    )
    tickets = [keep("q", "questions", keep="1 month"), keep("a", "answers", keep="9 years")]
    where = {"questions": {"where": ("=", "status", "paid")}, "answers": {"where": ("=", "status", "open")}}
    rows = {
        "tickets": [{"id": 1, "status": "paid", **OLD}, {"id": 2, "status": "open", **OLD}, {"id": 3, **OLD}]
    }
    yield situation(
        "one table in two datasets",
        TODAY,
        tickets,
        rows,
        {
            "q questions 1": "due late",
            "a answers 2": "not_due",
            "q questions 3": "unclear",
            "a answers 3": "unclear",
        },
        shape="tenants",
        datasets=where,
        left={"tickets": [2, 3]},
    )


def one_row_two_records() -> Iterator[Situation]:
    """A row is the root of records of two datasets, or goes with a record though its own rule keeps it."""
    both = [keep("q", "questions", keep="1 month"), keep("a", "answers", keep="2 years")]
    seats: dict[str, dict[str, Any]] = {
        "questions": {"where": None},
        "answers": {"where": ("=", "status", "open")},
    }
    rows = {
        "tickets": [{"id": 1, "status": "open", **OLD}, {"id": 2, "status": "paid", **OLD}, {"id": 3, **OLD}]
    }
    yield situation(
        "one row, two records: one rule acts",
        TODAY,
        both,
        rows,
        {"q questions 1": "elsewhere", "a answers 1": "due late", "q questions 2": "due late"},
        shape="tenants",
        datasets=seats,
        left={"tickets": [3]},
    )
    yield situation(
        "one row, two records: what is unclear of one keeps the other",
        TODAY,
        both,
        rows,
        {"q questions 3": "retained", "a answers 3": "unclear"},
        shape="tenants",
        datasets=seats,
    )
    giving = keep("r", "orders", keep="1 month", yields_to=("legal obligation",))
    lines = keep("lines", "lines", keep="9 years", basis="contract")
    yield situation(
        "a part goes along, though a rule that nothing yields to keeps it",
        TODAY,
        [giving, lines],
        {"orders": [{"id": 1, **OLD}], "order_lines": [{"id": 1, "order_id": 1, **OLD}]},
        {"r orders 1": "due late", "lines lines 1": "not_due"},
        datasets={"orders": {"parts": (LINE,)}, "lines": {}},
        left={"orders": [], "order_lines": []},
    )


def shared_addresses() -> Iterator[Situation]:
    r = keep("r", "customers", keep="1 month")
    seat = {"customers": {"shared": (LIVES,)}}
    two = [{"id": 1, "address_id": 5, **OLD}, {"id": 2, "address_id": 5, **NEW}]
    yield situation(
        "an address stays for the one who stays",
        TODAY,
        r,
        {"addresses": [{"id": 5}], "customers": two},
        {"r customers 1": "due late", "r customers 2": "not_due"},
        datasets=seat,
        left={"customers": [2], "addresses": [5]},
    )
    last = [{"id": 1, "address_id": 5, **OLD}, {"id": 2, "address_id": 5, **OLD}]
    yield situation(
        "and goes with the last",
        TODAY,
        r,
        {"addresses": [{"id": 5}, {"id": 6}], "customers": last},
        {"r customers 1": "due late"},
        datasets=seat,
        left={"customers": [], "addresses": [6]},
    )


def shared_houses() -> Iterator[Situation]:
    """The shared row is a record of another dataset, or refers to one, or somebody else refers to it."""
    people = keep("p", "people", keep="1 month")
    houses = keep("h", "houses", keep="1 month")
    seats: dict[str, dict[str, Any]] = {"people": {"shared": (HOME,)}, "houses": {}}

    def living(name: str, homes: Any, there: Any, expected: Mapping[str, str], **more: Any) -> Situation:
        rows = {"people": homes, "houses": there, **more.pop("beside", {})}
        more = {"datasets": seats, **more}
        return situation(
            name, TODAY, more.pop("rules", [people, houses]), rows, expected, shape="homes", **more
        )

    def at_home(number: int, home: int, when: Any = OLD) -> dict[str, Any]:
        return {"id": number, "home_id": home, **when}

    yield living(
        "a house goes with the last, and not by its own rule",
        [at_home(1, 1)],
        [{"id": 1, **OLD}, {"id": 2, **OLD}],
        {"p people 1": "due late", "h houses 1": "elsewhere", "h houses 2": "due late"},
        left={"people": [], "houses": []},
    )
    yield living(
        "a house that a rule keeps keeps who lives there, and the other way round",
        [at_home(1, 1), at_home(2, 2, NEW), at_home(3, 3)],
        [{"id": 1, **NEW}, {"id": 2, **OLD}, {"id": 3, **OLD}],
        {
            "p people 1": "retained",
            "h houses 1": "not_due",
            "p people 2": "not_due",
            "h houses 2": "retained",
            "p people 3": "due late",
        },
        left={"people": [1, 2], "houses": [1, 2]},
    )
    yield living(
        "a rule keeps a record by another that shares a row, whatever it yields to",
        [at_home(1, 1)],
        [{"id": 1, **NEW}],
        {"all people 1": "retained", "all houses 1": "not_due"},
        rules=[keep("all", ("people", "houses"), yields_to=("legal claims",))],
    )
    yield living(
        "a hold on the house covers who lives there",
        [at_home(1, 1), at_home(2, 2)],
        [{"id": 1, **OLD}, {"id": 2, **OLD}],
        {"p people 1": "held", "h houses 1": "held", "p people 2": "due late"},
        holds=[Hold(on="key", what=("houses", (1,)))],
    )
    yield living(
        "a hold on one covers no neighbour",
        [at_home(1, 1), at_home(2, 1)],
        [{"id": 1, **OLD}],
        {"p people 1": "held", "h houses 1": "held", "p people 2": "due late"},
        holds=[Hold(on="key", what=("people", (1,)))],
        left={"people": [1], "houses": [1]},
    )
    yield living(
        "a town goes after the houses in it",
        [at_home(1, 1), at_home(2, 2, NEW)],
        [{"id": 1, "town_id": 1}, {"id": 2, "town_id": 2}],
        {"p people 1": "due late", "t towns 1": "due late", "t towns 2": "referenced late"},
        rules=[keep("t", "towns", keep="1 month"), people],
        datasets={"towns": {}, "people": {"shared": (HOME,)}},
        beside={"towns": [{"id": 1, **OLD}, {"id": 2, **OLD}]},
        left={"towns": [2], "houses": [2]},
    )
    yield living(
        "who lives there without sharing it goes before the last who does",
        [at_home(1, 1)],
        [{"id": 1}],
        {"p people 1": "due late", "s staff 1": "due late"},
        rules=[people, keep("s", "staff", keep="1 month")],
        datasets={"people": {"shared": (HOME,)}, "staff": {}},
        beside={"staff": [{"id": 1, "lives_id": 1, **OLD}]},
        left={"people": [], "staff": [], "houses": []},
    )
    yield living(
        "who is in no dataset keeps the house, and nobody in it",
        [at_home(1, 1)],
        [{"id": 1}],
        {"p people 1": "due late"},
        rules=[people],
        datasets={"people": {"shared": (HOME,)}},
        beside={"visits": [{"id": 1, "seen_id": 1, **OLD}]},
        left={"people": [], "houses": [1]},
    )


def who_acts() -> Iterator[Situation]:
    one, two = keep("one", "orders", keep="1 month"), keep("two", "orders", keep="2 years")
    yield order("the one that ended last acts", [one, two], OLD, {"one": "elsewhere", "two": "due late"})
    same = keep("same", "orders", keep="24 months")
    yield order("then the first in the file", [two, same], OLD, {"two": "due late", "same": "elsewhere"})
    seen = keep("seen", "orders", keep="1 month", start="seen")
    row = {**OLD, "z": at("2025-06-01")}
    yield order("by the day on which it ended", [two, seen], row, {"two": "elsewhere", "seen": "due late"})


def told() -> Iterator[Situation]:
    names = {"asked": ("customer", "email")}
    request = Telling(
        event="asked", identifiers=(("email", "a@x.org"),), at=at("2025-12-20"), told_at=at("2025-12-20")
    )
    began = {"z": at("2019-01-01")}
    rows = {
        "customers": [{"id": 7, "email": "A@x.org ", **began}],
        "orders": [{"id": 1, "customer_id": 7, **began}],
        "contacts": [
            {"id": 1, "customer": 7, "email": "b@x.org", **began},
            {"id": 2, "customer": 8, "email": "b@x.org", **began},
        ],
    }
    every: dict[str, dict[str, Any]] = {"orders": {}, "customers": {}, "contacts": {"parts": (PHONE,)}}
    some = {
        "told": names,
        "tellings": [request],
        "identifiers": {"email": ("trim", "lower")},
        "datasets": every,
    }
    yield situation(
        "carried over by one step and no further",
        TODAY,
        erase(),
        rows,
        {
            "erase customers 7": "due",
            "erase orders 1": "due",
            "erase contacts 1": "due",
            "erase contacts 2": "out_of_scope",
        },
        **some,
    )
    law = keep(
        "law",
        "orders",
        keep="9 years",
        start="seen",
        basis="legal obligation",
        needs={"customers": ("name",)},
    )
    giving = erase(yields_to=("legal obligation", "legal claims"))
    yield situation(
        "unless a law needs the data",
        TODAY,
        [giving, law],
        rows,
        {"erase orders 1": "retained", "erase customers 7": "retained", "erase contacts 1": "due"},
        **some,
    )
    contract = keep("contract", "orders", keep="9 years", start="seen", basis="contract")
    yield situation(
        "a contract does not stop it",
        TODAY,
        [giving, contract],
        rows,
        {"erase orders 1": "due", "erase customers 7": "due", "contract orders 1": "not_due"},
        **some,
    )
    exact = {**some, "identifiers": {}}
    yield situation(
        "text is compared as it is, where nothing else is said",
        TODAY,
        erase(),
        rows,
        {"erase customers 7": "out_of_scope", "erase orders 1": "out_of_scope"},
        **exact,
    )


def nasty() -> Iterator[Situation]:
    short, long = keep("r", "orders", keep="1 month"), keep("long", "orders", keep="9 years")
    both = {"orders": [{"id": 1, **OLD}, {"id": 2, "next_id": 1, **OLD}]}
    yield situation(
        "referred to by one that another rule keeps",
        TODAY,
        [short, keep("long", "orders", keep="9 years", where=("true", "big"))],
        {"orders": [{"id": 1, "amount": 0, **OLD}, {"id": 2, "amount": 5, "next_id": 1, **OLD}]},
        {"r orders 1": "referenced late", "r orders 2": "retained"},
    )
    yield situation(
        "both kept: retained comes before referenced", TODAY, [short, long], both, {"r orders 1": "retained"}
    )
    yield situation(
        "held comes before retained",
        TODAY,
        [short, long],
        both,
        {"r orders 1": "held"},
        holds=[Hold(on="key", what=("orders", (2,)))],
    )
    unclear = rule("ask", "orders", upon=("asked",))
    request = Telling(
        event="asked", identifiers=(("customer", "7"),), at=at("2025-12-20"), told_at=at("2025-12-20")
    )
    yield order(
        "a request that can't be placed keeps nothing",
        [short, unclear],
        {"customer_id": 7, **OLD},
        {"r": "due late", "ask": "unclear"},
        told={"asked": ("customer",)},
        tellings=[request],
    )
    pages = {"documents": {"parts": (PAGE, MARK)}}
    documents = keep("r", "documents", keep="1 month")
    deep = {
        "documents": [{"id": 1, **OLD}],
        "pages": [{"id": 1, "document_id": 1}],
        "marks": [{"id": 1, "page_id": 1}, {"id": 2}],
    }
    yield situation(
        "parts of parts go, and a stray one stays",
        TODAY,
        documents,
        deep,
        {"r documents 1": "due late"},
        shape="tenants",
        datasets=pages,
        left={"documents": [], "pages": [], "marks": [2]},
    )
    yield situation(
        "a part of a part that is none refers",
        TODAY,
        documents,
        deep,
        {"r documents 1": "referenced late"},
        shape="tenants",
        datasets={"documents": {"parts": (PAGE,)}},
    )
    where = {"orders": {"where": ("=", "status", "paid")}}
    open_one = {
        "orders": [{"id": 1, "status": "paid", **OLD}, {"id": 2, "status": "open", "next_id": 1, **OLD}]
    }
    yield situation(
        "a row that is no record refers",
        TODAY,
        short,
        open_one,
        {"r orders 1": "referenced late"},
        datasets=where,
    )
    reached = rule("wide", ("orders", "claims"), keep="1 month", start="booked")
    rows = {"orders": [{"id": 1, **OLD}], "claims": [{"id": 1, "order_id": 1, **OLD}]}
    yield situation(
        "one rule on a list goes through both",
        TODAY,
        reached,
        rows,
        {"wide orders 1": "due late", "wide claims 1": "due late"},
        left={"orders": [], "claims": []},
    )
    any_data = rule("any", ANY, keep="1 month", start="booked")
    yield situation(
        '"any" reaches every dataset',
        TODAY,
        any_data,
        rows,
        {"any orders 1": "due late", "any claims 1": "due late"},
        datasets={"orders": {}, "claims": {}},
    )
    until = rule("until", "orders", until=("closed", "seen"), within="1 month")
    row = {"t": datetime(2025, 11, 1), "z": at("2025-12-31")}
    yield order("whichever comes first; late by the first", [until], row, {"until": "due late"})
    deferred = keep(
        "d", "orders", keep="1 month", at_most="none", defer_while=("true", "open"), basis="legal claims"
    )
    yield order(
        "a deferred rule keeps",
        [short, deferred],
        {**OLD, "active": True},
        {"r": "retained", "d": "deferred"},
    )
    loop = {"orders": [{"id": 1, **OLD, "customer_id": 1}], "customers": [{"id": 1, **OLD}]}
    accounts = keep("accounts", "customers", keep="1 month")
    yield situation(
        "an account's clock is ended, an order of the other rule is younger",
        TODAY,
        [short, accounts],
        {**loop, "orders": [{"id": 1, **NEW, "customer_id": 1}]},
        {"accounts customers 1": "referenced late", "r orders 1": "not_due"},
    )
