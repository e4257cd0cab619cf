"""Text, by OCR, of pictures in Office files, for pages that have nothing else."""

from __future__ import annotations

import io
import logging

from tools.documents.base import DocumentError
from tools.documents.readers.image import ocr
from tools.documents.readers.image.image import loaded
from tools.documents.readers.office.opc import Package

log = logging.getLogger(__name__)


class Scans:
    """Recognises the pictures of one package, each once even if it is on many pages."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._texts: dict[str, str] = {}

    def text(self, part: str, reference: str) -> str:
        """The text of the picture that `part` refers to by a relation's id (`reference`); empty
        without text, or if the picture can't be read."""
        relation = self._package.relations(part).get(reference)
        if relation is None or relation.external or relation.target not in self._package:
            return ""
        if relation.target not in self._texts:
            self._texts[relation.target] = self._recognised(relation.target)
        return self._texts[relation.target]

    def _recognised(self, part: str) -> str:
        try:
            with self._package.open(part) as source, loaded(io.BytesIO(source.read())) as image:
                return ocr.recognised(image)[0]
        except (DocumentError, ocr.OcrFailed):
            log.info("a picture was not read", exc_info=True)
            return ""
