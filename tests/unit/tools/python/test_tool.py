"""The `python` tool on a real kernel: what comes back, what it survives, what it leaves behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PIL import Image

from tools.base import Tool, ToolCall, ToolContext, ToolError, ToolResult
from tools.python import ChildProcess, KernelProcess, PythonLimits, PythonTool
from tools.python.kernels.kernel import Kernel
from tools.python.kernels.local import LocalConnection
from tools.python.tool import unfence

LIMITS = PythonLimits(seconds=60, characters=2000, figures=5)
HASTY = PythonLimits(seconds=1.5, characters=2000)


def ask(tool: PythonTool, code: str, context: ToolContext | None = None) -> ToolResult:
    call = ToolCall("id-1", "python", code, raw="code")
    return tool.run(call, context or ToolContext(Path()))


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PythonTool]:
    """One kernel for all tests that leave it alive; none relies on another's variables."""
    os.environ["GLM_API_KEY"] = "secret-of-the-server"
    tool = PythonTool(tmp_path_factory.mktemp("workspace"), LIMITS)
    tool.warm()
    yield tool
    tool.close()
    del os.environ["GLM_API_KEY"]


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[PythonTool]:
    """A kernel that the test may lose."""
    tool = PythonTool(tmp_path, LIMITS)
    yield tool
    tool.close()


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[PythonTool]:
    """A tool with a short time limit."""
    tool = PythonTool(tmp_path, HASTY)
    yield tool
    tool.close()


