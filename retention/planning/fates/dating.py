"""By which days a job's records are found, shown and ordered, and since when they are late."""

from __future__ import annotations

import abc

from retention.model import predicate as p
from retention.planning.binding.bound import Component, Job
from retention.planning.fates.cases import Case
from retention.planning.fates.chained import Chained
from retention.planning.fates.limbs import cutoff
from retention.planning.fates.results import cases


class Dating(Chained, abc.ABC):
    """Dates of one connector's jobs."""

    def reaches(self, job: Job, root: p.Source) -> tuple[p.Reaches, ...]:
        """Bare-column comparisons that every due record passes; none where several events, or other rows, decide."""
        lines: list[p.Line] = []
        component: Component | None = None
        for case in cases(job.rule, job.bound, job.told):
            if (
                len(case.limbs) != 1
                or case.rests_on_told(case.limbs[0])
                or case.variant.instructed is not None
            ):
                return ()
            (limb,) = case.limbs
            components = job.bound.events[limb.event]
            if len(components) != 1 or components[0].hops or component not in (None, components[0]):
                return ()
            component = components[0]
            keep = case.variant.keep
            line = self._now_line(case)
            if limb.keep and keep is not None:
                line = self._line(case, cutoff(self._as_of, case.variant.counting(keep)))
            lines.append(line)
        if component is None:
            return ()
        latest = max(lines, key=lambda line: (line.day, line.instant))
        widest = p.Line(
            day=max(line.day for line in lines),
            instant=max(line.instant for line in lines),
            naive=None
            if latest.naive is None
            else max(line.naive for line in lines if line.naive is not None),
        )
        return (p.Reaches(field=self._field(root, component), cutoff=widest),)

    def late(self, job: Job, root: p.Source) -> p.Test:
        """Of a record whose clock has ended: it is there for longer than carrying the rule out may take."""
        found = []
        for case in cases(job.rule, job.bound, job.told):
            guard, late = self.guard(case, root), self.overdue(case, root)
            found.append(late if guard is None else p.All(items=(guard, late)))
        return p.AnyOf(items=tuple(found))

    def dated_by(self, job: Job, root: p.Source) -> p.LatestDay:
        """The day of the record's event, for showing and ordering: of `from`, else of the first that ends it."""
        case = self.base(job)
        named = next((name for name in job.rule.base.events if name not in job.told), "")
        return self.latest_day(case, named, root)

    def component_state(self, case: Case, root: p.Source, component: Component, state: p.State) -> p.Test:
        """Whether `component` of an event is in `state` for this record today, in the variant's zone."""
        return self.component(case, component, root, state, self._now_line(case))

    def readable(self, case: Case, related: p.RelatedField) -> p.RelatedField:
        """The same, of those rows alone whose date can be read and does not lie before the first day."""
        states = (p.State.PAST, p.State.RECENT)
        known = p.AnyOf(
            items=tuple(self._dated(case, related.field, s, self._now_line(case)) for s in states)
        )
        return p.RelatedField(field=related.field, where=p.All(items=(related.where, known)))

    def base(self, job: Job) -> Case:
        """The rule itself, without its exceptions."""
        return cases(job.rule, job.bound, job.told)[-1]
