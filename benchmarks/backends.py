"""The default recipe on TensorFlow, JAX and PyTorch: speed, first step, memory.

    python benchmarks/backends.py           # 8 rounds of 200 steps; about 6 minutes
    python benchmarks/backends.py --quick   # 1 round of 2 steps; writes nothing

On each backend that is installed (`pip install -r benchmarks/requirements.txt`), with
what the library chooses there and, beside it, with what it does not. A process for
each; they work in turn, and each round begins with another. Writes
benchmarks/results/backends.json. Leave the machine alone meanwhile.
"""

import os
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from statistics import median

from harness import in_turn, peak_memory_mb, provenance, run, timed

BATCH, EPOCH = 256, 40  # images in a step, steps in an epoch
BACKENDS = ("tensorflow", "jax", "torch")
WAYS: dict[str, dict] = {  # what `compile` is told, beside what the library chooses
    "tensorflow": {},
    "tensorflow, a step at a time": {"steps_per_execution": 1},
    "tensorflow, XLA": {"jit_compile": True},
    "jax": {},
    "jax, a step at a time": {"steps_per_execution": 1},
    "torch": {},
    "torch, compiled": {"jit_compile": True},
}
SLOW_TO_COMPILE = ("tensorflow, XLA", "torch, compiled")  # left out in small


class Worker:
    "A process of this script with a backend of its own, which waits for work."

    def __init__(self, way: str):
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--work", way],
            env={**os.environ, "KERAS_BACKEND": way.partition(",")[0]},
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def train(self, steps: int) -> int:
        "Let it make so many steps; its peak memory so far, in MB."
        print(steps, file=self.process.stdin, flush=True)
        assert self.process.stdout
        return int(self.process.stdout.readline())

    def close(self) -> None:
        self.process.communicate()


def begin(way: str) -> Worker:
    "A worker that has made a first step."
    worker = Worker(way)
    worker.train(1)
    return worker


def work(way: str) -> None:
    "What a worker does: so many steps for each line, on the same images in memory."
    import numpy as np

    import vae_nb

    pixels = np.random.default_rng(0).random((BATCH * EPOCH, 28, 28, 1), "float32")
    vae = vae_nb.build_vae((28, 28, 1), vae_nb.make_recipe(), steps=10**6)
    usual = {"steps_per_execution": vae.steps_per_execution}
    vae.compile(vae.optimizer, **{**usual, **WAYS[way]})
    for line in sys.stdin:
        steps = int(line)
        some = pixels[: BATCH * min(steps, EPOCH)]
        batches = vae_nb.Batches(some, BATCH, seed=0)
        vae.fit(batches, epochs=-(-steps // EPOCH), shuffle=False, verbose=0)
        print(peak_memory_mb(), flush=True)


def measure(quick: bool) -> dict:
    there = [name for name in BACKENDS if find_spec(name)]
    ways = [way for way in WAYS if way.partition(",")[0] in there]
    if quick:
        ways = [way for way in ways if way not in SLOW_TO_COMPILE]
    origin = provenance("vae_nb", "keras", "numpy", *there)
    rounds, steps = (1, 2) if quick else (8, 5 * EPOCH)
    workers, first = {}, {}
    for way in ways:  # one after another: those that have begun wait
        workers[way], first[way] = timed(begin, way)
    tasks = {way: partial(worker.train, steps) for way, worker in workers.items()}
    for task in tasks.values():
        task()  # compiles what is left
    seconds = in_turn(tasks, rounds)
    memory = {way: task() for way, task in tasks.items()}
    for worker in workers.values():
        worker.close()
    images = BATCH * steps
    return {
        "what": f"the default recipe on random images of 28x28, steps of {BATCH}, "
        f"{steps} a measurement, {rounds} rounds in turn",
        **origin,
        "not_installed": [name for name in BACKENDS if name not in there],
        "images_a_second": {way: round(images / median(seconds[way])) for way in ways},
        "seconds_to_first_step": {way: round(first[way]["seconds"], 1) for way in ways},
        "peak_memory_mb": memory,
        "seconds": seconds,
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2])
    else:
        run(measure)