def eventually(condition: object, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has reaped yet counts as ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def kernel_of(tool: PythonTool) -> Kernel:
    start = tool._lease.start
    kernel = start and start.wait(20)
    assert kernel
    return kernel


def private_folder(tool: PythonTool) -> Path:
    connection = kernel_of(tool).connection
    assert isinstance(connection, LocalConnection)
    return connection.private


# What the model is told of it.


def test_it_is_a_tool_with_two_faces(tool: PythonTool) -> None:
    assert isinstance(tool, Tool)
    assert tool.name == "python" and tool.stateful
    (function,) = tool.specs(native=False)
    (native,) = tool.specs(native=True)
    assert function.raw is None and native.raw == "code"
    assert function.parameters["required"] == ["code"]
    assert function.parameters["properties"]["code"]["type"] == "string"


def test_the_description_follows_the_limits_and_what_is_installed(tmp_path: Path) -> None:
    class Offline(ChildProcess):
        network = False

    limits = PythonLimits(seconds=7, characters=1234, figures=3)
    text = PythonTool(tmp_path, limits, Offline()).specs(native=True)[0].description
    assert "7 seconds" in text and "1,234 characters" in text and "up to 3 a call" in text
    assert "no network" in text
    assert "numpy" in text and "seaborn" not in text
    assert "can reach the network" in PythonTool(tmp_path).specs(True)[0].description


# What comes back.


def test_a_value_and_what_was_printed_come_back_in_order(tool: PythonTool) -> None:
    result = ask(tool, "print('first')\n'the value'")
    assert result.text == "first\n'the value'"
    assert result.error is None and result.attachments == ()
    assert (result.call_id, result.name) == ("id-1", "python")
    assert result.seconds > 0


def test_json_arguments_work_as_the_code_itself_does(tool: PythonTool) -> None:
    call = ToolCall("2", "python", '{"code": "6 * 7"}')
    assert tool.run(call, ToolContext(Path())).text == "42"


def test_variables_functions_and_imports_stay(tool: PythonTool) -> None:
    ask(tool, "import math\ndef area(r):\n    return math.pi * r**2\nradius = 2")
    assert ask(tool, "round(area(radius), 3)").text == "12.566"


def test_the_user_starts_with_an_empty_namespace(tool: PythonTool) -> None:
    names = "[n for n in dir() if not n.startswith('_')]"
    known = {"In", "Out", "exit", "quit", "get_ipython", "open"}
    shown = set(eval(ask(tool, names).text))
    assert not {"prepare", "LEFT_OUT", "sys", "os", "startup"} & (shown - known)


def test_stdout_and_stderr_keep_the_order_of_writing(tool: PythonTool) -> None:
    code = (
        "import sys\nfor i in range(20):\n    print('out', i)\n    print('err', i, file=sys.stderr)"
    )
    expected = [f"{name} {i}" for i in range(20) for name in ("out", "err")]
    assert ask(tool, code).text.splitlines() == expected


def test_what_child_processes_write_comes_in_its_place(tool: PythonTool) -> None:
    code = "import os\nfor i in range(5):\n    print('py', i)\n    code = os.system(f'echo sh {i}')"
    expected = [f"{name} {i}" for i in range(5) for name in ("py", "sh")]
    assert ask(tool, code).text.splitlines() == expected


def test_shell_commands_and_magics_work_as_in_ipython(tool: PythonTool) -> None:
    ask(tool, "%%writefile note.txt\nhello from a cell")
    assert ask(tool, "!cat note.txt").text == "hello from a cell"
    assert "UsageError" in str(ask(tool, "%no_such_magic").error)
    assert "Return the number of items" in ask(tool, "len?").text


def test_top_level_await_works(tool: PythonTool) -> None:
    assert ask(tool, "import asyncio\nawait asyncio.sleep(0.01)\n'awaited'").text == "'awaited'"


def test_code_that_puts_out_nothing_says_so(tool: PythonTool) -> None:
    assert ask(tool, "x = 1").text == "The code ran and put out nothing."


def test_a_table_is_text(tool: PythonTool) -> None:
    result = ask(tool, "import pandas as pd\npd.DataFrame({'city': ['Köln', '北京'], 'n': [1, 2]})")
    assert result.text.splitlines()[0].split() == ["city", "n"]
    assert "北京" in result.text and "<table" not in result.text


def test_html_markdown_and_latex_are_shown_as_text(tool: PythonTool) -> None:
    code = (
        "from IPython.display import HTML, Markdown, Math, display\n"
        "display(HTML('<table><tr><th></th><th>a</th></tr><tr><th>r</th><td>1</td></tr></table>"
        "<script>alert(1)</script>'))\n"
        "display(Markdown('**bold**'), Math('x^2'))"
    )
    assert ask(tool, code).text == "\ta\nr\t1\n**bold**\n$\\displaystyle x^2$"


def test_displays_can_be_updated_and_cleared(tool: PythonTool) -> None:
    code = (
        "from IPython.display import clear_output, display\n"
        "print('old'); clear_output(wait=True)\n"
        "h = display({'step': 1}, display_id=True); display('between'); h.update({'step': 2})"
    )
    assert ask(tool, code).text == "{'step': 2}\n'between'"


def test_a_progress_bar_leaves_its_last_state(tool: PythonTool) -> None:
    code = "for i in range(101): print(f'\\r{i}%', end='')\nprint('\\ndone')"
    assert ask(tool, code).text == "100%\ndone"


def test_colours_and_control_characters_are_taken_out(tool: PythonTool) -> None:
    assert ask(tool, r"print('\x1b[1;31mred\x1b[0m \x1b]0;title\x07plain')").text == "red plain"
    text = ask(tool, "import os\nn = os.write(1, bytes(range(256)))").text
    assert not any(ord(c) < 32 and c not in "\t\n" for c in text)
    assert "ABC" in text


def test_emoji_and_half_surrogates_come_through(tool: PythonTool) -> None:
    assert ask(tool, "print('🙂', chr(0xd83d), 'end')").text == "🙂 \\ud83d end"
    assert ask(tool, "'🙂' + chr(0xd83d)").text == "'🙂\\ud83d'"


def test_identifiers_may_be_unicode(tool: PythonTool) -> None:
    assert ask(tool, "变量 = 3\nπ = 3.14\nprint(变量 * π)").text.startswith("9.42")


# Markdown around the code.


@pytest.mark.parametrize(
    ("written", "run"),
    [
        ("1 + 1", "1 + 1"),
        ("```python\n1 + 1\n```", "1 + 1"),
        ("```\n1 + 1\n```\n", "1 + 1"),
        ("\n```py\nx = 1\n\nx\n```  ", "x = 1\n\nx"),
        ("```python\n1 + 1", "1 + 1"),
        ("``` {python}\r\n1 + 1\r\n```", "1 + 1"),
        ("```1 + 1```", "1 + 1"),
        ("```python 1 + 1```", "1 + 1"),
        ("````python\ns = '''```'''\n````", "s = '''```'''"),
        ("s = '''\n```python\nx\n```\n'''", "s = '''\n```python\nx\n```\n'''"),
        ("  indented", "  indented"),
        ("```python\n```", ""),
    ],
)
def test_a_fence_is_taken_off_and_nothing_else(written: str, run: str) -> None:
    assert unfence(written) == run


# Errors of the code.


def test_an_error_is_a_result_with_the_users_frames_alone(tool: PythonTool) -> None:
    result = ask(tool, "def ratio(a, b):\n    return a / b\nprint('before')\nratio(1, 0)")
    assert result.error == "ZeroDivisionError: division by zero"
    lines = result.text.splitlines()
    assert lines[:2] == ["before", "Traceback (most recent call last):"]
    assert "line 4, in <module>" in lines[2] and "line 2, in ratio" in lines[4]
    assert lines[-1] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    "code",
    [
        "import pandas as pd\npd.DataFrame({'a': [1]})['b']",
        "import json\njson.loads('{')",
        "from numpy import no_such_name",
        "import numpy as np\nnp.ones(2) @ np.ones(3)",
    ],
)
def test_an_error_shows_no_path_of_the_host(tool: PythonTool, code: str) -> None:
    result = ask(tool, code)
    assert result.error
    for text in (result.text, result.error):
        assert "site-packages" not in text and sys.prefix not in text and "\x1b" not in text
    assert "Traceback" in result.text and "<cell " in result.text


