"""What a run itself would blur: records that were due when it began, and of which other jobs changed what told so."""

from __future__ import annotations

from collections.abc import Iterator

from tests.oracles.lawyer.actions import REDACTED
from tests.oracles.lawyer.examples_actions import ANN, MARKED, OLD, chained
from tests.oracles.lawyer.examples_vaults import members
from tests.oracles.lawyer.situations import Situation


def examples() -> Iterator[Situation]:
    yield referred_to_by_what_is_marked_first()


def referred_to_by_what_is_marked_first() -> Situation:
    """A member can't be moved to the vault, since a call stays that is restricted in place, and is rewritten instead.
    With its mark the call is the next plan's to delete: the member waited for that, and was left as it was."""
    return members(
        "rewritten instead, for a call that is marked as restricted first and goes the next time",
        [
            chained("apart", "calls", "restrict"),
            chained("gone", "calls", "delete"),
            chained("r", "members", "restrict", "pseudonymize"),
        ],
        {"members": [{"id": 1, **OLD, **ANN}], "calls": [{"id": 1, "member_id": 1, **OLD}]},
        {"apart calls 1": "due late", "gone calls 1": "elsewhere", "r members 1": "due late"},
        spelt={"anonymize": {"name": "redact"}},
        spelt_there={"anonymize": {"name": "redact"}},
        datasets={"calls": MARKED},
        left={"members": [1], "calls": [1], "kept_members": []},
        then={"members 1": {"name": REDACTED}},
    )
