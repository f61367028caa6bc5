"""When one rule's clock ends for one record: each limb, with its exact days, read off the rule's own predicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from retention import periods
from retention.connectors.port import Answers, Dates, Person
from retention.connectors.sql.records import typed_key
from retention.model.clock import Clock
from retention.model.explanation import Component, ConditionView, FactView, LimbView
from retention.planning.binding.bound import BoundDataset, Job
from retention.planning.fates.cases import Case, Limb
from retention.planning.fates.reasons import Questions, Reasons
from retention.planning.fates.shared_fates import SharedFates
from retention.planning.work import Work, work
from retention.safety import tellings
from retention.safety.carrying import Named
from retention.safety.tellings import Known
from retention.verbs.opening.prepared import Prepared
from retention.verbs.persons.spoken import Words, fates_of

TRUTHS = {True: "true", False: "false", None: "unknown"}


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one rule finds in one record. `decided`: the rule reaches the record, and it is known which variant holds.

    `case`: that variant, or the rule itself where it is not known (`varied`). `defers`: whether `defer_while` is true,
    None for unknown, False where there is none. Days as in RuleView.
    """

    case: Case
    varied: bool
    decided: bool
    conditions: tuple[ConditionView, ...]
    facts: tuple[FactView, ...]
    components: tuple[Component, ...]
    limbs: tuple[LimbView, ...]
    at_most: date | None
    defers: bool | None
    defers_until: date | None
    instructed: str | None

    @property
    def dated(self) -> list[LimbView]:
        """The limbs that end the clock: those that have come, else those whose day is known."""
        if not self.decided:
            return []
        come = [limb for limb in self.limbs if limb.state == "come"]
        return come or [limb for limb in self.limbs if limb.state == "ahead" and limb.due_on is not None]

    @property
    def due_on(self) -> str | None:
        """The first day on which the clock has ended."""
        return min((limb.due_on for limb in self.dated if limb.due_on is not None), default=None)

    @property
    def until(self) -> str | None:
        """The first day on which the rule keeps the record no more, as far as that is known today."""
        due_on = self.due_on
        if due_on is None or self.defers is False:
            return due_on
        return None if self.defers_until is None else max(due_on, self.defers_until.isoformat())


class Reader:
    """Reads records of the jobs of one connector, with what people told, as of one instant."""

    def __init__(self, ready: Prepared, said: Words, as_of: datetime) -> None:
        self.ready = ready
        self.said = said
        self.as_of = as_of
        self.jobs = ready.jobs()
        self._known: dict[str, tuple[Reasons, Work]] = {}
        self._readings: dict[tuple[str, str], Reading] = {}

    def job(self, rule: str, bound: BoundDataset) -> Job | None:
        """The rule's job on the dataset."""
        return next((j for j in self.jobs if j.rule.name == rule and j.bound is bound), None)

    def asking(self, job: Job) -> tuple[Reasons, Work]:
        """What asks about the job's predicates, and these themselves, which are those of a plan."""
        if job.name not in self._known:
            asking = self.ready, self.jobs, job, self.as_of, self.said
            made = work(fates_of(*asking, SharedFates), job)
            self._known[job.name] = fates_of(*asking, Reasons), replace(made, lists=self.said.lists)
        return self._known[job.name]

    def ask(self, job: Job, key: str, questions: Questions) -> Answers:
        """Answers about the record `key`."""
        item = self.asking(job)[1]
        return self.ready.targets[job.bound.connector.name].ask(item, key, questions)

    def person(self, bound: BoundDataset, key: str) -> Person | None:
        """Whom the record is about."""
        target = self.ready.targets[bound.connector.name]
        return next(iter(target.persons(bound, {}, [typed_key(bound.key, key)])), None)

    def reading(self, job: Job, key: str) -> Reading:
        """What the job's rule finds in the record."""
        place = job.name, key
        if place not in self._readings:
            self._readings[place] = self._read(job, key)
        return self._readings[place]

    def _read(self, job: Job, key: str) -> Reading:
        reasons, item = self.asking(job)
        written = reasons.conditions(job, item.root)
        holding = self.ask(job, key, Questions(tests=reasons.holds_for(job, item.root))).tests
        every = reasons.cases(job)
        case = next((case for case in every if holding[str(case.place)]), None)
        shown = case or every[-1]
        asked = reasons.variant(shown, item.root)
        tests = {name: test for name, (_, test) in written.items()}
        answers = self.ask(job, key, replace(asked, tests={**asked.tests, **tests}))
        conditions = {name: condition for name, (condition, _) in written.items()}
        if shown.variant.defer_while is not None:
            conditions["defer_while"] = shown.variant.defer_while
        states = {name: answers.tests["defers" if name == "defer_while" else name] for name in conditions}
        own = [condition for name, condition in conditions.items() if name != "dataset.where"]
        facts = self.ask(job, key, reasons.facts(job, item.root, own))
        limbs = _Limbs(self, job, key, shown, answers)
        views = limbs.views()
        at_most, near = limbs.at_most()
        reached = all(states.get(name, True) is True for name in ("dataset.where", "where"))
        return Reading(
            case=shown,
            varied=case is None,
            decided=case is not None and reached,
            conditions=tuple(
                ConditionView(key=name, text=condition.text, state=TRUTHS[states[name]])
                for name, condition in conditions.items()
            ),
            facts=(
                *(FactView(name=name, value=value) for name, value in facts.values.items()),
                *(FactView(name=name, value=TRUTHS[truth]) for name, truth in facts.tests.items()),
            ),
            components=tuple(limbs.components),
            limbs=views,
            at_most=at_most,
            defers=answers.tests.get("defers", False),
            defers_until=near,
            instructed=limbs.instructed,
        )


