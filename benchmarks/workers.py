"""Of two workers on this machine one is killed, ten times, and both are started again.

    python benchmarks/workers.py           # about 5 minutes
    python benchmarks/workers.py --quick   # one kill; writes nothing

Each time at a random moment of the whole command, from its start to its end, with
SIGKILL. How soon, and with what line, does the other end? Does the training that is
resumed end with the same bits as one that nobody disturbed? The workers are forks of a
process that has imported TensorFlow. Writes benchmarks/results/workers.json.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np
from harness import provenance, root, run, timed

from vae_nb import VAE, load_run, unfinished

sys.path.append(str(root / "tests"))
from crew import Crew

COMMAND = "train digits --epochs 8 --patience 6 --seed 1"
WAIT = "30"  # seconds in which workers must find each other
CODE = """
import sys
import vae_nb
vae_nb.save_pictures = lambda run, dataset, folder: []  # they take long, chief only
sys.argv = ["vae_nb", *{arguments}]
from vae_nb.cli import main
main()
"""


def measure(quick: bool) -> dict:
    origin = provenance("vae_nb", "keras", "tensorflow", "numpy")
    options = COMMAND.replace("8", "3") if quick else COMMAND
    rng, kills = random.Random(0), []
    with TemporaryDirectory() as place, Crew() as crew:
        here, whole = Path(place), Path(place) / "whole"
        both(crew, options, whole)  # not to be timed: the first finds no caches
        _, clock = timed(both, crew, options, here / "timed")
        for number in range(1 if quick else 10):
            out = here / str(number)
            kills.append(one_kill(crew, options, out, rng, clock["seconds"]))
            kills[-1]["same_bits"] = same(out, whole)
            print(kills[-1], file=sys.stderr)
    return {
        "what": "one of two workers killed at a random moment, then all resumed",
        **origin,
        "command": f"vae_nb {options}",
        "seconds_of_two_workers": round(clock["seconds"], 1),
        "kills": kills,
        "same_bits": sum(kill["same_bits"] for kill in kills),
        "longest_seconds_to_end": max(kill["seconds_to_end"] for kill in kills),
    }


def one_kill(
    crew: Crew, options: str, out: Path, rng: random.Random, seconds: float
) -> dict:
    "Start both workers, kill one, wait for the other, and resume."
    victim, moment = rng.choice((0, 1)), rng.uniform(0, seconds)
    workers = start(crew, options, out)
    time.sleep(moment)
    os.kill(workers[victim][0], signal.SIGKILL)
    other, clock = timed(crew.ended, workers[1 - victim])
    crew.ended(workers[victim])
    kept = unfinished(out) / "history.csv"
    epochs = len(kept.read_text().splitlines()) - 1 if kept.exists() else 0
    if not out.exists():
        both(crew, f"{options} --resume", out)
    said = [line for line in other.err.splitlines() if line.startswith("vae_nb:")]
    return {
        "killed": "the other" if victim else "the chief",
        "after_seconds": round(moment, 1),
        "epochs_kept": epochs,
        "status_of_the_other": other.status,
        "its_lines": said,
        "seconds_to_end": round(clock["seconds"], 1),
    }


def both(crew: Crew, options: str, out: Path) -> None:
    "Train with two workers, to the end."
    for worker in start(crew, options, out):
        done = crew.ended(worker)
        assert done.status == 0, done


def start(crew: Crew, options: str, out: Path) -> list[tuple[int, str]]:
    code = CODE.format(arguments=[*options.split(), "--out", str(out)])
    return crew.cluster(code, code, here=out.parent, VAE_NB_WAIT=WAIT)


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
