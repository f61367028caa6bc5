"""Makes the service's two databases."""

from __future__ import annotations

from datetime import timedelta

from retention.demo.built import Built, Telling
from retention.demo.crm import named as n
from retention.demo.crm import schema as t
from retention.demo.crowd import Crowd, filled
from retention.demo.making import Making, moment

TIMEZONE = "Europe/London"
STORES = {"app": t.APP, "content": t.CONTENT}

PEOPLE = 700
_HISTORY = 8 * 365
_TOPICS = ("How do I invite a colleague?", "Export", "Invoice", "The app is slow", "Thank you")


def build(making: Making) -> Built:
    """The service as it is on `making.today`: the same for the same day and scale."""
    made = filled(
        making, STORES, n.named, _Crowd, seed="crm", people=PEOPLE, doing="building the CRM service"
    )
    return Built(
        what=f"a CRM and chat service: {made.people:,} users, {made.rows:,} rows",
        left="What is left is kept for a reason: contracts that go on, content that its customer wants kept, "
        "profiles without a name whose messages a claim rests on.",
        telling=(
            Telling(
                dataset="app.users",
                key=made.keys[n.DUE_USER],
                shows="Somebody who was not seen for two years.",
            ),
            Telling(
                dataset="content.uploads",
                key=made.keys[n.NO_WORD],
                shows="A file of a customer who never said for how long: what is not known does not go.",
            ),
            Telling(
                dataset="app.contracts",
                key=made.keys[n.FUTURE],
                shows="A contract that began long ago, and ends in four years: it is not over.",
            ),
        ),
    )


class _Crowd(Crowd):
    """Everybody else: users, their chats and switches, what customers keep."""

    locale = "en_GB"

    def one(self) -> None:
        """A user, now and then with a contract; and what somebody's customers upload."""
        dice, person, today = self._dice, self._people.one(), self._today
        joined = dice.randint(2, _HISTORY)
        seen = dice.randint(1, min(joined, 900 if dice.random() < 0.2 else 300))
        status = dice.random()
        user = self._rows.put(
            t.users,
            email=person.email,
            name=person.name,
            phone=person.phone if dice.random() < 0.6 else None,
            created_at=moment(today, dice, joined),
            last_seen=n.seconds(today - timedelta(days=seen)),
            status_email=person.email if status < 0.5 else None,
            status_on_at=moment(today, dice, joined) if status < 0.5 else None,
            status_off_at=moment(today, dice, dice.randint(1, joined - 1)) if status < 0.05 else None,
        )
        for _ in range(dice.randint(0, 2)):
            said = dice.randint(seen, max(seen, min(joined, 380)))
            self._chat(user, said)
        for channel in ("newsletter", "events"):
            if dice.random() < 0.5:
                off = dice.random() < 0.06
                self._rows.put(
                    t.subscriptions,
                    user_id=user,
                    channel=channel,
                    label=person.email,
                    on_at=moment(today, dice, joined),
                    off_at=moment(today, dice, dice.randint(1, joined - 1)) if off else None,
                )
        if dice.random() < 0.2:
            self._contract(person.company, joined)
        self._uploads()

    def _chat(self, user: int, said: int) -> None:
        dice = self._dice
        chat = self._rows.put(
            t.chats,
            user_id=user,
            topic=dice.choice(_TOPICS),
            claim_no=f"Z{self._rows.count}" if dice.random() < 0.03 else None,
            said_at=moment(self._today, dice, said),
        )
        if dice.random() < 0.2:
            self._rows.put(t.attachments, chat_id=chat, file_name="screen.png")

    def _contract(self, customer: str, joined: int) -> None:
        dice, today = self._dice, self._today
        begins = today - timedelta(days=joined)
        years = dice.choice((1, 2, 3, 4))
        contract = self._rows.put(
            t.contracts,
            number=f"K{self._rows.count}",
            customer=customer,
            plan=dice.choice(("team", "business", "chat")),
            begins_on=begins,
            ends_on=begins + timedelta(days=365 * years),
        )
        for more in range(1, dice.randint(2, 8)):
            self._rows.put(
                t.renewals,
                contract_id=contract,
                ends_on=begins + timedelta(days=365 * (years + more)),
            )

    def _uploads(self) -> None:
        dice = self._dice
        for _ in range(dice.randint(1, 4)):
            tenant = dice.randint(1, n.PERIODS)
            upload = self._rows.put(
                t.uploads,
                tenant_id=tenant,
                name=f"file-{self._rows.count}",
                uploaded_at=moment(self._today, dice, dice.randint(1, 12 * tenant + 20)),
                shared=dice.random() < 0.3,
            )
            if dice.random() < 0.3:
                self._rows.put(t.comments, upload_id=upload, body=dice.choice(("Fine.", "See page 2.")))
