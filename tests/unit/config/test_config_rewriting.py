"""What rules that rewrite say against their datasets, and what of it is part of a rule's form."""

from __future__ import annotations

from retention.config.forms import resolved_form
from retention.model.strategy import Strategy, Way
from tests.unit.config.conftest import POLICY, SHOP

ACCOUNTS = """
[datasets.accounts]
data    = "accounts"
table   = "customers"
subject = { customer_id = "id", email = "email" }
began   = "created_at"
events  = { last_activity = "seen_at" }
"""


def _shop(more):
    head, _, rest = SHOP.partition("[datasets.accounts]")
    assert rest
    return head + ACCOUNTS + more


def _policy(action):
    before, _, after = POLICY.partition('action    = "delete"')
    return before + f'action    = "{action}"' + after


def test_a_dataset_that_is_to_be_rewritten_says_how(problems):
    (problem,) = problems(policies=_policy("pseudonymize"), shop=_shop(""))
    assert problem.key == "datasets.accounts.anonymize"
    assert "inactive-accounts" in problem.found


def test_what_links_is_no_anonymisation(problems, loaded):
    shop = _shop('anonymize = { email = "hash", name = "null" }\n')
    (problem,) = problems(policies=_policy("anonymize"), shop=shop)
    assert problem.key == "rules.inactive-accounts.action"
    assert "`email`" in problem.found
    assert "`name`" not in problem.found
    assert '"pseudonymize"' in problem.write
    assert loaded(policies=_policy("pseudonymize"), shop=shop)
    assert loaded(policies=_policy("anonymize"), shop=_shop('anonymize = { email = "redact" }\n'))


def test_strategies_and_steps_are_part_of_the_form(loaded):
    told = '\n[identifiers]\nemail = ["trim", "lower"]\n'

    def form(more, policy=POLICY):
        return resolved_form(loaded(policies=policy, shop=_shop(more)), "inactive-accounts")

    forms = [
        form(""),
        form('anonymize = { name = "null" }\n'),
        form('anonymize = { name = "redact" }\n'),
        form('anonymize = { name = { strategy = "redact", with = "-" } }\n'),
        form('anonymize = { name = "redact" }\ndone = "done_at"\n'),
        form('anonymize = { email = "hash" }\n'),
        form('anonymize = { email = "hash" }\n', POLICY + told),
    ]
    assert len(set(forms)) == len(forms)


def test_a_hashed_subject_is_of_its_kind(loaded):
    config = loaded(
        shop=_shop('anonymize = { email = "hash", alias = { strategy = "hash", as = "email" } }\n')
    )
    columns = config.connectors["shop"].datasets["accounts"].rewriting.columns
    assert {strategy.kind for strategy in columns.values()} == {"email"}
    assert columns["email"] == Strategy(way=Way.HASH, kind="email")