class _Limbs:
    """The limbs of one variant for one record."""

    def __init__(self, reader: Reader, job: Job, key: str, case: Case, answers: Answers) -> None:
        self._reader, self._job, self._key, self._case = reader, job, key, case
        self._answers = answers
        self.components: list[Component] = []
        self._events: dict[str, Known] = {}
        self.instructed = answers.values.get("written")

    def views(self) -> tuple[LimbView, ...]:
        """Each limb; `keep` first."""
        case = self._case
        reasons, item = self._reader.asking(self._job)
        asked = {limb: reasons.limb(case, limb, item.root) for limb in case.limbs}
        answers = {limb: self._ask(questions) for limb, questions in asked.items()}
        if case.variant.event is not None and not case.variant.keeping:
            self._event(case.variant.event, self._ask(reasons.begin(case, item.root)))
        for limb, found in answers.items():
            self._event(limb.event, found)
        return tuple(self._view(limb, found) for limb, found in answers.items())

    def at_most(self) -> tuple[date | None, date | None]:
        """The last day at the latest, and the first on which it is near."""
        variant = self._case.variant
        day = self._begin_day
        if variant.at_most is None or day is None:
            return None, None
        clock = variant.counting(variant.at_most)
        return periods.ended_day(day, clock), periods.nearing_day(day, clock, variant.within)

    # -- limbs -----------------------------------------------------------------------------

    def _view(self, limb: Limb, found: Answers) -> LimbView:
        come, unclear = found.tests["come"] is True, found.tests["unclear"] is True
        if limb.keep:
            return self._keep(limb, come=come, unclear=unclear)
        return self._ending(limb, come=come, unclear=unclear)

    def _keep(self, limb: Limb, *, come: bool, unclear: bool) -> LimbView:
        day = self._begin_day
        clock = self._clock
        bare = LimbView(kind="keep", event=limb.event, state="missing", day=_iso(day))
        state = "come" if come else "unclear" if unclear else "ahead" if self._begin.moments else "missing"
        if day is None or clock is None:
            return replace(bare, state=state)
        ended = periods.ended_day(day, clock)
        since = ended
        if limb.event in self._case.told:
            since = tellings.since_told(self._begin, ended, self._case.variant, clock)
        return replace(
            bare,
            state=state,
            due_on=_iso(periods.due_day(day, clock)),
            ended=_iso(ended),
            overdue_on=_iso(tellings.late_from(since, self._case.variant)),
        )

    def _ending(self, limb: Limb, *, come: bool, unclear: bool) -> LimbView:
        variant = self._case.variant
        kind = "until" if limb.event in variant.until else "upon"
        known = self._events.get(limb.event, Known())
        counting = self._counting(limb, known)
        here = [pair for pair in counting if self._ahead(pair[0]) is not come]
        state = "come" if come else "unclear" if unclear else "ahead" if counting else "missing"
        if state == "missing" and known.moments:
            state = "unclear" if self._blurred(known) else "earlier"
        bare = LimbView(kind=kind, event=limb.event, state=state, day=_iso(self._latest(known)))
        if state not in ("come", "ahead") or not here:
            return bare
        day = min(self._day(moment) for moment, _ in here)
        late = min(tellings.late_from(self._day(since), variant) for _, since in here)
        return replace(bare, day=_iso(day), due_on=_iso(day), ended=_iso(day), overdue_on=_iso(late))

    def _counting(self, limb: Limb, known: Known) -> list[tuple[tellings.Moment, tellings.Moment]]:
        """The moments of an event that end the clock, each with the one from which `within` counts."""
        moments = known.moments
        if self._blurred(known):
            return []
        zone = self._case.variant.timezone
        begin = self._begin.moments if self._case.variant.event is not None else ()
        if limb.event in self._case.told:
            return [
                (moment, since)
                for moment, since in zip(moments, known.told, strict=True)
                if not any(tellings.later(other, moment, zone) for other in begin)
            ]
        if not moments or any(all(tellings.later(f, u, zone) for u in moments) for f in begin):
            return []
        latest = max(moments, key=lambda moment: (self._day(moment), not isinstance(moment, datetime)))
        return [(latest, latest)]

    def _blurred(self, known: Known) -> bool:
        """It can't be told whether the event counts, or when it will have happened."""
        counts_from = self._case.variant.event is not None
        return (known.unclear and not known.told) or (counts_from and self._begin.unclear)

    # -- events ----------------------------------------------------------------------------

    def _ask(self, questions: Questions) -> Answers:
        return self._reader.ask(self._job, self._key, questions)

    def _event(self, name: str, found: Answers) -> None:
        if name in self._events:
            return
        if name in self._case.told:
            self._events[name] = self._told(name)
            return
        every = self._job.bound.events[name]
        states = [_state(found.tests, place) for place in range(len(every))]
        values = [found.values[str(place)] for place in range(len(every))]
        self.components += [
            Component(
                column=component.text, value=value, state=state, event=name, related=bool(component.hops)
            )
            for component, value, state in zip(every, values, states, strict=True)
        ]
        known = tuple(
            value if state in ("past", "recent", "future") else None
            for value, state in zip(values, states, strict=True)
        )
        unclear = any(found.tests[f"{place}/unclear"] for place in range(len(every)))
        dates = Dates(key=(), values=known, unclear=unclear)
        self._events[name] = tellings.of_columns(self._job.bound, every, dates)

    def _told(self, name: str) -> Known:
        """What people told of the event that concerns the record."""
        bound, policy = self._job.bound, self._reader.ready.config.policy
        person = self._reader.person(bound, self._key)
        if person is None:
            return Known()
        zone = self._case.variant.timezone
        named = Named(self._reader.said.told.tellings, policy.identifiers)
        said = [named.tellings[place] for place in named.of(person)]
        known = tellings.concerning(bound, person, policy.told[name], said, timezone=zone)
        for moment in known.moments:
            state = "future" if self._ahead(moment) else "past"
            self.components.append(
                Component(column="told", value=moment.isoformat(), state=state, event=name)
            )
        for telling in said:
            if telling.event == name and telling.at not in known.moments:
                state = "unclear" if telling.at in known.doubtful else "early"
                self.components.append(
                    Component(column="told", value=telling.at.isoformat(), state=state, event=name)
                )
        return known

    def _ahead(self, moment: tellings.Moment) -> bool:
        """It has not happened yet: an instant counts at its own hour, a day from its beginning."""
        return tellings.later(moment, self._reader.as_of, self._case.variant.timezone)

    @property
    def _begin(self) -> Known:
        return self._events.get(self._case.variant.event or "", Known())

    @property
    def _begin_day(self) -> date | None:
        """The day that periods count from, where there is one for sure."""
        return None if self._begin.unclear else self._latest(self._begin)

    @property
    def _clock(self) -> Clock | None:
        """The clock of the limb `keep`; None where the record's own period can't be told."""
        variant = self._case.variant
        if variant.keep is not None:
            return variant.counting(variant.keep)
        times = self._answers.values.get("times")
        if variant.instructed is None or times is None:
            return None
        told = self._job.bound.periods[variant.instructed]
        return variant.counting(told.unit.period(int(Decimal(times))))

    def _latest(self, known: Known) -> date | None:
        return max((self._day(moment) for moment in known.moments), default=None)

    def _day(self, moment: tellings.Moment) -> date:
        if isinstance(moment, datetime):
            return periods.day_of(moment, self._case.variant.timezone)
        return moment


def _state(tests: Mapping[str, bool | None], place: int) -> str:
    """Where a component stands, the strongest word first."""
    order: Sequence[str] = ("future", "recent", "unclear", "past")
    return next((state for state in order if tests[f"{place}/{state}"]), "missing")


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
