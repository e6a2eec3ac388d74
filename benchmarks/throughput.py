"""Images a second in training the article's networks: ours beside the article's style, PyTorch and Keras on JAX.

    python benchmarks/throughput.py           # 12 rounds of 100 steps, the ways taken in turn; about 10 minutes
    python benchmarks/throughput.py --quick   # 1 round of 20 steps; writes nothing

PyTorch and JAX are measured if they are installed (`pip install -r benchmarks/requirements.txt`). Writes
benchmarks/results/throughput.json: medians, quartiles, every measurement, ratios of medians and of the best, and what share
of the machine's own matrix product the training step reaches. Each round begins with another way. Leave the machine alone
meanwhile. Some Linux kernels now and then put both of TensorFlow's threads on one core and leave the other idle: the seconds
of a way then come in two clusters. `sudo chrt --rr 1 .venv/bin/python benchmarks/throughput.py` keeps the threads apart.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from peers import BATCH, PEERS
from record import provenance, write

needs = {"pytorch": "torch", "pytorch_compiled": "torch", "keras_jax": "jax"}


class Worker:
    "A process of peers.py that waits for work."

    def __init__(self, peer: str):
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "peers.py"), peer],
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def seconds(self, batches: int) -> float:
        print(batches, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline().split()[0])

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def operations_per_image(recipe: str) -> int:
    "Floating-point operations of one training step, an image: two a weight and place forwards, twice that backwards."
    from vae_nb import build_vae, recipe_settings

    vae = build_vae((28, 28, 1), recipe_settings(recipe), steps=1)
    products = 0
    for layer in [*vae.encoder.layers, *vae.decoder.layers]:
        if weights := layer.get_weights():
            places = (
                layer.input if "Transpose" in type(layer).__name__ else layer.output
            )  # where the kernel is laid
            products += weights[0].size * int(np.prod(places.shape[1:-1]))
    return 3 * 2 * products


def seconds_to_pick_a_batch() -> float:
    from peers import images

    from vae_nb.training import _Batches

    batches = _Batches(images, BATCH, seed=0)
    start = time.perf_counter()
    for step in range(len(batches)):
        batches[step]
    return (time.perf_counter() - start) / len(batches)


def matrix_product_peak(n: int = 2048, seconds: float = 2.0) -> float:
    "Operations a second of TensorFlow's float32 product of two n by n matrices: the best of repeats."
    import tensorflow as tf

    a = tf.random.stateless_normal((n, n), (0, 0))
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        tf.linalg.matmul(a, a).numpy()
        times.append(time.perf_counter() - start)
    return 2 * n**3 / min(times)


def jax_convolutions() -> dict:
    "Milliseconds of a transposed convolution from 14 x 14 to 28 x 28 on JAX, and of a plain one on 28 x 28: the best of 20."
    import jax
    from jax import lax, numpy as jnp

    layout, kernel = ("NHWC", "HWIO", "NHWC"), jnp.ones((3, 3, 64, 32))
    work = {
        "transposed": (
            lambda x: lax.conv_transpose(x, kernel, (2, 2), "SAME"),
            jnp.ones((64, 14, 14, 64)),
        ),
        "plain": (
            lambda x: lax.conv_general_dilated(
                x, kernel, (1, 1), "SAME", dimension_numbers=layout
            ),
            jnp.ones((64, 28, 28, 64)),
        ),
    }
    best = {}
    for name, (convolve, x) in work.items():
        convolve = jax.jit(convolve)
        times = []
        for _ in range(21):  # the first compiles
            start = time.perf_counter()
            convolve(x).block_until_ready()
            times.append(time.perf_counter() - start)
        best[name] = min(times) * 1000
    return best


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="1 round of 20 steps; writes nothing"
    )
    quick = parser.parse_args().quick
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    peers = [peer for peer in PEERS if peer not in needs or find_spec(needs[peer])]
    origin = provenance(
        "keras",
        "tensorflow",
        "numpy",
        *sorted({needs[peer] for peer in peers if peer in needs}),
    )
    rounds, batches = (1, 20) if quick else (12, 100)
    workers = {peer: Worker(peer) for peer in peers}
    for worker in workers.values():
        worker.seconds(batches)  # compiles
    seconds = {peer: [] for peer in peers}
    for turn in range(rounds):
        first = turn % len(peers)
        for peer in peers[first:] + peers[:first]:
            seconds[peer].append(workers[peer].seconds(batches))
    for worker in workers.values():
        worker.close()

    quartiles = {
        peer: np.quantile(values, (0, 0.25, 0.5, 0.75)).tolist()
        for peer, values in seconds.items()
    }
    best, _, median, _ = zip(*quartiles.values())
    speed, peak = (
        {peer: batches * BATCH / time for peer, time in zip(peers, median)},
        matrix_product_peak(),
    )
    operations = {
        recipe: operations_per_image(recipe) for recipe in ("article", "default")
    }
    results = {
        "what": f"training the article's networks, batches of {BATCH}, {batches} steps a measurement, {rounds} rounds in turn",
        **origin,
        "not_installed": sorted(set(PEERS) - set(peers)),
        "images_a_second": {peer: round(value) for peer, value in speed.items()},
        "images_a_second_quartiles": {
            peer: [round(batches * BATCH / q[i]) for i in (3, 1)]
            for peer, q in quartiles.items()
        },
        "ours_compared": {
            peer: round(time / median[0], 3) for peer, time in zip(peers, median)
        },
        "ours_compared_at_best": {
            peer: round(time / best[0], 3) for peer, time in zip(peers, best)
        },
        "seconds": seconds,
        "seconds_a_step": median[0] / batches,
        "seconds_to_pick_a_batch": seconds_to_pick_a_batch(),
        "operations_per_image": operations,
        "share_of_matrix_product_peak": round(
            speed["ours"] * operations["article"] / peak, 3
        ),
        "matrix_product_gflops": round(peak / 1e9, 1),
        "jax_milliseconds": jax_convolutions() if "keras_jax" in peers else None,
    }
    print(json.dumps({k: v for k, v in results.items() if k != "seconds"}, indent=2))
    if not quick:
        write("throughput", results)


if __name__ == "__main__":
    main()
