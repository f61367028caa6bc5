"""Every statement of a job, for people to read: what its plan, its claim, its recheck and its deletes are.

Built as the removers build theirs. What only a batch knows (keys, pages, where the last one ended) is marked, and
such that the statement finds and deletes nothing where somebody runs it as it is printed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from retention.connectors.port import Marker
from retention.connectors.sql.batches import pages, spans, updating, updating_parts
from retention.connectors.sql.batches.circling import one_statement
from retention.connectors.sql.batches.emptying import Emptying, Loosening
from retention.connectors.sql.batches.looking_again import LookAgain
from retention.connectors.sql.batches.moving import Moves
from retention.connectors.sql.batches.outright import Outright, outright
from retention.connectors.sql.batches.removal import KeyRemover
from retention.connectors.sql.batches.shared_parts import SharedParts
from retention.connectors.sql.batches.statements import Order, Statements
from retention.connectors.sql.batches.stretches import due_in_stretch, ends
from retention.connectors.sql.batches.written_down import goes_before, recheck_remembered, remember
from retention.connectors.sql.counting import Census
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.markers import markers_in, marking
from retention.connectors.sql.showing import UNKNOWN
from retention.model.catalogue import Table
from retention.model.lists import NO_LISTS
from retention.planning.binding.bound import Circle
from retention.planning.binding.reach import described
from retention.planning.work import Work

Shown = tuple[str, Any, Mapping[str, Any]]
"""(purpose, statement, the values of its parameters, as far as they are known)."""

_A_BATCH = 1_000
_OTHERS = ", where others may hold rows"


def job(
    dialect: Dialect,
    connection: Connection,
    work: Work,
    way: type[KeyRemover],
    *,
    dense: bool,
    marker_schema: str | None,
) -> Iterator[Shown]:
    """In the order in which a plan and a run execute them. `way`: how the run's batches are taken."""
    statements = Statements(dialect, work)
    for purpose, statement in _plan(dialect, connection, work):
        yield f"plan: {purpose}", statement, {}
    if way is pages.PageRemover:
        yield from _by_pages(dialect, work)
    if way is spans.SpanRemover:
        yield from _by_spans(statements, statements.order(dense=dense), dialect.returns_deleted(connection))
    by_keys = "batch" if way is KeyRemover else "sweep by keys"
    order = statements.order(dense=dense and way is not pages.PageRemover)
    if work.stays:
        parts = [items[0].table for items in updating_parts.by_table(work)]
        locks = _parts_before(dialect, parts, statements)
        steps = [locks, _recheck_rewriting(dialect, statements), _rewrites(dialect, statements)]
    else:
        steps = [
            _recheck(dialect, work, statements),
            _parts_before(dialect, [part.table for part in work.bound.parts], statements),
            _copies(dialect, statements),
            _deletes(dialect, connection, work, statements),
        ]
    for found in (_claim(dialect, work, statements, order), *steps):
        for purpose, statement in found:
            yield f"{by_keys}: {purpose}", statement, {}
    marker = Marker(origin="ORIGIN", run="RUN", batch=1, status="committed", root="ROOT", count=0)
    yield "batch: the marker, with the batch's own values", marking(marker, markers_in(marker_schema)), {}


Found = Iterator[tuple[str, Any]]


def joint(
    dialect: Dialect, connection: Connection, works: Sequence[Work], *, marker_schema: str | None
) -> Iterator[Shown]:
    """Of batches in which these jobs, on one dataset or on several of a circle, have records together; what is written
    down before the first and linked is what each of them shows of itself.

    Each record is looked at by its own job's predicate, and all are locked and deleted by the same statements.
    """
    if len({str(work.bound) for work in works}) > 1:
        yield from _circle(dialect, works, marker_schema)
        return
    every = [Statements(dialect, work) for work in works]
    first, parts = every[0], [part.table for part in works[0].bound.parts]
    steps = [
        (("where keys are handed over", each) for each in dialect.before_keys(first.key)),
        _locks(dialect, first),
        _parts_before(dialect, parts, first),
        *(_own_recheck(each) for each in every),
        ((f"count each rule's rows of {part.id}", first.count_part(part)) for part in parts),
        _deletes(dialect, connection, works[0], first),
    ]
    for found in steps:
        for purpose, statement in found:
            yield f"joint batch: {purpose}", statement, {}
    marker = Marker(origin="ORIGIN", run="RUN", batch=1, status="committed", root="ROOT", count=0)
    yield "joint batch: the marker of each rule's share", marking(marker, markers_in(marker_schema)), {}


