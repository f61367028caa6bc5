"""The removers of a SQL database: which way the batches of a job are taken, and what they remember."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import JointRemover, Key, Making, People, Remembered, Remover, Together
from retention.connectors.sql.batches.circled_keys import RememberedCircle
from retention.connectors.sql.batches.circling import CircleRemover
from retention.connectors.sql.batches.moving import mover
from retention.connectors.sql.batches.outright import Ready
from retention.connectors.sql.batches.pages import PageRemover
from retention.connectors.sql.batches.reading_ahead import ReadingAhead
from retention.connectors.sql.batches.remembering import RememberedKeys, RememberingRemover
from retention.connectors.sql.batches.removal import KeyRemover
from retention.connectors.sql.batches.rewriting import rewriter
from retention.connectors.sql.batches.spans import SpanRemover
from retention.connectors.sql.batches.statements import Statements
from retention.connectors.sql.batches.together import RememberedTogether, TogetherRemover
from retention.connectors.sql.batches.ways import DENSE, way_of
from retention.connectors.sql.batches.written_down import goes_before, remember
from retention.connectors.sql.dialect import Dialect, Timeouts
from retention.connectors.sql.listing import Listing
from retention.connectors.sql.persons import PersonsOf
from retention.connectors.sql.predicates import Compiler
from retention.connectors.sql.untold import Untold
from retention.connectors.sql.wrapping import connected
from retention.ledger.evidence import Committer
from retention.planning.work import Work

_AT_ONCE = 5_000


class RemoversOf(PersonsOf):
    """What the batches of a target's jobs are taken with."""

    _dialect: Dialect
    _reading: sa.Engine
    _writing: sa.Engine

    @abc.abstractmethod
    def _reader(self, what: str) -> AbstractContextManager[Connection]:
        """A connection that can write nothing; `what` it is for, in an error's words."""

    def remember(self, work: Work) -> RememberedKeys:
        with self._reader(f"remembering due records of {work.bound}") as connection:
            remembered = self._written_down(connection, work)
            if work.bound.entangled and not work.stays:
                self._link(connection, work, [remembered])
                remembered.arrange()
            return remembered

    def remember_together(
        self, works: Sequence[Work]
    ) -> tuple[Sequence[RememberedKeys], RememberedTogether | None]:
        bound = works[0].bound
        with (
            contextlib.ExitStack() as stack,
            self._reader(f"remembering due records of {bound}") as connection,
        ):
            every = [self._written_down(connection, work) for work in works]
            for each in every:
                stack.callback(each.close)
            together = self._all_of(connection, works, every)
            stack.callback(together.close)
            together.divide()
            for place, each in enumerate(every):
                each.drop(together.texts(place))
                each.arrange()
            if together.counts:
                together.arrange()
            stack.pop_all()
        if not together.counts:
            together.close()
        return every, together if together.counts else None

    def _all_of(
        self, connection: Connection, works: Sequence[Work], every: Sequence[RememberedKeys]
    ) -> RememberedTogether:
        """What the jobs have written down, and which of these refer to which."""
        datasets = {str(work.bound): work for work in reversed(works)}
        if len(datasets) == 1:
            together = RememberedTogether(every)
            self._link(connection, works[0], [*every, together])
            return together
        numbers = {name: number for number, name in enumerate(datasets)}
        circle = RememberedCircle(every, [numbers[str(work.bound)] for work in works])
        for name, work in datasets.items():
            own = [each for each, other in zip(every, works, strict=True) if other.bound is work.bound]
            self._link(connection, work, own)
            compiler = Compiler(self._dialect, lists=work.lists)
            here = ((work.bound, pairs) for pairs in work.goes_before)
            for of, pairs in (*here, *work.leading_here):
                if str(of) in numbers:
                    rows = connection.execute(compiler.pairs(pairs).execution_options(yield_per=_AT_ONCE))
                    for some in rows.partitions(_AT_ONCE):
                        circle.lead(some, len(of.key), numbers[str(of)], numbers[name])
        return circle

    def _written_down(self, connection: Connection, work: Work) -> RememberedKeys:
        query = remember(Statements(self._dialect, work)).execution_options(yield_per=_AT_ONCE)
        return RememberedKeys(connection.execute(query), len(work.bound.key), len(work.own_ends))

    def _link(self, connection: Connection, work: Work, every: Sequence[RememberedKeys]) -> None:
        """Each is told which of its records refer to which."""
        for pairs in goes_before(Statements(self._dialect, work)):
            rows = connection.execute(pairs.execution_options(yield_per=_AT_ONCE))
            for some in rows.partitions(_AT_ONCE):
                for each in every:
                    each.link(some, len(work.bound.key))

    @contextlib.contextmanager
    def remover(
        self,
        work: Work,
        committer: Committer,
        remembered: Remembered | None = None,
        *,
        share: float = 0.0,
        people: People | None = None,
        special: Sequence[Key] = (),
        making: Making | None = None,
        left: Callable[[], float | None] = lambda: None,
    ) -> Iterator[Remover]:
        timeouts = Timeouts(left=left)
        with contextlib.ExitStack() as stack:
            connection = stack.enter_context(connected(self._dialect, self._writing, self.name))
            if remembered is None and work.bound.entangled and making is None:
                remembered = stack.enter_context(contextlib.closing(self.remember(work)))
            listing = None
            if people is not None:
                listing = Listing(self._dialect, connection, self.catalogue(), work, people, special)
            dense = share >= DENSE
            given = self._dialect, connection, work, committer, timeouts
            if making is not None and not work.moves:
                reading = None
                if self._dialect.row_locks and remembered is None and listing is None and work.own_columns:
                    reading = stack.enter_context(connected(self._dialect, self._reading, self.name))
                ahead = ReadingAhead[Ready](self._dialect, reading)
                stack.enter_context(contextlib.closing(ahead))
                yield rewriter(*given, making, remembered, ahead=ahead, dense=dense, listing=listing)
                return
            untold = None if people is None else Untold(self._dialect, work.bound, people, special)
            if making is not None:
                yield mover(*given, making, remembered, dense=dense, listing=listing, untold=untold)
                return
            if isinstance(remembered, RememberedKeys):
                yield RememberingRemover(*given, remembered, listing=listing)
                return
            apart = untold is None or untold.told_apart
            way = way_of(self._dialect, connection, work, dense) if apart else KeyRemover
            if way is SpanRemover and untold is not None and not untold.few:
                way = KeyRemover
            if way is PageRemover and (physical := self._dialect.physical) is not None:
                yield PageRemover(physical, *given, listing=listing, untold=untold)
            elif way is SpanRemover:
                yield SpanRemover(*given, dense=dense, listing=listing, untold=untold)
            else:
                yield KeyRemover(*given, dense=dense, listing=listing, untold=untold)

    @contextlib.contextmanager
    def joint_remover(
        self,
        works: Mapping[int, Work],
        committers: Mapping[int, Committer],
        together: Together,
        *,
        people: Mapping[int, tuple[People | None, Sequence[Key]]],
        left: Callable[[], float | None] = lambda: None,
    ) -> Iterator[JointRemover]:
        assert isinstance(together, RememberedTogether)
        if isinstance(together, RememberedCircle):
            works = {place: work.together for place, work in works.items()}
        with connected(self._dialect, self._writing, self.name) as connection:
            given = self._dialect, connection
            listings: dict[int, Listing | None] = {}
            for place, work in works.items():
                told, special = people[place]
                listings[place] = (
                    None
                    if told is None
                    else Listing(self._dialect, connection, self.catalogue(), work, told, special)
                )
            timeouts = Timeouts(left=left)
            if isinstance(together, RememberedCircle):
                yield CircleRemover(*given, works, committers, timeouts, together, listings)
                return
            committer = next(iter(committers.values()))
            yield TogetherRemover(*given, works, committer, timeouts, together, listings)
