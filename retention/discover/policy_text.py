"""`policies.toml` to fill in: one rule for each dataset that was drafted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retention.discover.connector_text import ENDED
from retention.discover.draft import Draft
from retention.discover.toml import ASK, beside, comment, key, text
from retention.discover.words import names_touch


def policy_text(drafts: Sequence[Draft]) -> str:
    """The whole file."""
    lines = [
        "# What your privacy policy promises, in its own words: how long each kind of data is kept.",
        f'# Lines with "{ASK}" wait for you. The whole language: docs/reference/configuration.md',
        "",
        "[policy]",
        *beside(
            [
                ('name     = "My company"', ""),
                ('# source = "privacy policy of 2026-01-15"', "the published text that these rules keep"),
                ('timezone = ""', '? in which zone days begin and end: "Europe/Oslo"'),
                ('# fiscal_year_end = "12-31"', ""),
                ('# schedule = "0 2 * * *"', "without one, rules run by hand only"),
                ('# limits = { share = "25%", rows = 1_000_000 }', "above these, an approval must say so"),
            ]
        ),
        "",
        rules_text(drafts).rstrip("\n"),
    ]
    return "\n".join(lines) + "\n"


def rules_text(drafts: Sequence[Draft]) -> str:
    """The rules alone."""
    return "\n\n".join("\n".join(_rule(draft)) for draft in drafts) + "\n"


def _rule(draft: Draft) -> Iterator[str]:
    yield f"[rules.{key(draft.name)}]"
    what = comment(draft.data.capitalize())
    own = [m.event for m in draft.events if m.own]
    sure = [m.event for m in draft.events if m.own and not names_touch(m.column.name)]
    if not draft.events:
        counts = (f"from     = {text(ENDED)}", "the event that `keep` counts from")
    elif len(own) == 1 and sure:
        counts = (f"from     = {text(sure[0])}", "the event that `keep` counts from; there is one")
    else:
        known = ", ".join(own or [m.event for m in draft.events][:8])
        counts = ('from     = ""', f"? the event that `keep` counts from: {known}")
    yield from beside(
        [
            ('promise  = ""', f'? what you promise, such as "{what}: deleted two years after …"'),
            (f"data     = {text(draft.data)}", ""),
            ('keep     = ""', '? how long: "5 years", "24 months", "90 days"'),
            counts,
            ('# starts = "after fiscal year"', "instead of the day after; or calendar year, quarter, month"),
            ('action   = "delete"', ""),
            ('# basis  = "legal obligation"', "and citation: the law or clause"),
        ]
    )
