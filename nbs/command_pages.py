"""A page for each command of the command line, made from its own help.

What a command prints and how it complains are saved outputs of the notebook that runs
them all.
"""

import json
import re
from pathlib import Path
from typing import Any

import typer
from readme import written

from vae_nb.cli import app

PAGE = """# vae_nb {name}

> {about}

```sh
{usage}
```

{tables}

{examples}

[The command line](../{notebook}) has all commands in one place.
"""
SESSION = """## {title}

{words}

```{{code-block}} text
:class: session

{lines}
```
"""
FAILS = (
    "Whatever is wrong with the input, the answer is one line on stderr, which says "
    "what, where and what to do. The exit code is 2, and nothing half-written is left."
)


def pages(notebook: Path) -> dict[str, str]:
    "The text of each command's page, by its name."
    sessions = sessions_of(notebook)
    return {
        name: page(name, command, sessions.get(name, []), notebook.name)
        for name, command in typer.main.get_command(app).commands.items()  # type: ignore[attr-defined]
    }


def names() -> list[str]:
    "The commands, in the order of the help."
    return list(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def page(name: str, command: Any, sessions: list[str], notebook: str) -> str:
    context = typer.Context(command, info_name=f"vae_nb {name}")
    kinds = {"argument": "Argument", "option": "Option"}
    tables = [
        table(head, [p for p in command.params if p.param_type_name == kind], context)
        for kind, head in kinds.items()
    ]
    failed = [lines for lines in sessions if "vae_nb: error:" in lines]
    worked = [lines for lines in sessions if lines not in failed]
    examples = ""
    for title, words, found in (
        ("A session", "What it prints, run for this page:", worked),
        ("When something is wrong", FAILS, failed),
    ):
        if found:
            lines = "\n\n".join(found)
            examples += SESSION.format(title=title, words=words, lines=lines) + "\n"
    return PAGE.format(
        name=name,
        about=command.help,
        usage=usage(name, command),
        tables="\n\n".join(filter(None, tables)),
        examples=examples.strip(),
        notebook=notebook,
    )


def usage(name: str, command: Any) -> str:
    "How a command is typed: vae_nb encode RUN DATA [OPTIONS]."
    words = ["vae_nb", name]
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            word = parameter.metavar or parameter.name.upper()
            words.append(word if parameter.required else f"[{word}]")
    return " ".join([*words, "[OPTIONS]"])


def table(head: str, parameters: list, context: Any) -> str:
    "What each parameter is, in its own words."
    if not parameters:
        return ""
    rows = ["```{table}", ":class: options", f"| {head} | What it does |", "|---|---|"]
    for parameter in parameters:
        names, help = parameter.get_help_record(context)
        if head == "Argument":
            names = parameter.metavar or parameter.name.upper()
        help = re.sub(r"(?<![\w`])--[a-z][a-z-]*", r"`\g<0>`", help)
        names, help = (text.replace("|", r"\|") for text in (names, help))
        names = names.replace(" range>", ">")  # its range is in the help
        rows.append(f"| `{names}` | {' '.join(help.split())} |")
    return "\n".join([*rows, "```"])


def sessions_of(notebook: Path) -> dict[str, list[str]]:
    "What was typed and printed, by the command: from outputs that begin with a $."
    found: dict[str, list[str]] = {}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            for lines in re.split(r"^(?=\$ )", written(output), flags=re.M):
                if command := re.match(r"\$ vae_nb (\w+)", lines):
                    found.setdefault(command[1], []).append(lines.strip())
    return found
