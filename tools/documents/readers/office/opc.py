"""Open Packaging Conventions: the parts of a docx, pptx or xlsx, and what refers to what."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from tools.documents.base import DocumentError
from tools.documents.readers.safe_xml import Element, children, name, parse
from tools.documents.readers.safe_zip import DAMAGED, Archive, beside

_USUAL = {"word": "word/document.xml", "ppt": "ppt/presentation.xml", "xl": "xl/workbook.xml"}


@dataclass(frozen=True)
class Relation:
    """`kind` is the last word of its type, such as `footnotes`; `target` is a part's name, or an
    address where it lies outside the file."""

    kind: str
    target: str
    external: bool = False


class Package:
    """The parts of `archive` by name. Parts that are missing or broken are None."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._relations: dict[str, dict[str, Relation]] = {}

    def main(self) -> str:
        """The name of the part that everything hangs on. Raises DocumentError."""
        found = [one.target for one in self.relations("").values() if one.kind == "officeDocument"]
        for part in (*found, *_USUAL.values()):
            if part in self._archive:
                return part
        raise DocumentError(DAMAGED)

    def __contains__(self, part: str) -> bool:
        return part in self._archive

    def part(self, part: str) -> Element | None:
        """The root of a part."""
        return parse(self._archive.read(part)) if part in self._archive else None

    def open(self, part: str) -> IO[bytes]:
        """A part as a stream. Raises KeyError where there is none."""
        return self._archive.open(part)

    def relations(self, part: str) -> dict[str, Relation]:
        """What a part refers to, by the ids it uses; the package's own for the empty name."""
        if part not in self._relations:
            self._relations[part] = dict(self._read_relations(part))
        return self._relations[part]

    def related(self, part: str, kind: str) -> list[str]:
        """The names of the parts of a kind that `part` refers to."""
        return [
            one.target
            for one in self.relations(part).values()
            if one.kind == kind and not one.external
        ]

    def referred(self, part: str, reference: str) -> Element | None:
        """The root of the part behind a reference's id."""
        relation = self.relations(part).get(reference)
        return self.part(relation.target) if relation and not relation.external else None

    def _read_relations(self, part: str) -> Iterator[tuple[str, Relation]]:
        folder, file = posixpath.split(part)
        root = self.part(posixpath.join(folder, "_rels", f"{file}.rels"))
        for one in children(root):
            if name(one) == "rels:Relationship":
                external = one.get("TargetMode") == "External"
                target = one.get("Target", "")
                yield (
                    one.get("Id", ""),
                    Relation(
                        one.get("Type", "").rpartition("/")[2],
                        target if external else beside(part, target),
                        external,
                    ),
                )
