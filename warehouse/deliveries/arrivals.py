"""Files as they come: each is an arrival, and a delivery unless its bytes came in the same circumstances before.

Circumstances are the name, the sender's folder, what the caller states, and the moment: what was sent before counts
again when something else came in between.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import md5
from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection, text

from contracts.circumstances import NOTHING_STATED, NothingToReport, Stated

# Deliveries of one look came together; a clock that was set back does not put them before those of an earlier look.
LOOK = """
SELECT n.now, greatest(n.now, (SELECT max(d.counts_at) + interval '1 microsecond' FROM ops.delivery d
                               WHERE NOT d.is_vouched))
FROM (SELECT clock_timestamp() AS now) n
"""
# The last word of a delivery is its last reading that counted, or that of the delivery which answers for it. A refused
# file, which replaced nothing, stands until something newer comes for its slice; where the slice is not known, until
# something newer of its form comes from its sender.
AFTER = """
SELECT FROM ops.reading n
JOIN ops.delivery e ON coalesce(e.same_as, e.delivery_id) = n.delivery_id
WHERE n.form = w.form AND n.sender = w.sender AND {is_word}
  AND (e.counts_at, e.delivery_id) > (w.counts_at, w.delivery_id)
  AND ops.may_share_slice(w.period, n.campaign, w.campaign, n.as_of, w.as_of)
"""
NEWER = AFTER.format(is_word="ops.came_of_run(n.status)")
WAITS = AFTER.format(is_word="n.status = 'held'")
"""A newer word that waits for an officer's decision: what is sent again after it is newer still."""
# One that was not read yet waits as it is, and so do the files of an archive. Words that there is nothing to report
# stand for their campaign or night alone: next year the same words are others.
SAME = f"""
WITH word AS (
    SELECT d.delivery_id, d.sent, d.counts_at, d.stated_form, d.stated_sender, d.stated_as_of,
        r.reading_id, r.status, r.verdict, r.form, r.sender, r.campaign, r.as_of, f.period,
        EXISTS (SELECT FROM ops.statement n WHERE n.delivery_id = coalesce(d.same_as, d.delivery_id)) AS is_statement,
        EXISTS (SELECT FROM ops.statement n
                WHERE n.delivery_id = coalesce(d.same_as, d.delivery_id) AND n.withdrawn_at IS NULL
                  AND n.form = :said_form AND n.sender = :said_sender
                  AND n.campaign IS NOT DISTINCT FROM :said_campaign
                  AND n.as_of IS NOT DISTINCT FROM cast(:said_as_of AS date)) AS says_so
    FROM ops.delivery d
    LEFT JOIN LATERAL (
        SELECT r.* FROM ops.reading r
        WHERE r.delivery_id = coalesce(d.same_as, d.delivery_id)
          AND ops.came_of_run(r.status)
        ORDER BY r.reading_id DESC LIMIT 1
    ) r ON true
    LEFT JOIN ref.form f ON f.form = r.form
    WHERE d.sha256 = :sha256 AND md5(d.file_name) = md5(:file_name)
      AND coalesce(d.sender_folder, '') = coalesce(:folder, '')
)
SELECT w.delivery_id, w.sent,
    CASE
        WHEN w.reading_id IS NULL THEN
            (w.stated_form, w.stated_sender, w.stated_as_of) IS NOT DISTINCT FROM (:form, :sender, cast(:as_of AS date))
        ELSE (cast(:form AS text) IS NULL OR w.form IS NOT DISTINCT FROM :form)
            AND (cast(:sender AS text) IS NULL OR w.sender IS NOT DISTINCT FROM :sender)
            AND (cast(:as_of AS date) IS NULL OR w.as_of IS NOT DISTINCT FROM :as_of)
    END AS answers,
    CASE
        WHEN cast(:said_form AS text) IS NOT NULL OR w.is_statement THEN w.says_so
        WHEN w.reading_id IS NULL THEN true
        WHEN w.verdict = 'refused' OR w.status NOT IN ('current', 'superseded') THEN NOT EXISTS ({NEWER})
        ELSE w.status = 'current' AND NOT EXISTS ({WAITS})
    END AS stands,
    EXISTS (SELECT FROM ops.arrival a
            WHERE a.delivery_id = w.delivery_id AND a.inbox_path = :inbox_path AND a.stamp = :stamp) AS lies_there,
    EXISTS ({NEWER} AND md5(e.file_name || '/' || coalesce(e.sender_folder, '')) = ANY (:together))
        AS comes_with_newer
FROM word w
ORDER BY w.sent DESC
"""
ARCHIVE = """
INSERT INTO ops.delivery (
    sha256, file_name, sender_folder, channel, sent, byte_size, archive_path, received_at, claimed_at, is_vouched,
    counts_at, stated_form, stated_sender, stated_as_of
)
VALUES (
    :sha256, :file_name, :folder, :channel, :sent, :byte_size, :archive_path, :received_at, :claimed_at, :is_vouched,
    CASE WHEN :is_vouched THEN cast(:claimed_at AS timestamptz) ELSE cast(:counts_at AS timestamptz) END,
    :form, :sender, :as_of
)
ON CONFLICT (sha256, md5(file_name), coalesce(sender_folder, ''), sent) DO NOTHING
RETURNING delivery_id
"""
ARRIVE = """
INSERT INTO ops.arrival (
    delivery_id, file_name, sender_folder, received_at, claimed_at, run_id, is_repeat, container_id, inbox_path, stamp
)
VALUES (
    :delivery_id, :file_name, :folder, :received_at, :claimed_at, :run_id, :is_repeat, :container_id, :inbox_path,
    :stamp
)
"""
SENT_BEFORE = "SELECT DISTINCT sha256 FROM ops.delivery WHERE sha256 = ANY (:bytes)"
# As `ARCHIVE` and `ARRIVE` do one by one, for bytes that nobody has sent before; the ids are in the order of the files.
ARRIVE_NEW = """
WITH came AS (
    SELECT * FROM unnest(
        cast(:sha256 AS text[]), cast(:file_name AS text[]), cast(:folder AS text[]), cast(:channel AS text[]),
        cast(:byte_size AS bigint[]), cast(:claimed_at AS timestamptz[]), cast(:archive_path AS text[]),
        cast(:run_id AS bigint[]), cast(:container_id AS bigint[]), cast(:inbox_path AS text[]), cast(:stamp AS text[]),
        cast(:form AS text[]), cast(:sender AS text[]), cast(:as_of AS date[]), cast(:is_vouched AS boolean[])
    ) WITH ORDINALITY AS n (
        sha256, file_name, folder, channel, byte_size, claimed_at, archive_path, run_id, container_id, inbox_path,
        stamp, form, sender, as_of, is_vouched, place
    )
), made AS (
    INSERT INTO ops.delivery AS d (
        sha256, file_name, sender_folder, channel, sent, byte_size, archive_path, received_at, claimed_at, is_vouched,
        counts_at, stated_form, stated_sender, stated_as_of
    )
    SELECT sha256, file_name, folder, channel, 1, byte_size, archive_path, :received_at, claimed_at, is_vouched,
        CASE WHEN is_vouched THEN claimed_at ELSE cast(:counts_at AS timestamptz) END, form, sender, as_of
    FROM came ORDER BY place
    ON CONFLICT (sha256, md5(file_name), coalesce(sender_folder, ''), sent) DO NOTHING
    RETURNING d.delivery_id, d.sha256, ops.came_at(d) AS came_at
), arrived AS (
    INSERT INTO ops.arrival (
        delivery_id, file_name, sender_folder, received_at, claimed_at, run_id, is_repeat, container_id, inbox_path,
        stamp
    )
    SELECT m.delivery_id, c.file_name, c.folder, :received_at, c.claimed_at, c.run_id, false, c.container_id,
        c.inbox_path, c.stamp
    FROM came c JOIN made m ON m.sha256 = c.sha256 ORDER BY c.place
)
SELECT sha256, delivery_id, came_at FROM made
"""
# A channel vouches for the time at which bytes came first, not for that of their copy.
LAST_CLAIM = "SELECT max(claimed_at) FROM ops.delivery WHERE sha256 = :sha256"
CAME_AT = "SELECT ops.came_at(d) FROM ops.delivery d WHERE d.delivery_id = :delivery_id"


