"""A backfill as a Prefect flow: its report on the run's page; applied when somebody resumes it with a yes.

The waiting run is suspended: no process holds it. Resumed, it begins anew and finds its plan by the number of the run.
"""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field

from contracts.forms import FORMS
from contracts.regions import regions
from contracts.versions.inputs import JUDGE_DATES
from contracts.vocabulary import rows
from flows.backfills.report import report_of
from flows.backfills.steps import apply_backfill, plan, region_of_backfill, requested, resume
from flows.home.connection import warehouse
from flows.home.faults import Fault, guarded
from flows.home.log import logged
from flows.home.settings import Settings
from flows.nightly import run_name
from flows.outbox.receipts import write_receipts
from flows.page.after_publish import write_site
from flows.runs.record import settings_of
from warehouse.backfill.apply import cancel, status_of
from warehouse.backfill.requests import Refused, Request, backfill_of

if TYPE_CHECKING:
    from sqlalchemy import Engine


def _one_of(names: list[str]) -> Any:
    """A text out of a list: the server refuses another one, and its page offers these."""
    return Field(json_schema_extra={"enum": list(names)})


FormName = Annotated[str, _one_of([form.name for form in FORMS])]
SenderName = Annotated[str, _one_of([row["sender"] for row in rows("senders")])]
CampaignName = Annotated[str, _one_of(list(dict.fromkeys(row["campaign"] for row in rows("campaigns"))))]
RegionName = Annotated[str, _one_of([region.code for region in regions()])]
InputName = Annotated[str, _one_of(list(JUDGE_DATES))]
Sentence = Annotated[str, Field(pattern=r"\w\W+\w")]
Name = Annotated[str, Field(min_length=1, pattern=r"\S")]


class Approval(RunInput):
    """What whoever resumes the run is asked."""

    who: Name = Field(title="Кто решил")
    yes: bool = Field(title="Применить", description="Нет — план будет отменён, от него останется только запись.")


@flow(name="backfill", flow_run_name=run_name, persist_result=False)
def backfill(
    reason: Sentence,
    requested_by: Name,
    forms: list[FormName] | None = None,
    senders: list[SenderName] | None = None,
    from_as_of: dt.date | None = None,
    to_as_of: dt.date | None = None,
    campaign: CampaignName | None = None,
    register_known_at: dt.datetime | None = None,
    inputs: list[InputName] | None = None,
    keeps_inputs: bool = False,
    home: str | None = None,
    region: RegionName | None = None,
) -> State[Any]:
    """Read archived deliveries of a region again, show what would change, and apply it when that is approved.

    The dates are `from_as_of` to `to_as_of`, or those of a campaign. Without forms or senders all of them are meant.
    Where several regions are in force, the senders say which is meant, or `region` does. With `inputs` nothing is
    read, and the dates are judged anew by these; with `keeps_inputs` by those of before.
    """
    settings = settings_of(home)

    def make_request() -> Request:
        return requested(
            forms or [], senders or [], from_as_of, to_as_of, reason, campaign=campaign,
            register_known_at=register_known_at, requested_by=requested_by, flow_run_id=str(flow_run.id),
            inputs=inputs, keeps_inputs=keeps_inputs, region=region,
        )  # fmt: skip

    plan_or_state = _unless_refused("planning a backfill", partial(_plan_of_run, settings, make_request))
    if isinstance(plan_or_state, State):
        return plan_or_state
    backfill_id, status = plan_or_state
    if status == "planned":
        days = settings.plan_days
        approval = suspend_flow_run(wait_for_input=Approval, timeout=days * 24 * 3600, key="approval")
        ending = _unless_refused("ending a backfill", partial(_apply_or_cancel, settings, backfill_id, approval))
        if isinstance(ending, State):
            return ending
        status = ending
    return Completed(name=status.capitalize(), message=f"backfill {backfill_id} is {status}")


def _unless_refused(doing: str, work: Any) -> Any:
    """The result of some work, or the state of a run that is refused. Raises Fault."""

    def refusable() -> Any:
        try:
            with logged(flow_run_id=str(flow_run.id)):
                return work()
        except Refused as error:
            return Failed(name="Refused", message=str(error))

    outcome = guarded(doing, refusable)
    if isinstance(outcome, Fault):
        raise outcome
    return outcome


def _plan_of_run(settings: Settings, make_request: Any) -> tuple[int, str]:
    """The run's backfill and its status: made, gone on with, or found as it is; its report is on the run's page."""
    settings.prepare()
    logger = get_run_logger()
    with warehouse(settings) as engine:
        with engine.connect() as connection:
            backfill_id = backfill_of(connection, str(flow_run.id))
            status = status_of(connection, backfill_id).status if backfill_id is not None else None
        if backfill_id is None:
            backfill_id = plan(engine, settings, make_request(), logger.info)
        elif status == "planning":
            resume(engine, settings, backfill_id)
        if status in (None, "planning"):
            _put_report_on_page(engine, backfill_id)
            status = "planned"
    return backfill_id, status


def _put_report_on_page(engine: Engine, backfill_id: int) -> None:
    """Put the report on the run's page."""
    with engine.connect() as connection:
        report = report_of(connection, backfill_id)
    get_run_logger().info("%s", report.sentence)
    create_markdown_artifact(report.markdown(), key="backfill", description=report.sentence)


def _apply_or_cancel(settings: Settings, backfill_id: int, approval: Approval) -> str:
    """Apply or cancel; returns what the backfill then is."""
    with warehouse(settings) as engine:
        if not approval.yes:
            cancel(engine, backfill_id)
            return "cancelled"
        published = apply_backfill(engine, settings, backfill_id, approval.who)
        region = region_of_backfill(engine, backfill_id)
        write_receipts(engine, settings, region, [], None)  # of documents of which others now say something else
        write_site(engine, settings, region)
    get_run_logger().info("applied; %d dates published", len({mart.as_of for mart in published}))
    return "applied"
