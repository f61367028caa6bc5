"""A dataset as it could be written, held against the live schema by the binder itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from retention.config.connector import event_values
from retention.connectors.port import Look
from retention.discover.belonging import Belonging, belonging
from retention.discover.columns import subject, timed, unique_key
from retention.discover.moments import Moment, own_moments, related_moments
from retention.discover.toml import piece, table_name
from retention.discover.words import slug
from retention.errors import Problem
from retention.model.catalogue import Catalogue, Table, TableId
from retention.model.dataset import Connector, Dataset, Event, PartName, Secret
from retention.planning.binding.bind import bind

LookAt = Callable[[Table, Sequence[str]], Look | None]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """One dataset. `key`: columns of a unique index where there is no primary key; () where nothing is unique.

    `events`: those that the binder takes; `unusable`: those that it does not, each with its problem (None:
    numbers without a known unit). `whom`: columns that refer to people, where they are several and may be of
    different people: none is in `subject`. `zoneless`: columns of events that need the connector's time zone.
    `problems`: what `check` would still refuse.
    """

    name: str
    data: str
    root: Table
    key: tuple[str, ...] | None
    subject: Mapping[str, str]
    whom: Mapping[str, str]
    events: tuple[Moment, ...]
    unusable: tuple[tuple[Moment, Problem | None], ...]
    zoneless: tuple[str, ...]
    parts: tuple[Belonging, ...]
    offered: tuple[Belonging, ...]
    problems: tuple[Problem, ...]
    look: Look | None


def drafts(catalogue: Catalogue, roots: Sequence[Table], file: str, look_at: LookAt) -> tuple[Draft, ...]:
    """A draft for each root; a table is in one of them at most."""
    apart = {root.id for root in roots}
    made: list[Draft] = []
    for root in roots:
        name = slug(root.id.name, [draft.name for draft in made])
        draft = _draft(catalogue, root, name, apart, file, look_at)
        apart |= {part.table for part in draft.parts}
        made.append(draft)
    return tuple(made)


def _draft(
    catalogue: Catalogue,
    root: Table,
    name: str,
    apart: Collection[TableId],
    file: str,
    look_at: LookAt,
) -> Draft:
    look = look_at(root, timed(catalogue, root))
    moments = _moments(catalogue, root, look, look_at)
    found = belonging(catalogue, root.id, apart)
    parts = tuple(item for item in found if item.doubt is None)
    trial = _Trial(catalogue, root, name, file)
    good, bad, zoneless = trial.events(moments)
    problems = trial.problems(parts)
    if any(problem.key.endswith(".parts") for problem in problems):
        parts, problems = (), trial.problems(())
    known, whom = subject(catalogue, root)
    return Draft(
        name=name,
        data=name.replace("_", " "),
        root=root,
        key=trial.key,
        subject=known,
        whom=whom,
        events=good,
        unusable=bad,
        zoneless=zoneless,
        parts=parts,
        offered=tuple(
            item
            if item.doubt is not None
            else replace(item, doubt="its tables refer to each other in a circle")
            for item in found
            if item not in parts
        ),
        problems=problems,
        look=look,
    )


def _moments(catalogue: Catalogue, root: Table, look: Look | None, look_at: LookAt) -> tuple[Moment, ...]:
    """The root's own, and those of tables that refer to it, which are looked at only where it has none."""
    own = own_moments(catalogue, root, look)
    looks: dict[TableId, Look] = {}
    if not own:
        for reference in catalogue.inbound(root.id):
            table = catalogue.tables[reference.table]
            seen = look_at(table, timed(catalogue, table)) if table.id not in looks else None
            if seen is not None:
                looks[table.id] = seen
    return (*own, *related_moments(catalogue, root, [moment.event for moment in own], looks))


def part_name(catalogue: Catalogue, item: Belonging) -> PartName:
    """A part as a file names it."""
    return PartName(
        table=table_name(catalogue, item.table),
        via=piece(item.reference.columns[0]) if item.several else None,
    )


class _Trial:
    """The dataset in a connector of its own, asked of `bind`."""

    def __init__(self, catalogue: Catalogue, root: Table, name: str, file: str) -> None:
        self.key = None if root.key else unique_key(root) or ()
        if self.key == ():  # as if it had one, so that the rest is looked at, too
            root = replace(root, key=tuple(root.columns))
            catalogue = replace(catalogue, tables={**catalogue.tables, root.id: root})
        self._catalogue = catalogue
        self._dataset = Dataset(
            name=name, connector="", data=name, table=table_name(catalogue, root.id), key=self.key or None
        )
        self._file = file

    def _asked(self, dataset: Dataset, timezone: str | None = "UTC") -> tuple[Problem, ...]:
        connector = Connector(
            name="new",
            file=self._file,
            type="sql",
            url=Secret(),
            folder="",
            timezone=timezone,
            datasets={dataset.name: dataset},
        )
        return bind(connector, self._catalogue)[1]

    def events(
        self, moments: Sequence[Moment]
    ) -> tuple[tuple[Moment, ...], tuple[tuple[Moment, Problem | None], ...], tuple[str, ...]]:
        """Those that can be, those that can't and why, and the columns that want a zone."""
        parsed, bad = self._parsed(moments)
        dataset = replace(self._dataset, events=parsed)
        place = f"datasets.{dataset.name}.events."
        wrong = {p.key.removeprefix(place): p for p in self._asked(dataset) if p.key.startswith(place)}
        zoned = {p.key.removeprefix(place) for p in self._asked(dataset, None) if p.key.startswith(place)}
        good = tuple(m for m in moments if m.event in parsed and m.event not in wrong)
        bad += [(m, wrong[m.event]) for m in moments if m.event in wrong]
        zoneless = tuple(m.column.name for m in good if m.event in zoned)
        return good, tuple(bad), zoneless

    def _parsed(
        self, moments: Sequence[Moment]
    ) -> tuple[dict[str, Event], list[tuple[Moment, Problem | None]]]:
        parsed: dict[str, Event] = {}
        bad: list[tuple[Moment, Problem | None]] = []
        for moment in moments:
            if moment.value is None:
                bad.append((moment, None))
                continue
            value = moment.value if isinstance(moment.value, str) else _plain(moment.value)
            try:
                parsed[moment.event] = event_values.event(value)
            except ValueError as error:
                found, _, write = str(error).partition("; ")
                bad.append((moment, Problem(file=self._file, key=moment.event, found=found, write=write)))
        return parsed, bad

    def problems(self, parts: Sequence[Belonging]) -> tuple[Problem, ...]:
        """What is wrong with the record and what deleting it would reach."""
        named = tuple(self._part(item) for item in parts)
        problems = self._asked(replace(self._dataset, parts=named))
        return tuple(p for p in problems if self.key != () or not p.key.endswith(".key"))

    def _part(self, item: Belonging) -> PartName:
        named = part_name(self._catalogue, item)
        return replace(named, via=item.reference.columns[0]) if named.via is not None else named


def _plain(value: Mapping[str, object]) -> dict[str, object]:
    return {name: list(item) if isinstance(item, tuple) else item for name, item in value.items()}
