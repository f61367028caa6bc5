"""Problems and warnings as a list that one can work through, file by file."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from retention.errors import Problem
from retention.model.explanation import CheckReport
from retention.report.console import Facts, heading, item, line
from retention.report.escape import shown
from retention.report.words import counted


def show_problems(console: Console, problems: Iterable[Problem]) -> None:
    """Numbered, under the file that each is in: policy, then engine, connectors, live schemas."""
    at = 0
    for file, group in in_order(problems):
        heading(console, file)
        for problem in group:
            at += 1
            whole = "the whole file" if file.endswith(".toml") else "as a whole"
            console.print(Text(f"  {at}. {shown(problem.key or whole)}", style="title"))
            facts = Facts(indent=5, width=5)
            found = problem.found
            found = f"nothing: it {found}" if found.startswith("is missing") else found
            facts.add("found", Text(shown(found), style="bad"))
            facts.add("help", Text(shown(problem.write), style="good"))
            facts.show(console)


def in_order(problems: Iterable[Problem]) -> list[tuple[str, list[Problem]]]:
    """By file, in the order of repair; within a file as they were found."""
    files: dict[str, list[Problem]] = {}
    for problem in problems:
        files.setdefault(problem.file, []).append(problem)
    return sorted(files.items(), key=lambda item: (_rank(item[0]), item[0]))


def _rank(file: str) -> int:
    """What others depend on comes first: a policy's mistake can cause those of its connectors."""
    if not file.endswith(".toml"):
        return 3
    name = file.replace("\\", "/").rsplit("/", 1)[-1]
    return {"policies.toml": 0, "retention.toml": 1}.get(name, 2)


def show_check(console: Console, report: CheckReport) -> None:
    """The verdict, then problems, warnings, and what was looked at."""
    if report.problems:
        many = len(report.problems)
        line(console, f"{counted(many, 'problem')} to mend before anything runs:", style="bad")
        show_problems(console, report.problems)
    else:
        line(console, "No problems found.", style="good")
    if report.warnings:
        heading(console, f"{counted(len(report.warnings), 'warning')} to read")
        for warning in report.warnings:
            item(console, f"- {warning}", style="warn")
    if report.checked:
        heading(console, "Checked")
        for each in report.checked:
            item(console, each, style="quiet")
