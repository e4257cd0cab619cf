"""Reads the annotations of a PDF's page: filled-in form fields, and comments."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

import pypdfium2.raw as pdfium
from pypdfium2 import PdfDocument, PdfPage

from tools.documents.readers.pdf.text_cleanup import clean

MAX_ANNOTATIONS = 2000  # annotations of a page that are looked at

_NO_COMMENTS = (pdfium.FPDF_ANNOT_LINK, pdfium.FPDF_ANNOT_POPUP, pdfium.FPDF_ANNOT_WIDGET)
_BOXES = (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON)
_WITHOUT_VALUE = (pdfium.FPDF_FORMFIELD_UNKNOWN, pdfium.FPDF_FORMFIELD_PUSHBUTTON)


def on_top(pdf: PdfDocument, page: PdfPage) -> str:
    """Fields and comments as Markdown lists; empty where there are none."""
    fields, comments = list[str](), list[str]()
    for at in range(min(MAX_ANNOTATIONS, pdfium.FPDFPage_GetAnnotCount(page))):
        annotation = pdfium.FPDFPage_GetAnnot(page, at)
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
    name = _said(pdfium.FPDFAnnot_GetFormFieldAlternateName, form, annotation) or _said(
        pdfium.FPDFAnnot_GetFormFieldName, form, annotation
    )
    if kind in _BOXES:
        mark = "x" if pdfium.FPDFAnnot_IsChecked(form, annotation) else " "
        choice = _said(pdfium.FPDFAnnot_GetFormFieldExportValue, form, annotation)
        if kind == pdfium.FPDF_FORMFIELD_RADIOBUTTON and choice:
            name = f"{name}: {choice}"
        yield f"- [{mark}] {name}"
    else:
        value = _said(pdfium.FPDFAnnot_GetFormFieldValue, form, annotation)
        yield f"- {name}: {value or '(empty)'}"


def _comment(annotation: Any) -> Iterator[str]:
    if pdfium.FPDFAnnot_GetSubtype(annotation) in _NO_COMMENTS:
        return
    if text := _said(pdfium.FPDFAnnot_GetStringValue, annotation, b"Contents"):
        author = _said(pdfium.FPDFAnnot_GetStringValue, annotation, b"T")
        yield f"- {author}: {text}" if author else f"- {text}"


def _said(ask: Callable[..., int], *subject: Any) -> str:
    """What one of PDFium's functions writes into a buffer, on one line."""
    size = ask(*subject, None, 0)
    if size <= 2:
        return ""
    buffer = (ctypes.c_ushort * (size // 2))()
    ask(*subject, buffer, size)
    text = bytes(buffer).decode("utf-16-le", errors="replace").rstrip("\0")
    return " ".join(clean(text.replace("\r", " ").replace("\n", " ")).split())
