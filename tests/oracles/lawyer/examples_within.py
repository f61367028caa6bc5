"""Worked examples of DESIGN §4 about records within records, two records of one row, and what is shared and a record
with parts of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.oracles.lawyer.examples_fate import NEW, OLD, TODAY, keep
from tests.oracles.lawyer.shapes import SHAPES
from tests.oracles.lawyer.situations import Situation, rule, situation
from tests.oracles.lawyer.world import Hold

MATTERS, FIRMS = SHAPES["nests"].tables, SHAPES["roles"].tables
NOTED = MATTERS["memos"].references[0]
FILED, ATTACHED = MATTERS["papers"].references
PAGE = MATTERS["leaves"].references[0]
BOUGHT, SOLD = FIRMS["goods"].references
HOMES = SHAPES["homes"].tables
LIES, HOME, ROOM = (HOMES[name].references[0] for name in ("houses", "people", "rooms"))
ORDERS, OFFERS = (FIRMS[name].references[0] for name in ("firm_orders", "firm_offers"))


def examples() -> Iterator[Situation]:
    yield from within()
    yield from of_one_row()
    yield from of_houses()


def within() -> Iterator[Situation]:
    """Memos are parts of matters; papers are of a matter, of a memo, or of both."""
    matters, memos = keep("x", "matters", keep="1 month"), keep("m", "memos", keep="1 month")
    whole = {"matters": {"parts": (NOTED, FILED)}, "memos": {"parts": (ATTACHED,)}}

    def matter(
        name: str, papers: Any, expected: Any, *, rules: Any = (matters, memos), **more: Any
    ) -> Situation:
        """Matter 1 with memo 1, matter 2 with memo 2, and memo 3 of nobody."""
        rows = {
            "matters": [{"id": 1, **OLD}, {"id": 2, **OLD}],
            "memos": [{"id": 1, "matter_id": 1, **OLD}, {"id": 2, "matter_id": 2, **OLD}, {"id": 3, **OLD}],
            "papers": papers,
        }
        more = {"datasets": whole, **more}
        return situation(name, TODAY, list(rules), rows, expected, shape="nests", **more)

    gone = {"x matters 1": "due late", "x matters 2": "due late", "m memos 3": "due late"}
    yield matter(
        "a paper of a matter and of a memo of it goes with the matter",
        [{"id": 1, "matter_id": 1, "memo_id": 1}],
        {**gone, "m memos 1": "elsewhere", "m memos 2": "elsewhere"},
        left={"matters": [], "memos": [], "papers": []},
    )
    yield matter(
        "a paper of another matter makes a memo go by its own rule, with both matters",
        [{"id": 1, "matter_id": 2, "memo_id": 1}],
        {**gone, "m memos 1": "due late", "m memos 2": "elsewhere"},
        left={"matters": [], "memos": [], "papers": []},
    )
    yield matter(
        "papers of a memo that are no part of its matter go first",
        [{"id": 1, "memo_id": 1}, {"id": 2, "memo_id": 3}],
        {**gone, "m memos 1": "due late", "m memos 2": "elsewhere"},
        datasets={"matters": {"parts": (NOTED,)}, "memos": {"parts": (ATTACHED,)}},
        left={"matters": [], "memos": [], "papers": []},
    )
    yield matter(
        "where no rule deletes the memo, the matter waits for them",
        [{"id": 1, "memo_id": 1}],
        {"x matters 1": "referenced late", "x matters 2": "due late"},
        rules=[matters],
        left={"matters": [1], "memos": [1, 3], "papers": [1]},
    )
    yield matter(
        "and goes with the memo, where it has none",
        [{"id": 1, "matter_id": 1, "memo_id": 1}, {"id": 2, "matter_id": 2, "memo_id": 1}],
        {"x matters 1": "due late", "x matters 2": "due late"},
        rules=[matters],
        left={"matters": [], "memos": [3], "papers": []},
    )
    yield matter(
        "what holds a memo of nobody holds who shares papers with it, and with whom these share any",
        [{"id": 1, "matter_id": 1, "memo_id": 3}, {"id": 2, "matter_id": 2, "memo_id": 1}],
        {"x matters 1": "held", "x matters 2": "held", "m memos 1": "held", "m memos 3": "held"},
        holds=[Hold(on="key", what=("memos", (3,)))],
    )
    row = {
        "matters": [{"id": 1, **OLD}, {"id": 3, **OLD}, {"id": 5, **NEW}],
        "memos": [{"id": 2, **OLD}, {"id": 4, **OLD}],
        "papers": [
            {"id": 1, "matter_id": 1, "memo_id": 2},
            {"id": 2, "matter_id": 3, "memo_id": 2},
            {"id": 3, "matter_id": 3, "memo_id": 4},
            {"id": 4, "matter_id": 5, "memo_id": 4},
        ],
    }
    yield situation(
        "papers of matters and of memos of nobody bind them however far that leads",
        TODAY,
        [matters, memos],
        row,
        {
            "x matters 1": "referenced late",
            "x matters 3": "referenced late",
            "x matters 5": "not_due",
            "m memos 2": "referenced late",
            "m memos 4": "retained",
        },
        shape="nests",
        datasets=whole,
        left={"papers": [1, 2, 3, 4]},
    )
    named: Any = {"keep": "1 month", "yields_to": ("legal claims",)}
    yield situation(
        "a leaf goes with the memo that its paper goes with, though a rule on papers would keep that",
        TODAY,
        [keep("m", "memos", **named), keep("p", "papers", keep="90 years"), keep("l", "leaves", **named)],
        {
            "memos": [{"id": 1, **OLD}, {"id": 2, **NEW}],
            "papers": [{"id": 1, "memo_id": 1, **OLD}, {"id": 2, "memo_id": 2, **OLD}],
            "leaves": [{"id": 1, "paper_id": 1, **OLD}, {"id": 2, "paper_id": 2, **OLD}],
        },
        {
            "m memos 1": "due late",
            "p papers 1": "not_due",
            "l leaves 1": "elsewhere",
            "l leaves 2": "referenced late",
        },
        shape="nests",
        datasets={"memos": {"parts": (ATTACHED, PAGE)}, "papers": {"parts": (PAGE,)}, "leaves": {}},
        left={"memos": [2], "papers": [2], "leaves": [2]},
    )
    every = keep("z", ("matters", "papers", "leaves"), **named)
    apart = {"matters": {"parts": (NOTED, ATTACHED)}, "papers": {}, "leaves": {}}
    one = {
        "matters": [{"id": 1, **OLD}],
        "memos": [{"id": 1, "matter_id": 1, **OLD}],
        "papers": [{"id": 1, "memo_id": 1, **OLD}],
        "leaves": [{"id": 1, "paper_id": 1, **OLD}],
    }
    yield situation(
        "of several rules one alone is run, and the parts that are records go with the matter",
        TODAY,
        [every, keep("y", "papers", **named)],
        one,
        {"z matters 1": "due late", "z papers 1": "elsewhere", "z leaves 1": "due late"},
        shape="nests",
        datasets=apart,
        only=("z",),
        left={"matters": [], "memos": [], "papers": [], "leaves": []},
    )
    yield situation(
        "and wait with it for what a rule would delete that is not run",
        TODAY,
        [every, keep("x", "matters", **named), keep("y", "papers", **named)],
        one,
        {"x matters 1": "referenced late", "y papers 1": "referenced late"},
        shape="nests",
        datasets=apart,
        only=("x", "y"),
        left={"matters": [1], "memos": [1], "papers": [1], "leaves": [1]},
    )


def of_one_row() -> Iterator[Situation]:
    """A firm can be a buyer, with its orders, and a seller, with its offers."""
    buyers, sellers = keep("b", "buyers", keep="1 month"), keep("s", "sellers", keep="1 month")
    datasets = {
        "buyers": {"parts": (ORDERS,), "where": ("in", "status", ("paid", "open"))},
        "sellers": {"parts": (OFFERS,), "where": ("=", "status", "open")},
    }

    def firm(
        name: str, rules: Any, orders: Any, offers: Any, expected: Any, said: Any = None, **more: Any
    ) -> Situation:
        rows = {
            "firms": [{"id": 1, "status": "open", **OLD}],
            "firm_orders": [{"id": n, "firm_id": 1} for n in orders],
            "firm_offers": [{"id": n, "firm_id": 1} for n in offers],
        }
        return situation(name, TODAY, rules, rows, expected, shape="roles", datasets=said or datasets, **more)

    nothing: Any = {"firms": [], "firm_orders": [], "firm_offers": []}
    yield firm(
        "a firm that buys and sells goes by both rules, with orders and offers",
        [buyers, sellers],
        [1],
        [1],
        {"b buyers 1": "due late", "s sellers 1": "due late"},
        left=nothing,
    )
    yield firm(
        "without orders it goes with its offers",
        [buyers, sellers],
        [],
        [1],
        {"b buyers 1": "elsewhere", "s sellers 1": "due late"},
        left=nothing,
    )
    yield firm(
        "with neither it goes by the rule that ended last",
        [keep("b", "buyers", keep="2 months"), sellers],
        [],
        [],
        {"b buyers 1": "due late", "s sellers 1": "elsewhere"},
        left=nothing,
    )
    yield firm(
        "where no rule deletes sellers, the buyer waits for its offers",
        [buyers],
        [1],
        [1],
        {"b buyers 1": "referenced late"},
        left={"firms": [1], "firm_orders": [1], "firm_offers": [1]},
    )
    yield firm(
        "who has nothing else goes with the seller, whether a rule deletes buyers or not",
        [sellers],
        [],
        [1],
        {"s sellers 1": "due late"},
        {**datasets, "buyers": {"parts": ()}},
        left=nothing,
    )
    yield firm(
        "what another rule restricts keeps the buyer that it is, too",
        [buyers, rule("s", "sellers", keep="1 month", start="booked", action="restrict")],
        [1],
        [1],
        {"b buyers 1": "referenced late", "s sellers 1": "due late"},
        {**datasets, "sellers": {**datasets["sellers"], "mark": "restricted_at"}},
        left={"firm_orders": [1], "firm_offers": [1]},
    )
    row = {
        "firms": [{"id": 1, "status": "paid", **OLD}, {"id": 2, "status": "open", **OLD}],
        "goods": [
            {"id": 1, "buyer_id": 2, "seller_id": 1},
            {"id": 2, "seller_id": 1},
            {"id": 3, "buyer_id": 1},
        ],
    }
    yield situation(
        "who is no seller binds nobody as one",
        TODAY,
        [buyers, sellers],
        row,
        {"b buyers 1": "referenced late", "b buyers 2": "due late", "s sellers 2": "elsewhere"},
        shape="roles",
        datasets={
            "buyers": {**datasets["buyers"], "parts": (ORDERS, BOUGHT)},
            "sellers": {**datasets["sellers"], "parts": (OFFERS, SOLD)},
        },
        left={"firms": [1], "goods": [2, 3]},
    )

    none: Any = {"yields_to": ("legal claims",)}
    yield situation(
        "goods of who stays as a seller, and would go as one, stay though they are of the buyer",
        TODAY,
        [
            keep("b", "buyers", keep="90 years"),
            keep("s", "sellers", keep="1 month", **none),
            keep("g", "goods", keep="1 month", **none),
        ],
        {
            "firms": [{"id": 1, "status": "open", **OLD}, {"id": 2, "status": "void", **OLD}],
            "firm_orders": [{"id": 1, "firm_id": 1}],
            "goods": [{"id": 1, "buyer_id": 1, **OLD}, {"id": 2, "buyer_id": 2, **OLD}],
        },
        {
            "b buyers 1": "not_due",
            "s sellers 1": "referenced late",
            "g goods 1": "referenced late",
            "g goods 2": "due late",
        },
        shape="roles",
        datasets={
            "buyers": {**datasets["buyers"], "parts": (ORDERS, BOUGHT)},
            "sellers": {**datasets["sellers"], "parts": (OFFERS, SOLD)},
            "goods": {},
        },
        left={"firms": [1, 2], "firm_orders": [1], "goods": [1]},
    )


def of_houses() -> Iterator[Situation]:
    """People share houses, which are records that share towns, or have rooms."""
    people = keep("p", "people", keep="1 month", yields_to=("legal claims",))
    houses = keep("h", "houses", keep="1 month")
    rows = {
        "people": [
            {"id": 1, "home_id": 1, **OLD},
            {"id": 2, "home_id": 2, **OLD},
            {"id": 3, "home_id": 3, **OLD},
        ],
        "houses": [
            {"id": 1, "town_id": 1, **OLD},
            {"id": 2, "town_id": 2, **NEW},
            {"id": 3, "status": "paid", **NEW},
        ],
        "towns": [{"id": 1}, {"id": 2}, {"id": 3}],
        "rooms": [{"id": 1, "house_id": 1}, {"id": 2, "house_id": 2}],
    }
    gone = {"p people 1": "due late", "p people 2": "due late", "p people 3": "due late"}

    def living(name: str, own: Any, left: Any, *, more: Any = None, **but: Any) -> Situation:
        shared = {"people": {"shared": (HOME,)}, "houses": own}
        return situation(
            name,
            TODAY,
            [people, houses],
            {**rows, **but},
            {**gone, "h houses 1": "due late", **(more or {})},
            shape="homes",
            datasets=shared,
            left=left,
        )

    yield living(
        "a shared house that shares a town goes by its own rule, with the town",
        {"shared": (LIES,)},
        {"people": [], "houses": [2, 3], "towns": [2, 3]},
        rooms=[],
    )
    yield living(
        "a shared house with rooms goes by its own rule",
        {"parts": (ROOM,)},
        {"people": [], "houses": [2, 3], "rooms": [2]},
    )
    yield living(
        "a shared house that is no such record goes with the last who lives there",
        {"shared": (LIES,), "where": ("is null", "status")},
        {"people": [], "houses": [2], "towns": [2, 3]},
        rooms=[],
    )