def test_errors_in_the_sessions_own_modules_are_traced(tool: PythonTool) -> None:
    ask(tool, "%%writefile own_module.py\ndef fail():\n    raise LookupError('inside')")
    result = ask(tool, "import own_module\nown_module.fail()")
    assert result.error == "LookupError: inside"
    assert 'File "own_module.py", line 2, in fail' in result.text


def test_syntax_errors_point_at_the_place(tool: PythonTool) -> None:
    result = ask(tool, "x = (1,\ny = 2")
    assert result.error is not None and result.error.startswith("SyntaxError")
    assert "Traceback" not in result.text and "^" in result.text


def test_exception_groups_and_broken_exceptions_are_told(tool: PythonTool) -> None:
    result = ask(tool, "raise ExceptionGroup('two', [ValueError('a'), KeyError('b')])")
    assert "ValueError: a" in result.text and "KeyError: 'b'" in result.text
    broken = (
        "class E(Exception):\n    def __str__(self):\n        raise RuntimeError('no')\nraise E"
    )
    assert "E: <exception str() failed>" in ask(tool, broken).text


def test_deep_recursion_is_told_in_a_few_lines(tool: PythonTool) -> None:
    result = ask(tool, "def down(n):\n    return down(n + 1)\ndown(0)")
    assert result.error is not None and result.error.startswith("RecursionError")
    assert "more times" in result.text and len(result.text.splitlines()) < 25


def test_input_is_refused_at_once_with_a_sentence(tool: PythonTool) -> None:
    for code in ("name = input('who? ')", "import getpass\ngetpass.getpass()"):
        result = ask(tool, code)
        assert "nobody can type" in str(result.error)


def test_exit_ends_the_call_and_not_the_kernel(tool: PythonTool) -> None:
    ask(tool, "kept = 'kept'")
    for code in ("exit()", "quit()", "import sys\nsys.exit()", "raise SystemExit(0)"):
        result = ask(tool, "print('said')\n" + code)
        assert result.text == "said" and result.error is None
    assert ask(tool, "import sys\nsys.exit('bad end')").error == "SystemExit: bad end"
    assert ask(tool, "kept").text == "'kept'"


