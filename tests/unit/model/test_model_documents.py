"""Plans survive their document; documents have the fields that were promised."""

import json
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retention.errors import ConfigurationError
from retention.model.documents import instant, plan_document, plan_from_document, run_document
from retention.model.outcome import CheckpointRef, JobOutcome, RunOutcome, Skipped
from retention.model.plan import FATES, Cutoff, JobPlan, JobStatus, KeptElsewhere, Plan

few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

texts = st.text(max_size=8)
counts = st.integers(min_value=0, max_value=10**12)
tables = st.dictionaries(texts, counts, max_size=3)
offsets = st.integers(min_value=-14 * 60, max_value=14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
moments = st.datetimes(
    min_value=datetime(1900, 1, 2), max_value=datetime(2999, 1, 1), timezones=offsets | st.just(UTC)
)
jobs = st.builds(
    JobPlan,
    rule=texts,
    connector=texts,
    dataset=texts,
    promise=texts,
    action=texts,
    total=counts,
    fates=st.fixed_dictionaries(dict.fromkeys(FATES, counts)),
    overdue=counts,
    rows=tables,
    cutoffs=st.lists(st.builds(Cutoff, when=texts, cutoff=moments), max_size=2).map(tuple),
    oldest=st.none() | texts,
    exact=st.booleans(),
    referenced_by=tables,
    status=st.sampled_from(JobStatus),
    reason=st.none() | texts,
    form=texts,
    target=texts,
    schema=texts,
)
plans = st.builds(
    Plan,
    id=texts,
    digest=texts,
    as_of=moments,
    policy=texts,
    jobs=st.lists(jobs, max_size=2).map(tuple),
    kept_elsewhere=st.lists(
        st.builds(KeptElsewhere, rule=texts, promise=texts, kept_by=texts), max_size=2
    ).map(tuple),
    stored=st.booleans(),
    notes=st.lists(texts, max_size=2).map(tuple),
    counted=st.dictionaries(st.sampled_from(["total", "due", "overdue"]), counts),
)


def job(**changes):
    """A job of ten records, all of them not due but as `changes` say."""
    fates = dict.fromkeys(FATES, 0) | changes.pop("fates", {})
    fields = {"rule": "r", "connector": "c", "dataset": "d", "promise": "p", "action": "delete", "total": 10}
    return JobPlan(**(fields | {"fates": fates} | changes))


def plan_of(*jobs, **changes):
    fields = {"id": "p", "digest": "d", "as_of": datetime(2026, 3, 1, tzinfo=UTC), "policy": "h"}
    return Plan(**(fields | {"jobs": jobs} | changes))


@few
@given(plans)
def test_a_plan_comes_back_from_its_document_through_json(plan):
    assert plan_from_document(json.loads(json.dumps(plan_document(plan)))) == plan


@few
@given(plans)
def test_a_document_made_again_from_its_plan_is_the_same_to_the_letter(plan):
    document = plan_document(plan)
    assert plan_document(plan_from_document(document)) == document


def test_a_cutoff_keeps_the_day_of_the_rule_s_zone():
    cutoff = Cutoff(when="always", cutoff=datetime(2021, 1, 1, tzinfo=ZoneInfo("Europe/Oslo")))
    document = plan_document(plan_of(job(cutoffs=(cutoff,))))
    assert document["jobs"][0]["cutoffs"] == [{"when": "always", "cutoff": "2021-01-01T00:00:00+01:00"}]
    back = plan_from_document(document)
    assert back.jobs[0].cutoffs[0].cutoff.date().isoformat() == "2021-01-01"


def test_a_job_of_a_plan_has_every_promised_field():
    document = plan_document(plan_of(job(fates={"due": 3})))
    assert list(document) == ["format", "plan", "jobs", "totals", "kept_elsewhere", "notes"]
    assert {"id", "digest", "as_of", "policy"} <= set(document["plan"])
    promised = {"rule", "connector", "dataset", "total", *FATES, "overdue", "actions", "rows", "cutoffs"}
    promised |= {"oldest", "exact", "status", "reason", "promise", "action", "form", "target", "schema"}
    assert set(document["jobs"][0]) == promised | {"referenced_by"}
    assert document["jobs"][0]["actions"] == {"delete": 3}


def test_a_run_has_every_promised_field():
    done = JobOutcome(
        rule="r", connector="c", dataset="d", status=JobStatus.DONE, planned=6, done=3,
        skipped=Skipped(changed=1, held=1, locked=1), seconds=1.23456,
    )  # fmt: skip
    outcome = RunOutcome(
        id="r-1", as_of=datetime(2026, 3, 1, tzinfo=UTC), status="done", jobs=(done,),
        checkpoint=CheckpointRef(size=7, root="abc"),
    )  # fmt: skip
    document = run_document(outcome)
    assert document["format"] == "retention.run/1"
    assert document["run"] == {"id": "r-1", "as_of": "2026-03-01T00:00:00Z", "status": "done"}
    assert document["checkpoint"] == {"size": 7, "root": "abc"}
    (told,) = document["jobs"]
    assert told["skipped"] == {"changed": 1, "held": 1, "locked": 1}
    assert told["planned"] == told["done"] + sum(told["skipped"].values()) + told["set_aside"] + told["left"]
    assert told["seconds"] == 1.235
    promised = {"rule", "connector", "dataset", "status", "reason", "planned", "done", "skipped", "set_aside"}
    assert set(told) == promised | {"left", "rows", "batches", "seconds", "overdue", "counted"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d.pop("format"),
        lambda d: d.update(format="retention.plan/2"),
        lambda d: d["plan"].pop("as_of"),
        lambda d: d["plan"].update(as_of="2026-03-01T00:00:00"),
        lambda d: d["jobs"][0].pop("held"),
        lambda d: d["jobs"][0].update(status="redy"),
        lambda d: d.update(jobs=None),
    ],
)
def test_a_damaged_document_is_refused_whole(damage):
    document = plan_document(plan_of(job()))
    damage(document)
    with pytest.raises(ConfigurationError):
        plan_from_document(document)


def test_a_naive_instant_has_no_text():
    with pytest.raises(ValueError, match="time zone"):
        instant(datetime(2026, 3, 1))


def test_an_offset_with_seconds_is_given_in_utc():
    mean_time = timezone(timedelta(minutes=53, seconds=28))
    assert instant(datetime(1890, 1, 1, 0, 53, 28, tzinfo=mean_time)) == "1890-01-01T00:00:00Z"


def test_totals_count_a_dataset_that_two_rules_look_at_once():
    first = job(rule="tax", fates={"due": 2, "undated": 4}, overdue=6, rows={"d": 2})
    second = job(rule="service", fates={"due": 3, "undated": 8}, overdue=7, rows={"d": 3, "e": 1})
    other = job(dataset="other", total=5, fates={"due": 1, "unclear": 1})
    assert plan_of(first, second, other).totals == {
        "total": 15, "due": 6, "overdue": 10, "undated": 10, "unclear": 1, "rows": 6,
    }  # fmt: skip


def test_totals_that_the_planner_counted_win():
    plan = plan_of(job(fates={"undated": 4}), counted={"undated": 2})
    assert plan.totals["undated"] == 2
    assert plan.totals["total"] == 10


def test_what_goes_under_another_rule_or_went_before_is_not_kept():
    assert job(fates={"due": 1, "elsewhere": 2, "done": 3, "not_due": 4}).kept == 4