@dataclass(frozen=True)
class Look:
    """A moment at which files were seen: by the clock, and in the order in which deliveries count."""

    received_at: dt.datetime
    counts_at: dt.datetime


@dataclass(frozen=True)
class Came:
    """A file that came by a channel (`inbox`, `ingest`).

    `claimed_at`, with a time zone, is the time that it says itself; `is_vouched`, that its channel vouches for it.
    `folder` is the inbox folder in which it lay, `container_id` the delivery of the zip archive in which it came. By
    `inbox_path` and `stamp` the next look at the inbox knows that this file was seen.
    """

    sha256: str
    file_name: str
    byte_size: int
    claimed_at: dt.datetime
    archive_path: str
    folder: str | None = None
    channel: str | None = None
    is_vouched: bool = False
    run_id: int | None = None
    container_id: int | None = None
    inbox_path: str | None = None
    stamp: str | None = None
    stated: Stated = NOTHING_STATED
    nothing: NothingToReport | None = None


@dataclass(frozen=True)
class DeliveryOfFile:
    """The delivery that a file is. `came_at` decides whether it came in time."""

    delivery_id: int
    is_repeat: bool
    came_at: dt.datetime


def look(connection: Connection) -> Look:
    """Now. Files that are seen together share it."""
    now, counts_at = connection.execute(text(LOOK)).one()
    return Look(now, counts_at)


