"""Which records legal holds protect."""

from __future__ import annotations

from tests.oracles.lawyer import rows, told
from tests.oracles.lawyer.clocks import reaches
from tests.oracles.lawyer.facts import true_of
from tests.oracles.lawyer.world import Hold, Record, World, remembered


def folded(kind: str, value: str) -> told.Identifier:
    """Text is compared trimmed and case-folded."""
    return kind, value.strip().casefold()


@remembered
def known(world: World, record: Record) -> set[told.Identifier]:
    return {folded(kind, value) for kind, value in told.identifiers(world, record).items()}


@remembered
def carried(world: World, kind: str, value: str) -> set[told.Identifier]:
    """The person's identifiers: through every dataset that knows two kinds, to the end."""
    found = {folded(kind, value)}
    news = list(found)
    while news:
        for record in told.by_name(world, known).get(news.pop(), ()):
            more = known(world, record) - found
            found |= more
            news += more
    return found


def covered(world: World, hold: Hold) -> list[Record]:
    """The records that the hold covers by themselves."""
    every = rows.records(world)
    match hold.on:
        case "subject":
            knowing = told.by_name(world, known)
            return [record for name in carried(world, *hold.what) for record in knowing.get(name, ())]
        case "key":
            return [record for record in every if (record.dataset.name, record.key) == hold.what]
        case "dataset":  # and its vault
            return [r for r in every if hold.what in (r.dataset.name, r.dataset.vault_of)]
        case "data":
            return [record for record in every if record.dataset.data == hold.what]
        case "rule":
            rule = next(rule for rule in world.rules if rule.name == hold.what)
            reached = (record for record in every if reaches(rule, record))
            return [record for record in reached if true_of(world, rule.where, record) is not False]
    raise AssertionError(hold.on)


@remembered
def held(world: World) -> set[Record]:
    """What a hold covers; what shares a row with what is held; and what that refers to, which it keeps whole.

    A record of which a shared row is covered by itself is covered; not where that is held for somebody else's sake."""
    found = {record for hold in world.holds for record in covered(world, hold)}
    roots = {record.root for record in found}
    found |= {r for r in rows.records(world) if roots & rows.shared_rows(world, r).keys()}
    news = list(found)
    while news:
        record = news.pop()
        for other in (*rows.sharing(world, record), *rows.pointed_at(world, record)):
            if other not in found:
                found.add(other)
                news.append(other)
    return found
