"""Python that ends, fills, forks or hides: causes by their names."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Page

from tests.e2e.visitor import GREETINGS, Scripted, ask, button, calls
from tests.faults.outcome import Fault, Outcome
from tests.faults.stage import Stage, own_app

NOTHING = "put out nothing"


def heard(scripted: Scripted) -> str:
    """What the model was told of the last call."""
    results = [m for m in scripted.bodies[-1]["messages"] if m["role"] == "tool"]
    return str(results[-1]["content"]) if results else ""


def run(scripted: Scripted, page: Page, code: str) -> str:
    """Runs the code; what the page shows of the call, and what the model was told of it."""
    ask(page, f"run {code}")
    return f"{calls(page).last.inner_text()}\n{heard(scripted)}"


def cause(name: str, done: str, code: str, told: str, untold: str) -> Fault:
    """Code that fails for a reason that is to be named: `told` must be in what is said of it, as
    a pattern, and `untold` must not."""

    def make(stage: Stage) -> Outcome:
        scripted = stage.scripted()
        with stage.visitor(scripted.app) as visitor:
            page = visitor.open("tools")
            ask(page, "run open('kept.txt', 'w').write('kept')")
            shown = run(scripted, page, code)
            said = heard(scripted)
            kept = run(scripted, page, "print(open('kept.txt').read(), 6 * 7)")
        right = re.search(told, shown, re.IGNORECASE) is not None
        wrong = untold and re.search(untold, shown, re.IGNORECASE) is not None
        return Outcome(
            done,
            said,
            f"the next call: {kept.splitlines()[-1]}",
            right and not wrong and "kept 42" in kept,
        )

    return Fault(name, make, quick=True)


ODD = (
    "for name in (b'line\\nend.txt', b'tab\\there.txt', b'not\\xffutf8.txt',"
    " 'turned\\u202egpj.txt'.encode()):\n"
    "    open(name, 'w').write('x')"
)


def make_odd_names(stage: Stage) -> Outcome:
    scripted = stage.scripted()
    with stage.visitor(scripted.app) as visitor:
        page = visitor.open("tools")
        run(scripted, page, ODD)
        said = heard(scripted)
        links = calls(page).last.locator("a[download]")
        offered = links.count()
        shown = calls(page).last.inner_text()
    lines = len(re.findall(r"(?m)^\[file ", said))
    counted = [int(n) for n in re.findall(r"(\d+) (?:more )?files?\b", f"{said}\n{shown}")]
    named = max([lines, offered, *counted])
    return Outcome(
        "code writes four files whose names have a line end, a tab, a byte that is no UTF-8, a "
        "direction mark",
        said,
        f"{offered} of 4 are offered, {named} are spoken of",
        named >= 4 and "\u202e" not in shown,
    )


MANY = (
    "import os, subprocess\n"
    "many = []\n"
    "try:\n"
    "    for _ in range(200): many.append(subprocess.Popen(['sleep', '60']))\n"
    "except OSError: pass\n"
)
FORKING = (
    "import os, time\n"
    "for _ in range(200):\n"
    "    try:\n"
    "        if os.fork() == 0:\n"
    "            os.system('echo THE OUTPUT'); time.sleep(3); os._exit(0)\n"
    "    except OSError: break\n"
)


def make_process_limit(stage: Stage) -> Outcome:
    scripted = stage.scripted()
    unsaid, said = [], ""
    codes = {
        "a shell behind many processes": f"{MANY}_ = os.system('echo THE OUTPUT')",
        "a shell in the call after them": "_ = os.system('echo THE OUTPUT')",
        "children that fork": FORKING,
    }
    with stage.visitor(scripted.app) as visitor:
        page = visitor.open("tools")
        for name, code in codes.items():
            shown = run(scripted, page, code)
            said = heard(scripted) if not said or NOTHING in heard(scripted) else said
            # As many as were asked for can't have come out.
            unsaid += [name] if not re.search(r"processes", shown.replace(code, "")) else []
        button(page, "New conversation").click()
        page.get_by_text(GREETINGS["tools"]).wait_for()
        kept = run(scripted, page, "print(6 * 7)")
    return Outcome(
        f"the limit of processes is met, and so output is lost: {', '.join(codes)}",
        said,
        f"not said of: {', '.join(unsaid) or 'none'}; in a new conversation: "
        f"{kept.splitlines()[-1]}",
        not unsaid and kept.splitlines()[-1] == "42",
    )


FULL = (
    "import os\n"
    "with open('big', 'wb') as file:\n"
    "    for _ in range(200): file.write(os.urandom(1 << 20))"
)
MOUNT = ("unshare", "--user", "--map-root-user", "--mount")


def make_disk_full(stage: Stage) -> Outcome:
    done = "code writes 200 MB onto a disk of 64 MB, where GLM_DATA lies (limit of a file: 256 MB)"
    place = Path("/mnt")
    works = f"mount -t tmpfs -o size=64m glm {place}"
    if (
        shutil.which("unshare") is None
        or subprocess.run([*MOUNT, "sh", "-c", works], capture_output=True, check=False).returncode
    ):
        return Outcome(done, "no file system can be mounted for one process here", "", None)
    command = (*MOUNT, "sh", "-c", f'{works} && exec "$@"', "sh", sys.executable, "-m", "streamlit")
    environment = {"GLM_DATA": f"{place}/data", "GLM_PYTHON_SANDBOX": "none"}
    with own_app(environment, command=command) as scripted, stage.visitor(scripted.app) as visitor:
        page = visitor.open("tools")
        ask(page, "run open('kept.txt', 'w').write('kept')")
        shown = run(scripted, page, FULL)
        said = heard(scripted)
        kept = run(scripted, page, "import os; os.remove('big'); print(open('kept.txt').read())")
    named = re.search(r"disk|no space|room", shown, re.IGNORECASE) is not None
    wrong = re.search(r"limit of (256|1,024) MB", shown) is not None
    return Outcome(
        done,
        "\n".join(said.splitlines()[-3:]),
        f"the next call: {kept.splitlines()[-1]}",
        named and not wrong and "kept" in kept,
    )


_DEEP = (
    "import os, time\n"
    "top = os.getcwd()\n"
    "for _ in range(150): os.mkdir('deep'); os.chdir('deep')\n"
    "os.chdir(top)\n"
    "time.sleep(6)"  # until the folder has been measured
)
_KILL = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
FAULTS: Sequence[Fault] = (
    cause("kernel-killed", "Python is ended by SIGKILL", _KILL, "killed|SIGKILL", ""),
    cause(
        "kernel-segfault",
        "Python reads address 0",
        "import ctypes; ctypes.string_at(0)",
        "segmentation|SIGSEGV",
        "SIGKILL",
    ),
    cause("kernel-abort", "Python aborts", "import os; os.abort()", r"\babort|SIGABRT", "SIGKILL"),
    cause(
        "deep-folders",
        "150 folders in one another, of no size",
        _DEEP,
        "deep|folders",
        "1,024 MB",
    ),
    Fault("odd-names", make_odd_names, quick=True),
    Fault("process-limit", make_process_limit, quick=True),
    Fault("disk-full", make_disk_full),
)
