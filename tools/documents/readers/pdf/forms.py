"""Reads the annotations of a PDF's page: filled-in form fields, and comments."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

import pypdfium2.raw as pdfium
from pypdfium2 import PdfDocument, PdfPage

from tools.documents.readers.pdf.text_cleanup import clean

MAX_ANNOTATIONS = 2000  # of a page that are read

_NO_COMMENTS = (pdfium.FPDF_ANNOT_LINK, pdfium.FPDF_ANNOT_POPUP, pdfium.FPDF_ANNOT_WIDGET)
_BOXES = (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON)
_WITHOUT_VALUE = (pdfium.FPDF_FORMFIELD_UNKNOWN, pdfium.FPDF_FORMFIELD_PUSHBUTTON)


def annotations_of(pdf: PdfDocument, page: PdfPage) -> str:
    """The form fields and comments of a page as Markdown lists; empty for a page without any."""
    fields, comments = list[str](), list[str]()
    for index in range(min(MAX_ANNOTATIONS, pdfium.FPDFPage_GetAnnotCount(page))):
        annotation = pdfium.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            fields += _field(pdf, annotation)
            comments += _comment(annotation)
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)
    lists = (("Filled in:", fields), ("Comments:", comments))
    return "\n\n".join("\n".join([title, *items]) for title, items in lists if items)


def _field(pdf: PdfDocument, annotation: Any) -> Iterator[str]:
    form = pdf.formenv
    if form is None or pdfium.FPDFAnnot_GetSubtype(annotation) != pdfium.FPDF_ANNOT_WIDGET:
        return
    kind = pdfium.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in _WITHOUT_VALUE:
        return
    name = _string(pdfium.FPDFAnnot_GetFormFieldAlternateName, form, annotation) or _string(
        pdfium.FPDFAnnot_GetFormFieldName, form, annotation
    )
    if kind in _BOXES:
        mark = "x" if pdfium.FPDFAnnot_IsChecked(form, annotation) else " "
        choice = _string(pdfium.FPDFAnnot_GetFormFieldExportValue, form, annotation)
        if kind == pdfium.FPDF_FORMFIELD_RADIOBUTTON and choice:
            name = f"{name}: {choice}"
        yield f"- [{mark}] {name}"
    else:
        value = _string(pdfium.FPDFAnnot_GetFormFieldValue, form, annotation)
        yield f"- {name}: {value or '(empty)'}"


def _comment(annotation: Any) -> Iterator[str]:
    if pdfium.FPDFAnnot_GetSubtype(annotation) in _NO_COMMENTS:
        return
    if text := _string(pdfium.FPDFAnnot_GetStringValue, annotation, b"Contents"):
        author = _string(pdfium.FPDFAnnot_GetStringValue, annotation, b"T")
        yield f"- {author}: {text}" if author else f"- {text}"


def _string(function: Callable[..., int], *arguments: Any) -> str:
    """The string that a function of PDFium writes into a buffer, on one line."""
    size = function(*arguments, None, 0)
    if size <= 2:
        return ""
    buffer = (ctypes.c_ushort * (size // 2))()
    function(*arguments, buffer, size)
    text = bytes(buffer).decode("utf-16-le", errors="replace").rstrip("\0")
    return " ".join(clean(text.replace("\r", " ").replace("\n", " ")).split())