# Figures.


def test_every_figure_is_a_png_in_order(tool: PythonTool) -> None:
    code = (
        "import matplotlib.pyplot as plt\n"
        "plt.figure(figsize=(4, 2)); plt.plot([1, 2]); plt.show()\n"
        "print('between')\n"
        "fig, ax = plt.subplots(figsize=(2, 4)); ax.bar([1, 2], [3, 4]);"
    )
    result = ask(tool, code)
    first, second = result.attachments
    assert [a.mime for a in result.attachments] == ["image/png"] * 2
    assert first.name != second.name and first.path.name == first.name
    with Image.open(first.path) as wide, Image.open(second.path) as tall:
        assert wide.format == tall.format == "PNG"
        assert wide.width > wide.height and tall.width < tall.height
        # Sharp: two pixels for each one on the page.
        shown = [f"{image.width // 2}x{image.height // 2}" for image in (wide, tall)]
    labels = [line for line in result.text.splitlines() if line.startswith("[figure")]
    assert [label.rstrip("]").split(": ")[1] for label in labels] == shown
    lines = result.text.splitlines()
    assert lines.index(labels[0]) < lines.index("between") < lines.index(labels[1])


def test_chinese_titles_are_drawn_whatever_font_the_code_asks_for(tool: PythonTool) -> None:
    code = (
        "import matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pyplot as plt\n"
        "with plt.style.context('seaborn-v0_8'):\n"
        "    plt.rcParams['font.sans-serif'] = ['SimHei']\n"
        "    plt.figure(figsize=(3, 1)); plt.axis('off'); plt.text(0, 0.5, {!r}); plt.show()"
    )
    result = ask(tool, code.format("中文标题 −1"))
    other = ask(tool, code.format("国家经济 −1"))
    assert result.text.splitlines() == [result.text]  # the figure, and no warning
    assert len(result.attachments) == 1
    # Boxes in place of glyphs would make the two look the same.
    assert result.attachments[0].path.read_bytes() != other.attachments[0].path.read_bytes()


@pytest.mark.parametrize(
    "chosen",
    [
        "import matplotlib.pyplot as plt; plt.switch_backend('svg')",
        "import matplotlib.pyplot as plt; plt.switch_backend('TkAgg')",
        "import matplotlib as m; m.use('Qt5Agg', force=True); import matplotlib.pyplot as plt",
        "%matplotlib notebook\nimport matplotlib.pyplot as plt",
        "%matplotlib widget\nimport matplotlib.pyplot as plt",
        "import matplotlib.pyplot as plt\n%matplotlib qt",
    ],
)
def test_a_figure_is_shown_whatever_backend_the_code_chooses(tool: PythonTool, chosen: str) -> None:
    result = ask(tool, f"{chosen}\nplt.figure(figsize=(2, 1)); plt.plot([1, 2]); plt.show()")
    assert result.error is None
    assert [each.mime for each in result.attachments] == ["image/png"]


def test_a_figure_that_is_saved_and_never_shown_is_both(tool: PythonTool) -> None:
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.savefig('saved.png')"
    result = ask(tool, code)
    shown = [each.name for each in result.attachments if each.inline]
    assert len(shown) >= 1 and any(each.name == "saved.png" for each in result.attachments)


def test_figures_of_functions_and_threads_are_shown(tool: PythonTool) -> None:
    code = (
        "import threading, matplotlib.pyplot as plt\n"
        "def draw():\n    plt.figure(figsize=(2, 1)); plt.plot([1, 2]); plt.show()\n"
        "draw()\nthread = threading.Thread(target=draw); thread.start(); thread.join()"
    )
    result = ask(tool, code)
    assert [each.mime for each in result.attachments] == ["image/png"] * 2


def test_a_picture_that_is_shown_in_a_window_is_shown_in_the_page(tool: PythonTool) -> None:
    code = "from PIL import Image\nImage.new('RGB', (30, 20), 'red').show('a title')"
    result = ask(tool, code)
    assert [each.mime for each in result.attachments] == ["image/png"]


