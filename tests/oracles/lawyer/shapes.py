"""A handful of schemas, made once on each server; cases differ in their policies and rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tests.oracles.lawyer.world import SINCE, Path, Reference, Table, Value

CLOCKS = {"d": "date", "t": "timestamp", "z": "timestamptz", "s": "text", "n": "integer"}
STATES = {"status": "text", "amount": "integer", "other": "integer", "active": "boolean"}
PERSONAL = {
    "name": "text",
    "phone": "text",
    "born": "date",
    "done_at": "timestamptz",
    "restricted_at": "timestamptz",
}
"""What may be rewritten, and the columns that say when a record was."""
FIELDS = {"name": ("name",), "reach": ("phone", "born")}


def _table(
    name: str, *references: Reference, connector: str = "shop", unique: tuple[str, ...] = (), **more: str
) -> Table:
    ends = {column: "integer" for reference in references for column in reference.columns}
    own = {**CLOCKS, **STATES, **PERSONAL}
    columns = {"id": "integer", **own, **ends, **dict.fromkeys(unique, "integer"), **more}
    return Table(name=name, connector=connector, columns=columns, unique=unique, references=references)


@dataclass(frozen=True, kw_only=True)
class Seat:
    """A dataset that a shape has room for. `parts`: ways to choose them; `subject`: where identifiers may be read;
    `near`: tables of which dates may count, and the way there."""

    name: str
    table: str
    parts: tuple[tuple[Reference, ...], ...] = ((),)
    shared: tuple[Reference, ...] = ()
    subject: Mapping[str, Value] | None = None
    near: Mapping[str, Path] | None = None
    alone: bool = True  # whether it is drawn by itself
    vault: str | None = None  # the seat to which its records can be moved
    by_status: str | None = None  # a dataset of the rows of one status


@dataclass(frozen=True, kw_only=True)
class Shape:
    """`dated`: some of its dates are always there."""

    name: str
    tables: Mapping[str, Table]
    seats: tuple[Seat, ...]
    dated: bool = False

    @property
    def place(self) -> str:
        """Where its tables are."""
        return f"{self.name}_dated" if self.dated else self.name


def _ref(table: str, column: str, target: str) -> Reference:
    return Reference(table=table, columns=(column,), target=target)


def _shop() -> Shape:
    lives, buys, follows = (
        _ref("customers", "address_id", "addresses"),
        _ref("orders", "customer_id", "customers"),
        _ref("orders", "next_id", "orders"),
    )
    line, claim = _ref("order_lines", "order_id", "orders"), _ref("claims", "order_id", "orders")
    phone = Reference(table="phones", columns=("contact_id",), target="contacts", cascades=True)
    tables = (
        _table("addresses"),
        _table("customers", lives, email="text"),
        _table("orders", buys, follows),
        _table("order_lines", line),
        _table("claims", claim),
        _table("contacts", connector="crm", email="text", customer="integer"),
        _table("phones", phone, connector="crm"),
    )
    seats = (
        Seat(
            name="orders",
            table="orders",
            parts=((), (line,), (line,)),
            subject={"customer": Value(column="customer_id")},
            near={
                "order_lines": ((line, True),),
                "customers": ((buys, False),),
                "claims": ((claim, True),),
            },
        ),
        Seat(
            name="customers",
            table="customers",
            shared=(lives,),
            subject={"customer": Value(column="id"), "email": Value(column="email")},
            near={"orders": ((buys, True),)},
        ),
        Seat(
            name="lines",
            table="order_lines",
            subject={"customer": Value(column="customer_id", path=((line, False),))},
            near={"orders": ((line, False),), "customers": ((line, False), (buys, False))},
        ),
        Seat(
            name="claims",
            table="claims",
            subject={"customer": Value(column="customer_id", path=((claim, False),))},
            near={"orders": ((claim, False),)},
        ),
        Seat(
            name="contacts",
            table="contacts",
            parts=((phone,),),  # always: a cascade that reaches beyond the record is an error of `check`
            near={"phones": ((phone, True),)},
            subject={"customer": Value(column="customer"), "email": Value(column="email")},
        ),
    )
    return Shape(name="shop", tables={t.name: t for t in tables}, seats=seats)


def _rings() -> Shape:
    """Composite keys, tables that refer to each other in a ring, a part of two datasets that is a record, too."""
    of = Reference(table="items", columns=("shop", "nr"), target="contracts", target_columns=("shop", "nr"))
    first, beside = _ref("contracts", "item_id", "items"), _ref("items", "next_id", "items")
    about = Reference(
        table="notes", columns=("shop", "nr"), target="contracts", target_columns=("shop", "nr")
    )
    also = _ref("notes", "item_id", "items")
    clocks = {**CLOCKS, **STATES, **PERSONAL}
    tables = (
        Table(
            name="contracts",
            connector="shop",
            columns={"shop": "text", "nr": "integer", **clocks, "item_id": "integer"},
            key=("shop", "nr"),
            references=(first,),
        ),
        _table("items", of, beside, shop="text"),
        _table("notes", about, also, shop="text"),
    )
    seats = (
        Seat(
            name="contracts",
            table="contracts",
            parts=((), (about,)),
            subject={"customer": Value(column="nr")},
            near={"notes": ((about, True),), "items": ((of, True),)},
        ),
        Seat(
            name="items",
            table="items",
            parts=((), (also,)),
            subject={"customer": Value(column="nr")},
            near={"notes": ((also, True),), "contracts": ((first, True),)},
        ),
        Seat(
            name="notes",
            table="notes",
            subject={"customer": Value(column="nr")},
            near={"contracts": ((about, False),), "items": ((also, False),)},
        ),
    )
    return Shape(name="rings", tables={t.name: t for t in tables}, seats=seats)


def _tenants() -> Shape:
    """Periods that tenants instruct, one table in two datasets, parts of parts, references to what is no key."""
    of, page = _ref("documents", "tenant_id", "tenants"), _ref("pages", "document_id", "documents")
    mark = _ref("marks", "page_id", "pages")
    about = Reference(
        table="tickets", columns=("document_code",), target="documents", target_columns=("code",)
    )
    tables = (
        _table("tenants", kept="integer", author="text"),
        _table("documents", of, unique=("code",), author="text"),
        _table("pages", page),
        _table("marks", mark),
        _table("tickets", about, author="text"),
    )
    author = {"author": Value(column="author")}
    seats = (
        Seat(name="tenants", table="tenants", subject=author, near={"documents": ((of, True),)}),
        Seat(
            name="documents",
            table="documents",
            parts=((), (page,), (page, mark), (page, mark)),
            subject=author,
            near={
                "pages": ((page, True),),
                "tenants": ((of, False),),
                "marks": ((page, True), (mark, True)),
                "tickets": ((about, True),),
            },
        ),
        Seat(
            name="questions",
            table="tickets",
            subject=author,
            near={"documents": ((about, False),)},
            by_status="paid",
        ),
        Seat(name="answers", table="tickets", subject=author, by_status="open"),
    )
    return Shape(name="tenants", tables={t.name: t for t in tables}, seats=seats)


def _homes(name: str = "homes", *, helps: Reference | None = None, pays: Reference | None = None) -> Shape:
    """Houses that people, their parcels and staff share; that are records too, with rooms, and share towns.

    `helps`, `pays`: people and staff may refer to each other.
    """
    more = [reference for reference in (helps, pays) if reference is not None]
    lies, home, work = (
        _ref("houses", "town_id", "towns"),
        _ref("people", "home_id", "houses"),
        _ref("people", "work_id", "houses"),
    )
    sent, to = _ref("parcels", "person_id", "people"), _ref("parcels", "house_id", "houses")
    lives, seen = _ref("staff", "lives_id", "houses"), _ref("visits", "seen_id", "houses")
    room = _ref("rooms", "house_id", "houses")
    tables = (
        _table("towns"),
        _table("houses", lies),
        _table("people", home, work, *more[:1], email="text"),
        _table("parcels", sent, to),
        _table("staff", lives, *more[1:], author="text"),
        _table("visits", seen),
        _table("rooms", room),
    )
    seats = (
        Seat(
            name="towns",
            table="towns",
            subject={"customer": Value(column="id")},
            near={"houses": ((lies, True),)},
        ),
        Seat(
            name="houses",
            table="houses",
            parts=((), (room,), (room,)),
            shared=(lies,),
            subject={"customer": Value(column="id")},
            near={"towns": ((lies, False),)},
        ),
        Seat(
            name="people",
            table="people",
            parts=((), (sent,), (sent,)),
            shared=(home, work, to),
            subject={"email": Value(column="email")},
            near={"parcels": ((sent, True),)},
        ),
        Seat(name="staff", table="staff", shared=(lives,), subject={"customer": Value(column="id")}),
    )
    return Shape(name=name, tables={t.name: t for t in tables}, seats=seats)


def _vaults(name: str = "vaults", *chair: Reference) -> Shape:
    """Members that can be moved to a vault, with what belongs to them; that clubs are counted by and calls refer to.

    `chair`: so may the clubs.
    """
    joined = _ref("members", "club_id", "clubs")
    fee, line = _ref("fees", "member_id", "members"), _ref("fee_lines", "fee_id", "fees")
    called = _ref("calls", "member_id", "members")
    kept = _ref("kept_members", "club_id", "clubs")
    kept_fee, kept_line = (
        _ref("kept_fees", "member_id", "kept_members"),
        _ref("kept_fee_lines", "fee_id", "kept_fees"),
    )
    tables = (
        _table("clubs", *chair),
        _table("members", joined, email="text"),
        _table("fees", fee),
        _table("fee_lines", line),
        _table("calls", called, email="text"),
        _table("kept_members", kept, email="text", **{SINCE: "timestamptz"}),
        _table("kept_fees", kept_fee),
        _table("kept_fee_lines", kept_line),
    )
    email = {"email": Value(column="email")}
    member = {"customer": Value(column="id"), **email}
    seats = (
        Seat(
            name="clubs",
            table="clubs",
            subject={"customer": Value(column="id")},
            near={"members": ((joined, True),), "kept_members": ((kept, True),)},
        ),
        Seat(
            name="members",
            table="members",
            parts=((), (fee,), (fee, line)),
            subject=member,
            near={"fees": ((fee, True),), "clubs": ((joined, False),), "calls": ((called, True),)},
            vault="kept",
        ),
        Seat(name="fees", table="fees", alone=False),
        Seat(name="kept-fees", table="kept_fees", alone=False),
        Seat(name="calls", table="calls", subject=email, near={"members": ((called, False),)}),
        Seat(
            name="kept",
            table="kept_members",
            parts=((), (kept_fee,), (kept_fee, kept_line)),
            subject=member,
            near={"kept_fees": ((kept_fee, True),), "clubs": ((kept, False),)},
        ),
    )
    return Shape(name=name, tables={t.name: t for t in tables}, seats=seats)


def _threads(name: str = "threads", *pin: Reference) -> Shape:
    """Posts that answer posts, with quotes of quotes, that can be moved to a vault while what they answer stays.

    `pin`: topics may refer to posts, too.
    """
    about, answers = _ref("posts", "topic_id", "topics"), _ref("posts", "answers_id", "posts")
    of, again = _ref("quotes", "post_id", "posts"), _ref("quotes", "quote_id", "quotes")
    read = _ref("readings", "post_id", "posts")
    kept, kept_of = _ref("kept_posts", "topic_id", "topics"), _ref("kept_quotes", "post_id", "kept_posts")

    def either(table: str, column: str, *targets: str) -> tuple[Reference, ...]:
        return tuple(
            Reference(table=table, columns=(column,), target=target, either=True) for target in targets
        )

    posts = either("kept_posts", "answers_id", "posts", "kept_posts")
    quotes = either("kept_quotes", "quote_id", "quotes", "kept_quotes")
    tables = (
        _table("topics", *pin),
        _table("posts", about, answers, email="text"),
        _table("quotes", of, again),
        _table("readings", read, email="text"),
        _table("kept_posts", kept, *posts, email="text", **{SINCE: "timestamptz"}),
        _table("kept_quotes", kept_of, *quotes),
    )
    email = {"email": Value(column="email")}
    poster = {"customer": Value(column="id"), **email}
    seats = (
        Seat(
            name="topics",
            table="topics",
            subject={"customer": Value(column="id")},
            near={"posts": ((about, True),)},
        ),
        Seat(
            name="posts",
            table="posts",
            parts=((), (of,)),
            subject=poster,
            near={"quotes": ((of, True),), "topics": ((about, False),)},
            vault="kept",
        ),
        Seat(name="readings", table="readings", subject=email, near={"posts": ((read, False),)}),
        Seat(
            name="kept",
            table="kept_posts",
            parts=((), (kept_of,)),
            subject=poster,
            near={"kept_quotes": ((kept_of, True),), "topics": ((kept, False),)},
        ),
    )
    return Shape(name=name, tables={t.name: t for t in tables}, seats=seats)


def _nests() -> Shape:
    """Matters with memos that have papers with leaves: each may be a record, and a part of what is above it, or of a
    matter."""
    noted, answers = _ref("memos", "matter_id", "matters"), _ref("memos", "answers_id", "memos")
    filed, attached = _ref("papers", "matter_id", "matters"), _ref("papers", "memo_id", "memos")
    page, read = _ref("leaves", "paper_id", "papers"), _ref("lookups", "memo_id", "memos")
    tables = (
        _table("matters"),
        _table("memos", noted, answers),
        _table("papers", filed, attached),
        _table("leaves", page),
        _table("lookups", read),
    )
    itself = {"customer": Value(column="id")}
    seats = (
        Seat(
            name="matters",
            table="matters",
            parts=(
                (noted, filed),
                (noted, filed),
                (noted,),
                (filed,),
                (noted, attached),
                (noted, filed, page),
                (noted, attached, page),
            ),
            subject=itself,
            near={"memos": ((noted, True),), "papers": ((filed, True),)},
        ),
        Seat(
            name="memos",
            table="memos",
            parts=((), (attached,), (attached,), (attached, page)),
            subject=itself,
            near={"matters": ((noted, False),), "papers": ((attached, True),)},
        ),
        Seat(
            name="papers",
            table="papers",
            parts=((), (page,)),
            subject=itself,
            near={"memos": ((attached, False),)},
        ),
        Seat(name="leaves", table="leaves", subject=itself, near={"papers": ((page, False),)}),
        Seat(name="lookups", table="lookups", subject=itself, near={"memos": ((read, False),)}),
    )
    return Shape(name="nests", tables={t.name: t for t in tables}, seats=seats)


def _roles() -> Shape:
    """Firms that buy, sell, or both: one row, of which a record has its orders and another its offers; and goods that
    one sells to another."""
    above = _ref("firms", "above_id", "firms")
    orders, offers = _ref("firm_orders", "firm_id", "firms"), _ref("firm_offers", "firm_id", "firms")
    bought, sold = _ref("goods", "buyer_id", "firms"), _ref("goods", "seller_id", "firms")
    tables = (
        _table("firms", above),
        _table("firm_orders", orders),
        _table("firm_offers", offers),
        _table("goods", bought, sold),
    )
    itself = {"customer": Value(column="id")}
    seats = (
        Seat(
            name="buyers",
            table="firms",
            parts=((), (orders,), (orders,), (orders, bought)),
            subject=itself,
            near={"firm_orders": ((orders, True),)},
            by_status="paid",
        ),
        Seat(
            name="sellers",
            table="firms",
            parts=((), (offers,), (offers, sold), (orders, offers)),
            subject=itself,
            near={"firm_offers": ((offers, True),)},
            by_status="open",
        ),
        Seat(name="goods", table="goods", subject=itself, near={"firms": ((sold, False),)}),
    )
    return Shape(name="roles", tables={t.name: t for t in tables}, seats=seats)


_EVERY = (
    _shop(),
    _rings(),
    _tenants(),
    _homes(),
    _vaults(),
    _threads(),
    _vaults("chairs", _ref("clubs", "chair_id", "members")),
    _threads("pins", _ref("topics", "pinned_id", "posts")),
    _nests(),
    _roles(),
    _homes("offices", helps=_ref("people", "helped_id", "staff"), pays=_ref("staff", "payer_id", "people")),
)
SHAPES = {shape.name: shape for shape in _EVERY}
DRAWN = ("shop", "rings", "tenants")
"""Those that are drawn; instead of one of them, for every fourth seed each, `homes`, where much is shared, and
`vaults`, or for every other of those `threads`; and of each of these for every other such as refer to each other; and
for every sixteenth each `nests`, of which records are within one another, and `roles`, of which they have one row."""
VAULTS = ("kept_members", "kept_fees", "kept_fee_lines", "kept_posts", "kept_quotes")
"""Tables of vaults."""
DATED = {
    name: replace(
        shape,
        dated=True,
        tables={
            each: replace(table, always=() if each in VAULTS else ("d", "t"))
            for each, table in shape.tables.items()
        },
    )
    for name, shape in SHAPES.items()
}
"""The same, with columns of dates that are NOT NULL. What is moved to a vault can be from anywhere."""
TENANT: Path = ((SHAPES["tenants"].tables["documents"].references[0], False),)
"""The way from a document to its tenant, who instructs how long it is kept."""
