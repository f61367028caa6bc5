"""The operator's files, read into the model: every mistake at once, nothing ignored.

`load` reads `policies.toml`, the connectors and `retention.toml`; `forms` says what they mean
as canonical JSON and hashes; `doubts` what the rules promise and can't keep together; `urls`
takes database URLs apart and reads secrets; `conditions` parses SQL conditions. Only conditions
load sqlglot, only schedules croniter.
"""

from __future__ import annotations

from retention.config.feasibility import doubts
from retention.config.forms import difference, policy_body, policy_digest, resolved_body, resolved_form
from retention.config.loading import Configuration, load
from retention.config.settings_file import state_address

__all__ = [
    "Configuration",
    "difference",
    "doubts",
    "load",
    "policy_body",
    "policy_digest",
    "resolved_body",
    "resolved_form",
    "state_address",
]
