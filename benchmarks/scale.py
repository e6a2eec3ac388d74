"""What reading costs as stored images grow: 10,000, 100,000 and a million of 28x28.

    python benchmarks/scale.py           # about 3 minutes, 0.8 GB of disk
    python benchmarks/scale.py --quick   # 1,000 images; writes nothing

Images made up from a seed lie in one .npy file and are read as the library reads what
is too large for the memory: `Batches` of `StoredImages`, each epoch in an order of its
own; whole epochs by themselves, and their first 200 batches while the default recipe
trains. Each size has a process of its own. A cold cache: the system was told to forget
the file (posix_fadvise, DONTNEED); `disk_mb` is what it then read from the disk, by
/proc/self/io. What the disk below keeps of it in a cache of its own is not known.

Then one and two workers, each with one core, as if it were a machine: the default
recipe's batch by one and by two, and half of it by one, which is what each of two does
between their exchanges. `sent_mb_a_step` is what the loopback device counted.
Writes benchmarks/results/scale.json.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from harness import alone, peak_memory_mb, provenance, root, run, timed

import vae_nb

sys.path.append(str(root / "tests"))
from crew import Crew

BATCH, STEPS = 256, 200  # images in a step; steps that tell the speed of training
BLOCK = 10_000  # images that are made at a time


def make(file: Path, images: int) -> None:
    "Images made up from a seed, in a file; few at a time, as `peak_memory_mb` wants."
    rng = np.random.default_rng(0)
    kind = {"descr": "|u1", "fortran_order": False, "shape": (images, 28, 28)}
    with open(file, "wb") as stored:
        np.lib.format.write_array_header_1_0(stored, kind)
        for start in range(0, images, BLOCK):
            block = min(BLOCK, images - start), 28, 28
            stored.write(rng.integers(0, 256, block, "uint8").data)


def forget(file: str) -> None:
    "Drop a file from the page cache, which takes no rights."
    handle = os.open(file, os.O_RDONLY)
    os.fsync(handle)
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(handle)


def disk_mb() -> float:
    "What this process has had read from the disk so far."
    counts = dict(line.split(": ") for line in open("/proc/self/io"))
    return int(counts["read_bytes"]) / 1e6


def measured(epochs, images: int, rounds: int, begin) -> dict:
    "Images per second of so many epochs, before each of which something is done."
    before = disk_mb()
    _, clock = timed(epochs, rounds, begin)
    return {
        "images_a_second": round(rounds * images / clock["seconds"]),
        "disk_mb": round((disk_mb() - before) / rounds, 1),
    }


def one_size(file: str, rounds: int) -> dict:
    "Reading, shuffling, hashing and training; the memory is that of the process."
    import keras

    class Part(vae_nb.Batches):
        "The first batches of each epoch."

        def __len__(self):
            return min(super().__len__(), STEPS)

    stored = vae_nb.StoredImages(file)
    images = len(stored)
    vae = vae_nb.build_vae((28, 28, 1), vae_nb.make_recipe(), steps=10**6)
    batches, part = (kind(stored, BATCH, seed=0) for kind in (vae_nb.Batches, Part))
    few = vae_nb.Batches(stored[: 2 * BATCH], BATCH, seed=0)
    vae.fit(few, verbose=0)  # compiles
    compiled = peak_memory_mb()

    def read(rounds, begin):
        for epoch in range(rounds):
            begin()
            batches.begin(epoch)
            for step in range(len(batches)):
                batches[step]

    def train(rounds, begin):
        each = keras.callbacks.LambdaCallback(on_epoch_begin=lambda *_: begin())
        told = dict(callbacks=[each], shuffle=False, verbose=0)
        vae.fit(part, epochs=rounds, **told)

    caches = {"cold": lambda: forget(file), "warm": lambda: None}
    speeds = {}
    for name, epochs in (("reading", read), ("training", train)):
        taken = images if name == "reading" else min(images, STEPS * BATCH)
        speeds[name] = {
            cache: measured(epochs, taken, rounds, begin)
            for cache, begin in caches.items()
        }
    _, clock = timed(batches.begin, 1)
    labels = np.zeros(images, "int32")
    names = ("none",)
    dataset = vae_nb.Dataset("made up", stored, labels, few.images, labels[:512], names)
    _, hashing = timed(dataset.fingerprint)
    return {
        "images": images,
        "file_mb": round(Path(file).stat().st_size / 1e6, 1),
        **speeds,
        "seconds_to_shuffle": clock["seconds"],
        "order_mb": (batches.order.nbytes + stored.rows.nbytes) / 1e6,
        "seconds_to_fingerprint": hashing["seconds"],
        "memory_mb": {"compiled": compiled, "peak": peak_memory_mb()},
        "parameters": vae.encoder.count_params() + vae.decoder.count_params(),
    }


def work(file: str, batch: int, epochs: int, core: int) -> None:
    "What a worker does: train on one core, and print the seconds of each epoch."
    os.sched_setaffinity(0, {core})
    import keras

    team = vae_nb.join_workers()
    images = vae_nb.StoredImages(file)
    labels = np.zeros(len(images), "int32")
    few = images[:10]
    dataset = vae_nb.Dataset("made up", images, labels, few, labels[:10], ("none",))
    ends: list[float] = []
    clock = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: ends.append(time.perf_counter())
    )
    recipe = vae_nb.make_recipe(batch_size=batch, epochs=epochs)
    vae_nb.train(dataset, recipe, team=team, callbacks=[clock])
    print(json.dumps(np.diff(ends).tolist()))


def loopback_mb() -> float:
    "What this machine has sent to itself so far."
    lines = Path("/proc/net/dev").read_text().splitlines()
    counts = next(line for line in lines if line.strip().startswith("lo:"))
    return int(counts.split()[9]) / 1e6


CODE = """
import sys
sys.path.append({here!r})
from scale import work
work({file!r}, {batch}, {epochs}, {core})
"""


def of_workers(crew: Crew, file: str, count: int, batch: int, epochs: int) -> dict:
    "What a step takes of so many workers, who share the batch."
    steps = -(-len(vae_nb.StoredImages(file)) // batch)
    told = dict(here=str(Path(__file__).parent), file=file, batch=batch, epochs=epochs)
    codes = [CODE.format(core=core, **told) for core in range(count)]
    before = loopback_mb()
    for done in crew.together(*codes, here=Path(file).parent):
        assert done.status == 0, done.err
    seconds = json.loads(done.out.splitlines()[-1])  # all end an epoch together
    return {
        "workers": count,
        "batch": batch,
        "steps": steps,
        "ms_a_step": [round(1000 * epoch / steps, 2) for epoch in seconds],
        "sent_mb_a_step": round((loopback_mb() - before) / (epochs * steps), 2),
    }


def measure(quick: bool) -> dict:
    origin = provenance("vae_nb", "keras", "tensorflow", "numpy")
    sizes = []
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:  # on a disk
        for images in [1_000] if quick else [10_000, 100_000, 1_000_000]:
            file = Path(folder) / f"{images}.npy"
            make(file, images)
            rounds = 1 if quick else max(1, STEPS * BATCH // images)
            sizes.append(alone(one_size, str(file), rounds))
            file.unlink()
        images, epochs, turns = (1_000, 2, 1) if quick else (100 * BATCH, 4, 2)
        make(file, images)
        with Crew() as crew:
            shared = [
                of_workers(crew, str(file), count, batch, epochs)
                for count, batch in turns * [(1, BATCH), (2, BATCH), (1, BATCH // 2)]
            ]
    return {
        "what": "images of 28x28 in a .npy file; reading whole epochs, training at "
        f"most {STEPS} steps of {BATCH} of each by the default recipe",
        **origin,
        "sizes": sizes,
        "workers": shared,
    }


if __name__ == "__main__":
    run(measure)
