"""What a careful author of SQL would write for the policy of `bench.fates`: one statement a rule.

Each looks at the table once. An inner query works out for every record which rules still keep it; the outer one says
what comes of it under the rule, and counts.
"""

from __future__ import annotations

from dataclasses import dataclass

_TABLES = (
    "CREATE TABLE tenant (id integer PRIMARY KEY, months integer)",
    "CREATE TABLE account (id integer PRIMARY KEY, tenant_id integer NOT NULL, email varchar(60) NOT NULL,"
    " country char(2), company {boolean} NOT NULL, newsletter {boolean} NOT NULL, disputed {boolean},"
    " balance integer NOT NULL, created_at {moment} NOT NULL, seen_at {moment}, closed_at {moment},"
    " unsubscribed_at {moment}, FOREIGN KEY (tenant_id) REFERENCES tenant (id))",
    "CREATE TABLE prospect (id integer PRIMARY KEY, account_id integer NOT NULL, called_at {moment},"
    " FOREIGN KEY (account_id) REFERENCES account (id))",
)
_ROWS = (
    "INSERT INTO tenant SELECT {n}, CASE WHEN {n} % 50 = 0 THEN NULL ELSE 6 + {n} % 60 END FROM {series_tenants}",
    "INSERT INTO account SELECT {n}, 1 + {n} % {tenants}, concat('person', {n}, '@example.com'),"
    " CASE {n} % 11 WHEN 0 THEN NULL WHEN 1 THEN 'DE' WHEN 2 THEN 'DE' ELSE 'NO' END, {n} % 5 = 0, {n} % 3 = 0,"
    " CASE {n} % 13 WHEN 0 THEN NULL WHEN 1 THEN {true} ELSE {false} END, {n} % 1000, {created},"
    " CASE WHEN {n} % 4 = 0 THEN NULL ELSE {seen} END, CASE WHEN {n} % 7 = 0 THEN NULL ELSE {closed} END,"
    " CASE WHEN {n} % 2 = 0 THEN NULL ELSE {unsubscribed} END FROM {series}",
    "INSERT INTO prospect SELECT {n}, {n} * 5, {called} FROM {series_prospects}",
)
_INDEXES = (
    "CREATE INDEX account_email ON account (email)",
    "CREATE INDEX prospect_account ON prospect (account_id)",
)


@dataclass(frozen=True, kw_only=True)
class Spelling:
    """What the two servers write otherwise. `day`: a timestamp's day; `plus`: a day and months."""

    day: str
    plus: str
    year_end: str
    greatest: str
    moment: str


POSTGRESQL = Spelling(
    day="({})::date",
    plus="({} + {} * interval '1 month')::date",
    year_end="(date_trunc('year', {}) + interval '1 year' - interval '1 day')::date",
    greatest="greatest({}, {})",
    moment="::timestamp",
)
MARIADB = Spelling(
    day="date({})",
    plus="({} + INTERVAL {} MONTH)",
    year_end="last_day(makedate(year({}), 1) + INTERVAL 11 MONTH)",
    greatest="greatest({}, coalesce({}, '1000-01-01'))",
    moment="",
)


def postgresql_tables(rows: int, tenants: int) -> list[str]:
    """Statements that make and fill the tables."""
    words = {
        "boolean": "boolean",
        "moment": "timestamp",
        "n": "n",
        "true": "true",
        "false": "false",
        "series": f"generate_series(1, {rows}) AS s (n)",
        "series_tenants": f"generate_series(1, {tenants}) AS s (n)",
        "series_prospects": f"generate_series(1, {rows // 10}) AS s (n)",
        "tenants": str(tenants),
    } | {
        name: f"timestamp '{first}' + n % {days} * interval '1 day'" for name, (first, days) in _DATES.items()
    }
    made = [statement.format(**words) for statement in (*_TABLES, *_ROWS, *_INDEXES)]
    return [*made, "VACUUM ANALYZE"]


def mariadb_tables(rows: int, tenants: int) -> list[str]:
    """Statements that make and fill the tables."""
    words = {
        "boolean": "boolean",
        "moment": "datetime",
        "n": "seq",
        "true": "true",
        "false": "false",
        "series": f"seq_1_to_{rows}",
        "series_tenants": f"seq_1_to_{tenants}",
        "series_prospects": f"seq_1_to_{max(1, rows // 10)}",
        "tenants": str(tenants),
    } | {name: f"timestamp('{first}') + INTERVAL seq % {days} DAY" for name, (first, days) in _DATES.items()}
    made = [statement.format(**words) for statement in (*_TABLES, *_ROWS, *_INDEXES)]
    return [*made, "ANALYZE TABLE tenant, account, prospect"]


_DATES = {
    "created": ("2014-01-01", 4507),
    "seen": ("2015-06-01", 4201),
    "closed": ("2013-01-01", 5003),
    "unsubscribed": ("2014-06-01", 4409),
    "called": ("2020-01-01", 2503),
}

_RULES = ("books", "inactive", "marketing", "closed", "instructed", "claims", "many")
_NAMES = {"many": "claims-of-many"}

