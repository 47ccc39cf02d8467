"""The parts of an xlsx package: taking them out, relating them to one another, putting them back in."""

from __future__ import annotations

import io
import posixpath
import zipfile
from dataclasses import dataclass

from documents.receipts.markup import Element, Markup, Unusual, escaped

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE_RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
CONTENT_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
TYPES_PART = "[Content_Types].xml"
LARGEST_UNPACKED = 100 << 20
MADE = (1980, 1, 1, 0, 0, 0)
"""The time of every part, so that the same receipt has the same bytes."""


@dataclass(frozen=True)
class Relation:
    """A relation of a part to another: `kind` is the last word of its type, `target` a part's name."""

    id: str
    kind: str
    target: str
    element: Element


class Package:
    """The parts of a package in memory; changes become bytes with `save`."""

    def __init__(self, parts: dict[str, bytes]) -> None:
        self.parts = parts
        self.names = {name.lower(): name for name in parts}

    @classmethod
    def of(cls, data: bytes) -> Package:
        """The package of these bytes. Raises Unusual for one that is too large, and what zipfile raises."""
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST_UNPACKED:
                raise Unusual("a package that unpacks to too much")
            return cls({name.replace("\\", "/"): archive.read(name) for name in archive.namelist()})

    def name(self, part: str) -> str:
        """The name of a part as the package writes it. Raises Unusual when there is none."""
        name = self.names.get(part.lower())
        if name is None:
            raise Unusual("a part that is missing")
        return name

    def read(self, part: str) -> bytes:
        """The bytes of a part. Raises Unusual when there is none."""
        return self.parts[self.name(part)]

    def write(self, part: str, data: bytes) -> None:
        """Give a part other bytes, or add one without a type of its own."""
        name = self.names.setdefault(part.lower(), part)
        self.parts[name] = data

    def add(self, stem: str, suffix: str, data: bytes, content_type: str) -> str:
        """Add a part under a name that is free, with its type; returns the name."""
        number = 1
        while f"{stem}{number}{suffix}".lower() in self.names:
            number += 1
        part = f"{stem}{number}{suffix}"
        self.write(part, data)
        types = Markup(self.read(TYPES_PART))
        override = f'<Override xmlns="{CONTENT_TYPES}" PartName="/{part}" ContentType="{content_type}"/>'
        types.append(types.root, override.encode())
        self.write(TYPES_PART, types.changed())
        return part

    def drop(self, part: str) -> None:
        """Remove a part, its own relations and its type; relations to it are removed by `unrelate`."""
        for dropped in (part, _relations_part(part)):
            name = self.names.pop(dropped.lower(), None)
            self.parts.pop(name or "", None)
        types = Markup(self.read(TYPES_PART))
        for element in types.named("Override"):
            if element.attributes.get("PartName", "").lstrip("/").lower() == part.lower():
                types.replace(element, b"")
        self.write(TYPES_PART, types.changed())

    def retype(self, part: str, content_type: str) -> None:
        """Give a part another content type. Raises Unusual when it has none of its own."""
        types = Markup(self.read(TYPES_PART))
        own = [
            e for e in types.named("Override") if e.attributes.get("PartName", "").lstrip("/").lower() == part.lower()
        ]
        if not own:
            raise Unusual("a part without a type of its own")
        types.set(own[0], ContentType=content_type)
        self.write(TYPES_PART, types.changed())

    def relations(self, part: str) -> list[Relation]:
        """The relations of a part ("" is the package) to parts of the package."""
        path = _relations_part(part)
        if path.lower() not in self.names:
            return []
        folder = posixpath.dirname(part)
        return [
            Relation(
                element.attributes.get("Id", ""),
                element.attributes.get("Type", "").rpartition("/")[2],
                posixpath.normpath(
                    posixpath.join("/", folder, element.attributes.get("Target", "").replace("\\", "/"))
                ).lstrip("/"),
                element,
            )
            for element in Markup(self.read(path)).named("Relationship")
            if element.attributes.get("TargetMode") != "External"
        ]

    def related(self, part: str, kind: str) -> str | None:
        """The first part that a part is related to in a way."""
        return next((relation.target for relation in self.relations(part) if relation.kind == kind), None)

    def relate(self, part: str, kind: str, target: str) -> str:
        """Relate a part to another; returns the id of the relation."""
        path = _relations_part(part)
        if path.lower() not in self.names:
            self.write(
                path,
                f'<?xml version="1.0" encoding="UTF-8"?>\n<Relationships xmlns="{PACKAGE_RELATIONSHIPS}"/>'.encode(),
            )
        markup = Markup(self.read(path))
        taken = {element.attributes.get("Id") for element in markup.named("Relationship")}
        number = len(taken) + 1
        while f"rId{number}" in taken:
            number += 1
        relation = (
            f'<Relationship xmlns="{PACKAGE_RELATIONSHIPS}" Id="rId{number}" Type="{RELATIONSHIPS}/{kind}"'
            f' Target="/{escaped(target)}"/>'
        )
        markup.append(markup.root, relation.encode())
        self.write(path, markup.changed())
        return f"rId{number}"

    def unrelate(self, part: str, *ids: str) -> None:
        """Remove relations of a part by their ids; the parts that they lead to stay."""
        path = _relations_part(part)
        markup = Markup(self.read(path))
        for element in markup.named("Relationship"):
            if element.attributes.get("Id") in ids:
                markup.replace(element, b"")
        self.write(path, markup.changed())

    def save(self) -> bytes:
        """The bytes of the package; the same parts give the same bytes."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(self.parts, key=lambda name: (name != TYPES_PART, name)):
                info = zipfile.ZipInfo(name, MADE)
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, self.parts[name])
        return buffer.getvalue()


def _relations_part(part: str) -> str:
    """The name of the part with the relations of a part; "" is the package."""
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")
