"""Who is one pupil or one person: a keyed pseudonym of what tells them apart, and the doubts where a birth date is
missing."""

from __future__ import annotations

import hmac

import polars as pl
import polars_hash as plh

from contracts.counted_pupils import Pupils
from contracts.grain import VACANT, People
from contracts.pseudonym import KEY_BYTES, SECRET_BYTES, rewrapped
from transforms.cells.key import key

CAPITALS = [*"АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯABCDEFGHIJKLMNOPQRSTUVWXYZ", "Ё", "ё"]
SMALL = [*"".join(CAPITALS[:-2]).lower(), "е", "е"]
"""Letters that do not tell pupils apart; a table is three times as quick as lower case by Unicode."""
EARLIEST_BIRTH = 1980
"""No pupil is born earlier: 01.01.1900 and 01.01.1970 stand for a birth date that nobody entered."""
IDENTITY: dict[str, pl.DataType] = {"pupil_key": pl.Binary(), "namesake": pl.Int64(), "is_whole": pl.Boolean()}
"""`namesake` is the same for rows of one name; `is_whole` says that the identity lacks nothing."""
OF_NAMES, OF_LINES = b"names", b"lines"
"""For what secrets of their own are made of the pupils' secret."""


def identities(rows: pl.DataFrame, pupils: Pupils, secret: bytes) -> pl.DataFrame:
    """`IDENTITY` of rows with the columns of the form and school_id; the key never leaves the house.

    `pupil_key` is 16 bytes of an HMAC-SHA256 over the normalised identity, wrapped by the key of the year
    (`contracts.pseudonym`). A birth date alone cannot be missing from it: two pupils of one name in different schools
    would be one. Where it is blank, school and grade follow.
    """
    parts = [_normalised(rows[name]) for name in pupils.identity]
    is_whole = pl.select(pl.all_horizontal(_tells_apart(rows[name]) for name in pupils.identity)).to_series()
    if not is_whole.all():
        schools = rows["school_id"].cast(pl.String)
        beside = [
            schools.fill_null(_normalised(rows[c])) if c == "school_name" else _normalised(rows[c])
            for c in pupils.else_by
        ]
        parts += [beside_identity.set(is_whole, None) for beside_identity in beside]
    identity = pl.DataFrame([part.alias(f"p{place}") for place, part in enumerate(parts)])
    joined = identity.select(identity=pl.concat_str(pl.all(), separator="|", ignore_nulls=True))
    digest = joined.select(plh.col("identity").chash.hmac_sha256(key=secret[:SECRET_BYTES].hex())).to_series()
    return pl.DataFrame(
        {
            "pupil_key": _bytes_of(digest.str.head(2 * KEY_BYTES), secret[SECRET_BYTES:]),
            "namesake": parts[0].hash(seed_of(secret, OF_NAMES)).reinterpret(signed=True),
            "is_whole": is_whole,
        }
    )


def line_hashes(rows: pl.DataFrame, secret: bytes) -> pl.Series:
    """`line`: the same for rows of the same texts in all columns, Int64; without the secret it tells nothing of them.

    Two of ten million rows have the same hash by chance once in 400 000 exports. Another version of polars may hash
    otherwise: then no row is known, and all are read.
    """
    return rows.hash_rows(seed=seed_of(secret, OF_LINES)).reinterpret(signed=True).alias("line")


def seed_of(secret: bytes, purpose: bytes) -> int:
    """A seed of 64 bits for hashes of one purpose."""
    return int.from_bytes(hmac.digest(secret, purpose, "sha256")[:8], "big")


def person_keys(names: pl.Series, senders: pl.Series, people: People, secret: bytes) -> pl.Series:
    """The pseudonyms of people by their names, each among those of its sender; `VACANT` for a row without a name.

    They are 32 digits of an HMAC-SHA256 whose key is made of the secret for the domain of the people.
    """
    own_secret = hmac.digest(secret[:SECRET_BYTES], people.domain.encode(), "sha256")
    keys: dict[tuple[str | None, str | None], str] = {}
    for sender, name in set(zip(senders, names, strict=True)):
        identity = "|".join((sender or "", _known_as(name or "")))
        keys[sender, name] = VACANT if name is None else hmac.digest(own_secret, identity.encode(), "sha256").hex()[:32]
    return pl.Series(people.key, [keys[who] for who in zip(senders, names, strict=True)], dtype=pl.String)


def _known_as(name: str) -> str:
    """A name without what tells nobody apart: letter case, «ё», look-alike letters, spaces, dots after initials."""
    return " ".join(key(name.replace(".", ". ")).replace(".", " ").split())


def _bytes_of(digests: pl.Series, key: bytes) -> pl.Series:
    """What texts of `2 * KEY_BYTES` hexadecimal digits say, wrapped by a key; all at once is three times as quick as
    each by itself."""
    if digests.is_empty():
        return digests.cast(pl.Binary)
    together = pl.Series([rewrapped(bytes.fromhex(digests.str.join().item()), b"", key)], dtype=pl.Binary)
    each = together.bin.reinterpret(dtype=pl.Array(pl.UInt8, KEY_BYTES * len(digests))).reshape((-1, KEY_BYTES))
    return each.cast(pl.List(pl.UInt8)).cast(pl.Binary)


def _tells_apart(values: pl.Series) -> pl.Series:
    """True for values that tell a pupil apart: not blank, and no date that programs write for nothing."""
    stated = values.is_not_null()
    return stated & (values.dt.year() >= EARLIEST_BIRTH).fill_null(False) if values.dtype == pl.Date else stated


def _normalised(values: pl.Series) -> pl.Series:
    """Values as text without what tells nobody apart: letter case, «ё», repeated spaces. Never null."""
    if values.dtype == pl.Date:
        days = values.unique()
        return values.replace_strict(days, days.dt.to_string("%Y-%m-%d").fill_null(""), return_dtype=pl.String)
    if values.dtype != pl.String:
        return values.cast(pl.String).fill_null("")
    values = values.str.replace_many(CAPITALS, SMALL)
    if values.str.contains("  ", literal=True).any():
        values = values.str.replace_all(" +", " ")
    return values.fill_null("")


def distinct_pupils(pupils: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each pupil once, by the row of the best state, and of the other rows row and is_whole.

    Of rows of one state that of the first school and grade counts, wherever it stands: an export in another order tells
    the same, and pupils do not move between schools by it.
    """
    halves = pupils["pupil_key"].bin.head(8).bin.reinterpret(dtype=pl.UInt64)  # numbers are compared much faster
    if halves.n_unique() == len(pupils):
        return pupils, pupils.clear().select("row", "is_whole")
    twice = pupils["pupil_key"].is_duplicated()
    several = pupils.filter(twice).sort("state", "school_id", "grade", "row")
    first = several.unique("pupil_key", keep="first", maintain_order=True)
    again = several.filter(~pl.col("row").is_in(first["row"].implode())).select("row", "is_whole")
    return pl.concat([pupils.filter(~twice), first]), again


def doubtful_names(once: pl.DataFrame) -> tuple[int, int]:
    """How many names belong to several pupils of whom one at least lacks a birth date, and how many pupils these are.

    They were counted apart by school and grade; whether each is another person, the file does not tell.
    """
    if once["is_whole"].all():
        return 0, 0
    same = once.filter(pl.col("namesake").is_duplicated())
    of_doubt = same.filter(pl.col("namesake").is_in(same.filter(~pl.col("is_whole"))["namesake"].unique().implode()))
    return of_doubt["namesake"].n_unique(), len(of_doubt)
