"""How much an autumn says: `python -m benchmarks.noise` plays sixty nights and counts the messages to each sender.

Files are taken in when they come, the night is at 02:30, reminders at 09:00 on working days; all in simulated time and
to files. The senders of the autumn send once and mend once, whatever they are told, so the share of messages that led
to a new delivery says how many came before one, not how well they were written.
"""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlalchemy as sa

    from documents.demo.autumn import Night
    from flows.home.settings import Settings

ROUTING = """recipient,audience,sender,classes,level,channel,address,quiet_from,quiet_to,days,when
Отправители,sender,,,1,file,,,,,
Сотрудник мониторинга,officer,,,1,file,,,,,digest 08:30
Начальник отдела,officer,,,2,file,,,,,digest 08:30
Инженер,engineer,,,1,file,,,,,
"""


def live(settings: Settings, engine: sa.Engine, nights: int) -> None:
    """Play the nights and send what they make to be said."""
    from contracts.regions import regions
    from documents.demo import tomsk
    from documents.demo.autumn import autumn
    from flows.messages.after_run import tell_of_incidents
    from flows.messages.delivering import deliver
    from flows.messages.reminders import remind
    from warehouse.schema.calendar import is_working_day

    region = regions()[0]
    zone = region.zone
    for night in autumn(tomsk(), nights):
        take_in(settings, engine, night)
        for hour, work in ((19, tell_of_incidents), (26.5, tell_of_incidents), (33, remind), (33, deliver)):
            now = dt.datetime.combine(night.as_of, dt.time(), zone) + dt.timedelta(hours=hour)
            with engine.connect() as connection:
                is_worked = is_working_day(connection, region.code, now.date())
            if work is not remind or is_worked:
                deliver(engine, settings, now) if work is deliver else work(engine, settings, region, now)


def take_in(settings: Settings, engine: sa.Engine, night: Night) -> None:
    from documents.demo import put
    from flows.intake.incoming import Options
    from flows.runs.ingest import ingest
    from warehouse.marts.publication import publish

    ingest(put(night.files, settings.inbox), Options(), settings)
    publish(engine, "69", [night.as_of])


def show(settings: Settings, engine: sa.Engine) -> None:
    """Print what was said by sender and week, how much of it was answered, and what was said twice."""
    import polars as pl
    import sqlalchemy as sa

    from benchmarks.message_counts import duplicates, weeks

    with engine.connect() as connection:
        told = weeks(connection)
        twice = duplicates(connection, dt.timedelta(days=settings.cool_down_days))
        audiences = connection.execute(
            sa.text(
                "SELECT coalesce(about ->> 'audience', kind), outcome, count(*), count(DISTINCT sent_as)"
                " FROM ops.message GROUP BY 1, 2 ORDER BY 1, 2"
            )
        ).all()
    table = told.sort("week").pivot("week", index="sender", values="messages").fill_null(0)
    with pl.Config(
        tbl_rows=-1, tbl_cols=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True, tbl_width_chars=160
    ):
        sys.stdout.write(f"messages to senders by week (of its Monday)\n{table}\n")
    sent, answered, reminders = (int(told[name].sum()) for name in ("messages", "answered", "reminders"))
    senders, count = max(told["sender"].n_unique(), 1), max(told["week"].n_unique(), 1)
    sys.stdout.write(
        f"{sent} messages to {senders} senders in {count} weeks, {sent / senders / count:.2f} a sender and week,"
        f" {reminders} of them reminders; {answered} ({answered / max(sent, 1):.0%}) before a new delivery;"
        f" {twice.height} said twice\n"
    )
    for audience, outcome, many, letters in audiences:
        sys.stdout.write(f"{audience}: {many} {outcome}, as {letters} letters\n")


def main(nights: int) -> None:
    from flows.home.connection import warehouse
    from flows.home.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder, "home"), vouched_channels="inbox,ingest")
        settings.prepare()
        (settings.home / "routing.csv").write_text(ROUTING, encoding="utf-8")
        with warehouse(settings) as engine:
            live(settings, engine, nights)
            show(settings, engine)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
