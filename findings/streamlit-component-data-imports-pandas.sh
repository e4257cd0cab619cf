#!/usr/bin/env bash
# Streamlit 1.67.0: a component of st.components.v2 that is given a dictionary with a list in it as
# `data`, if only {"a": [1]}, imports pandas, numpy and pyarrow as it is first drawn: each list is
# asked whether it is like a data frame, and for that question all three are imported. Given bytes,
# nothing of them is imported. Where a page needs them for nothing else, that is a third of a second
# of the server's first page, with the interpreter held.
# Expected output: "a dictionary: numpy pandas pyarrow" and "bytes: none". Fails if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install -q streamlit==1.67.0
cat > "$work/page.py" <<'PY'
import os
import sys

import streamlit as st

JS = "export default ({ parentElement }) => { parentElement.textContent = 'drawn' }"
component = st.components.v2.component("small", js=JS, html="<p></p>")
component(data={"a": [1]} if os.environ["DATA"] == "dictionary" else b'{"a": [1]}', key="small")
found = " ".join(n for n in ("numpy", "pandas", "pyarrow") if n in sys.modules) or "none"
with open(os.environ["FOUND"], "w") as file:
    file.write(found)
PY
cat > "$work/visit.py" <<'PY'
import asyncio
import os
import sys

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg


async def visit(port):
    rerun = BackMsg()
    rerun.rerun_script.query_string = ""
    for _ in range(200):
        try:
            async with websockets.connect(f"ws://127.0.0.1:{port}/_stcore/stream") as page:
                await page.send(rerun.SerializeToString())
                for _ in range(200):
                    if os.path.exists(os.environ["FOUND"]):
                        return
                    await asyncio.sleep(0.1)
        except OSError:
            await asyncio.sleep(0.1)


asyncio.run(visit(sys.argv[1]))
PY
see() {
    local port
    port=$("$work/venv/bin/python" -c \
        'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    export DATA=$1 FOUND=$work/found-$1
    "$work/venv/bin/streamlit" run "$work/page.py" --server.headless true \
        --server.address 127.0.0.1 --server.port "$port" --browser.gatherUsageStats false \
        >"$work/log" 2>&1 &
    "$work/venv/bin/python" "$work/visit.py" "$port"
    kill $!
    wait $! 2>/dev/null || true
    cat "$FOUND"
}
dictionary=$(see dictionary)
bytes=$(see bytes)
echo "a dictionary: $dictionary"
echo "bytes: $bytes"
[[ $dictionary == "numpy pandas pyarrow" && $bytes == none ]]