# The state of each rule on each record, and the day on which its clock ended or will have.
_STATES = """
SELECT
  CASE WHEN NOT company THEN 'out_of_scope' WHEN country IS NULL THEN 'unclear'
       WHEN closed_at >= (CASE WHEN country = 'DE' THEN '2018-01-01' ELSE '2021-01-01' END){moment} THEN 'not_due'
       WHEN closed_at IS NULL THEN 'undated' ELSE 'ended' END AS books,
  {books_day} AS books_day,
  CASE WHEN active >= '2024-11-25' THEN 'not_due' ELSE 'ended' END AS inactive,
  {inactive_day} AS inactive_day,
  CASE WHEN NOT newsletter THEN 'out_of_scope'
       WHEN unsubscribed_at <= '2026-11-25 12:00:00' AND created_at <= unsubscribed_at THEN 'ended'
       ELSE 'not_due' END AS marketing,
  {marketing_day} AS marketing_day,
  CASE WHEN closed_at >= '2025-11-25' THEN 'not_due' WHEN closed_at IS NULL THEN 'undated'
       WHEN coalesce(disputed, true) AND closed_at >= '2023-12-26' THEN 'deferred' ELSE 'ended' END AS closed,
  {closed_day} AS closed_day,
  CASE WHEN months IS NULL THEN 'unclear' WHEN {instructed_day} >= '2026-11-25' THEN 'not_due'
       ELSE 'ended' END AS instructed,
  {instructed_day} AS instructed_day,
  CASE WHEN balance <= 900 THEN 'out_of_scope' WHEN closed_at >= '2023-01-01' THEN 'not_due'
       WHEN closed_at IS NULL THEN 'undated' ELSE 'ended' END AS claims,
  {claims_day} AS claims_day,
  CASE WHEN created_at >= '2026-05-25' THEN 'not_due' ELSE 'ended' END AS many,
  {many_day} AS many_day,
  created_at, closed_at, unsubscribed_at, active, s.id
FROM (SELECT a.*, t.months, {active} AS active FROM account a JOIN tenant t ON t.id = a.tenant_id) s
"""
_REFERENCED = (
    "EXISTS (SELECT 1 FROM prospect p WHERE p.account_id = x.id"
    " AND (p.called_at IS NULL OR p.called_at >= '2024-11-25'))"
)
_EVENTS = {
    "books": "closed_at",
    "inactive": "active",
    "marketing": "unsubscribed_at",
    "closed": "closed_at",
    "instructed": "active",
    "claims": "closed_at",
    "many": "created_at",
}


def statements(spelling: Spelling) -> dict[str, str]:
    """Rule → its statement: fate, records, of them overdue, the oldest day."""
    found = {"erasure": "SELECT 'out_of_scope', count(*), 0, NULL FROM account"}
    return found | {_NAMES.get(rule, rule): _statement(spelling, rule) for rule in _RULES}


def _statement(spelling: Spelling, rule: str) -> str:
    others = [other for other in _RULES if other != rule]
    kept = " OR ".join(f"{other} NOT IN ('ended', 'out_of_scope')" for other in others)
    later = " OR ".join(
        f"{other} = 'ended' AND {other}_day {_after(other, rule)} {rule}_day" for other in others
    )
    conflict = f"WHEN ({kept}) AND closed_at < '2023-11-25' THEN 'conflict'" if rule == "closed" else ""
    late = "closed_at < '2023-11-25'" if rule == "closed" else _late(rule)
    return (
        "SELECT fate, count(*), sum(CASE WHEN fate IN ('due', 'referenced', 'conflict') AND late THEN 1 ELSE 0 END),"
        f" min({spelling.day.format('moment')}) FROM (SELECT CASE WHEN {rule} <> 'ended' THEN {rule} {conflict}"
        f" WHEN {kept} THEN 'retained' WHEN {_REFERENCED} THEN 'referenced' WHEN {later} THEN 'elsewhere'"
        f" ELSE 'due' END AS fate, {late} AS late, {_EVENTS[rule]} AS moment FROM ({_states(spelling)}) x) y"
        " GROUP BY fate"
    )


def _after(other: str, rule: str) -> str:
    return ">=" if _RULES.index(other) < _RULES.index(rule) else ">"


def _late(rule: str) -> str:
    return f"{rule}_day < '2026-10-25'"


def _states(spelling: Spelling) -> str:
    def plus(day: str, months: str) -> str:
        return spelling.plus.format(day, months)

    day = spelling.day.format
    ended = spelling.year_end.format("closed_at")
    return _STATES.format(
        moment=spelling.moment,
        active=spelling.greatest.format("a.created_at", "a.seen_at"),
        books_day=plus(ended, "CASE WHEN country = 'DE' THEN 96 ELSE 60 END"),
        inactive_day=plus(day("active"), "24"),
        marketing_day=day("unsubscribed_at"),
        closed_day=plus(day("closed_at"), "12"),
        instructed_day=plus(day("active"), "months"),
        claims_day=plus(ended, "36"),
        many_day=plus(day("created_at"), "6"),
    )