def _circle(dialect: Dialect, works: Sequence[Work], marker_schema: str | None) -> Iterator[Shown]:
    """The same of several datasets."""
    together = [work.together for work in works]
    firsts = dict(enumerate({str(work.bound): work for work in reversed(together)}.values()))
    statements = {number: Statements(dialect, work) for number, work in firsts.items()}
    steps: list[Found] = []
    for each in statements.values():
        parts = [part.table for part in each.work.bound.parts]
        steps += [
            (("where keys are handed over", keys) for keys in dialect.before_keys(each.key)),
            _locks(dialect, each),
            _parts_before(dialect, parts, each),
            ((f"count rows of {part.id}", each.count_part(part)) for part in parts),
        ]
    steps += [_own_recheck(Statements(dialect, work)) for work in together]
    circle = works[0].bound.circled
    assert circle is not None
    if circle.at_once:
        steps.append(iter([("delete what refers to each other at once", one_statement(dialect, firsts))]))
    else:
        steps.append(_one_by_one(dialect, circle, list(statements.values())))
    for found in steps:
        for purpose, statement in found:
            yield f"joint batch: {purpose}", statement, {}
    marker = Marker(origin="ORIGIN", run="RUN", batch=1, status="committed", root="ROOT", count=0)
    yield "joint batch: the marker of each rule's share", marking(marker, markers_in(marker_schema)), {}


def _one_by_one(dialect: Dialect, circle: Circle, every: Sequence[Statements]) -> Found:
    members = [(statements, member) for statements in every for member in statements.members]
    for item in circle.loosened:
        for statements in (s for s, member in members if member.id == item.reference.table):
            loosening = Loosening(dialect, statements, item, every=True)
            what = f"loosen rows that go, by {described(item.reference)}"
            yield from _changes(what, loosening.among, loosening)
    for table in circle.removal:
        for statements, member in (each for each in members if each[1].id == table):
            emptying = Emptying(dialect, statements, member)
            yield from _changes(
                f"delete rows of {table}", None if emptying.direct else emptying.lookup, emptying
            )


def _own_recheck(statements: Statements) -> Found:
    rule = statements.work.job.rule.name
    yield f"recheck under the lock, of records of {rule}", statements.recheck()
    if statements.work.blurred:
        yield f"recheck of what was written down, of records of {rule}", recheck_remembered(statements)


def _plan(dialect: Dialect, connection: Connection, work: Work) -> Found:
    census = Census(dialect, connection, (replace(work, lists=NO_LISTS),))
    yield from census.statements()
    nullable = census.nullable_query()
    if nullable is not None:
        yield "rows without a key", nullable


def _by_pages(dialect: Dialect, work: Work) -> Iterator[Shown]:
    """Each stored table in turn."""
    physical = dialect.physical
    assert physical is not None
    nowhere = physical.parameters(0, 0)
    for leaf in work.bound.root.leaves or (work.bound.root.id,):
        statements = Statements(dialect, work, leaf)
        delete = pages.direct_delete(statements, physical)
        yield f"batch: recheck and delete in a range of pages of {leaf}", delete, nowhere
        delete = pages.locking_delete(statements, physical)
        some = {**nowhere, "most": _A_BATCH}
        yield f"batch: the same without rows that others hold, of {leaf}", delete, some


