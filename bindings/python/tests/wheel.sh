#!/bin/bash
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
#
# Builds the sdist, and the wheel from it, as pip does for a user; installs the wheel in an empty
# virtual environment; runs a program of the README's kind there, away from the sources.
set -euo pipefail
cd "$(dirname "$0")/../../.."

interpreter=/usr/bin/python3
[ -x "$interpreter" ] || interpreter=python3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$interpreter" -m venv "$work/builder"
"$work/builder/bin/pip" --quiet install build
"$work/builder/bin/python" -m build --outdir "$work/dist" . >"$work/log" 2>&1 || {
    tail -n 40 "$work/log"
    exit 1
}
# A release build has no assertions, and so may see what ours does not.
if grep -E '^[^ ]+:[0-9]+:[0-9]+: warning:' "$work/log"; then
    echo "the release build has warnings"
    exit 1
fi

"$interpreter" -m venv "$work/empty"
"$work/empty/bin/pip" --quiet install --no-index "$work"/dist/*.whl
cd "$work"
ls dist
"$work/empty/bin/python" - <<'EOF'
import threading
import tachyon


def server():
    with tachyon.Bus.listen("socket", 1 << 16) as bus:
        messages = [(message.type_id, message.data) for message in bus]
    assert messages == [(1, b"hello tachyon"), (2, b"x" * 1000)], messages


thread = threading.Thread(target=server)
thread.start()
with tachyon.Bus.connect("socket") as bus:
    bus.send(b"hello tachyon", type_id=1)
    with bus.send_zero_copy(size=2000, type_id=2) as tx:
        memoryview(tx)[:1000] = b"x" * 1000
        tx.actual_size = 1000
thread.join()
print("tachyon", tachyon.__version__, "from", tachyon.__file__.split("/lib/")[0].split("/")[-1])
EOF
