"""Of two workers on this machine one is killed, ten times, and both are started again.

    python benchmarks/workers.py           # about 12 minutes
    python benchmarks/workers.py --quick   # one kill; writes nothing

Each time at a random moment of the whole command, from its start to its end, with
SIGKILL. How soon, and with what line, does the other end? Does the training that is
resumed end with the same bits as one that nobody disturbed? Writes
benchmarks/results/workers.json.
"""

import json
import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np
from harness import VAE_NB, provenance, run, timed

from vae_nb import VAE, load_run, unfinished

COMMAND = "train digits --epochs 12 --patience 10 --seed 1"
WAIT = 30  # seconds in which workers must find each other


def measure(quick: bool) -> dict:
    origin = provenance("vae_nb", "keras", "tensorflow", "numpy")
    options = COMMAND.replace("12", "3") if quick else COMMAND
    rng = random.Random(0)
    with TemporaryDirectory() as place:
        whole = Path(place) / "whole"
        _, clock = timed(both, options, whole)
        kills = []
        for number in range(1 if quick else 10):
            out = Path(place) / str(number)
            kills.append(one_kill(options, out, rng, clock["seconds"]))
            kills[-1]["same_bits"] = same(out, whole)
    return {
        "what": "one of two workers killed at a random moment, then all resumed",
        **origin,
        "command": f"vae_nb {options}",
        "seconds_of_two_workers": round(clock["seconds"], 1),
        "kills": kills,
        "same_bits": sum(kill["same_bits"] for kill in kills),
        "longest_seconds_to_end": max(kill["seconds_to_end"] for kill in kills),
    }


def one_kill(options: str, out: Path, rng: random.Random, seconds: float) -> dict:
    "Start both workers, kill one, wait for the other, and resume."
    victim, moment = rng.choice((0, 1)), rng.uniform(0, seconds)
    workers = start(options, out)
    time.sleep(moment)
    workers[victim].send_signal(signal.SIGKILL)
    _, clock = timed(workers[1 - victim].wait, timeout=120)
    status, said = workers[1 - victim].returncode, ended(workers)[1 - victim]
    kept = unfinished(out) / "history.csv"
    epochs = len(kept.read_text().splitlines()) - 1 if kept.exists() else 0
    if not out.exists():
        both(f"{options} --resume", out)
    return {
        "killed": "the chief" if victim == 0 else "the other",
        "after_seconds": round(moment, 1),
        "epochs_kept": epochs,
        "status_of_the_other": status,
        "its_line": [line for line in said.splitlines() if line.startswith("vae_nb:")],
        "seconds_to_end": round(clock["seconds"], 1),
    }


def both(options: str, out: Path) -> None:
    "Train with two workers, to the end."
    workers = start(options, out)
    said = ended(workers)
    assert all(worker.returncode == 0 for worker in workers), said


def start(options: str, out: Path) -> list[subprocess.Popen]:
    places = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    names = [f"127.0.0.1:{place.getsockname()[1]}" for place in places]
    for place in places:
        place.close()
    workers = []
    for number in range(2):
        task = {"type": "worker", "index": number}
        config = json.dumps({"cluster": {"worker": names}, "task": task})
        env = {**os.environ, "TF_CONFIG": config, "VAE_NB_WAIT": str(WAIT)}
        command = [*VAE_NB, *options.split(), "--out", str(out)]
        nowhere, pipe = subprocess.DEVNULL, subprocess.PIPE
        workers.append(
            subprocess.Popen(command, stdout=nowhere, stderr=pipe, text=True, env=env)
        )
    return workers


def ended(workers: list[subprocess.Popen]) -> list[str]:
    "What each said on stderr, once all have ended."
    return [worker.communicate(timeout=600)[1] for worker in workers]


def same(out: Path, whole: Path) -> bool:
    "Whether two runs agree to the bit."
    one, other = load_run(out), load_run(whole)
    numbers = one.history == other.history and one.metrics == other.metrics
    pairs = zip(values(one.vae), values(other.vae), strict=True)
    return numbers and all(np.array_equal(u, v) for u, v in pairs)


def values(vae: VAE) -> list[np.ndarray]:
    "All that a model and its optimiser hold."
    variables = [*vae.variables, *vae.optimizer.variables]
    return [keras.ops.convert_to_numpy(v) for v in variables]


if __name__ == "__main__":
    run(measure)
