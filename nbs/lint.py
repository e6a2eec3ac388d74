"""What can be checked without running anything: style by ruff, types by mypy.

A fault in vae_nb/ is named with the notebook and the cell that it comes from.
"""

import re
import subprocess
import sys

from export import BIN, ROOT, cell_of

COMMANDS = (
    ("ruff", "check", "--quiet", "--output-format", "concise"),
    ("ruff", "format", "--check", "--quiet"),
    ("mypy",),
)


def with_cell(line: str) -> str:
    "A line of a tool's output, and the cell that it speaks of."
    found = re.match(r"(vae_nb/\w+\.py):(\d+)", line)
    cell = cell_of(ROOT / found[1], int(found[2])) if found else None
    return f"{line} ({cell})" if cell else line


def main() -> None:
    failed = False
    for tool, *options in COMMANDS:
        command = [str(BIN / tool), *options]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        failed |= done.returncode != 0
        for line in (done.stdout + done.stderr).splitlines():
            print(with_cell(line))
    sys.exit("run `make format`, and fix what it leaves" if failed else 0)


if __name__ == "__main__":
    main()
