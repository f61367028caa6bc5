"""The operator's files, read into the model: every mistake at once, nothing ignored.

`load` reads `policies.toml`, the connectors and `retention.toml`, and `load_settings` the last alone; `forms` says what
they mean as canonical JSON and hashes; `doubts` what the rules promise and can't keep together; `urls` takes database
URLs apart and reads secrets; `conditions` parses SQL conditions. Only conditions load sqlglot, only schedules croniter,
and what these names are found in is loaded with the first use of one.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retention.config.across.feasibility import doubts
    from retention.config.files import Setting, load_settings
    from retention.config.forms import difference, policy_body, policy_digest, resolved_body, resolved_form
    from retention.config.loading import Configuration, load
    from retention.config.settings.settings_file import state_address

__all__ = [
    "Configuration",
    "Setting",
    "difference",
    "doubts",
    "load",
    "load_settings",
    "policy_body",
    "policy_digest",
    "resolved_body",
    "resolved_form",
    "state_address",
]

_FOUND_IN = {
    "across.feasibility": ("doubts",),
    "files": ("Setting", "load_settings"),
    "forms": ("difference", "policy_body", "policy_digest", "resolved_body", "resolved_form"),
    "loading": ("Configuration", "load"),
    "settings.settings_file": ("state_address",),
}


def __getattr__(name: str) -> Any:
    """What `name` is, from its module (PEP 562)."""
    for module, found in _FOUND_IN.items():
        if name in found:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
