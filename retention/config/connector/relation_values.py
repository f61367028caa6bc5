"""Parser of `relations`: references between tables that the database does not declare."""

from __future__ import annotations

from collections.abc import Mapping

from retention.config.connector.dataset_values import key, only, table
from retention.config.reading.findings import Finding, Unusable, each, said, unusable
from retention.config.reading.names import parse_name
from retention.model.dataset import Name, RelationName

RELATION_FORMS = (
    'write "tickets.customer_id -> customers.id", or for several columns'
    ' { table = "lines", columns = ["shop", "order_no"], target = "orders", target_columns = ["shop", "no"] }'
)
_KEYS = ("table", "columns", "target", "target_columns")


def relations(value: object) -> tuple[RelationName, ...]:
    """Each reference once, from the table that refers to the one that is referred to."""
    if not isinstance(value, list) or not value:
        hint = RELATION_FORMS if value != [] else f"{RELATION_FORMS}, or take the key out"
        raise unusable(f"is {said(value)}", hint)
    parsed = each(enumerate(value), relation)
    for position, item in enumerate(parsed):
        if item in parsed[:position]:
            raise unusable(f"the relation {item.text} is listed twice", "take one of them out", position)
    return tuple(parsed)


def relation(value: object) -> RelationName:
    """`"table.column -> target.column"`, or a table of the four pieces."""
    if isinstance(value, dict):
        return _spelt(value)
    if not isinstance(value, str) or value.count("->") != 1:
        raise unusable(f"is {said(value)}", RELATION_FORMS)
    (left, column), (right, target_column) = map(_side, value.split("->"))
    return RelationName(table=left, columns=(column,), target=right, target_columns=(target_column,))


def _side(text: str) -> tuple[Name, str]:
    name = parse_name(text.strip(), most=3, what="a column with its table")
    if len(name.pieces) < 2:
        raise unusable(f"{said(text.strip())} names no table", RELATION_FORMS)
    *place, column = name.pieces
    return Name(pieces=tuple(place), text=".".join(place)), column


def _spelt(value: Mapping[str, object]) -> RelationName:
    only(value, _KEYS, (), RELATION_FORMS)
    missing = [name for name in _KEYS if name not in value]
    if missing:
        raise unusable(f"has no `{missing[0]}`", RELATION_FORMS)
    findings: list[Finding] = []
    for name, parse in zip(_KEYS, (table, key, table, key), strict=True):
        try:
            parse(value[name])
        except Unusable as error:
            findings += [Finding(at=(name, *f.at), found=f.found, write=f.write) for f in error.findings]
    if findings:
        raise Unusable(findings)
    made = RelationName(
        table=table(value["table"]),
        columns=key(value["columns"]),
        target=table(value["target"]),
        target_columns=key(value["target_columns"]),
    )
    if len(made.columns) != len(made.target_columns):
        raise unusable(
            f"{len(made.columns)} columns refer to {len(made.target_columns)}",
            "write as many columns as target_columns, in the same order",
        )
    return made