def test_other_images_are_figures_too(tool: PythonTool) -> None:
    code = (
        "from PIL import Image\nfrom IPython.display import Image as Shown, display\n"
        "im = Image.new('RGB', (30, 20), 'red'); im.save('red.jpg'); display(Shown('red.jpg')); im"
    )
    result = ask(tool, code)
    figures = [a.mime for a in result.attachments if a.inline]
    assert figures == ["image/jpeg", "image/png"]
    assert result.text.count(": 30x20]") == 2


def test_more_figures_than_the_limit_are_left_out_with_a_word(tool: PythonTool) -> None:
    code = "from PIL import Image\nfor i in range(8): display(Image.new('L', (i + 1, 1)))"
    result = ask(tool, code)
    assert len(result.attachments) == LIMITS.figures
    assert result.text.count("left out") == 3


@pytest.mark.filterwarnings("ignore:Image size")
def test_what_only_claims_to_be_a_picture_is_refused(tool: PythonTool) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    for width, height in ((60_000, 60_000), (10_000, 10_000)):
        header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
        bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b"")
        for data in (bomb, b"no picture", b"GIF89a"):
            code = f"display({{'image/png': {data!r}, 'text/plain': ''}}, raw=True)"
            result = ask(tool, "from IPython.display import display\n" + code)
            assert result.attachments == () and "is not shown" in result.text


def test_figures_are_never_written_through_a_link(fresh: PythonTool, tmp_path: Path) -> None:
    outside = tmp_path.parent / "outside"
    outside.mkdir()
    workspace = tmp_path
    ask(fresh, f"import os\nos.symlink({str(outside)!r}, '.outputs')")
    result = ask(fresh, "from PIL import Image\nImage.new('L', (1, 1))")
    assert list(outside.iterdir()) == []
    assert result.attachments[0].path == workspace / ".outputs" / result.attachments[0].name
    assert result.attachments[0].path.is_file()


# Much output.


def test_long_output_is_cut_in_the_middle_with_the_exact_number(tool: PythonTool) -> None:
    result = ask(tool, "print('start'); print('x' * 10_000); print('end', end='')")
    before, _, after = result.text.partition("\n[… ")
    missing, _, tail = after.partition(" characters left out …]\n")
    assert before.startswith("start\nxxx") and tail.endswith("xxx\nend")
    assert len(before) + len(tail) == LIMITS.characters
    assert int(missing.replace(",", "")) == len("start\n") + 10_001 + 3 - LIMITS.characters


@pytest.mark.parametrize(
    ("code", "written"),
    [
        ("print('x' * 50_000_000)", 50_000_001),
        ("for i in range(20_000): print('é' * 1000)", 20_000 * 1001),
        ("'y' * 1_000_000", 1_000_003),
        ("import os\nfor i in range(500): n = os.write(1, b'z' * 50_000)", 25_000_000),
    ],
    ids=["one line", "many lines", "a value", "file descriptor"],
)
def test_any_amount_of_output_is_counted_and_not_collected(
    tool: PythonTool, code: str, written: int
) -> None:
    before = psutil.Process().memory_info().rss
    result = ask(tool, code)
    assert result.error is None
    missing = int(result.text.partition("[… ")[2].partition(" ")[0].replace(",", ""))
    assert missing == pytest.approx(written - LIMITS.characters, abs=1)
    assert len(result.text) < LIMITS.characters + 100
    assert psutil.Process().memory_info().rss - before < 30_000_000


def test_a_flood_keeps_its_place_before_a_result(tool: PythonTool) -> None:
    result = ask(tool, "for i in range(30_000): print('line', i)\n'the value'")
    assert result.text.endswith("line 29999\n'the value'")


def test_the_end_of_a_flood_is_still_told(tool: PythonTool) -> None:
    result = ask(tool, "for i in range(30_000): print('line', i)\n1 / 0")
    assert result.text.startswith("line 0\n")
    assert "line 29999\nTraceback" in result.text
    assert result.text.endswith("division by zero")


