"""Makes the panel's two databases."""

from __future__ import annotations

from datetime import timedelta

from retention.demo.built import Built, Telling
from retention.demo.crowd import Crowd, filled
from retention.demo.making import Making, moment
from retention.demo.panel import named as n
from retention.demo.panel import schema as t
from retention.demo.people import Person

TIMEZONE = "Europe/Berlin"
STORES = {"panel": t.PANEL, "news": t.NEWS}

PEOPLE = 900
_HISTORY = 8 * 365


def build(making: Making) -> Built:
    """The panel as it is on `making.today`: the same for the same day and scale."""
    made = filled(
        making, STORES, n.named, _Crowd, seed="panel", people=PEOPLE, doing="building the control panel"
    )
    return Built(
        what=f"a control panel for hosting: {made.people:,} customers, {made.rows:,} rows",
        left="What is left is kept for a reason: customers who are served, those whose invoices a law keeps, "
        "readers who never withdrew.",
        telling=(
            Telling(
                dataset="panel.customers",
                key=made.keys[n.ENDED],
                shows="Somebody who tried the panel, was never invoiced, and left.",
            ),
            Telling(
                dataset="news.readers",
                key=made.keys["Clicked the link: due"],
                shows="A reader who withdrew by a link; in the panel or by e-mail would have done as well.",
            ),
            Telling(
                dataset="panel.customers",
                key=made.keys[n.TAXED],
                shows="A customer who left, and whom the tax office keeps: the last of several rules ends it.",
            ),
        ),
    )


class _Crowd(Crowd):
    """Everybody else: customers, tickets, readers."""

    locale = "de_DE"

    def one(self) -> None:
        """A customer, perhaps one who writes, perhaps one who reads."""
        person = self._people.one()
        self._customer(person)
        if self._dice.random() < 0.5:
            self._ticket(person)
        if self._dice.random() < 0.6:
            self._reader(person)

    def _customer(self, person: Person) -> None:
        dice, today = self._dice, self._today
        joined = dice.randint(40, _HISTORY)
        ended = dice.random() < 0.3
        left = dice.randint(1, joined - 10)
        trial = dice.random() < 0.2
        customer = self._rows.put(
            t.customers,
            name=person.name,
            email=person.email,
            city=person.city,
            status="ended" if ended else "active",
            created_at=moment(today, dice, joined),
            expires_on=today - timedelta(days=left) if ended else n.SERVED,
        )
        for _ in range(dice.randint(0, 2)):
            self._rows.put(t.domains, customer_id=customer, name=f"site-{self._rows.count}.example")
        for _ in range(0 if trial else dice.randint(1, 3)):
            issued = today - timedelta(days=dice.randint(left if ended else 1, joined))
            invoice = self._rows.put(
                t.invoices,
                customer_id=customer,
                number=f"R{self._rows.count}",
                issued_on=issued,
                paid_on=min(issued + timedelta(days=14), today) if dice.random() < 0.95 else None,
            )
            self._rows.put(t.invoice_lines, invoice_id=invoice, item="Server", cents=dice.randint(500, 9_000))

    def _ticket(self, person: Person) -> None:
        dice, today = self._dice, self._today
        opened = dice.randint(2, 900)
        closed = dice.random() < 0.9
        ticket = self._rows.put(
            t.tickets,
            email=person.email,
            subject=dice.choice(("No mail", "Certificate", "Slow", "Password")),
            status="closed" if closed else "open",
            opened_at=moment(today, dice, opened),
            closed_at=moment(today, dice, dice.randint(1, opened)) if closed else None,
        )
        for _ in range(dice.randint(1, 3)):
            self._rows.put(t.replies, ticket_id=ticket, body=dice.choice(("Thank you.", "It works again.")))

    def _reader(self, person: Person) -> None:
        dice, today = self._dice, self._today
        since = dice.randint(2, _HISTORY)
        how = dice.random()
        away = moment(today, dice, dice.randint(1, since - 1))
        self._rows.put(
            t.readers,
            name=person.name,
            email=person.email,
            consented_at=moment(today, dice, since),
            switched_off_at=away if how < 0.05 else None,
            link_clicked=f"{away:%Y%m%d%H%M%S}" if 0.05 <= how < 0.1 else None,
        )
