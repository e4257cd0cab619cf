"""Open Packaging Conventions: the parts of a docx, pptx or xlsx, and their relations."""

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
    """A relation of a part. `kind`: the last word of its type, such as `footnotes`; `target`: the
    name of a part, or a URL if it is `external`."""

    kind: str
    target: str
    external: bool = False


class Package:
    """The parts of `archive` by name. Missing or malformed parts are None."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._relations: dict[str, dict[str, Relation]] = {}

    def main(self) -> str:
        """The name of the main part. Raises DocumentError if there is none."""
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
        """A part as a stream. Raises KeyError for an unknown name."""
        return self._archive.open(part)

    def relations(self, part: str) -> dict[str, Relation]:
        """The relations of a part by their ids; those of the package for an empty name."""
        if part not in self._relations:
            self._relations[part] = dict(self._read_relations(part))
        return self._relations[part]

    def related(self, part: str, kind: str) -> list[str]:
        """The names of the parts that `part` has relations of this kind to."""
        return [
            one.target
            for one in self.relations(part).values()
            if one.kind == kind and not one.external
        ]

    def referred(self, part: str, reference: str) -> Element | None:
        """The root of the part that a relation's id refers to."""
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
