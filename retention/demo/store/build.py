"""Makes the store's database."""

from __future__ import annotations

import itertools
import random
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from retention.demo.built import Built, Telling
from retention.demo.store.crowd import PLACES, STREETS, crowd
from retention.demo.store.lines import DUE_ORDER, KEPT_ACCOUNT, UNDATED_ORDER, named_customers
from retention.demo.store.rows import Customer, Order
from retention.demo.store.schema import SCHEMA
from retention.errors import UnreachableError

TIMEZONE = "Europe/Oslo"
FILE = "store.db"

_SEED = "store"
_FIRST_ORDER = 1001
_PRODUCTS = ("Wool blanket", "Coffee grinder", "Rain coat", "Oil lamp", "Bread knife", "Snow shovel", "Kite")


def build(folder: Path, today: date) -> Built:
    """The store as it is on `today`, in a new file `store.db` of `folder`: the same for the same day.

    UnreachableError where the database can't be written.
    """
    path = folder / FILE
    dice = random.Random(_SEED)  # noqa: S311 - the same people every time
    tables = _Tables(dice)
    for customer in itertools.chain(named_customers(today), crowd(today, dice)):
        tables.add(customer)
    try:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.executescript(SCHEMA)
            for table, rows in tables.rows.items():
                _insert(connection, table, rows)
    except sqlite3.Error as error:
        raise UnreachableError(f"{path}: the database could not be built: {error}") from error
    customers, orders = len(tables.rows["customers"]), len(tables.rows["orders"])
    return Built(
        what=f"a small web store in Norway: {customers:,} customers and {orders:,} orders",
        still_late="Overdue still are accounts that nobody uses, whose owners have orders that the law keeps;"
        " they go with the last of these.",
        telling=(
            Telling(
                dataset="store.orders",
                key=tables.keys[DUE_ORDER],
                shows="An order that goes: it was booked on the last day of an accounting year that is long over.",
            ),
            Telling(
                dataset="store.accounts",
                key=tables.keys[KEPT_ACCOUNT],
                shows="An account that its own rule would delete, and that stays: the law keeps an order of"
                " this customer.",
            ),
            Telling(
                dataset="store.orders",
                key=tables.keys[UNDATED_ORDER],
                shows="An order that came in without any date: unknown is never taken for old.",
            ),
        ),
    )


def _insert(connection: sqlite3.Connection, table: str, rows: list[Mapping[str, Any]]) -> None:
    if rows:
        columns = ", ".join(rows[0])
        marks = ", ".join(f":{name}" for name in rows[0])
        connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)


class _Tables:
    """Rows by table, parents first. `keys`: the keys of named records, by name or reference."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.keys: dict[str, str] = {}
        self.rows: dict[str, list[Mapping[str, Any]]] = {
            "products": [
                {"id": number, "name": name, "price_ore": 9900 + 4000 * number}
                for number, name in enumerate(_PRODUCTS, start=1)
            ]
        }
        for table in ("customers", "orders", "order_lines", "shipments", "credit_notes"):
            self.rows[table] = []

    def add(self, customer: Customer) -> None:
        dice, key = self._dice, len(self.rows["customers"]) + 1
        postcode, city = dice.choice(PLACES)
        phone = f"000 {dice.randint(10, 99)} {dice.randint(100, 999)}"
        self.rows["customers"].append(
            {
                "id": key,
                "email": customer.email,
                "name": customer.name,
                "phone": phone if dice.random() < 0.7 else None,
                "street": f"{dice.choice(STREETS)} {dice.randint(1, 99)}",
                "postcode": postcode,
                "city": city,
                "created_at": customer.created,
                "last_login_at": customer.last_login,
            }
        )
        self.keys.setdefault(customer.name, str(key))
        for order in customer.orders:
            self._order(key, order)

    def _order(self, customer: int, order: Order) -> None:
        key = len(self.rows["orders"]) + _FIRST_ORDER
        lines = list(self._lines(key))
        total = sum(line["quantity"] * line["price_ore"] for line in lines)
        self.rows["orders"].append(
            {
                "id": key,
                "customer_id": customer,
                "reference": order.reference or f"N-{key}",
                "created_at": order.created,
                "invoiced_at": order.invoiced,
                "total_ore": total,
            }
        )
        self.keys[order.reference or f"N-{key}"] = str(key)
        self.rows["order_lines"] += lines
        sent = order.invoiced or order.created
        self.rows["shipments"].append({"order_id": key, "tracking": f"EX{key:08}NO", "sent_at": sent})
        for number, issued in enumerate(order.credit_notes, start=1):
            self.rows["credit_notes"].append(
                {
                    "order_id": key,
                    "number": f"K-{key}-{number}",
                    "issued_at": issued,
                    "amount_ore": lines[0]["price_ore"],
                }
            )

    def _lines(self, order: int) -> Iterator[dict[str, Any]]:
        products = self.rows["products"]
        for product in self._dice.sample(products, self._dice.choice((1, 1, 2, 2, 3, 4))):
            yield {
                "order_id": order,
                "product_id": product["id"],
                "quantity": self._dice.randint(1, 3),
                "price_ore": product["price_ore"],
            }
