"""Makes the systems company's two databases."""

from __future__ import annotations

from datetime import datetime, timedelta

from retention.demo.built import Built, Telling
from retention.demo.crowd import Crowd, filled
from retention.demo.making import Making, moment
from retention.demo.quotes import named as n
from retention.demo.quotes import schema as t

TIMEZONE = "Europe/Rome"
STORES = {"sales": t.SALES, "site": t.SITE}

PEOPLE = 640
_HISTORY = 8 * 365
_PAGES = ("/machines", "/quotes", "/service", "/careers", "/news")
_MACHINES = ("Press", "Lathe", "Conveyor", "Robot arm", "Packing line")


def build(making: Making) -> Built:
    """The company as it is on `making.today`: the same for the same day and scale."""
    made = filled(
        making, STORES, n.named, _Crowd, seed="quotes", people=PEOPLE, doing="building the systems company"
    )
    return Built(
        what=f"a maker of machines with a site: {made.people:,} people, {made.rows:,} rows",
        left="What is left is kept for a reason: people who did not opt out, customers who are set apart for "
        "three years, deals under a law, requests that nobody has answered.",
        telling=(
            Telling(
                dataset="sales.contacts",
                key=made.keys[n.OPTED_OUT],
                shows="Somebody who opted out of marketing yesterday, and goes today.",
            ),
            Telling(
                dataset="sales.contacts",
                key=made.keys[n.CUSTOMER],
                shows="A customer who opted out: no more marketing, and kept apart in a vault for three years.",
            ),
            Telling(
                dataset="sales.deals",
                key=made.keys[n.INVOICED],
                shows="A deal that three rules speak of: the law on invoices is the last to let go.",
            ),
        ),
    )


class _Crowd(Crowd):
    """Everybody else: of eight years, nothing later than yesterday."""

    locale = "it_IT"

    def one(self) -> None:
        """A person: perhaps a contact, a buyer, a visitor, somebody who asks."""
        dice, person = self._dice, self._people.one()
        joined = dice.randint(1, _HISTORY)
        customer = dice.random() < 0.3
        left = dice.random() < 0.06
        contact = self._rows.put(
            t.contacts,
            email=person.email,
            name=person.name,
            company=person.company,
            language=dice.choice(("it", "en", "de")),
            subscribed_at=self._moment(joined),
            opted_out_at=self._moment(dice.randint(0, joined - 1)) if left and joined > 1 else None,
            is_customer=customer,
            open_claim=dice.random() < 0.02,
        )
        for _ in range(dice.randint(0, 3)):
            self._rows.put(
                t.mails,
                contact_id=contact,
                subject=dice.choice(("News of the month", "An invitation", "A new machine")),
                sent_at=self._moment(dice.randint(1, joined)),
            )
        if customer:
            self._deal(person.name, person.email)
        self._visitor(customer)
        if dice.random() < 0.5:
            self._request(person.name, person.email)

    def _moment(self, days: int) -> datetime:
        return moment(self._today, self._dice, days)

    def _deal(self, name: str, email: str) -> None:
        dice = self._dice
        invoiced = dice.random() < 0.75
        number = self._rows.count
        deal = self._rows.put(
            t.deals,
            number=f"D{number}",
            buyer=name,
            email=email,
            made_on=self._today - timedelta(days=dice.randint(1, _HISTORY if invoiced else 420)),
            status="closed" if dice.random() < 0.95 else "draft",
            is_device=dice.random() < 0.4,
            invoice_no=f"I{number}" if invoiced else None,
            total_cents=dice.randint(10_000, 9_000_000),
        )
        for _ in range(dice.randint(1, 3)):
            self._rows.put(
                t.deal_lines,
                deal_id=deal,
                machine=dice.choice(_MACHINES),
                price_cents=dice.randint(10_000, 3_000_000),
            )

    def _visitor(self, customer: bool) -> None:
        dice = self._dice
        cookie = f"{dice.getrandbits(96):024x}"
        seen = dice.randint(2, 1_500)
        agreed = dice.random() < 0.6
        withdrew = agreed and dice.random() < 0.08
        self._rows.put(
            t.visitors,
            cookie=cookie,
            first_seen_at=self._moment(seen),
            consented_at=self._moment(seen) if agreed else None,
            withdrew_at=self._moment(dice.randint(1, seen - 1)) if withdrew else None,
            is_customer=customer,
            segment=dice.choice(("heavy machines", "packing", "service")) if agreed else None,
            score=dice.randint(1, 9) if agreed else None,
        )
        for _ in range(dice.randint(0, 4)):
            day = self._today - timedelta(days=dice.randint(1, 480))
            self._rows.put(
                t.visits,
                cookie=cookie,
                seen_ms=n.millis(day) + dice.randint(-20_000_000, 20_000_000),
                page=dice.choice(_PAGES),
            )
        if dice.random() < 0.1:
            self._rows.put(
                t.incidents,
                cookie=cookie if dice.random() < 0.8 else None,
                ip=f"198.51.100.{dice.randint(1, 254)}",
                kind=dice.choice(("probing", "flooding", "spam")),
                noticed_at=self._moment(dice.randint(1, 800)),
            )

    def _request(self, name: str, email: str) -> None:
        dice = self._dice
        asked = dice.randint(3, 220)
        answered = dice.random() < 0.8
        request = self._rows.put(
            t.requests,
            email=email,
            name=name,
            kind=dice.choice(("quote", "message", "chat")),
            status="answered" if answered else "open",
            asked_at=self._moment(asked),
            answered_at=self._moment(dice.randint(1, asked - 1)) if answered else None,
        )
        for _ in range(dice.randint(1, 3)):
            self._rows.put(
                t.request_messages,
                request_id=request,
                body=dice.choice(("What does it cost?", "When can you deliver?", "Thank you.")),
                sent_at=self._moment(dice.randint(1, asked)),
            )