def _by_spans(statements: Statements, order: Order, returns: bool) -> Iterator[Shown]:
    size = len(statements.ordering(order))
    span = ((UNKNOWN,) * size, (UNKNOWN,) * size)
    first, further = (spans.candidates(statements, order, start) for start in (None, span[0]))
    yield "batch: where the span of a batch ends", first.offset(_A_BATCH - 1).limit(1), {}
    yield "batch: where the next one ends", further.offset(_A_BATCH - 1).limit(1), {}
    yield "batch: whether there is another", further.limit(1), {}
    due = spans.due_in(statements, order, *span)
    keys = spans.keys(statements, due)
    root = statements.work.bound.root.id
    if statements.dialect.row_locks and not statements.work.own_columns:
        everywhere = spans.looked_up(statements)
        locking = spans.locking(statements, everywhere, order, *span)
        packed = statements.dialect.packed_locks(locking, spans.kinds_of(statements))
        sent = locking if packed is None else packed
        yield f"batch: lock what is due in a span of {root}, which goes by its keys", sent, {}
        keys = spans.keys_looked_up(statements, everywhere, order, *span)
    elif returns:
        bare = Statements(statements.dialect, statements.work, bare=True)
        yield f"batch: recheck and delete in a span of {root}", spans.returning(bare, order, *span), {}
    else:
        yield f"batch: recheck in a span of {root}", spans.found(statements, due), {}
        yield f"batch: delete in a span of {root}", spans.delete(statements, due), {}
    yield f"batch: keys of a span of {root}, for less than a batch", keys.limit(_A_BATCH), {}


def _claim(dialect: Dialect, work: Work, statements: Statements, order: Order) -> Found:
    for statement in dialect.before_keys(statements.key):
        yield "where keys are handed over", statement
    if work.remembered or (work.bound.tangled and not work.stays):
        yield "due records, written down before the first", remember(statements)
    for number, pairs in enumerate(goes_before(statements), 1):
        yield f"due records that others of them refer to ({number})", pairs
    if work.stays or not work.bound.tangled:
        at_once = _outright(dialect, statements)
        besides = [] if at_once is None else at_once.looked_at
        first = statements.find(order, None, _A_BATCH)
        behind = (UNKNOWN,) * len(statements.ordering(order))
        further = statements.find(order, behind, _A_BATCH)
        if (stretch := due_in_stretch(statements, order)) is not None:
            yield "the first and the last of the candidates, without locks", ends(first)
            yield "those of the next, behind these", ends(further)
            yield (
                "which records from the first to the last are due, without locks, where few lie between",
                stretch,
            )
        yield "candidates, without locks", first.add_columns(*besides)
        yield "the next candidates, behind these", further.add_columns(*besides)
        yield "the oldest, under --limit", statements.oldest(_A_BATCH)
    if not work.at_once:
        yield "which candidates are due, without locks", statements.screen()


def _recheck(dialect: Dialect, work: Work, statements: Statements) -> Found:
    others = ""
    if dialect.row_locks and work.at_once and not work.bound.outside and not work.moves:
        yield "lock the records, and recheck", statements.lock_due()
        others = _OTHERS
    yield from _locks(dialect, statements, others)
    yield f"recheck under the lock{others}", statements.recheck()
    if others:
        yield f"records that are due, and locked{_OTHERS}", statements.screen()
    if work.blurred:
        yield "recheck of what was written down", recheck_remembered(statements)


def _locks(dialect: Dialect, statements: Statements, others: str = "") -> Found:
    if dialect.row_locks:
        yield f"lock the records{others}", statements.lock(wait=False)
        yield "lock the records, waiting, at last", statements.lock(wait=True)
        yield f"records that are there, and locked{_OTHERS}", statements.present()


def _outright(dialect: Dialect, statements: Statements) -> Outright | None:
    """How records are rewritten that nobody else is at."""
    by_itself = statements.work.stays and statements.work.own_columns and not statements.work.remembered
    return outright(dialect, statements, None) if by_itself else None


def _recheck_rewriting(dialect: Dialect, statements: Statements) -> Found:
    """With what there is to be rewritten of each record."""
    at_once = _outright(dialect, statements)
    if at_once is not None:
        root = statements.work.bound.root.id
        yield f"recheck and rewrite records of {root}, those that are late and the others", at_once.shown
        yield "what is looked at of candidates that were found before", at_once.reading()
    if dialect.row_locks and statements.work.own_columns:
        yield "lock the records, and recheck", updating.lock_due(statements)
    yield from _locks(dialect, statements, _OTHERS)
    yield "recheck under the lock", updating.recheck(statements)


