"""The table of the five policies' clauses: `python docs/clauses.py` writes docs/reference/clauses.md.

Each clause has the rules that keep it, at their lines in the company's policy, and the tests that are named after
it, at theirs. A clause without a rule, or without a test, is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "clauses.md"
POLICY = "retention/demo/{}/policies.toml"

COMPANIES = {
    "store": ("ST", "A Norwegian web store"),
    "quotes": ("QU", "A systems company's site: quotes, newsletter, profiles, analytics"),
    "crm": ("CR", "A CRM and chat service, controller and processor"),
    "documents": ("DO", "An international vendor of customer communication"),
    "panel": ("PA", "A control panel for hosting"),
}

CLAUSES: dict[str, tuple[str, tuple[str, ...]]] = {
    "ST1": ("orders and accounting records: five years, as the law requires", ("orders",)),
    "ST2": ("accounts: while active, then deleted after 24 months of inactivity", ("inactive-accounts",)),
    "ST3": ("support requests: 12 to 36 months", ("support",)),
    "ST4": ("marketing data: until unsubscribed or withdrawn; who subscribes again begins anew", ("marketing",)),
    "ST5": ("consent logs: 12 to 24 months after the consent ended", ("consents",)),
    "QU1": (
        "marketing data until opt-out; kept longer under restricted use where there is a reason",
        ("marketing", "marketing-apart"),
    ),
    "QU2": ("profiles from consent until its withdrawal; then as QU1", ("profiles", "profiles-apart", "visitors")),
    "QU3": ("data under legal obligations: as long as each says", ("deals", "deals-of-devices", "deals-invoiced")),
    "QU4": ("analytics and misuse: as long as needed, unless the person objects", ("analytics", "misuse")),
    "QU5": ("on request: erase, restrict, object; a refusal is recorded", ("erasure", "restriction")),
    "QU6": ("messages and requests for a quote: until answered, and what follows", ("requests",)),
    "CR1": ("as long as contract, law or a dispute need it", ("contracts",)),
    "CR2": ("customers' content: as each customer instructs", ("content",)),
    "CR3": ("a child under 13: deleted as soon as possible once known", ("children",)),
    "CR4": ("each opt-out on its own", ("newsletter", "invitations", "status-messages")),
    "DO1": ("until the contract ends and the need with it", ("clients", "clients-claims")),
    "DO2": ("then deleted or anonymised; else isolated until it can be", ("clients",)),
    "DO3": ("direct marketing: only what respects the opt-out", ("marketing",)),
    "DO4": ("a dozen companies, each under its own law", ("invoices",)),
    "DO5": ("a request may be denied where keeping is necessary; the denial is documented", ("erasure",)),
    "DO6": ("recordings: by local law", ("recordings",)),
    "DO7": ("a customer's contract overrides the policy", ("documents",)),
    "PA1": ("as long as service, law, tax or accounting need it", ("service", "tax", "accounting")),
    "PA2": ("no end date, until consent is withdrawn in one of three ways", ("news",)),
    "PA3": ("backups: a limited period", ("backups",)),
}  # fmt: skip

HEAD = """# Clauses

Five companies, each with the promises that real ones make, and what keeps them. Build one, and watch it:
`retention demo --company NAME`. The policy's lines are what you would write; the tests plan, run and look at what
is left, day by day; those of a clause are named after it (`test_st1_…`), and each is linked here by the rest of its
name. *kept by*: a promise that something else keeps; it is shown with every plan, and not enforced.

<!-- written by docs/clauses.py -->
"""


def tests_of(clause: str) -> Iterator[str]:
    """Links to the lines of tests/acceptance that say `def test_st1_…`, in the words of their names."""
    named = re.compile(rf" *def test_{clause.lower()}_(\w+)\(")
    for file in sorted((ROOT / "tests" / "acceptance").glob("test_*.py")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            if found := named.match(line):
                words = found[1].replace("_", " ")
                yield f"[{words}](../../{file.relative_to(ROOT)}#L{number})"


def rule_of(company: str, rule: str) -> str:
    """A link to the line of `[rules.RULE]`, and whether something else keeps it. KeyError where it is not there."""
    path = POLICY.format(company)
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    if f"[rules.{rule}]" not in lines:
        raise KeyError(f"{path} has no [rules.{rule}]")
    at = lines.index(f"[rules.{rule}]")
    rest = lines[at + 1 :]
    table = rest[: next((n for n, line in enumerate(rest) if line.startswith("[rules.")), len(rest))]
    kept = " (kept by)" if any(line.startswith("kept_by") for line in table) else ""
    return f"[`{rule}`](../../{path}#L{at + 1}){kept}"


def rows(company: str, prefix: str) -> Iterator[str]:
    for clause, (promise, rules) in CLAUSES.items():
        if clause.startswith(prefix):
            tests = list(tests_of(clause))
            if not tests:
                raise KeyError(f"no test in tests/acceptance is named test_{clause.lower()}_…")
            kept = ", ".join(rule_of(company, rule) for rule in rules)
            yield f"| {clause} | {promise} | {kept} | {'; '.join(tests)} |"


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for company, (prefix, what) in COMPANIES.items():
        head = f"## {company}\n\n{what}: [its policy](../../{POLICY.format(company)}).\n"
        parts.append(
            "\n".join(
                [head, "| clause | promise | rules | tests |", "|---|---|---|---|", *rows(company, prefix)]
            )
        )
        parts.append("")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
