"""Makes the store's databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from retention.demo.built import Built, Telling
from retention.demo.dice import Dice
from retention.demo.filling import Filling
from retention.demo.making import Making
from retention.demo.store import desk
from retention.demo.store import schema as t
from retention.demo.store.crowd import CUSTOMERS, PLACES, STREETS, crowd
from retention.demo.store.lines import DUE_ORDER, KEPT_ACCOUNT, UNDATED_ORDER, named_customers
from retention.demo.store.rows import Customer, Order

TIMEZONE = "Europe/Oslo"
STORES = {"store": t.STORE, "desk": t.DESK}

_SEED = "store"
_FIRST_ORDER = 1001
_PRODUCTS = ("Wool blanket", "Coffee grinder", "Rain coat", "Oil lamp", "Bread knife", "Snow shovel", "Kite")


def build(making: Making) -> Built:
    """The store as it is on `making.today`: the same for the same day and scale."""
    dice = Dice(_SEED)
    count = CUSTOMERS * making.scale
    making.progress.start("building the store", count)
    with Filling(making, STORES) as rows:
        tables = _Tables(rows, dice)
        for customer in named_customers(making.today):
            tables.add(customer, named=True)
        desk.named(rows, making.today)
        others = Dice("desk")
        for customer in crowd(making.today, dice, count):
            tables.add(customer)
            desk.everybody_else(rows, making.today, others, customer.name, customer.email)
            making.progress.advance(1)
    making.progress.finish()
    customers, orders = tables.customers, tables.orders
    return Built(
        what=f"a small web store in Norway: {customers:,} customers and {orders:,} orders",
        left="Accounts that nobody uses, and whose owners have orders that the law keeps, have only name and "
        "address left; they go with the last of these orders.",
        telling=(
            Telling(
                dataset="store.orders",
                key=tables.keys[DUE_ORDER],
                shows="An order that goes: it was booked on the last day of an accounting year that is long over.",
            ),
            Telling(
                dataset="store.accounts",
                key=tables.keys[KEPT_ACCOUNT],
                shows="An account that its own rule would delete: the law keeps an order of this customer, so name"
                " and address stay, and all else goes.",
            ),
            Telling(
                dataset="store.orders",
                key=tables.keys[UNDATED_ORDER],
                shows="An order that came in without any date: unknown is never taken for old.",
            ),
        ),
    )


class _Tables:
    """Customer by customer. `keys`: the keys of named records, by name or reference."""

    def __init__(self, rows: Filling, dice: Dice) -> None:
        self._rows = rows
        self._dice = dice
        self.keys: dict[str, str] = {}
        self.customers = self.orders = 0
        self._products = {
            rows.put(t.products, name=name, price_ore=9900 + 4000 * number): 9900 + 4000 * number
            for number, name in enumerate(_PRODUCTS, start=1)
        }

    def add(self, customer: Customer, *, named: bool = False) -> None:
        dice = self._dice
        postcode, city = dice.choice(PLACES)
        phone = f"000 {dice.randint(10, 99)} {dice.randint(100, 999)}"
        key = self._rows.put(
            t.customers,
            email=customer.email,
            name=customer.name,
            phone=phone if dice.random() < 0.7 else None,
            street=f"{dice.choice(STREETS)} {dice.randint(1, 99)}",
            postcode=postcode,
            city=city,
            created_at=customer.created,
            last_login_at=customer.last_login,
        )
        self.customers += 1
        if named:
            self.keys[customer.name] = str(key)
        for order in customer.orders:
            self._order(key, order)

    def _order(self, customer: int, order: Order) -> None:
        key = self.orders + _FIRST_ORDER
        self.orders += 1
        lines = list(self._lines())
        self._rows.put(
            t.orders,
            id=key,
            customer_id=customer,
            reference=order.reference or f"N-{key}",
            created_at=order.created,
            invoiced_at=order.invoiced,
            total_ore=sum(line["quantity"] * line["price_ore"] for line in lines),
        )
        if order.reference:
            self.keys[order.reference] = str(key)
        for line in lines:
            self._rows.put(t.order_lines, order_id=key, **line)
        sent = order.invoiced or order.created
        self._rows.put(t.shipments, order_id=key, tracking=f"EX{key:08}NO", sent_at=sent)
        for number, issued in enumerate(order.credit_notes, start=1):
            self._rows.put(
                t.credit_notes,
                order_id=key,
                number=f"K-{key}-{number}",
                issued_at=issued,
                amount_ore=lines[0]["price_ore"],
            )

    def _lines(self) -> Iterator[dict[str, Any]]:
        for product in self._dice.sample(sorted(self._products), self._dice.choice((1, 1, 2, 2, 3, 4))):
            yield {
                "product_id": product,
                "quantity": self._dice.randint(1, 3),
                "price_ore": self._products[product],
            }
