"""Plans as they were stored, and who approved what of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from retention.errors import RetentionError
from retention.store.schema import approval, plan


@dataclass(frozen=True, kw_only=True)
class StoredPlan:
    """A plan, whole: `body` is JSON. `used_by`: the run that carried it out, if one did."""

    id: str
    digest: str
    as_of: datetime
    created: datetime
    policy: str
    body: str
    used_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class ApprovalRow:
    """A person's approval of one rule of one plan. `form`, `target`, `schema` are hashes.

    `over_limit`: it names the limit that the plan exceeds. `records`: never more than these.
    """

    plan: str
    rule: str
    form: str
    target: str
    schema: str
    by: str
    at: datetime
    over_limit: bool
    records: int


class PlansReading:
    """Stored plans, for reading."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, id: str) -> StoredPlan | None:
        """The plan of this id; None where there is none."""
        row = self._connection.execute(select(plan).where(plan.c.id == id)).one_or_none()
        return None if row is None else _plan(row)

    def newest(self, limit: int = 50) -> list[StoredPlan]:
        """Stored plans, newest first."""
        query = select(plan).order_by(plan.c.number.desc()).limit(limit)
        return [_plan(row) for row in self._connection.execute(query)]


class Plans(PlansReading):
    """Stored plans, within a write transaction."""

    def put(self, stored: StoredPlan) -> None:
        """Store a plan. The same plan again is no error; another one under its id is (RetentionError)."""
        old = self.get(stored.id)
        if old is None:
            self._connection.execute(insert(plan), asdict(stored))
        elif old.digest != stored.digest:
            raise RetentionError(f"there is another plan {stored.id} already")

    def mark_used(self, id: str, run: str) -> None:
        """Say which run carried a plan out. Raises RetentionError where another did, or there is none."""
        query = update(plan).where(plan.c.id == id, plan.c.used_by.is_(None) | (plan.c.used_by == run))
        if self._connection.execute(query, {"used_by": run}).rowcount != 1:
            raise RetentionError(f"plan {id} is not there, or was carried out already")


class ApprovalsReading:
    """Approvals, for reading."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, plan: str) -> list[ApprovalRow]:
        """Every approval of this plan, oldest first."""
        query = select(approval).where(approval.c.plan == plan).order_by(approval.c.number)
        return [_approval(row) for row in self._connection.execute(query)]

    def of_form(self, rule: str, form: str) -> ApprovalRow | None:
        """The newest approval of a rule in just this resolved form."""
        query = (
            select(approval)
            .where(approval.c.rule == rule, approval.c.form == form)
            .order_by(approval.c.number.desc())
            .limit(1)
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _approval(row)

    def all_of_form(self, rule: str, form: str) -> list[ApprovalRow]:
        """All approvals of a rule in this form, newest first: it may reach several targets."""
        query = (
            select(approval)
            .where(approval.c.rule == rule, approval.c.form == form)
            .order_by(approval.c.number.desc())
        )
        return [_approval(row) for row in self._connection.execute(query)]


class Approvals(ApprovalsReading):
    """Approvals, within a write transaction."""

    def add(self, row: ApprovalRow) -> None:
        """Record an approval."""
        self._connection.execute(insert(approval), asdict(row))


def _plan(row: Row[Any]) -> StoredPlan:
    return StoredPlan(**_without_number(row))


def _approval(row: Row[Any]) -> ApprovalRow:
    return ApprovalRow(**_without_number(row))


def _without_number(row: Row[Any]) -> dict[str, Any]:
    fields = dict(row._mapping)
    del fields["number"]
    return fields
