"""The ledger's events in the words of log platforms: CloudEvents 1.0, and OCSF 1.3 (Open Cybersecurity Schema).

Nothing is left out: `data` goes along whole. docs/reference/events.md tells the mapping field by field.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from retention.report.ledger import told

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATASTORE, _ENTITY = 6005, 3004
_CREATE, _UPDATE, _DELETE = 1, 3, 4
_DATASTORE_UPDATE, _DATASTORE_DELETE = 2, 7
_RELATIONAL = 1
_SUCCESS, _FAILURE, _OTHER = 1, 2, 99
_INFORMATIONAL, _MEDIUM, _HIGH = 1, 3, 4

_ENTITIES: Mapping[str, tuple[int, str, str]] = {
    "approval.granted": (_CREATE, "approval", "plan"),
    "error": (_UPDATE, "run", "run"),
    "event.extended": (_UPDATE, "told event", "telling"),
    "event.told": (_CREATE, "told event", "telling"),
    "event.withdrawn": (_DELETE, "told event", "telling"),
    "evidence.dropped": (_DELETE, "evidence", "before"),
    "hold.extended": (_UPDATE, "legal hold", "hold"),
    "hold.placed": (_CREATE, "legal hold", "hold"),
    "hold.released": (_DELETE, "legal hold", "hold"),
    "key.created": (_CREATE, "key", "key"),
    "key.destroyed": (_DELETE, "key", "key"),
    "key.rotated": (_UPDATE, "key", "key"),
    "ledger.archived": (_UPDATE, "ledger", "size"),
    "plan.created": (_CREATE, "plan", "plan"),
    "policy.changed": (_UPDATE, "policy", "policy"),
    "record.released": (_UPDATE, "record", "root"),
    "run.ended": (_UPDATE, "run", "run"),
    "action.refused": (_UPDATE, "run", "run"),
    "run.started": (_CREATE, "run", "run"),
}
"""Type → (activity, what it is about, the field of `data` that names it). Others are updates of the ledger itself."""

_STATUS = {"batch.committed": _SUCCESS, "batch.rolled_back": _FAILURE}
_SEVERITY = {"batch.unknown": _MEDIUM, "batch.rolled_back": _MEDIUM, "action.refused": _MEDIUM, "error": _HIGH,
             "key.destroyed": _MEDIUM}  # fmt: skip


def cloudevent(origin: str, line: str) -> str:
    """One stored line as a CloudEvent in JSON, a line."""
    event = json.loads(line)
    data = event["data"]
    subject = (
        data.get("run") or data.get("hold") or data.get("telling") or data.get("plan") or data.get("key")
    )
    document = {
        "specversion": "1.0",
        "id": str(event["seq"]),
        "source": origin,
        "type": f"retention.{event['type']}",
        "time": event["at"],
        **({"subject": str(subject)} if subject else {}),
        "datacontenttype": "application/json",
        "ledgerhash": hashlib.sha256(line.encode()).hexdigest(),
        "ledgerprev": event["prev"],
        "data": data,
    }
    return _line(document)


def ocsf(origin: str, line: str) -> str:
    """One stored line as an OCSF event in JSON, a line: Datastore Activity for batches, else Entity Management."""
    event = json.loads(line)
    kind, data = event["type"], event["data"]
    document = _batch(kind, data) if kind.startswith("batch.") else _entity(kind, data)
    at = datetime.fromisoformat(event["at"])
    document |= {
        "type_uid": document["class_uid"] * 100 + document["activity_id"],
        "time": (at - _EPOCH) // timedelta(milliseconds=1),
        "severity_id": _SEVERITY.get(kind, _INFORMATIONAL),
        "message": told(kind, data),
        "actor": _actor(data),
        "src_endpoint": {"svc_name": origin},
        "metadata": {
            "version": "1.3.0",
            "product": {"name": "retention", "vendor_name": "retention"},
            "log_name": origin,
            "event_code": kind,
            "sequence": event["seq"],
            "uid": hashlib.sha256(line.encode()).hexdigest(),
            "original_time": event["at"],
        },
        "unmapped": data,
    }
    return _line(document)


SHIPPED: Mapping[str, Callable[[str, str], str]] = {"cloudevents": cloudevent, "ocsf": ocsf}


def _batch(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    _, connector, dataset = [*str(data.get("job", "")).split("/"), "", "", ""][:3]
    committed = data.get("outcome") == "committed"
    rewritten = data.get("action", "delete") != "delete"
    status = _STATUS.get(kind, _SUCCESS if committed else _OTHER)
    return {
        "category_uid": 6,
        "class_uid": _DATASTORE,
        "activity_id": _DATASTORE_UPDATE if rewritten else _DATASTORE_DELETE,
        "status_id": status,
        "status": kind.partition(".")[2] if status == _OTHER else None,
        "database": {"name": connector, "type_id": _RELATIONAL},
        "table": {"name": dataset},
        "type_id": 3,
    }


def _entity(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    activity, what, named = _ENTITIES.get(kind, (_UPDATE, "ledger", "run"))
    return {
        "category_uid": 3,
        "class_uid": _ENTITY,
        "activity_id": activity,
        "status_id": _SUCCESS if kind not in ("error", "action.refused") else _FAILURE,
        "entity": {"type": what, **({"uid": str(data[named])} if data.get(named) else {"name": what})},
        "comment": data.get("ref") or None,
    }


def _actor(data: Mapping[str, Any]) -> dict[str, Any]:
    by = data.get("by")
    return {"app_name": "retention", **({"user": {"name": str(by)}} if by else {})}


def _line(document: Mapping[str, Any]) -> str:
    told = {name: value for name, value in document.items() if value is not None}
    return json.dumps(told, ensure_ascii=True, separators=(",", ":"))
