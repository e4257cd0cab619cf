"""Frames, policies, and pictures that are another visitor's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.e2e.visitor import answer, ask
from tests.faults.outcome import Fault, Outcome
from tests.faults.stage import Stage, port_of
from tests.faults.threaded_page import ask as request
from tests.support.loopback_web import Site, html

PICTURE = "run from PIL import Image\ndisplay(Image.new('RGB', (16, 16), 'teal'))"


def make_framing(stage: Stage) -> Outcome:
    scripted = stage.scripted()
    url = scripted.app.url
    lacking: list[str] = []
    for path in ("/", "/tools", "/documents", "/vision", "/settings", "/nothing-here"):
        headers = request(url, path, {"Accept": "text/html"}).headers
        lacking += [f"{path}: {fault}" for fault in weak(headers)]
    script = re.search(r'src="\./(static/js/[^"]+)"', request(url, "/").body.decode())
    for path in ("/", "/_stcore/health", f"/{script[1] if script else ''}"):
        if request(url, path).headers.get("x-content-type-options") != "nosniff":
            lacking.append(f"{path}: no nosniff")
    complaints: list[str] = []
    with stage.visitor(scripted.app) as visitor, Site() as site:
        page = visitor.open()
        page.on(
            "console",
            lambda said: complaints.append(said.text) if "Content Security" in said.text else None,
        )
        page.reload()
        answered = ask(page, "hello")
        site.pages["/"] = html(f'<p>a frame</p><iframe src="{url}/" width=800 height=600></iframe>')
        framing = visitor.context.new_page()
        framing.goto(f"http://127.0.0.1:{port_of(site.url)}/")
        framing.wait_for_timeout(1500)
        frames = [frame for frame in framing.frames if frame.parent_frame]
        inner = [frame.locator("body").inner_text() for frame in frames]
        shown = any("What's on your mind" in text or answered in text for text in inner)
    return Outcome(
        "the headers of the pages read, the app put into a frame on a page of another port",
        f"in the frame: {inner[0] if inner else 'nothing'}; headers lack: "
        f"{'; '.join(lacking[:6]) or 'nothing'}",
        f"the page itself works under its policy: {answered}; {len(complaints)} complaints of the "
        "browser",
        not shown and not lacking and not complaints and answered == "Heard: hello",
    )


def weak(headers: Mapping[str, str]) -> list[str]:
    """What the headers of a page lack."""
    policy = headers.get("content-security-policy", "")
    rules = {}
    for rule in policy.split(";"):
        name, *values = rule.split() or [""]
        rules[name] = values
    lacking = []
    for name, wanted in (
        ("default-src", ["'self'"]),
        ("frame-ancestors", ["'none'"]),
        ("object-src", ["'none'"]),
    ):
        if rules.get(name) != wanted:
            lacking.append(f"{name} is {' '.join(rules.get(name, ['missing']))}")
    scripts = rules.get("script-src", [])
    if not scripts or {"*", "http:", "https:", "data:"} & set(scripts):
        lacking.append(f"script-src is {' '.join(scripts) or 'missing'}")
    return lacking


def make_media(stage: Stage) -> Outcome:
    scripted = stage.scripted()
    url = scripted.app.url
    with stage.visitor(scripted.app) as owner, stage.visitor(scripted.app) as other:
        page = owner.open("tools")
        ask(page, PICTURE)
        image = answer(page).get_by_test_id("stImage").locator("img")
        image.wait_for()
        address = image.evaluate("image => image.src")
        path = "/" + address.removeprefix(url).removeprefix("/")
        other.open()

        # At a time: a media file that is on no page is waited for a little.
        headers = ({"Cookie": owner.cookie}, {"Cookie": other.cookie}, {})
        with ThreadPoolExecutor() as pool:
            mine, theirs, nobody = pool.map(partial(request, url, path), headers)
        drawn = image.evaluate("image => image.decode().then(() => image.naturalWidth)")
    private = "no-store" in mine.headers.get("cache-control", "")
    sniffed = mine.headers.get("x-content-type-options") == "nosniff"
    return Outcome(
        f"another visitor, and one without a cookie, ask for the picture {path[:20]}… that Python "
        "showed to somebody",
        f"{theirs.status} for the other visitor, {nobody.status} without a cookie; "
        f"no-store {'set' if private else 'missing'}, nosniff {'set' if sniffed else 'missing'}",
        f"its own visitor: {mine.status}, drawn {drawn} pixels wide",
        theirs.status == nobody.status == 404
        and mine.status == 200
        and private
        and sniffed
        and drawn > 0,
    )


FAULTS: Sequence[Fault] = (
    Fault("framing", make_framing, quick=True),
    Fault("media-of-others", make_media, quick=True),
)
