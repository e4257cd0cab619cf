"""A chart's specification in words, for a model that can't see it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tools.mime import PLOTLY
from tools.text import one_line

LONGEST = 200  # characters of a summary
MOST_CHARTS = 50  # within one another


def chart_summary(mime: str, spec: Mapping[str, Any]) -> str:
    """What kind of chart it is, and its title: `2 bar, scatter, "Sales"`."""
    if mime == PLOTLY:
        traces = spec.get("data")
        parts = traces if isinstance(traces, list) else []
        kinds = [str(part.get("type") or "scatter") for part in parts if isinstance(part, Mapping)]
        titles = [_title(spec.get("layout"))]
    else:
        charts = list(_charts(spec))
        kinds = [kind for chart in charts if (kind := _mark(chart))]
        titles = [_title(chart) for chart in charts]
    said = [kind if times == 1 else f"{times} {kind}" for kind, times in Counter(kinds).items()]
    said += [f'"{title}"' for title in titles if title][:1]
    return one_line(", ".join(said), LONGEST) or "empty"


def _charts(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A Vega-Lite chart and those that it is made up of."""
    waiting: list[Any] = [spec]
    for _ in range(MOST_CHARTS):
        if not waiting:
            return
        chart = waiting.pop(0)
        if isinstance(chart, Mapping):
            yield chart
            waiting.append(chart.get("spec"))
            for key in ("layer", "concat", "hconcat", "vconcat"):
                inner = chart.get(key)
                waiting += inner if isinstance(inner, list) else ()


def _mark(chart: Mapping[str, Any]) -> str:
    mark = chart.get("mark")
    kind = mark.get("type") if isinstance(mark, Mapping) else mark
    return kind if isinstance(kind, str) else ""


def _title(part: object) -> str:
    title = part.get("title") if isinstance(part, Mapping) else None
    if isinstance(title, Mapping):
        title = title.get("text")
    return one_line(title, 100) if isinstance(title, str) else ""