def record_came(
    connection: Connection, came: Came, seen: Look, together: Collection[tuple[str, str]] = ()
) -> DeliveryOfFile:
    """Record that a file came; the delivery that it is.

    Equal bytes in equal circumstances are the delivery of before as long as its word stands, else a new one, which
    counts as the newest word of its sender. A file that lies in the inbox as it lay there before is not sent again, and
    nothing counts anew of files that are sent again `together` (names and folders of a look, this file's among them)
    with what came after.
    Raises ValueError for a time without a time zone.
    """
    _demand_zone(came)
    own = (came.file_name, came.folder or "")
    keys = [_key(file) for file, times in Counter(together).items() if file != own or times > 1]
    earlier, sent = _earlier_delivery(connection, came, keys)
    values = _values(came, seen)
    delivery_id = earlier
    while delivery_id is None:
        last = connection.scalar(text(LAST_CLAIM), values)
        is_vouched = came.is_vouched and came.claimed_at <= seen.received_at and (not last or came.claimed_at > last)
        delivery_id = connection.scalar(text(ARCHIVE), {**values, "sent": sent, "is_vouched": is_vouched})
        if delivery_id is None:  # another run has recorded it at this moment
            earlier, sent = _earlier_delivery(connection, came, keys)
            delivery_id = earlier
    connection.execute(text(ARRIVE), {**values, "delivery_id": delivery_id, "is_repeat": earlier is not None})
    came_at = connection.execute(text(CAME_AT), {"delivery_id": delivery_id}).scalar_one()
    return DeliveryOfFile(delivery_id, earlier is not None, came_at)


def record_all(
    connection: Connection, files: Sequence[Came], seen: Look, together: Collection[tuple[str, str]] = ()
) -> list[DeliveryOfFile]:
    """Record that files came, one after the other as `record_came` does; bytes that are new, in one statement."""
    sent = set(connection.scalars(text(SENT_BEFORE), {"bytes": [file.sha256 for file in files]}))
    marked: list[tuple[bool, Came]] = []
    for file in files:
        marked.append((file.sha256 not in sent, file))
        sent.add(file.sha256)
    deliveries: list[DeliveryOfFile] = []
    for is_new, group in groupby(marked, key=itemgetter(0)):  # the order of the ids is that of the files
        same_kind = [file for _, file in group]
        made = _record_new(connection, same_kind, seen) if is_new else {}
        deliveries += [made.get(file.sha256) or record_came(connection, file, seen, together) for file in same_kind]
    return deliveries


def _record_new(connection: Connection, files: Sequence[Came], seen: Look) -> dict[str, DeliveryOfFile]:
    """By their bytes, the deliveries that files of different new bytes are; not those that another run has recorded at
    this moment."""
    for file in files:
        _demand_zone(file)
    values_of_files = [_values(file, None) for file in files]
    asked = {name: [values[name] for values in values_of_files] for name in values_of_files[0]} | {
        "is_vouched": [file.is_vouched and file.claimed_at <= seen.received_at for file in files],
        **vars(seen),
    }
    made = connection.execute(text(ARRIVE_NEW), asked).tuples()
    return {sha256: DeliveryOfFile(delivery_id, False, came_at) for sha256, delivery_id, came_at in made}


def record_arrival(
    connection: Connection,
    sha256: str,
    file_name: str,
    byte_size: int,
    came_at: dt.datetime,
    archive_path: str,
    sender_folder: str | None = None,
    run_id: int | None = None,
) -> tuple[int, bool]:
    """Record a file that a channel brought which vouches for its time; (delivery_id, is_repeat)."""
    came = Came(sha256, file_name, byte_size, came_at, archive_path, sender_folder, is_vouched=True, run_id=run_id)
    delivery = record_came(connection, came, look(connection))
    return delivery.delivery_id, delivery.is_repeat


def _demand_zone(came: Came) -> None:
    if came.claimed_at.tzinfo is None:
        raise ValueError(f"the time of a file has no time zone: {came.claimed_at}")


def _earlier_delivery(connection: Connection, came: Came, keys: Collection[str]) -> tuple[int | None, int]:
    """The delivery that these bytes still are, if any, and in which turn they are sent."""
    nothing = came.nothing
    asked = {
        **_values(came, None), "together": list(keys),
        "said_form": nothing and nothing.form, "said_sender": nothing and nothing.sender,
        "said_campaign": nothing and nothing.campaign, "said_as_of": nothing and nothing.as_of,
    }  # fmt: skip
    before = connection.execute(text(SAME), asked).mappings().all()
    for delivery in before:
        if delivery["answers"] and (delivery["stands"] or delivery["lies_there"] or delivery["comes_with_newer"]):
            return delivery["delivery_id"], delivery["sent"]
    return None, before[0]["sent"] + 1 if before else 1


def _values(came: Came, seen: Look | None) -> dict[str, object]:
    """What the statements ask for."""
    names = ("sha256", "file_name", "folder", "channel", "byte_size", "claimed_at", "archive_path", "run_id",
             "container_id", "inbox_path", "stamp")  # fmt: skip
    return {name: getattr(came, name) for name in names} | vars(came.stated) | (vars(seen) if seen else {})


def _key(name_and_folder: tuple[str, str]) -> str:
    return md5("/".join(name_and_folder).encode(), usedforsecurity=False).hexdigest()
