"""`connectors/NAME.toml` as a newcomer gets it: what is known, what was guessed, what has to be asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from retention.discover.belonging import Belonging
from retention.discover.draft import Draft, part_name
from retention.discover.moments import Moment, as_toml
from retention.discover.toml import ASK, beside, comment, key, paragraph, piece, table_name, text
from retention.discover.words import names_birth, names_touch
from retention.model.catalogue import Catalogue
from retention.model.dataset import PartName
from retention.planning.binding.names import listed
from retention.planning.binding.reach import CHANGES, usable

ENDED = "ended"
"""The event's name where no column is one."""

MOST_RELATED = 10
"""Events of related tables that are written down."""

_UNIT = {"s": "seconds", "ms": "milliseconds", "us": "microseconds"}
_SHORT = {"timestamp with time zone": "timestamptz", "timestamp without time zone": "timestamp"}
INDEX, SCAN = "CREATE INDEX ", " or write allow_scan = true"
"""How the binder's advice on a missing index begins, with the statement, and ends."""


def connector_text(
    name: str, url: str, drafts: Sequence[Draft], catalogue: Catalogue, today: date, rules: str = ""
) -> str:
    """The whole file. `url` is the reference or the URL without a password; `rules`: what the policy lacks."""
    lines = [
        f"# connectors/{name}.toml: where the data is, in the words of the policy.",
        f"# Read from the database's catalogue on {today.isoformat()}. What was guessed is here to be looked over;",
        f'# lines with "{ASK}" wait for you: nobody else can know them. Then type: retention check',
        "",
    ]
    zoneless = list(dict.fromkeys(column for draft in drafts for column in draft.zoneless))
    head = [('type     = "sql"', ""), (f"url      = {text(url)}", "")]
    if zoneless:
        asks = f'? zone of the times in {listed(zoneless, 3)}: "Europe/Oslo"'
        head.append(('timezone = ""', asks))
    lines += beside(head)
    for draft in drafts:
        lines += ["", *_dataset(draft, catalogue, today)]
    if rules:
        lines += [
            "",
            "# policies.toml was there before, and may lack a rule on this data. To begin with:",
            "#",
        ]
        lines += [f"# {line}" if line else "#" for line in rules.splitlines()]
    return "\n".join(lines) + "\n"


def _dataset(draft: Draft, catalogue: Catalogue, today: date) -> Iterator[str]:
    yield from paragraph(f"{draft.root.id}{_rows(draft)}{_around(draft, catalogue)}")
    yield f"[datasets.{key(draft.name)}]"
    lines = [
        (f"data    = {text(draft.data)}", "the word that rules use: write your policy's own"),
        (f"table   = {text(table_name(catalogue, draft.root.id).text)}", ""),
    ]
    if draft.key:
        columns = ", ".join(text(piece(name)) for name in draft.key)
        lines.append((f"key     = [{columns}]", "no primary key; these columns are unique and never NULL"))
    if draft.subject:
        lines.append((_subject(draft.subject), "whom a record is about; guessed, so look it over"))
    yield from beside(lines)
    if draft.whom:
        yield from _whom(draft)
    if draft.key == ():
        yield from _no_key(draft)
    yield from _parts(draft, catalogue)
    yield from _reach(draft)
    yield ""
    yield from _events(draft, today)


def _whom(draft: Draft) -> Iterator[str]:
    """Several people in a row: only its owner knows whom it is about."""
    told = (
        f"Whom is a record about? {listed(tuple(draft.whom.values()))} may be different people, and two kinds in"
        " one subject are the same person's: a hold on one covers the records of the other, too. Name the one"
        " that your policy means, by the kind by which other datasets know such people"
    )
    yield from paragraph(told, ASK)
    yield f"# {_subject({**draft.subject, **dict(list(draft.whom.items())[:1])})}"


def _subject(kinds: Mapping[str, str]) -> str:
    pairs = ", ".join(f"{key(kind)} = {text(piece(name))}" for kind, name in kinds.items())
    return f"subject = {{ {pairs} }}"


def _rows(draft: Draft) -> str:
    look, estimate = draft.look, draft.root.rows_estimate
    if look is not None and look.whole:
        return f": {look.rows:,} rows" if look.rows != 1 else ": 1 row"
    if estimate:
        return f": about {estimate:,} rows"
    return f": more than {look.rows:,} rows" if look is not None else ": rows not counted"


def _around(draft: Draft, catalogue: Catalogue) -> str:
    """What it refers to; what refers to it is said with the parts."""
    targets = dict.fromkeys(str(r.target.name) for r in catalogue.outbound(draft.root.id))
    return f"; refers to {listed(targets)}" if targets else ""


def _no_key(draft: Draft) -> Iterator[str]:
    found, write = usable(draft.root, ()) or ("no columns are unique", "name some")
    yield from paragraph(f"{found}; {write}; then take this line out", ASK)
    yield "key     = []"


def _parts(draft: Draft, catalogue: Catalogue) -> Iterator[str]:
    """The parts that were taken, and as comments those that a person may add."""
    offered = [item for item in draft.offered if not item.apart]
    apart = [_link(item) for item in draft.offered if item.apart]
    taken = [
        (f"    {_part(part_name(catalogue, item))},", f"{_columns(item)}; {item.why}") for item in draft.parts
    ]
    sign = "    # " if taken else "#     "
    maybe = [
        (f"{sign}{_part(part_name(catalogue, item))},", f"? {_link(item)}; {item.doubt}") for item in offered
    ]
    if any(item.reference.on_delete in CHANGES for item in offered):
        yield from paragraph(
            "The database itself changes rows of tables below (ON DELETE …) when a record goes. `check` refuses"
            " that until each is a part, or its reference is made NO ACTION",
            ASK,
        )
    if taken:
        yield from beside([("parts   = [", "rows that belong to a record, and go with it"), *taken, *maybe])
        yield "]"
    elif maybe:
        yield "# No parts (rows that belong to a record, and go with it) were taken. You may mean some of these:"
        yield from beside([("# parts   = [", ""), *maybe])
        yield "# ]"
    if apart:
        yield from paragraph(
            f"In other datasets here: {listed(apart)}. Rows there keep the record that they refer to"
        )
    if not (taken or maybe or apart):
        yield "# No parts: no other table refers to it"