def _rewrites(dialect: Dialect, statements: Statements) -> Found:
    """Of records of which every column is rewritten; of others it sets fewer."""
    root = statements.work.bound.root.id
    update = updating.Updates(dialect, statements, None).of((True,) * len(statements.work.rewrites))
    if update.reads:
        yield f"read what the engine makes something of, of {root}", update.reading()
    others = "" if _outright(dialect, statements) is None else _OTHERS
    if statements.work.rewrites or statements.work.marker is not None:
        yield f"rewrite records of {root}{others}", update.shown
    for part in updating_parts.part_rows(dialect, statements, None):
        every = (True,) * len(part.items)
        yield f"rows of {part.table.id} that are not done", part.reading(every)
        if part.update(every).reads:
            yield (
                f"read what the engine makes something of, of rows of {part.table.id}",
                part.update(every).reading(),
            )
        yield f"rewrite rows of {part.table.id}, by their own keys", part.update(every).shown


def _parts_before(dialect: Dialect, parts: Sequence[Table], statements: Statements) -> Found:
    for part in parts:
        if dialect.row_locks:
            yield f"lock rows of {part.id}", statements.lock_part(part, wait=False, at_once=True)
            yield f"lock rows of {part.id}{_OTHERS}", statements.lock_part(part, wait=False)
            yield f"records whose rows of {part.id} are free", statements.roots_of_part(part, locking=True)
            yield f"records with rows of {part.id}", statements.roots_of_part(part, locking=False)
            yield f"count rows of {part.id}", statements.count_part(part)


def _copies(dialect: Dialect, statements: Statements) -> Found:
    """Of records that are moved to a vault, before they are deleted here."""
    if not statements.work.moves:
        return
    moves = Moves(dialect, statements, None)
    yield f"records that are in {moves.there.name} already", moves.there.statement
    for copy in moves.copies:
        yield f"copy rows of {copy.source.id} to {copy.target.id}", copy.statement


def _deletes(dialect: Dialect, connection: Connection, work: Work, statements: Statements) -> Found:
    looks = LookAgain(dialect, connection, statements).looks
    for look in looks:
        yield f"what refers by {described(look.reference)} would refer to", look.values
    for item in work.bound.loosened:
        loosening, what = Loosening(dialect, statements, item), described(item.reference)
        yield from _changes(
            f"loosen rows that refer to others that go, by {what}", loosening.among, loosening
        )
    for member in statements.members:
        emptying = Emptying(dialect, statements, member)
        what = "records" if member.id == work.bound.root.id else "rows"
        lookup = None if emptying.direct else emptying.lookup
        yield from _changes(f"delete {what} of {member.id}", lookup, emptying)
    for look in looks:
        yield f"rows that refer by {described(look.reference)} by now", look.rows
    if not work.moves:
        yield from _shared(SharedParts(dialect, connection, statements))


def _shared(parts: SharedParts) -> Found:
    """Rows that go after the records; what they are is looked up before those go."""
    for each in parts.leaving:
        table = each.item.table.id
        for query in each.led_to:
            yield f"before that, rows of {table} that the records refer to", query
        yield f"rows of {table} to which nothing refers any more", each.free
        if parts.locking:
            yield f"lock rows of {table}", each.lock
        yield f"delete rows of {table}", each.delete if each.keyed is None else each.keyed.listed
        for reference, values, by_now in each.referring:
            yield f"what refers by {described(reference)} would refer to", values
            yield f"rows that refer by {described(reference)} by now", by_now


def _changes(what: str, lookup: Any, step: Emptying | Loosening) -> Found:
    """One statement; or, by the rows' own keys, those that are looked up, in lists or one by one."""
    if step.keyed is None:
        yield what, step.statement
        return
    if lookup is not None:
        yield f"look up, to {what}", lookup
    yield what, step.keyed.listed
    yield f"one by one: {what}{_OTHERS}", step.keyed.one


def printed(dialect: Dialect, shown: Sequence[Shown]) -> tuple[tuple[str, str], ...]:
    """(purpose, SQL)."""
    return tuple(
        (purpose, statement if isinstance(statement, str) else dialect.shown(statement, given))
        for purpose, statement, given in shown
    )
