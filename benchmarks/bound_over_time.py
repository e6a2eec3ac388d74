"""Test -ELBO after 15 s to 3 minutes of training, beside what one would use instead.

    python benchmarks/bound_over_time.py --sources DIR --peers-python PATH
    python benchmarks/bound_over_time.py --quick   # in small on digits; writes nothing

About half an hour. Fashion-MNIST in grey, two latents, beta = 1, seed 0; each training
in a process of its own, ours in turn with the others':

- pythae from PyPI, with its default network and with the article's: at its defaults
  and as its README shows, 30 s each, then the better of the two;
- PyTorch's example, 2 latents for 20, without its test after each epoch;
- the Keras.io example, on the training images only.

These have a constant learning rate: one training of 180 s is measured at each moment.
Ours has a rate that falls to 0 over its epochs: a training for each moment, of so many
epochs as end by then. Seconds count from the call that trains, with compilation; not
importing, reading the images and the measurement, but for the one on the test images
that our `train` makes at its end. `others.py` has the trainings and the measure.

`pip install -r benchmarks/requirements.txt`, or do so in another virtual environment
and give its interpreter as --peers-python. The examples' code is not ours: DIR has the
two files, or they are fetched. Writes benchmarks/results/bound_over_time.json. Leave
the machine alone meanwhile: a busy one slowed PyTorch, whose threads wait for each
other, ten times here.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import zip_longest
from pathlib import Path

import others
from harness import alone, peak_memory_mb, provenance, run, timed

MOMENTS, TRIAL = (15, 30, 60, 120, 180), 30  # seconds
PYTHAE = {"pythae": "default", "pythae, the article's networks": "article"}
EXAMPLES = {"PyTorch's example": "pytorch", "Keras.io example": "keras"}


def write_images(folder: str, name: str) -> None:
    "In a process of its own, so that the one that starts the others stays small."
    import numpy as np

    from vae_nb import load_dataset

    dataset = load_dataset(name)
    images = dataset.train_images, dataset.test_images
    others.write_images(folder, *map(np.asarray, images))


def ours(folder: str, epochs: int) -> dict:
    "A training by `train` at its defaults, but for the number of epochs."
    import keras
    import numpy as np

    from vae_nb import Dataset, train

    images = [x[..., None].astype("float32") / 255 for x in others.read_images(folder)]
    labels = [np.zeros(len(x), int) for x in images]
    dataset = Dataset("images", images[0], labels[0], images[1], labels[1], ("any",))
    ends: list[float] = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter())
    )
    trained, clock = timed(train, dataset, epochs=epochs, callbacks=[watch])
    memory, vae = peak_memory_mb(), trained.vae
    bound = others.negative_elbo(
        images[1][..., 0], lambda x: vae.encode(x[..., None]), vae.decode
    )
    # the first compiles; a single one cannot tell
    each = (ends[-1] - ends[0]) / (epochs - 1) if epochs > 1 else clock["seconds"]
    networks = vae.encoder, vae.decoder
    return {
        "seconds": round(clock["seconds"], 2),
        "epochs": epochs,
        "negative_elbo": round(bound, 3),
        "by_its_own_measure": trained.metrics["negative_elbo"],
        "seconds_an_epoch": round(each, 2),
        "peak_memory_mb": memory,
        "parameters": sum(network.count_params() for network in networks),
    }


def ours_within(folder: str, seconds: float, earlier: list[dict]) -> dict:
    "A training that is to end by then, as long as the longest so far lets expect."
    before = max(earlier, key=lambda training: training["epochs"])
    each = before["seconds_an_epoch"]
    once = before["seconds"] - each * before["epochs"]  # compilation, the measurement
    epochs = max(1, int(0.95 * (seconds - once) / each))
    trained = alone(ours, folder, epochs)
    while trained["seconds"] > seconds and epochs > 1:
        print(f"{epochs} epochs took {trained['seconds']} s", file=sys.stderr)
        epochs = max(1, min(epochs - 1, int(epochs * seconds / trained["seconds"])))
        trained = alone(ours, folder, epochs)
    return trained


def of_pythae(
    folder: str, network: str, moments: Sequence[float], trial: float, python: str
) -> dict:
    "The better of its two settings, tried for some seconds."
    tried = {}

    def trained(settings: str, moments: Sequence[float]) -> dict:
        with tempfile.TemporaryDirectory() as scratch:
            call = folder, network, settings, moments, scratch
            return alone(others.pythae, *call, python=python)

    for settings in others.SETTINGS:
        tried[settings] = trained(settings, [trial])["curve"][0]
    best = min(tried, key=lambda settings: tried[settings]["negative_elbo"])
    return {"settings": best, "tried": tried, **trained(best, moments)}


def found(sources: str | None, python: str) -> tuple[dict[str, str], dict[str, str]]:
    "The examples' files, and why some of the others cannot be trained."
    versions = alone(others.installed, python=python)
    files, left_out = {}, {}
    if missing := [package for package, known in versions.items() if not known]:
        reason = f"{python} has no {', '.join(missing)}: see requirements.txt"
        left_out = dict.fromkeys([*PYTHAE, "PyTorch's example"], reason)
    for peer, name in EXAMPLES.items():
        if sources is None:
            left_out.setdefault(peer, "no --sources")
            continue
        try:
            files[peer] = str(others.source(name, Path(sources).expanduser()))
        except ValueError as e:
            left_out.setdefault(peer, str(e))
    return files, left_out


def measure(
    quick: bool, sources: str | None = None, peers_python: str = sys.executable
) -> dict:
    origin = provenance("vae_nb", "keras", "tensorflow", "numpy")
    moments, trial = ((2,), 1) if quick else (MOMENTS, TRIAL)
    if not quick and sources is None:
        sys.exit("give --sources DIR, a folder for the two examples' files")
    files, left_out = found(sources, peers_python)
    if left_out and not quick:
        sys.exit("\n".join(f"{peer}: {reason}" for peer, reason in left_out.items()))

    with tempfile.TemporaryDirectory() as folder:
        alone(write_images, folder, "digits" if quick else "fashion_mnist")
        trainings: dict[str, Callable[[], dict]] = {
            peer: partial(of_pythae, folder, network, moments, trial, peers_python)
            for peer, network in PYTHAE.items()
        }
        for peer, file in files.items():
            function = getattr(others, EXAMPLES[peer])
            python = peers_python if peer == "PyTorch's example" else sys.executable
            call = function, folder, file, moments
            trainings[peer] = partial(alone, *call, python=python)
        trainings = {p: t for p, t in trainings.items() if p not in left_out}
        peers: dict[str, dict] = {}
        own = [alone(ours, folder, 3)]  # tells how long an epoch takes
        for moment, peer in zip_longest(moments, trainings):
            if moment:
                own.append(ours_within(folder, moment, own))
                print("vae_nb", own[-1], file=sys.stderr)
            if peer:
                peers[peer] = trainings[peer]()
                print(peer, peers[peer], file=sys.stderr)
    return {
        "what": "test -ELBO, nats per image, at some moments of training: Fashion-"
        "MNIST in grey, two latents, beta = 1, one draw of z per image, seed 0",
        **origin,
        "versions_of_others": alone(others.installed, python=peers_python),
        "moments": moments,
        "examples": {
            peer: {
                "address": others.EXAMPLES[name].address,
                "sha256": others.EXAMPLES[name].sha256,
                "edits": others.EXAMPLES[name].edits,
            }
            for peer, name in EXAMPLES.items()
        },
        "left_out": left_out,
        "ours": own[1:],
        "peers": peers,
    }


if __name__ == "__main__":
    run(
        measure,
        ("--sources", {"help": "folder with the examples' files, or to fetch them to"}),
        (
            "--peers-python",
            {
                "default": sys.executable,
                "help": "interpreter that has pythae and torchvision; else this one",
            },
        ),
    )