def _part(name: PartName) -> str:
    if name.via is None:
        return text(name.table.text)
    return f"{{ table = {text(name.table.text)}, via = {text(name.via)} }}"


def _link(item: Belonging) -> str:
    act = f" ON DELETE {item.reference.on_delete}" if item.reference.on_delete in CHANGES else ""
    return _columns(item) + act


def _columns(item: Belonging) -> str:
    return f"{item.reference.table.name}.{','.join(item.reference.columns)}"


def _reach(draft: Draft) -> Iterator[str]:
    """What check would refuse besides, and how to mend it; statements stand on lines of their own."""
    indexes = [p for p in draft.problems if p.write.startswith(INDEX)]
    offered = {item.reference.table.name for item in draft.offered if not item.apart}
    named = tuple(
        f"add {begun}" for name in offered for begun in (f'"{name}" to parts,', f'{{ table = "{name}",')
    )
    for problem in draft.problems:
        if problem in indexes or problem.write.startswith(named):
            continue
        yield from paragraph(f"`check` will say: {problem.found}; {problem.write}", ASK)
    if indexes:
        yield from paragraph(
            "`check` refuses deletes that would scan these tables. Run this (on a busy PostgreSQL server with"
            " CONCURRENTLY), or take the # from the last line",
            ASK,
        )
        yield from (f"#   {comment(problem.write.removesuffix(SCAN))}" for problem in indexes)
        yield "# allow_scan = true"


# -- events --------------------------------------------------------------------------------


def _events(draft: Draft, today: date) -> Iterator[str]:
    """Every column that is a point in time; a rule's `from` names one."""
    yield f"[datasets.{key(draft.name)}.events]"
    own = [m for m in draft.events if m.own]
    related = [m for m in draft.events if not m.own][:MOST_RELATED]
    if not draft.events:
        yield from paragraph(
            "No column here can be read as a date. When is a record finished? Write a column, its own or that of a"
            ' table that refers to it ("orders.created_at"), or "never"',
            ASK,
        )
        yield f'{ENDED} = ""'
    else:
        yield from paragraph(
            "Points in time, by names of your own. A rule's `from` names one; the others do no harm"
        )
    yield from beside([_event(moment, today, "") for moment in own or related])
    if own and related:
        yield "# Of the tables that refer to it, whose latest row counts:"
        yield from beside([_event(moment, today, "# ") for moment in related])
    yield from _no_events(draft)
    for name in draft.root.columns:
        if names_birth(name):
            yield from paragraph(f"{name}: a date of birth, which is a fact and no event")


def _event(moment: Moment, today: date, sign: str) -> tuple[str, str]:
    value = as_toml(moment.value) if moment.value is not None else '""'
    return f"{sign}{key(moment.event)} = {value}", _told(moment, today)


def _no_events(draft: Draft) -> Iterator[str]:
    """Columns that look like points in time and can't be events as they are."""
    for moment, problem in draft.unusable:
        if problem is not None:
            spelled = f" as {as_toml(moment.value)}" if isinstance(moment.value, dict) else ""
            yield from paragraph(f"{moment.table.id.name}.{moment.column.name}{spelled}: {problem.found}")
    numbers = [m.column.name for m, problem in draft.unusable if problem is None and m.own]
    if numbers:
        yield from paragraph(
            f"Numbers that may be dates, in a unit that no value tells: {', '.join(numbers)}. Of seconds since 1970, 0"
            " standing for none:"
        )
        yield f'#   seen = {{ column = "{numbers[0]}", unit = "s", never = [0] }}'


def _told(moment: Moment, today: date) -> str:
    """Type, range, NULLs, and what to mind."""
    words = [_type(moment.column.type)]
    days, seen = moment.days, moment.seen
    if seen is None:
        words.append("not looked at")
    elif seen.first is None:
        words.append("empty")
    elif moment.outliers:
        return (
            f"? {words[0]}; most of its numbers say {_UNIT[moment.unit or '']}, and some can't"
            f" (from {seen.first} to {seen.last}): such records are unclear and stay"
        )
    elif days is None and moment.unit is not None and moment.last_day is not None:
        words.append(f"0 for none, till {moment.last_day}")
    elif days is None:
        words.append("not every value is a date that can be read")
    else:
        words.append(f"{days[0]} to {days[1]}")
        if days[1] > today.isoformat():
            words.append("some lie ahead: not happened yet")
        if days[0] < "1971-01-02":
            words.append("before 1971-01-02: unclear, such records stay")
    if seen is not None and seen.nulls and moment.rows and seen.first is not None:
        words.append(f"{_share(seen.nulls, moment.rows)} NULL: not happened")
    if names_touch(moment.column.name):
        words.append("by its name set anew at every change")
    return "; ".join(words)


def _type(spelled: str) -> str:
    return _SHORT.get(spelled.lower(), spelled.lower()) or "untyped"


def _share(part: int, whole: int) -> str:
    share = 100 * part / whole
    return f"{share:.0f} %" if share >= 10 else f"{share:.1f} %" if share >= 0.1 else "a few"
