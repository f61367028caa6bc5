"""`[rules.NAME]` and its exceptions: tables, and drafts that survive mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import Field, PlainValidator

from retention.config.policy import rule_values as spelt
from retention.config.policy.rule_values import NONE, PeriodName
from retention.config.policy.schedules import schedule
from retention.config.reading import values
from retention.config.reading.findings import Finding, Path, Unusable, dotted, said
from retention.config.reading.tables import Anything, Table, read
from retention.model.clock import Period, Start
from retention.model.condition import Condition
from retention.model.policy import Approval, Basis

Sentence = Annotated[str | None, PlainValidator(values.sentence)]
Zone = Annotated[str | None, PlainValidator(values.zone)]
YearEnd = Annotated[tuple[int, int] | None, PlainValidator(values.fiscal_year_end)]
Schedule = Annotated[str | None, PlainValidator(schedule)]
Approved = Annotated[Approval | None, PlainValidator(values.approval)]
Events = Annotated[tuple[str, ...] | None, PlainValidator(spelt.events)]
FactCondition = Annotated[Condition | None, PlainValidator(spelt.condition)]


class LimitsTable(Table):
    """`limits = { share = "25%", rows = 1_000_000 }`"""

    share: Annotated[Decimal | None, PlainValidator(values.share)] = None
    rows: Annotated[int | None, PlainValidator(values.rows)] = None


class TermsTable(Table):
    """What a rule says, and an exception may say otherwise."""

    keep: Annotated[Period | PeriodName | None, PlainValidator(spelt.keep)] = None
    from_: Annotated[str | None, PlainValidator(spelt.event_name)] = Field(default=None, alias="from")
    starts: Annotated[Start | None, PlainValidator(values.starts)] = None
    until: Events = None
    upon: Events = None
    at_most: Annotated[Period | str | None, PlainValidator(spelt.at_most)] = None
    defer_while: FactCondition = None
    within: Annotated[Period | None, PlainValidator(spelt.within)] = None
    action: Annotated[str | None, PlainValidator(values.action)] = None
    otherwise: Annotated[tuple[str, ...] | None, PlainValidator(spelt.otherwise)] = None
    yields_to: Annotated[frozenset[Basis] | None, PlainValidator(spelt.yields_to)] = None
    needs: Annotated[Mapping[str, tuple[str, ...]] | None, PlainValidator(spelt.needs)] = None
    basis: Annotated[Basis | None, PlainValidator(values.basis)] = None
    citation: Sentence = None
    fiscal_year_end: YearEnd = None
    timezone: Zone = None


class RuleTable(TermsTable):
    """`[rules.NAME]`: one promise."""

    looked_for: ClassVar[frozenset[str]] = frozenset({"promise", "data", "action", "keep", "from"})
    elsewhere: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("table", "parts", "events", "subject", "key"), "a dataset in connectors/NAME.toml"),
        **dict.fromkeys(
            ("facts", "fields", "periods", "began", "columns"), "a dataset in connectors/NAME.toml"
        ),
        **dict.fromkeys(("name", "source"), "[policy]"),
        **dict.fromkeys(("by", "identifiers"), "[events.NAME] or [identifiers], beside the rules"),
        "when": "[[rules.NAME.exceptions]]; `where` limits the whole rule",
    }

    promise: Sentence = None
    data: Annotated[tuple[str, ...] | None, PlainValidator(spelt.data)] = None
    where: FactCondition = None
    kept_by: Sentence = None
    schedule: Schedule = None
    approval: Approved = None
    limits: Anything = None
    exceptions: Anything = None


class ExceptionTable(TermsTable):
    """`[[rules.NAME.exceptions]]`: what is said otherwise of the records of which `when` is true."""

    needed: ClassVar[Mapping[str, str]] = {"when": "when = \"company = 'GmbH'\", a condition over facts"}
    elsewhere: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(
            ("data", "where", "promise", "kept_by"), "[rules.NAME]: it is one for the whole rule"
        ),
        **dict.fromkeys(("schedule", "approval", "limits"), "[rules.NAME]: it is one for the whole rule"),
    }

    when: FactCondition = None


REMOVABLE = frozenset(
    {"keep", "from", "starts", "until", "upon", "defer_while", "otherwise", "needs", "basis", "citation"}
)
"""Keys of the rule that an exception takes away by writing "none". `at_most = "none"` speaks for itself."""


@dataclass(frozen=True, kw_only=True)
class VariantDraft:
    """The rule itself, or the rule with an exception merged into it, as far as it could be read.

    `at`: the table in the file. `own`: the keys that this table writes. `written`: those that hold here,
    right or wrong. `terms`: what holds.
    """

    at: Path
    own: frozenset[str]
    written: frozenset[str]
    terms: TermsTable
    when: Condition | None = None

    def readable(self, *keys: str) -> bool:
        """None of `keys` is written and unreadable."""
        return all(key not in self.written or self.value(key) is not None for key in keys)

    @property
    def actions(self) -> tuple[tuple[Path, str], ...]:
        """What this table itself says to do, with the place of each in the file."""
        found: list[tuple[Path, str]] = []
        if "action" in self.own and self.terms.action is not None:
            found.append(((*self.at, "action"), self.terms.action))
        for place, action in enumerate(self.terms.otherwise or () if "otherwise" in self.own else ()):
            found.append(((*self.at, "otherwise", place), action))
        return tuple(found)

    def value(self, key: str) -> Any:
        """What holds for `key`, None where nothing does."""
        return getattr(self.terms, "from_" if key == "from" else key)


@dataclass(frozen=True, kw_only=True)
class RuleDraft:
    """A rule as far as it could be read. `written`: the keys that are there, right or wrong.

    `base` is the rule itself, `exceptions` those that could be read as tables, in order.
    """

    name: str
    table: RuleTable
    limits: LimitsTable
    written: frozenset[str]
    order: int
    base: VariantDraft
    exceptions: tuple[VariantDraft, ...] = ()

    @property
    def acts(self) -> bool:
        """Whether the engine keeps the promise, and not something else."""
        return "kept_by" not in self.written

    @property
    def variants(self) -> tuple[VariantDraft, ...]:
        """The exceptions in order, and last the rule itself; none where it does not act."""
        return (*self.exceptions, self.base) if self.acts else ()

    @property
    def reaches_all(self) -> bool:
        """`data = "any"`."""
        return self.table.data == ()


def read_rule(name: str, raw: object, order: int, findings: list[Finding]) -> RuleDraft:
    """One rule; whatever can be seen in its tables alone is added to `findings`."""
    at: Path = ("rules", name)
    try:
        values.word(name, "rule's name")
    except Unusable as error:
        findings += [Finding(at=at, found=f.found, write=f.write) for f in error.findings]
    table = read(RuleTable, raw, at, findings)
    written = frozenset(raw) if isinstance(raw, dict) else frozenset()
    base = VariantDraft(at=at, own=written, written=written, terms=table)
    return RuleDraft(
        name=name,
        table=table,
        limits=read_limits(table.limits, (*at, "limits"), findings),
        written=written,
        order=order,
        base=base,
        exceptions=_exceptions(base, table.exceptions, findings),
    )


def read_limits(raw: object, at: Path, findings: list[Finding]) -> LimitsTable:
    """The limits; `limits = {}` looks like "none" and is refused."""
    if raw == {}:
        found = 'is an empty table, which never means "no limits"'
        write = 'write { share = "25%", rows = 1_000_000 }, or take it out'
        findings.append(Finding(at=at, found=found, write=write))
    return read(LimitsTable, raw, at, findings)


def _exceptions(base: VariantDraft, raw: object, findings: list[Finding]) -> tuple[VariantDraft, ...]:
    at = (*base.at, "exceptions")
    if raw is None:
        return ()
    if not isinstance(raw, list) or not raw:
        more = ", or take it out" if raw == [] else ""
        write = f"write tables: [[{dotted(at)}]] with `when` and what it changes{more}"
        findings.append(Finding(at=at, found=f"is {said(raw)}", write=write))
        return ()
    drafts = []
    for position, item in enumerate(raw):
        if isinstance(item, dict):
            drafts.append(merged(base, item, (*at, position), findings))
        else:
            write = 'write a table: { when = "…", keep = "8 years" }'
            findings.append(Finding(at=(*at, position), found=f"is {said(item)}", write=write))
    for position, draft in enumerate(drafts):
        for other in drafts[:position]:
            if draft.when is not None and other.when is not None and draft.when.tree == other.when.tree:
                found = "is the `when` of an exception above, which is the one that counts"
                write = "join the two, or change one condition"
                findings.append(Finding(at=(*draft.at, "when"), found=found, write=write))
                break
    return tuple(drafts)


def merged(base: VariantDraft, raw: Mapping[str, object], at: Path, findings: list[Finding]) -> VariantDraft:
    """The rule as an exception says it: what it names is replaced, "none" takes it away, the rest stays."""
    gone = {key for key in raw if key in REMOVABLE and raw[key] == NONE}
    for key in sorted(gone - base.written):
        found = '"none" takes away what the rule does not say'
        findings.append(Finding(at=(*at, key), found=found, write="take it out"))
    table = read(ExceptionTable, {key: raw[key] for key in raw if key not in gone}, at, findings)
    if not raw.keys() - {"when"}:
        findings.append(
            Finding(at=at, found="changes nothing", write="write what it changes, or take it out")
        )
    own = frozenset(raw) - {"when"}
    fields = {field.alias or name: name for name, field in TermsTable.model_fields.items()}
    held = {}
    for key, name in fields.items():
        if key not in gone:
            held[name] = getattr(table if key in own else base.terms, name)
    written = ((base.written & fields.keys()) | (own & fields.keys())) - gone
    terms = TermsTable.model_construct(**held)
    if terms.at_most == NONE and "defer_while" not in written and "at_most" in base.written:
        # the rule's longest time is taken away, and nothing is put off
        terms, written = terms.model_copy(update={"at_most": None}), written - {"at_most"}
    return VariantDraft(at=at, own=own, written=written, terms=terms, when=table.when)
