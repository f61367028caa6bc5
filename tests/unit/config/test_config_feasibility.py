"""What rules promise and can't keep together is said, with dates, and refuses nothing."""

from __future__ import annotations

from datetime import date

import pytest

from retention.config import doubts

DAY = date(2026, 11, 26)
SHOP = """
type = "sql"
url = "env:URL"
[datasets.tickets]
data    = "tickets"
table   = "tickets"
subject = { email = "email" }
began   = "created_at"
events  = { opened = "a", closed = "b", gone = "never", lost = "never" }
facts   = { vip = "vip" }
[datasets.notes]
data    = "notes"
table   = "notes"
subject = "none"
events  = { opened = "a", closed = "b", gone = "b", lost = "c" }
"""
SUPPORT = 'data = "tickets"\nkeep = "12 months"\nat_most = "36 months"\nfrom = "opened"\n'
LAW = 'data = "tickets"\nkeep = "5 years"\nfrom = "opened"\nbasis = "legal obligation"\n'


@pytest.fixture
def said(loaded):
    """`said(a=lines, b=lines)`: what is said of the rules `a` and `b`."""

    def of(**rules):
        text = '[policy]\ntimezone = "Europe/Oslo"\n[events.asked]\nby = ["email"]\n'
        for name, lines in rules.items():
            text += f'[rules.{name}]\npromise = "p"\naction = "delete"\n{lines}\n'
        return doubts(loaded(policies=text, shop=SHOP), DAY)

    return of


def test_a_pair_of_which_one_breaks_the_other_is_named_with_dates(said):
    (sentence,) = said(support=SUPPORT, law=LAW)
    assert "`support` promises an end which the rule `law` breaks: " in sentence
    assert "`opened` on 2026-11-26" in sentence
    assert "by 2029-11-26 at the latest" in sentence
    assert "keeps until 2031-11-26" in sentence
    assert "`yields_to`" in sentence


def test_a_pair_that_differs_by_its_start_is_dated_by_a_day_on_which_it_does(said):
    """Three years from the end of the year are longer than 36 months, but for what happens on its last day."""
    law = LAW.replace('"5 years"', '"3 years"') + 'starts = "after calendar year"\n'
    (sentence,) = said(support=SUPPORT, law=law)
    assert (
        "on 2026-11-26 the one ends by 2029-11-26 at the latest, and the other keeps until 2029-12-31"
        in sentence
    )


@pytest.mark.parametrize(
    ("support", "law"),
    [
        (SUPPORT, LAW.replace('"5 years"', '"3 years"')),
        (SUPPORT, LAW.replace("opened", "closed")),
        (SUPPORT, LAW + 'until = "closed"\n'),
        (SUPPORT, LAW.replace('"tickets"', '"notes"')),
        (SUPPORT + 'yields_to = ["contract"]\n', LAW),
        (SUPPORT.replace('at_most = "36 months"\n', ""), LAW),
        ('data = "tickets"\nupon = "asked"\n', LAW),
        (LAW, LAW + 'yields_to = ["legal obligation"]\n'),
    ],
)
def test_what_can_be_kept_together_is_not_doubted(said, support, law):
    assert said(support=support, law=law) == ()


def test_one_that_may_be_put_off_for_longer_breaks_it_then(said):
    """It keeps for a year, and up to five while the matter is in dispute."""
    claims = LAW.replace('"5 years"', '"12 months"') + 'at_most = "5 years"\ndefer_while = "vip"\n'
    (sentence,) = said(support=SUPPORT, claims=claims)
    assert "which the rule `claims` breaks where it is put off: " in sentence
    assert "by 2029-11-26 at the latest, and the other keeps until 2031-11-26" in sentence
    assert not said(support=SUPPORT, claims=claims.replace('"5 years"', '"36 months"'))


def test_rules_that_meet_in_an_exception_alone_are_held_against_that(said):
    """Where the law applies the support's own end does not: an exception without an end speaks of just those."""
    vips = '[[rules.support.exceptions]]\nwhen = "vip"\nat_most = "none"\n'
    law = LAW + 'where = "vip"\n'
    assert said(support=SUPPORT, law=law)
    assert not said(support=SUPPORT + vips, law=law)
    assert said(support=SUPPORT + vips, law=LAW)


def test_an_exception_that_breaks_the_promise_is_named_by_its_number(said):
    law = LAW.replace('"5 years"', '"1 year"') + '[[rules.law.exceptions]]\nwhen = "vip"\nkeep = "9 years"\n'
    (sentence,) = said(support=SUPPORT, law=law)
    assert "exception 1 of the rule `law` breaks where it applies: " in sentence


@pytest.mark.parametrize(
    "lines",
    ['until = "gone"', 'keep = "1 year"\nfrom = "gone"', 'keep = "1 year"\nfrom = "gone"\nuntil = "lost"'],
)
def test_a_rule_without_an_end_is_named_with_all_that_wait_for_it(said, lines):
    (sentence,) = said(
        endless=f'data = ["tickets", "notes"]\nbasis = "contract"\n{lines}\n',
        erasure='data = "tickets"\nupon = "asked"\n',
        notes='data = "notes"\nkeep = "1 year"\nfrom = "opened"\n',
    )
    assert "the rule `endless` never ends in `shop.tickets`, where `gone`" in sentence
    assert "(`erasure`)" in sentence


@pytest.mark.parametrize(
    "lines",
    [
        'until = ["gone", "closed"]',
        'keep = "1 year"\nfrom = "opened"\nuntil = "gone"',
        'until = ["gone", "asked"]',
        'upon = "gone"',
    ],
)
def test_one_end_that_can_come_is_enough(said, lines):
    assert said(rule=f'data = "tickets"\n{lines}\n') == ()


def test_a_rule_that_keeps_until_a_person_asks_is_doubted_where_others_wait_for_it(said):
    until = 'data = "tickets"\nuntil = "asked"\n'
    (sentence,) = said(consent=until, other=SUPPORT)
    assert "`consent` keeps its records until it is told `asked`" in sentence
    assert "(`other`)" in sentence
    assert "`upon`" in sentence
    assert said(consent=until) == ()
    assert said(consent=until, other=SUPPORT + 'yields_to = ["contract"]\n') == ()
    assert said(consent=until.replace('"asked"', '["asked", "closed"]'), other=SUPPORT) == ()


def test_what_is_told_never_concerns_records_that_are_about_nobody(said):
    (sentence,) = said(consent='data = "notes"\nuntil = "asked"\n')
    assert "`consent` never ends in `shop.notes`, where `asked` never happens" in sentence


def test_rules_that_yield_to_each_other_and_to_their_own_basis_are_the_usual_case(said):
    one = LAW + 'yields_to = ["legal obligation"]\n'
    assert said(one=one, other=one.replace("5 years", "6 years")) == ()


def test_a_demand_that_gives_way_to_every_rule_is_doubted(said):
    """A request for erasure that nothing had said to be stronger waited for two years of inactivity."""
    inactive = 'data = "tickets"\nkeep = "24 months"\nfrom = "opened"\n'
    demand = 'data = "tickets"\nupon = "asked"\n'
    (sentence,) = said(erasure=demand, inactive=inactive, law=LAW)
    assert "`erasure` demands, and gives way to every other rule" in sentence
    assert "until `inactive` lets it go" in sentence
    assert 'yields_to = ["legal obligation", "legal claims"]' in sentence
    yields = 'yields_to = ["legal obligation", "legal claims"]\n'
    assert said(erasure=demand + yields, inactive=inactive, law=LAW) == ()
    assert said(erasure=demand, inactive=inactive + 'basis = "contract"\n') == ()