# Time, and the Stop button.


def test_the_time_limit_interrupts_and_variables_stay(hasty: PythonTool) -> None:
    ask(hasty, "before = 'still here'")
    result = ask(hasty, "print('going')\nwhile True: pass")
    assert result.error == "The code was stopped at the time limit of 1.5 seconds."
    assert result.text.startswith("going") and result.text.endswith("variables are still there.")
    assert ask(hasty, "before").text == "'still here'"


def test_code_that_catches_the_interrupt_is_killed_and_the_loss_told(hasty: PythonTool) -> None:
    ask(hasty, "x = 1\nopen('kept.txt', 'w').write('kept')")
    result = ask(
        hasty,
        "import time\nwhile True:\n    try:\n        time.sleep(60)\n"
        "    except KeyboardInterrupt:\n        print('no')",
    )
    assert "time limit of 1.5 seconds" in str(result.error)
    assert "no\n" in result.text and "all variables and imports are gone" in result.text
    assert ask(hasty, "x").error == "NameError: name 'x' is not defined"
    assert ask(hasty, "open('kept.txt').read()").text == "'kept'"


@pytest.mark.parametrize("stubborn", [False, True])
def test_stop_ends_the_call_and_leaves_a_usable_kernel(fresh: PythonTool, stubborn: bool) -> None:
    ask(fresh, "x = 1")
    cancel, said = threading.Event(), []

    def stop_when_running(line: str) -> None:
        said.append(line)
        cancel.set()

    body = "except KeyboardInterrupt: pass" if stubborn else "finally: pass"
    code = f"import time\nprint('running')\nwhile True:\n  try: time.sleep(60)\n  {body}"
    result = ask(fresh, code, ToolContext(Path(), cancel, stop_when_running))
    assert said == ["running"]
    assert result.error == "Stopped by the user."
    assert result.text.startswith("running")
    assert ("variables and imports are gone" in result.text) is stubborn
    assert ask(fresh, "'x' in globals()").text == str(not stubborn)


def test_stop_before_the_code_ran_runs_nothing(fresh: PythonTool, tmp_path: Path) -> None:
    cancel = threading.Event()
    cancel.set()
    result = ask(fresh, "open('ran', 'w')", ToolContext(tmp_path, cancel))
    assert result.error == "Stopped by the user." and not (tmp_path / "ran").exists()


def test_progress_is_told_now_and_then(tool: PythonTool) -> None:
    lines: list[str] = []
    code = (
        "import time\nfor i in range(10):\n    print('step', i, flush=True)\n    time.sleep(0.05)"
    )
    ask(tool, code, ToolContext(Path(), progress=lines.append))
    assert 1 < len(lines) <= 6 and all(line.startswith("step") for line in lines)


# Threads, forks and death.


def test_late_output_of_a_thread_does_not_reach_the_next_call(tool: PythonTool) -> None:
    code = (
        "import threading, time\nready = threading.Event()\n"
        "def late():\n    ready.wait()\n    print('LATE')\n    told.set()\n"
        "told = threading.Event()\nthreading.Thread(target=late).start()"
    )
    ask(tool, code)
    result = ask(tool, "ready.set(); told.wait(5); print('mine')")
    assert result.text == "mine"


def test_threads_and_pools_of_the_call_itself_are_heard(tool: PythonTool) -> None:
    code = (
        "import threading\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "t = threading.Thread(target=print, args=('thread',)); t.start(); t.join()\n"
        "pool = ThreadPoolExecutor(1); pool.submit(print, 'pool').result()"
    )
    assert ask(tool, code).text.splitlines() == ["thread", "pool"]
    assert ask(tool, "pool.submit(print, 'again').result()").text == "again"


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("import os\nos._exit(7)", "exit code 7"),
        ("import os\nos.kill(os.getpid(), 9)", "SIGKILL"),
        ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
    ],
)
def test_a_kernel_that_dies_is_noticed_and_replaced(
    fresh: PythonTool, code: str, cause: str
) -> None:
    ask(fresh, "x = 1")
    result = ask(fresh, "print('last words', flush=True)\nimport time; time.sleep(0.1)\n" + code)
    assert result.error is not None and cause in result.error
    assert result.text.startswith("last words")
    assert "all variables and imports are gone" in result.text
    assert ask(fresh, "1 + 1").text == "2"


