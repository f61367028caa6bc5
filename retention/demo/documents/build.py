"""Makes the group's two databases."""

from __future__ import annotations

from datetime import timedelta

from retention.demo.built import Built, Telling
from retention.demo.crowd import Crowd, filled
from retention.demo.dice import Dice
from retention.demo.documents import named as n
from retention.demo.documents import schema as t
from retention.demo.filling import Filling
from retention.demo.making import Making, moment
from retention.demo.people import Person

TIMEZONE = "Europe/Oslo"
STORES = {"platform": t.PLATFORM, "group": t.GROUP}

PEOPLE = 700
_AGREEMENTS = 40
_HISTORY = 8 * 365


def build(making: Making) -> Built:
    """The group as it is on `making.today`: the same for the same day and scale."""
    made = filled(
        making,
        STORES,
        n.named,
        _Crowd,
        seed="documents",
        people=PEOPLE,
        doing="building the communications group",
    )
    return Built(
        what=f"a group of a dozen companies: {made.people:,} customers, {made.rows:,} rows",
        left="What is left is kept for a reason: contracts that go on, invoices under one of a dozen laws, "
        "customers without a name whose bills a law keeps, hashes that remember an opt-out.",
        telling=(
            Telling(
                dataset="platform.clients",
                key=made.keys[n.DUE_CLIENT],
                shows="A customer whose contract ended yesterday, and whom nobody needs any more.",
            ),
            Telling(
                dataset="group.invoices",
                key=made.keys[n.GMBH],
                shows="An invoice of the German company, under its own law and on its own clock.",
            ),
            Telling(
                dataset="platform.clients",
                key=made.keys[n.CLAIM],
                shows="A customer with a claim, which keeps the record whole: it is set apart until that is over.",
            ),
        ),
    )


class _Crowd(Crowd):
    """Everybody else: customers with bills, documents, contacts, invoices."""

    locale = "en_US"

    def __init__(self, rows: Filling, making: Making, dice: Dice) -> None:
        super().__init__(rows, making, dice)
        self._agreements = [
            rows.put(
                t.agreements,
                customer=f"Customer {number}",
                own_terms=number % 3 == 0,
                keep_months=number if number % 3 == 0 else None,
            )
            for number in range(1, _AGREEMENTS + 1)
        ]

    def one(self) -> None:
        """A customer, and what belongs to it."""
        person = self._people.one()
        self._client(person)
        self._contact(person)
        self._documents()
        if self._dice.random() < 0.6:
            self._invoice(person)

    def _client(self, person: Person) -> None:
        dice, today = self._dice, self._today
        joined = dice.randint(30, _HISTORY)
        ended = dice.random() < 0.14
        client = self._rows.put(
            t.clients,
            label=person.company,
            name=person.name,
            email=person.email,
            town=person.city,
            client_since=moment(today, dice, joined),
            ended_on=today - timedelta(days=dice.randint(1, min(joined, 900))) if ended else n.OPEN_END,
            open_orders=dice.choice((0, 0, 1, 2)),
            claimed_on=today - timedelta(days=dice.randint(1, joined)) if dice.random() < 0.01 else None,
        )
        for _ in range(dice.choice((0, 0, 1, 2))):
            self._rows.put(
                t.bills,
                client_id=client,
                number=f"B{self._rows.count}",
                made_on=today - timedelta(days=dice.randint(1, min(joined, 2_000))),
            )

    def _contact(self, person: Person) -> None:
        dice, today = self._dice, self._today
        joined = dice.randint(2, _HISTORY)
        off = dice.random() < 0.08
        self._rows.put(
            t.contacts,
            label="contact",
            email=person.email,
            name=person.name,
            phone=person.phone if dice.random() < 0.5 else None,
            subscribed_at=moment(today, dice, joined),
            opted_out_at=moment(today, dice, dice.randint(1, joined - 1)) if off else None,
        )

    def _documents(self) -> None:
        dice, today = self._dice, self._today
        for _ in range(dice.randint(0, 3)):
            document = self._rows.put(
                t.documents,
                agreement_id=dice.choice(self._agreements),
                title=dice.choice(("Reminder", "Welcome", "Statement", "Change of terms")),
                sent_at=moment(today, dice, dice.randint(1, 380)),
            )
            for _ in range(dice.randint(1, 2)):
                self._rows.put(
                    t.deliveries,
                    document_id=document,
                    address=f"reader.{self._rows.count}@example.com",
                    opened_at=moment(today, dice, 1) if dice.random() < 0.4 else None,
                )

    def _invoice(self, person: Person) -> None:
        dice = self._dice
        invoice = self._rows.put(
            t.invoices,
            number=f"R{self._rows.count}",
            company=dice.choice(tuple(n.COMPANIES)),
            email=person.email,
            booked_at=moment(self._today, dice, dice.randint(1, _HISTORY)),
            total_cents=dice.randint(1_000, 900_000),
        )
        for _ in range(dice.randint(1, 2)):
            self._rows.put(
                t.invoice_lines,
                invoice_id=invoice,
                item=dice.choice(("Letters", "E-mails", "Text messages")),
                price_cents=dice.randint(100, 90_000),
            )
