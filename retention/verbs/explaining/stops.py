"""What stops a rule from acting on one record, or acts in its place: by name, with the records and rows concerned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from retention.connectors.port import RecordView
from retention.model.explanation import ColumnView, HoldView, Stopper
from retention.model.told import Hold, Told
from retention.planning.binding.bound import BoundDataset, Job, Outside
from retention.planning.binding.reach import described
from retention.planning.circles import waiting
from retention.planning.fates.chains import DELETE, actions, chain, only_deletes, removes
from retention.planning.fates.reasons import Questions, Rows
from retention.planning.fates.stops import Keeper
from retention.safety import holds
from retention.verbs.explaining.dates import Reader
from retention.verbs.persons.spoken import words

SOON = "will need"
"""How a rule keeps a record of another that this plan restricts."""
NAMED = 20
"""So many holds are named at the most."""


class Stops:
    """What stops a job on a record of one dataset."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def of(self, job: Job, key: str, view: RecordView, held: Sequence[HoldView]) -> tuple[Stopper, ...]:
        """What the fate rests on, where it is one that something stops: what stops the first action of its chain."""
        if view.fate == "elsewhere":
            return tuple(self._instead(job, key, self.chosen(job, key) or DELETE))
        found = tuple(self._stopping(job, key, view, held))
        first = self.first(job, key) if found else None
        return tuple(replace(stopper, action=first) for stopper in found)

    def _stopping(self, job: Job, key: str, view: RecordView, held: Sequence[HoldView]) -> Iterator[Stopper]:
        match view.fate:
            case "held":
                for hold in held:
                    yield Stopper(kind="held", by=hold.id, reason=hold.reason, review=hold.review)
                if held and len(self._chain(job, key)) == 1:  # what would stop it, once they are released
                    yield from self._kept(job, key, "retained")
                    yield from self._leaving(job, key, view)
            case "retained" | "conflict":
                yield from self._kept(job, key, view.fate)
                yield from self._leaving(job, key, view)
            case "referenced":
                yield from self._hanging_on(job, key, view)
            case "due" | "done" if self.fell_through(job, key):
                if DELETE in actions(job):
                    yield from self._kept(job, key, "retained")
                yield from self._hanging_on(job, key, view)

    def _leaving(self, job: Job, key: str, view: RecordView) -> Iterator[Stopper]:
        """What else keeps it today, where it is to leave its tables."""
        if removes(self.first(job, key), job.bound):
            yield from self._hanging_on(job, key, view)

    def _hanging_on(self, job: Job, key: str, view: RecordView) -> Iterator[Stopper]:
        yield from self._referring(job, key, view)
        yield from self._sharing(job, key)

    def chosen(self, job: Job, key: str) -> str | None:
        """The action that the record's chain comes to; None where all are stopped, or its clock has not ended."""
        if only_deletes(job):
            return DELETE
        reasons, item = self._reader.asking(job)
        ways = dict(enumerate(reasons.open_ways(job, item.root)))
        tests = {str(place): way.test for place, way in ways.items()}
        answers = self._reader.ask(job, key, Questions(tests=tests)).tests
        return next((way.action for place, way in ways.items() if answers[str(place)] is True), None)

    def fell_through(self, job: Job, key: str) -> bool:
        """An action before the one that the chain comes to is stopped."""
        said = self._chain(job, key)
        return len(said) > 1 and self.chosen(job, key) not in (None, said[0])

    def first(self, job: Job, key: str) -> str:
        """The first action that the rule tries on the record, or says, where its dataset spells out none of them."""
        return self._chain(job, key)[0]

    def _chain(self, job: Job, key: str) -> tuple[str, ...]:
        variant = self._reader.reading(job, key).case.variant
        return chain(job.rule, variant, job.bound) or (variant.action,)

    # -- rules -----------------------------------------------------------------------------

    def _kept(self, job: Job, key: str, kind: str) -> Iterable[Stopper]:
        reasons, item = self._reader.asking(job)
        case = self._reader.reading(job, key).case
        return self._keeping(job, key, reasons.kept_by(job, item.root, case), kind)

    def _keeping(self, job: Job, key: str, every: Sequence[Keeper], kind: str) -> Iterator[Stopper]:
        """Those of the keepers that keep something of the record."""
        reasons, _ = self._reader.asking(job)
        keepers = dict(enumerate(every))
        tests = {str(place): keeper.test for place, keeper in keepers.items()}
        answers = self._reader.ask(job, key, Questions(tests=tests)).tests
        for place, keeper in keepers.items():
            if answers[str(place)] is not True:
                continue
            stopper = Stopper(kind=kind, by=keeper.rule.name)
            if keeper.owner is None:
                yield replace(stopper, until=self._until(keeper.rule.name, keeper.bound, (key,)))
                continue
            rows = reasons.records_of(keeper.owner, keeper.test, _key(keeper.bound))
            count, some = self._rows(job, key, rows)
            known = count == len(some) and not keeper.once_restricted  # by the clocks of where they are
            yield replace(
                stopper,
                dataset=str(keeper.bound),
                how=_how(keeper),
                count=count,
                rows=some,
                until=self._until(keeper.rule.name, keeper.bound, some) if known else None,
            )

    def columns(self, job: Job, key: str) -> tuple[ColumnView, ...]:
        """What is to be done with each column that the job rewrites, of a record that it comes to rewriting."""
        reasons, item = self._reader.asking(job)
        case = self._reader.reading(job, key).case
        needed = {name: test for name, test in reasons.needed(job, item.root).items() if test is not None}
        opens = {each.name: each.open for each in (*item.rewrites, *item.part_rewrites)}
        # Two statements: the one's tests and the other's are made apart, and may give two things the same name.
        is_open = self._reader.ask(job, key, Questions(tests=opens)).tests
        is_needed = self._reader.ask(job, key, Questions(tests=needed)).tests
        found: list[ColumnView] = []
        keeping: dict[int, tuple[Stopper, ...]] = {}
        for each in job.bound.rewriting:
            if not is_needed.get(each.name):
                state = "open" if is_open[each.name] else "done"
                found.append(ColumnView(name=each.name, state=state))
                continue
            by = id(needed[each.name])  # what the same rules need has the very same test
            if by not in keeping:
                keepers = reasons.needed_by(job, item.root, case, each.cell)
                keeping[by] = tuple(self._keeping(job, key, keepers, "retained"))
            names = tuple(dict.fromkeys(stopper.by for stopper in keeping[by]))
            until = _latest([stopper.until for stopper in keeping[by]])
            later = all(stopper.how == SOON for stopper in keeping[by])
            found.append(
                ColumnView(
                    name=each.name, state="will be needed" if later else "needed", by=names, until=until
                )
            )
        return tuple(found)

    def _instead(self, job: Job, key: str, action: str) -> Iterable[Stopper]:
        reasons, item = self._reader.asking(job)
        every = reasons.acting(job, item.root, action)
        tests = {str(place): each.test for place, each in enumerate(every)}
        answers = self._reader.ask(job, key, Questions(tests=tests)).tests
        for place, each in enumerate(every):
            if answers[str(place)] is not True:
                continue
            if each.owner is None:
                yield Stopper(kind="elsewhere", by=each.rule.name if each.rule else str(each.bound))
                continue
            rows = reasons.records_of(each.owner, each.test, _key(each.bound))
            count, some = self._rows(job, key, rows)
            by = each.rule.name if each.rule is not None else str(each.bound.root.id)
            yield Stopper(kind="elsewhere", by=by, dataset=str(each.bound), count=count, rows=some)

    # -- rows ------------------------------------------------------------------------------

    def _referring(self, job: Job, key: str, view: RecordView) -> Iterable[Stopper]:
        reasons, item = self._reader.asking(job)
        for outside in job.bound.outside:
            name = described(outside.reference)
            if name not in view.referring:
                continue
            count, some = view.referring[name]
            source, linked = reasons.linked(job, item.root, outside)
            every, _ = self._rows(job, key, Rows(source=source, where=linked, key=()))
            until = None
            if count == len(some):
                until = self._gone_by(job, outside.reference.table, some)
            later = self._later(job, key, outside)
            yield Stopper(
                kind="referenced",
                by=name,
                count=count,
                rows=some,
                going=max(0, every - count),
                later=later,
                until=until if later < count else None,
            )

    def _later(self, job: Job, key: str, outside: Outside) -> int:
        """How many of the rows go later in the same run: the datasets refer to each other."""
        if not any(job.bound in circle for circle in waiting(self._reader.ready.bound)):
            return 0
        reasons, item = self._reader.asking(job)
        found = reasons.later(job, item.root, outside)
        return 0 if found is None else self._rows(job, key, Rows(source=found[0], where=found[1], key=()))[0]

    def _sharing(self, job: Job, key: str) -> Iterable[Stopper]:
        reasons, item = self._reader.asking(job)
        shared = reasons.shared(job, item.root)
        tests = {str(place): test for place, (_, test) in enumerate(shared)}
        answers = self._reader.ask(job, key, Questions(tests=tests)).tests
        for place, (share, test) in enumerate(shared):
            if answers[str(place)] is True:
                rows = reasons.records_of(share.owner, test, _key(share.other))
                count, some = self._rows(job, key, rows)
                yield Stopper(
                    kind="shared",
                    by=str(share.table),
                    dataset=str(share.other),
                    how="shares",
                    count=count,
                    rows=some,
                    until=self._clocks_end(share.other, some) if count == len(some) else None,
                )

    def _rows(self, job: Job, key: str, rows: Rows) -> tuple[int, tuple[str, ...]]:
        return self._reader.ask(job, key, Questions(rows={"rows": rows})).rows["rows"]

    # -- until when ------------------------------------------------------------------------

    def _until(self, rule: str, bound: BoundDataset, keys: Iterable[str]) -> str | None:
        """The first day on which the rule keeps none of the records any more."""
        job = self._reader.job(rule, bound)
        days = [None if job is None else self._reader.reading(job, key).until for key in keys]
        return _latest(days)

    def _gone_by(self, job: Job, table: object, keys: Sequence[str]) -> str | None:
        """The day on which the clocks of records that refer have all ended, where rows of `table` are records."""
        found = [
            bound
            for bound in self._reader.ready.bound
            if bound.connector.name == job.bound.connector.name and bound.root.id == table
        ]
        if len(found) != 1 or tuple(found[0].root.key) != _key(found[0]):
            return None
        return self._clocks_end(found[0], keys)

    def _clocks_end(self, bound: BoundDataset, keys: Iterable[str]) -> str | None:
        """The first day on which every rule's clock has ended for all of the records; None where one is not known,
        where no rule deletes them, and where that has been: they stay for another reason."""
        jobs = [j for j in self._reader.jobs if j.bound is bound]
        if not any(DELETE in actions(job) for job in jobs):
            return None
        days: list[str | None] = []
        for key in keys:
            readings = [self._reader.reading(job, key) for job in jobs]
            keeping = [
                r
                for r in readings
                if not r.case.variant.upon
                and not any(c.key == "where" and c.state == "false" for c in r.conditions)
            ]
            days += [reading.until for reading in keeping] or [None]
        day = _latest(days)
        return None if day is None or day <= self._reader.as_of.date().isoformat() else day