def test_a_death_between_two_calls_is_told_with_the_next(fresh: PythonTool) -> None:
    pid = int(ask(fresh, "import os\nos.getpid()").text)
    os.kill(pid, signal.SIGKILL)
    kernel = kernel_of(fresh)
    assert eventually(lambda: not kernel.alive)
    result = ask(fresh, "1 + 1")
    assert result.text.startswith("2\n") and "variables and imports were gone" in result.text
    assert ask(fresh, "1 + 1").text == "2"


def test_what_the_code_left_running_ends_with_the_session(tmp_path: Path) -> None:
    tool = PythonTool(tmp_path, LIMITS)
    code = (
        "import os, subprocess, sys, time\nprint('before')\nchild = os.fork()\n"
        "if child == 0:\n    time.sleep(600)\n    os._exit(0)\n"
        "own = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "orphan = subprocess.run(['sh', '-c', 'setsid sleep 600 >&- 2>&- & echo $!'],"
        " capture_output=True, text=True).stdout\n"
        "print(os.getpid(), child, own.pid, orphan)"
    )
    first, _, pids = ask(tool, code).text.partition("\n")
    assert first == "before"
    processes = [int(pid) for pid in pids.split()]
    assert len(processes) == 4 and not any(gone(pid) for pid in processes)
    tool.close()
    assert eventually(lambda: all(gone(pid) for pid in processes))


def test_a_kernel_does_not_outlive_a_killed_server(tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom tools.python import PythonTool\n"
        "from tools.base import ToolCall, ToolContext\n"
        "tool = PythonTool(Path(sys.argv[1]))\n"
        "code = 'import os, time; print(os.getpid())'\n"
        "result = tool.run(ToolCall('1', 'python', code, raw='code'), ToolContext(Path()))\n"
        "print(result.text, flush=True)\ntime.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},  # what a killed server can't clear away
    ) as server:
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        assert not gone(pid)
        server.kill()
    assert eventually(lambda: gone(pid))


# Sessions.


def test_two_sessions_share_no_variable_and_no_file(tool: PythonTool, fresh: PythonTool) -> None:
    for mine, value in ((tool, 1), (fresh, 2)):
        ask(mine, f"shared = {value}\nopen('shared.txt', 'w').write('{value}')")
    assert ask(tool, "shared, open('shared.txt').read()").text == "(1, '1')"
    assert ask(fresh, "shared, open('shared.txt').read()").text == "(2, '2')"


def test_the_kernel_works_in_the_workspace(fresh: PythonTool, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a,b\n1,2\n")
    assert ask(fresh, "open('data.csv').read()").text == "'a,b\\n1,2\\n'"
    ask(fresh, "open('made.txt', 'w').write('made')")
    assert (tmp_path / "made.txt").read_text() == "made"
    assert {path.name for path in tmp_path.iterdir()} == {"data.csv", "made.txt"}


def test_a_file_named_like_a_library_does_not_break_the_kernel(tmp_path: Path) -> None:
    for name in ("random", "json", "zmq", "ipykernel", "ctypes"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a trap')")
    tool = PythonTool(tmp_path, LIMITS)
    try:
        assert ask(tool, "import random, json\njson.dumps(random.random() < 1)").text == "'true'"
    finally:
        tool.close()


def test_nothing_of_the_servers_environment_leaks(tool: PythonTool) -> None:
    text = ask(tool, "import os\nprint(dict(os.environ))").text
    assert "secret-of-the-server" not in text
    assert "GLM_API_KEY" not in text
    assert ask(tool, "!env").text.count("GLM_") == 0


def test_the_kernel_listens_where_this_user_alone_can_reach_it(tool: PythonTool) -> None:
    ask(tool, "1")
    private = private_folder(tool)
    assert len([path for path in private.iterdir() if path.is_socket()]) == 5
    assert private.stat().st_mode & 0o077 == 0


def test_a_long_path_for_temporary_files_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 120)  # longer than a unix socket's path may be
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    tool = PythonTool(tmp_path / "workspace", LIMITS)
    try:
        assert ask(tool, "1").text == "1"
    finally:
        tool.close()
    assert list(long.iterdir()) == []


# Wrong use, and the end.


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (ToolCall("1", "python", ""), "code"),
        (ToolCall("1", "python", "{}"), "code"),
        (ToolCall("1", "python", '{"code": 3}'), "string"),
        (ToolCall("1", "python", "print(1)"), "not valid JSON"),
        (ToolCall("1", "python", "[1]"), "JSON object"),
        (ToolCall("1", "python", " \n", raw="code"), "no code"),
        (ToolCall("1", "python", "```python\n```", raw="code"), "no code"),
        (ToolCall("1", "python", "print('\ud800')", raw="code"), "surrogate"),
    ],
)
def test_a_call_that_makes_no_sense_is_answered_in_a_sentence(
    tmp_path: Path, call: ToolCall, said: str
) -> None:
    tool = PythonTool(tmp_path)
    with pytest.raises(ToolError, match=said):
        tool.run(call, ToolContext(tmp_path))


