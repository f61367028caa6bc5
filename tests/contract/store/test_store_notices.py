"""Notices are stored as they are, changed and forgotten; a lease guards who does so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from retention.store.notices import StoredNotice
from tests.contract.store.conftest import AT

ROW = StoredNotice(channel="ops", key="overdue ørder", kind="overdue", text='{"text": "ü"}', since=AT)


def stored(store):
    with store.read() as snapshot:
        return snapshot.notices.all()


def test_notices_are_told_apart_by_channel_and_key_and_come_oldest_first(store):
    rows = [
        replace(ROW, since=AT + timedelta(minutes=1), channel="Ops"),
        replace(ROW, key="overdue Ørder"),
        replace(ROW, number=3, told=AT, over=AT, attempts=2, again=AT + timedelta(seconds=15)),
    ]
    with store.begin() as tx:
        tx.notices.put(rows)
        tx.notices.put([replace(rows[0], number=1)])
    assert sorted(stored(store), key=str) == sorted([replace(rows[0], number=1), *rows[1:]], key=str)
    assert stored(store)[-1].channel == "Ops"
    with store.begin() as tx:
        tx.notices.drop([rows[0], replace(rows[0], channel="nobody")])
    assert len(stored(store)) == 2