def covering(reader: Reader, job: Job, key: str) -> tuple[HoldView, ...]:
    """Every hold that covers the record, due or not: found by halves, with the test that its fate is made of."""
    told = reader.said.told
    if not told.holds or not _held(reader, job, key, told):
        return ()
    found: list[HoldView] = []
    waiting: list[Sequence[Hold]] = [told.holds]
    person = reader.person(job.bound, key)
    while waiting and len(found) < NAMED:
        some = waiting.pop()
        if len(some) > 1:
            middle = len(some) // 2
            waiting += [
                half
                for half in (some[middle:], some[:middle])
                if _held(reader, job, key, replace(told, holds=half, tellings=()))
            ]
            continue
        (hold,) = some
        names = person is not None and holds.names(person.identifiers, holds.people(some))
        cover = hold.cover
        itself = cover.key is not None and cover.dataset == str(job.bound) and cover.key == key
        whole = cover.key is None and (
            cover.dataset == str(job.bound)
            or cover.data == job.bound.dataset.data
            or any(cover.rule == rule.name for rule in job.every)
        )
        review = None if hold.review is None else hold.review.isoformat()
        through = not (names or itself or whole)
        found.append(HoldView(id=hold.id, reason=hold.reason.value, review=review, through=through))
    return tuple(sorted(found, key=lambda hold: (hold.through, hold.id)))


def _held(reader: Reader, job: Job, key: str, told: Told) -> bool:
    if told is not reader.said.told:
        _, said = words(reader.ready, told, reader.as_of)
        reader = Reader(reader.ready, said, reader.as_of)
    reasons, item = reader.asking(job)
    test = reasons.held(job.bound, item.root)
    return test is not None and reader.ask(job, key, Questions(tests={"held": test})).tests["held"] is True


def _how(keeper: Keeper) -> str:
    if keeper.once_restricted:
        return SOON
    return "needs" if keeper.needs else "shares"


def _key(bound: BoundDataset) -> tuple[str, ...]:
    return tuple(column.name for column in bound.key)


def _latest(days: Sequence[str | None]) -> str | None:
    known = [day for day in days if day is not None]
    return max(known) if known and len(known) == len(days) else None
