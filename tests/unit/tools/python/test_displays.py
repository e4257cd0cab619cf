"""What a call shows beside text, on a real kernel: files, tables, charts, sounds, formulas."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.unit.tools.python.test_tool import ask
from tools.base import ToolResult
from tools.media import LATEX, PLOTLY, SVG, TABLE, VEGA_LITE
from tools.python import PythonLimits, PythonTool
from tools.python.output.displays import MAX_OFFERED_FILES


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PythonTool]:
    tool = PythonTool(tmp_path_factory.mktemp("workspace"), PythonLimits(figures=12))
    yield tool
    tool.close()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[PythonTool]:
    tool = PythonTool(tmp_path, PythonLimits())
    yield tool
    tool.close()


def data(result: ToolResult, mime: str) -> dict[str, object]:
    (found,) = [each for each in result.attachments if each.mime == mime]
    assert found.inline
    loaded = json.loads(found.path.read_bytes())
    assert isinstance(loaded, dict)
    return loaded


# Files.


def test_what_the_code_wrote_is_offered_and_named(fresh: PythonTool, tmp_path: Path) -> None:
    (tmp_path / "given.csv").write_text("a\n1\n")
    (tmp_path / "read.csv").write_text("a\n1\n")
    result = ask(
        fresh,
        "import os\nos.mkdir('out')\nopen('out/报告.csv', 'w').write('n\\n' + '1\\n' * 600)\n"
        "open('given.csv', 'a').write('2\\n'); open('read.csv').read(); print('done')",
    )
    assert result.text.splitlines() == [
        "done",
        "[file given.csv: 6 bytes]",
        "[file out/报告.csv: 1.2 KB]",
    ]
    assert [(each.name, each.mime, each.inline) for each in result.attachments] == [
        ("given.csv", "text/csv", False),
        ("out/报告.csv", "text/csv", False),
    ]
    assert result.attachments[1].path == tmp_path.resolve() / "out" / "报告.csv"
    assert ask(fresh, "1").attachments == ()
    assert [each.name for each in ask(fresh, "os.utime('read.csv')").attachments] == ["read.csv"]


def test_links_devices_fifos_and_hidden_files_are_not_offered(fresh: PythonTool) -> None:
    result = ask(
        fresh,
        "import os, socket\nos.symlink('/etc/passwd', 'passwd.txt'); os.symlink('/etc', 'etc')\n"
        "os.mkfifo('fifo'); s = socket.socket(socket.AF_UNIX); s.bind('socket')\n"
        "open('.hidden', 'w').write('x')",
    )
    assert result.attachments == () and "passwd" not in result.text


def test_too_many_files_are_told(fresh: PythonTool, tmp_path: Path) -> None:
    result = ask(
        fresh, f"for i in range({MAX_OFFERED_FILES + 5}): open(f'{{i:03}}.txt', 'w').write('x')"
    )
    assert len(result.attachments) == MAX_OFFERED_FILES
    assert result.text.splitlines()[-1] == "[5 more files written, not listed]"
    result = ask(fresh, "for i in range(10_100): open(f'n{i}', 'w')")
    assert len(result.attachments) <= MAX_OFFERED_FILES and "more files were written" in result.text


def test_files_of_a_call_that_was_cut_off_are_offered(tmp_path: Path) -> None:
    tool = PythonTool(tmp_path, PythonLimits(seconds=1.5))
    result = ask(tool, "open('half.txt', 'w').write('x')\nwhile True: pass")
    tool.close()
    assert [each.name for each in result.attachments] == ["half.txt"]
    assert "time limit" in result.text


# Figures.


def test_a_figure_is_sharp_and_told_in_its_size_on_the_page(tool: PythonTool) -> None:
    code = (
        "import matplotlib.pyplot as plt\nfig = plt.figure(figsize=(4, 3))\n"
        "fig.add_axes([0, 0, 1, 1]).set(xticks=[], yticks=[]); plt.show()"
    )
    result = ask(tool, code)
    (figure,) = result.attachments
    with Image.open(figure.path) as image:
        width, height = image.size
    assert figure.path.stem.endswith("@2x")
    assert f": {width // 2}x{height // 2}]" in result.text
    # 4.2 by 3.2 inches with the margin, at 2 * 100 dots an inch.
    assert abs(width - 840) < 9 and abs(height - 640) < 9


# Tables.


def test_a_table_comes_with_its_values_and_its_text(tool: PythonTool) -> None:
    result = ask(
        tool,
        "import pandas as pd\nprint('before')\n"
        "pd.DataFrame({'城市': ['Köln', None], 'n': [1.5, None], 'big': [2**60, 1],"
        " 'day': pd.to_datetime(['2024-01-02', None])})",
    )
    table = data(result, TABLE)
    assert (table["rows"], table["columns"], table["index"]) == (2, 4, [])
    assert table["values"] == [
        {"name": "城市", "cells": ["Köln", None]},
        {"name": "n", "cells": [1.5, None]},
        {"name": "big", "cells": [str(2**60), 1]},
        {"name": "day", "cells": ["2024-01-02", None]},
    ]
    before, _, text = result.text.partition("\n")
    assert before == "before" and text.startswith("     城市    n")
    assert str(table["text"]).rstrip("\n") == text


def test_a_large_table_is_cut_to_its_ends(tool: PythonTool) -> None:
    result = ask(
        tool,
        "import numpy as np, pandas as pd\n"
        "pd.DataFrame(np.arange(20_000 * 60).reshape(20_000, 60), columns=list(range(60)))",
    )
    table = data(result, TABLE)
    assert (table["rows"], table["columns"]) == (20_000, 60)
    (index,) = table["index"]  # type: ignore[misc]
    assert index["cells"][0] == 0 and index["cells"][-1] == 19_999
    assert len(table["values"]) == 50 and len(index["cells"]) == 500  # type: ignore[arg-type]
    assert "[20000 rows x 60 columns]" in result.text


def test_an_index_and_columns_of_several_levels_are_named(tool: PythonTool) -> None:
    code = (
        "import pandas as pd\n"
        "df = pd.DataFrame(dict(k=['a', 'a', 'b'], m=['x', 'y', 'x'], n=[1, 2, 3]))\n"
    )
    grouped = data(ask(tool, code + ("df.groupby('k')['n'].agg(['sum', 'mean'])")), TABLE)
    assert grouped["index"] == [{"name": "k", "cells": ["a", "b"]}]
    series = data(ask(tool, code + ("df.groupby('k')['n'].sum()")), TABLE)
    assert series["values"] == [{"name": "n", "cells": [3, 3]}]
    pivot = data(ask(tool, code + ("df.groupby(['k', 'm']).agg({'n': ['sum', 'max']})")), TABLE)
    assert [each["name"] for each in pivot["index"]] == ["k", "m"]  # type: ignore[attr-defined]
    assert [each["name"] for each in pivot["values"]] == ["n / sum", "n / max"]  # type: ignore[attr-defined]


def test_a_table_that_misbehaves_is_still_text(tool: PythonTool) -> None:
    code = (
        "import pandas as pd\nclass Odd(pd.DataFrame):\n    @property\n"
        "    def iloc(self): raise RuntimeError('no')\n    def __repr__(self): return 'odd'\n"
        "Odd({'a': [1]})"
    )
    result = ask(tool, code)
    assert result.error is None and "odd" in result.text
    assert not [each for each in result.attachments if each.mime == TABLE]


# Charts.


def test_a_plotly_figure_is_a_chart(tool: PythonTool) -> None:
    code = (
        "import plotly.graph_objects as go\n"
        "fig = go.Figure([go.Bar(y=[1, 2]), go.Bar(y=[3]), go.Scatter(y=[1])])\n"
        "fig.update_layout(title='Ventes\\n[2024]'); {}"
    )
    for how in ("fig.show()", "display(fig)", "fig"):
        result = ask(tool, code.format(how))
        chart = data(result, PLOTLY)
        assert len(chart["data"]) == 3  # type: ignore[arg-type]
        assert result.text.endswith(': 2 bar, scatter, "Ventes [2024]"]'), how


def test_an_altair_chart_is_a_chart(tool: PythonTool) -> None:
    code = (
        "import altair as alt, pandas as pd\n"
        "df = pd.DataFrame({'x': [1, 2], 'y': [3, 4]})\n"
        "base = alt.Chart(df, title='T').encode(x='x', y='y')\n"
        "base.mark_line() + base.mark_point()"
    )
    result = ask(tool, code)
    chart = data(result, VEGA_LITE)
    assert "vega-lite" in str(chart["$schema"])
    assert result.text.startswith("[chart ") and 'line, point, "T"]' in result.text


def test_a_chart_that_is_too_large_is_told(tool: PythonTool) -> None:
    result = ask(
        tool, "import plotly.graph_objects as go\ngo.Figure(go.Bar(y=list(range(900_000))))"
    )
    assert result.attachments == ()
    assert "is not shown: it is too large" in result.text


# Everything else.


def test_sounds_and_drawings_are_files(tool: PythonTool) -> None:
    result = ask(
        tool,
        "from IPython.display import Audio, SVG, display\n"
        "display(Audio(b'RIFFxxxxWAVE', rate=8000))\n"
        "display(SVG('<svg xmlns=\"x\"><script/></svg>'))",
    )
    sound, drawing = result.attachments
    assert (sound.mime, sound.path.suffix, sound.inline) == ("audio/wav", ".wav", False)
    assert (drawing.mime, drawing.path.suffix, drawing.inline) == (SVG, ".svg", False)
    assert sound.path.read_bytes() == b"RIFFxxxxWAVE"
    assert result.text.splitlines() == [
        f"[file {sound.name}: 12 bytes]",
        f"[file {drawing.name}: 30 bytes]",
    ]


def test_formulas_are_math_and_text(tool: PythonTool) -> None:
    result = ask(tool, "import sympy as sp\nx = sp.Symbol('x')\nsp.Integral(sp.exp(-x**2), x)")
    (formula,) = result.attachments
    assert formula.mime == LATEX and formula.inline
    assert formula.path.read_text().startswith("$\\displaystyle \\int")
    assert result.text == "Integral(exp(-x**2), x)"


def test_more_displays_than_the_limit_leave_their_text(tool: PythonTool) -> None:
    result = ask(
        tool,
        "import pandas as pd, plotly.graph_objects as go\n"
        "for i in range(14): display(pd.DataFrame({'n': [i]}))\ndisplay(go.Figure())",
    )
    assert len(result.attachments) == 12
    assert result.text.count("   n\n") == 14
    assert result.text.endswith("[a chart was left out: there are too many]")


def test_html_is_text_and_scripts_are_not(tool: PythonTool) -> None:
    result = ask(
        tool,
        "from IPython.display import HTML\n"
        "HTML('<p>Total: <b>3</b> &lt; 4</p><script>alert(1)</script>"
        "<img src=x onerror=alert(1)><style>p {}</style>')",
    )
    assert result.text == "Total: 3 < 4" and result.attachments == ()


def test_forged_displays_do_no_harm(tool: PythonTool) -> None:
    """Whatever the code sends in the name of a library is looked at before it is kept."""
    code = (
        "from IPython.display import display\n"
        f"display({{{TABLE!r}: 5, 'text/plain': 'five'}}, raw=True)\n"
        f"display({{{TABLE!r}: {{'rows': 'x'}}, 'text/plain': 'six'}}, raw=True)\n"
        f"display({{{PLOTLY!r}: {{'data': 3, 'layout': []}}, 'text/plain': ''}}, raw=True)\n"
        f"display({{{PLOTLY!r}: 'text', 'text/plain': 'seven'}}, raw=True)\n"
        "display({'audio/../../x': 'AAAA', 'text/plain': ''}, raw=True)"
    )
    result = ask(tool, code)
    lines = result.text.splitlines()
    assert lines[:2] == ["five", "six"] and "empty]" in lines[2] and lines[3] == "seven"
    assert lines[4].startswith("[file sound-") and lines[4].endswith(".bin: 3 bytes]")
    for each in result.attachments:
        assert each.path.parent.name == ".outputs" and os.sep not in each.name