class Faulty:
    """Starts no kernel, then real ones: a fault that can't be had from a sound installation."""

    network = True
    confined = False

    def __init__(self, failures: int) -> None:
        self.failures = failures

    def launch(self, connection: Path, workspace: Path) -> KernelProcess:
        if self.failures:
            self.failures -= 1
            raise FileNotFoundError("/secret/path/python")
        return ChildProcess().launch(connection, workspace)


def test_a_start_that_fails_is_told_and_tried_again(tmp_path: Path) -> None:
    tool = PythonTool(tmp_path, LIMITS, Faulty(1))
    try:
        with pytest.raises(ToolError, match="could not be started") as caught:
            ask(tool, "1")
        assert "/secret" not in str(caught.value)
        assert ask(tool, "1").text == "1"
    finally:
        tool.close()


def test_close_during_a_call_ends_the_call(tmp_path: Path) -> None:
    tool = PythonTool(tmp_path, LIMITS)
    told = threading.Event()
    context = ToolContext(tmp_path, progress=lambda _: told.set())
    results: list[ToolResult | ToolError] = []

    def call() -> None:
        results.append(ask(tool, "import time\nprint('in', flush=True)\ntime.sleep(60)", context))

    thread = threading.Thread(target=call)
    thread.start()
    assert told.wait(20)
    tool.close()
    thread.join(20)
    assert not thread.is_alive()
    (result,) = results
    assert isinstance(result, ToolResult) and result.error is not None


def test_close_leaves_no_process_and_no_folder_and_may_come_twice(tmp_path: Path) -> None:
    tool = PythonTool(tmp_path, LIMITS)
    pid = int(ask(tool, "import os\nos.getpid()").text)
    private = private_folder(tool)
    assert private.is_dir()
    tool.close()
    tool.close()
    assert gone(pid) and not private.exists()
    tool.warm()
    with pytest.raises(ToolError, match="closed"):
        ask(tool, "1")


def test_close_while_the_kernel_starts_leaves_nothing(tmp_path: Path) -> None:
    started: list[KernelProcess] = []

    class Noting(ChildProcess):
        def launch(self, connection: Path, workspace: Path) -> KernelProcess:
            started.append(super().launch(connection, workspace))
            return started[-1]

    tool = PythonTool(tmp_path, LIMITS, Noting())
    tool.warm()
    tool.warm()
    assert eventually(lambda: started)
    tool.close()
    assert eventually(lambda: started[0].poll() is not None)
    assert len(started) == 1
