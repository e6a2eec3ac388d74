"""Workers for tests: one process imports TensorFlow, and each worker is its fork."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import NamedTuple

LIMIT = 90  # seconds, for each worker


class Ended(NamedTuple):
    "What a worker left: its exit status, and what it wrote."

    status: int  # -9 if it was killed
    out: str
    err: str


class Crew:
    "Starts workers and waits for them; ends those that are left."

    def __init__(self) -> None:
        pipe, number = subprocess.PIPE, subprocess.DEVNULL
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=pipe,
            stdout=pipe,
            stderr=number,
            text=True,
        )

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_) -> None:
        self.process.communicate(timeout=30)  # it ends when nobody speaks to it

    def ask(self, what: dict) -> int:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def start(self, code: str, here: Path, **env: str) -> tuple[int, str]:
        "Run Python code in a process of its own; to be given to `ended`."
        name = str(here / f"worker-{time.monotonic_ns()}")
        job = {"code": code, "here": str(here), "name": name, "env": env}
        return self.ask(job), name

    def ended(self, started: tuple[int, str]) -> Ended:
        pid, name = started
        status = self.ask({"wait": pid})
        return Ended(status, *(Path(f"{name}.{end}").read_text() for end in ("o", "e")))

    def together(self, *codes: str | None, here: Path, **env: str) -> list[Ended]:
        "The workers of one cluster, each with its code, to their end."
        started = self.cluster(*codes, here=here, **env)
        return [self.ended(one) for one in started]

    def cluster(
        self, *codes: str | None, here: Path, **env: str
    ) -> list[tuple[int, str]]:
        "The workers of one cluster, each with its code; None for one that stays away."
        started = []
        for code, config in zip(codes, configs(len(codes))):
            if code:
                started.append(self.start(code, here=here, TF_CONFIG=config, **env))
        return started


def configs(count: int) -> list[str]:
    "TF_CONFIG of each of so many workers on this machine."
    places = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    names = [f"127.0.0.1:{place.getsockname()[1]}" for place in places]
    for place in places:
        place.close()
    tasks = [{"type": "worker", "index": number} for number in range(count)]
    return [json.dumps({"cluster": {"worker": names}, "task": task}) for task in tasks]


# The process that forks


def serve() -> None:
    import tensorflow  # noqa: F401

    import vae_nb.cli
    import vae_nb.workers  # noqa: F401

    answers, running = os.dup(1), set()
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            answer = status_of(asked["wait"])
            running.discard(asked["wait"])
        else:
            answer = os.fork()
            if answer == 0:
                work(asked)
            running.add(answer)
        os.write(answers, f"{answer}\n".encode())
    for pid in running:
        os.kill(pid, signal.SIGKILL)


def status_of(pid: int) -> int:
    "The exit status of a worker, which is killed if it takes too long."
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def work(job: dict) -> None:
    "What a worker does, with stdin, stdout and stderr of its own."
    status = 1
    os.chdir(job["here"])
    os.environ.update(job["env"])
    names = os.devnull, f"{job['name']}.o", f"{job['name']}.e"
    for number, name in enumerate(names):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
    try:
        exec(job["code"], {"__name__": "__main__"})
        status = 0
    except SystemExit as e:
        status = e.code if isinstance(e.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    serve()
