"""Images per second in training the article's networks, ours beside other ways.

    python benchmarks/throughput.py           # 12 rounds of 100 steps; about 10 minutes
    python benchmarks/throughput.py --quick   # 1 round of 2 steps; writes nothing

The article's style, PyTorch and Keras on JAX; the latter two if they are installed
(`pip install -r benchmarks/requirements.txt`). Writes
benchmarks/results/throughput.json: medians, quartiles, every measurement, ratios of
medians and of the best, and what share of the machine's own matrix product the training
step reaches. Each round begins with another way. Leave the machine alone meanwhile.
Some Linux kernels now and then put both of TensorFlow's threads on one core and leave
the other idle: the seconds of a way then come in two clusters.
`sudo chrt --rr 1 .venv/bin/python benchmarks/throughput.py` keeps the threads apart.
"""

import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import peers
from harness import in_turn, provenance, run, timed
from peers import BATCH, PEERS

from vae_nb import RECIPES, Batches, build_vae

NEEDS = {"pytorch": "torch", "pytorch_compiled": "torch", "keras_jax": "jax"}
SLOW_TO_COMPILE = {"ours_xla", "pytorch_compiled"}  # left out in small


class Worker:
    "A process of peers.py that waits for work."

    def __init__(self, peer: str):
        self.process = subprocess.Popen(
            [sys.executable, str(Path(peers.__file__)), peer],
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def train(self, batches: int) -> float:
        print(batches, file=self.process.stdin, flush=True)
        assert self.process.stdout
        return float(self.process.stdout.readline())

    def close(self):
        self.process.communicate()


def seconds_of_peers(names: list[str], rounds: int, batches: int) -> dict:
    "Seconds of each way in each round."
    workers = {peer: Worker(peer) for peer in names}
    tasks = {peer: partial(w.train, batches) for peer, w in workers.items()}
    for task in tasks.values():
        task()  # compiles
    seconds = in_turn(tasks, rounds)
    for worker in workers.values():
        worker.close()
    return seconds


def operations_per_image(recipe: str) -> int:
    """Floating-point operations of one training step.

    Two per weight and place forwards, twice that backwards.
    """
    vae = build_vae((28, 28, 1), RECIPES[recipe], steps=1)
    products = 0
    for layer in [*vae.encoder.layers, *vae.decoder.layers]:
        if weights := layer.get_weights():
            # where the kernel is laid
            places = (
                layer.input if "Transpose" in type(layer).__name__ else layer.output
            )
            products += weights[0].size * int(np.prod(places.shape[1:-1]))
    return 3 * 2 * products


def seconds_to_pick_a_batch() -> float:
    batches = Batches(peers.images, BATCH, seed=0)
    _, clock = timed(lambda: [batches[step] for step in range(len(batches))])
    return clock["seconds"] / len(batches)


def best_seconds(work, repeats: int) -> float:
    work()  # compiles
    return min(timed(work)[1]["seconds"] for _ in range(repeats))


def matrix_product_peak(n: int, repeats: int) -> float:
    "Operations per second of TensorFlow's float32 product of two n by n matrices."
    import tensorflow as tf

    a = tf.random.stateless_normal((n, n), (0, 0))
    return 2 * n**3 / best_seconds(lambda: tf.linalg.matmul(a, a).numpy(), repeats)


def jax_convolutions(repeats: int) -> dict:
    "Milliseconds of JAX: a transposed convolution to 28 x 28, a plain one on 28 x 28."
    import jax
    from jax import lax
    from jax import numpy as jnp

    layout, kernel = ("NHWC", "HWIO", "NHWC"), jnp.ones((3, 3, 64, 32))

    @jax.jit
    def transposed(x):
        return lax.conv_transpose(x, kernel, (2, 2), "SAME")

    @jax.jit
    def plain(x):
        return lax.conv_general_dilated(
            x, kernel, (1, 1), "SAME", dimension_numbers=layout
        )

    best = {}
    for name, convolve, side in (("transposed", transposed, 14), ("plain", plain, 28)):
        x = jnp.ones((64, side, side, 64))
        best[name] = 1000 * best_seconds(
            lambda f=convolve, x=x: f(x).block_until_ready(), repeats
        )
    return best


def compared(seconds: dict, batches: int) -> dict:
    "Medians, quartiles and ratios to ours."
    quartiles = {p: np.quantile(s, (0, 0.25, 0.5, 0.75)) for p, s in seconds.items()}
    best, _, median, _ = quartiles["ours"]
    images = batches * BATCH
    return {
        "images_a_second": {p: round(images / q[2]) for p, q in quartiles.items()},
        "images_a_second_quartiles": {
            p: [round(images / q[3]), round(images / q[1])]
            for p, q in quartiles.items()
        },
        "ours_compared": {p: round(q[2] / median, 3) for p, q in quartiles.items()},
        "ours_compared_at_best": {
            p: round(q[0] / best, 3) for p, q in quartiles.items()
        },
        "seconds": seconds,
        "seconds_a_step": median / batches,
    }


def measure(quick: bool) -> dict:
    names = [p for p in PEERS if p not in NEEDS or find_spec(NEEDS[p])]
    missing = sorted(set(PEERS) - set(names))
    if quick:
        names = [peer for peer in names if peer not in SLOW_TO_COMPILE]
    needed = sorted({NEEDS[p] for p in names if p in NEEDS})
    origin = provenance("keras", "tensorflow", "numpy", *needed)
    rounds, batches, repeats = (1, 2, 1) if quick else (12, 100, 20)
    record = compared(seconds_of_peers(names, rounds, batches), batches)
    peak = matrix_product_peak(2048, repeats)
    operations = {name: operations_per_image(name) for name in ("article", "default")}
    reached = record["images_a_second"]["ours"] * operations["article"]
    return {
        "what": f"training the article's networks, batches of {BATCH}, "
        f"{batches} steps a measurement, {rounds} rounds in turn",
        **origin,
        "not_installed": missing,
        **record,
        "seconds_to_pick_a_batch": seconds_to_pick_a_batch(),
        "operations_per_image": operations,
        "share_of_matrix_product_peak": round(reached / peak, 3),
        "matrix_product_gflops": round(peak / 1e9, 1),
        "jax_milliseconds": jax_convolutions(repeats) if "keras_jax" in names else None,
    }


if __name__ == "__main__":
    run(measure)
