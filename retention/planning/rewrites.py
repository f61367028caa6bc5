"""Which columns of a record a rule still has to rewrite, and whether all of it is done."""

from __future__ import annotations

from dataclasses import dataclass

from retention.model import predicate as p
from retention.model.catalogue import Column
from retention.model.strategy import Strategy
from retention.planning.bound import Job
from retention.planning.stops import Stops


@dataclass(frozen=True, kw_only=True)
class Rewrite:
    """A column of the root, how it is rewritten, and `open`, plain: it has to be, in this row."""

    column: Column
    strategy: Strategy
    open: p.Test


class Rewrites(Stops):
    """Tests of one connector's jobs that rewrite."""

    def rewrites(self, job: Job, root: p.Source) -> tuple[Rewrite, ...]:
        """Every column that the job rewrites; none of a job that deletes."""
        if not job.rule.rewrites:
            return ()
        return tuple(
            Rewrite(
                column=item.column,
                strategy=item.strategy,
                open=self._open(job, root, item.column, item.strategy),
            )
            for item in job.bound.rewriting
        )

    def all_done(self, job: Job, root: p.Source) -> p.Test:
        """Plain: no column is left."""
        return p.All(items=tuple(p.Untrue(item=each.open) for each in self.rewrites(job, root)))

    def _open(self, job: Job, root: p.Source, column: Column, strategy: Strategy) -> p.Test:
        field = _of(root, column)
        undone = p.Untrue(item=p.IsDone(field=field, strategy=strategy))
        if strategy.told:
            return undone
        return p.All(items=(undone, p.Untrue(item=self._marked(job, root))))

    def _marked(self, job: Job, root: p.Source) -> p.Test:
        """Plain: the record was rewritten on a later day than that on which the rule's clock ended."""
        done = job.bound.done
        assert done is not None, "binding wants a marker for what no value tells"
        marker = _of(root, done)
        day = p.LatestDay(
            own=(p.OwnField(field=marker),),
            related=(),
            timezone=job.rule.timezone,
            naive=job.bound.connector.timezone,
        )
        there = p.Not(item=p.IsNull(item=marker))
        ended = self._endings(job, root)
        if not ended:
            return there
        after = p.EndsAfter(left=(p.Ending(come=there, latest=day),), right=ended)
        return p.All(items=(there, p.IsTrue(item=after)))


def _of(root: p.Source, column: Column) -> p.Field:
    return p.Field(source=root, column=column.name, kind=column.kind, type=column.type)
