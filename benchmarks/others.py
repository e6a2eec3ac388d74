"""What one would use instead of vae_nb, each trained by its own code.

`bound_over_time.py` runs a function of this in a process of its own, with an
interpreter that need not have vae_nb. Of the two published examples only the few edits
below are here: the code is fetched, and checked by its SHA-256.
"""

import contextlib
import hashlib
import itertools
import math
import os
import struct
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from harness import peak_memory_mb

PACKAGES = "torch", "torchvision", "pythae"


class Example(NamedTuple):
    "A published file, and what is changed in its text before it runs."

    address: str
    sha256: str
    edits: tuple[tuple[str, str], ...]  # of every occurrence


EXAMPLES = {
    "pytorch": Example(
        "https://raw.githubusercontent.com/pytorch/examples/"
        "77f55b912142e11fcfdf5b530231fb9c52f181e8/vae/main.py",
        "366116e8252ac68ef1f180cce0b3c017f5a957595d863c8d4904210a80cdab6d",
        (
            ("datasets.MNIST('../data'", "datasets.FashionMNIST(folder"),
            ("download=True", "download=False"),
            ("(400, 20)", "(400, 2)"),  # latents
            ("(20, 400)", "(2, 400)"),
        ),
    ),
    "keras": Example(
        "https://raw.githubusercontent.com/keras-team/keras-io/"
        "216c5a2b6c4ef626f7acd8c69b29919ee7c5e758/examples/generative/vae.py",
        "25e5c8669a0f54461e2c7101e77117f328a17c7e9ae9195ee4cc587f2797d478",
        (
            ("keras.datasets.mnist.load_data()", "load_data()"),
            ("np.concatenate([x_train, x_test], axis=0)", "x_train"),
            ("epochs=30, batch_size=128", "epochs=10**6, batch_size=128, **watched()"),
        ),
    ),
}
# of a training by pythae: what its trainer does if told nothing (Adam at 1e-4, batches
# of 64), and what its README shows, but for the two processes that load images there:
# two cores have no room for them
SETTINGS: dict[str, dict] = {
    "its defaults": {},
    "its README's": {
        "learning_rate": 1e-3,
        "per_device_train_batch_size": 200,
        "optimizer_cls": "AdamW",
        "optimizer_params": {"weight_decay": 0.05, "betas": (0.91, 0.995)},
        "scheduler_cls": "ReduceLROnPlateau",
        "scheduler_params": {"patience": 5, "factor": 0.5},
    },
}


def installed() -> dict[str, str | None]:
    "Versions of the packages in the interpreter that is asked; None: not there."
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


# The images, the same for all


def write_images(folder: str, images: np.ndarray, test_images: np.ndarray) -> None:
    "Grey images in [0, 1] as files of Fashion-MNIST's form, as torchvision wants them."
    raw = Path(folder) / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for name, values in (("train", images), ("t10k", test_images)):
        pixels = np.round(255 * values[..., 0]).astype("uint8")
        labels = np.zeros(len(pixels), "uint8")  # nobody looks at them
        for kind, array in (("images-idx3", pixels), ("labels-idx1", labels)):
            header = struct.pack(
                f">{1 + array.ndim}i", 0x800 + array.ndim, *array.shape
            )
            (raw / f"{name}-{kind}-ubyte").write_bytes(header + array.tobytes())


def read_images(folder: str) -> tuple[np.ndarray, np.ndarray]:
    "Images for training and testing, uint8 of shape (N, 28, 28)."
    raw = Path(folder) / "FashionMNIST" / "raw"
    files = (raw / f"{name}-images-idx3-ubyte" for name in ("train", "t10k"))
    train, test = (
        np.frombuffer(file.read_bytes(), "uint8", offset=16).reshape(-1, 28, 28)
        for file in files
    )
    return train, test


# The measure, the same for all

Network = Callable[[np.ndarray], Any]


def negative_elbo(images: np.ndarray, encode: Network, decode: Network) -> float:
    """Of grey images (N, 28, 28) in [0, 1], nats per image, beta = 1.

    Reconstruction, summed over pixels, plus KL, with one draw of z each, the same for
    all. `encode` makes z_mean and z_log_var, `decode` the pixels' probabilities.
    """
    total, noise = 0.0, np.random.default_rng(0)
    for start in range(0, len(images), 500):
        x = images[start : start + 500]
        z_mean, z_log_var = (np.asarray(part, "float64") for part in encode(x))
        z = z_mean + np.exp(0.5 * z_log_var) * noise.normal(size=z_mean.shape)
        p = np.asarray(decode(z.astype("float32")), "float64").reshape(x.shape)
        p = p.clip(1e-7, 1 - 1e-7)
        total -= np.sum(x * np.log(p) + (1 - x) * np.log1p(-p))
        total -= 0.5 * np.sum(1 + z_log_var - z_mean**2 - np.exp(z_log_var))
    return float(total / len(images))


class TimeIsUp(Exception):
    "The last moment of a training was measured."


class Stopwatch:
    "Measures a training at some moments of its own time, which stands still meanwhile."

    def __init__(
        self,
        moments: Sequence[float],  # seconds from the start
        bound: Callable[[], float],
    ):
        self.moments, self.bound = list(moments), bound
        self.steps, self.paused = 0, 0.0
        self.curve: list[dict] = []

    def start(self) -> None:
        self.started = time.perf_counter()

    def step(self, *_, **__) -> None:
        "To be called after each step. Raises `TimeIsUp` at last."
        self.steps += 1
        now = time.perf_counter()
        seconds = now - self.started - self.paused
        if seconds < self.moments[len(self.curve)]:
            return
        point = {"seconds": seconds, "steps": self.steps, "negative_elbo": self.bound()}
        self.curve.append(point)
        self.paused += time.perf_counter() - now
        if len(self.curve) == len(self.moments):
            raise TimeIsUp

    def record(self, steps_an_epoch: int, parameters: int) -> dict:
        "What there is to tell of a training."
        rest = self.curve[-1]
        before = self.curve[0] if len(self.curve) > 1 else {"seconds": 0, "steps": 0}
        a_step = (rest["seconds"] - before["seconds"]) / (
            rest["steps"] - before["steps"]
        )
        return {
            "curve": [
                {
                    "seconds": round(point["seconds"], 2),
                    "epochs": round(point["steps"] / steps_an_epoch, 2),
                    "negative_elbo": round(point["negative_elbo"], 3),
                }
                for point in self.curve
            ],
            "seconds_an_epoch": round(a_step * steps_an_epoch, 2),
            "peak_memory_mb": peak_memory_mb(),
            "parameters": parameters,
        }


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    "What others print goes nowhere, also their bars; errors are shown."
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield


# pythae


def pythae(
    folder: str,  # of `write_images`
    network: str,  # default, or article
    settings: str,  # a name in SETTINGS
    moments: list[float],
    scratch: str,  # a folder for what its trainer writes
) -> dict:
    "Its VAE and trainer, without a validation set. Measured is the model as it stands."
    with quietly():
        import torch
        from pythae.data.datasets import BaseDataset
        from pythae.models import VAE, VAEConfig
        from pythae.trainers import BaseTrainer, BaseTrainerConfig
        from pythae.trainers.training_callbacks import TrainingCallback

        images, test = read_images(folder)
        images, test = (x.astype("float32")[:, None] / 255 for x in (images, test))
        torch.manual_seed(0)
        about = VAEConfig(
            input_dim=(1, 28, 28), latent_dim=2, reconstruction_loss="bce"
        )
        model = VAE(about, *(_article_networks() if network == "article" else ()))

        def encode(x):
            code = model.encoder(torch.from_numpy(x))
            return code.embedding, code.log_covariance

        def decode(z):
            return model.decoder(torch.from_numpy(z)).reconstruction

        def bound():
            model.eval()
            with torch.no_grad():
                value = negative_elbo(test, encode, decode)
            model.train()
            return value

        watch = Stopwatch(moments, bound)

        class Watched(TrainingCallback):
            def on_train_step_end(self, training_config, **kwargs):  # of each batch
                watch.step()

        trainer = BaseTrainer(
            model,
            BaseDataset(torch.from_numpy(images), torch.zeros(len(images))),
            training_config=BaseTrainerConfig(
                output_dir=scratch, num_epochs=10**6, seed=0, **SETTINGS[settings]
            ),
            callbacks=[Watched()],
        )
        watch.start()
        with contextlib.suppress(TimeIsUp):
            trainer.train()
        parameters = sum(p.numel() for p in model.parameters())
    return watch.record(len(trainer.train_loader), parameters)


def _article_networks() -> tuple:
    "The article's encoder and decoder as pythae takes networks of one's own."
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from torch import nn

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.trunk = nn.Sequential(
                nn.Conv2d(1, 32, 3, 2, 1),
                nn.ReLU(),
                nn.Conv2d(32, 64, 3, 2, 1),
                nn.ReLU(),
                nn.Flatten(),
                nn.Linear(3136, 16),
                nn.ReLU(),
            )
            self.z_mean, self.z_log_var = nn.Linear(16, 2), nn.Linear(16, 2)

        def forward(self, x):
            h = self.trunk(x)
            return ModelOutput(
                embedding=self.z_mean(h), log_covariance=self.z_log_var(h)
            )

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(
                nn.Linear(2, 3136),
                nn.ReLU(),
                nn.Unflatten(1, (64, 7, 7)),
                nn.ConvTranspose2d(64, 64, 3, 2, 1, 1),
                nn.ReLU(),
                nn.ConvTranspose2d(64, 32, 3, 2, 1, 1),
                nn.ReLU(),
                nn.ConvTranspose2d(32, 1, 3, 1, 1),
                nn.Sigmoid(),
            )

        def forward(self, z):
            return ModelOutput(reconstruction=self.layers(z))

    return Encoder(), Decoder()


# The two examples


def source(name: str, folder: Path) -> Path:
    "The published file, fetched if it is not in the folder. Raises `ValueError`."
    address, sha256, _ = EXAMPLES[name]
    file = folder / f"{name}_vae.py"
    where = f"get {address} and store it as {file}"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with urllib.request.urlopen(address, timeout=20) as answer:
                text = answer.read()
        except OSError as e:
            raise ValueError(f"{file} cannot be fetched ({e}): {where}") from e
        file.write_bytes(text)
    if hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
        raise ValueError(f"{file} is another version than the one measured: {where}")
    return file


def edited(name: str, file: str) -> str:
    "Its text with the edits, each of which must have something to change."
    text = Path(file).read_text(encoding="utf-8")
    for old, new in EXAMPLES[name].edits:
        assert old in text, f"{old!r} is not in {file}"
        text = text.replace(old, new)
    return text


def pytorch(folder: str, file: str, moments: list[float]) -> dict:
    "Networks and loop of PyTorch's example, without its test after each epoch."
    sys.argv = [file, "--no-accel", "--seed", "0"]  # which it reads
    of: dict[str, Any] = {"__name__": "example", "folder": folder}
    with quietly():
        exec(compile(edited("pytorch", file), file, "exec"), of)
        torch, model = of["torch"], of["model"]
        test = read_images(folder)[1].astype("float32") / 255

        def encode(x):
            return model.encode(torch.from_numpy(x).view(-1, 784))

        def bound():
            with torch.no_grad():
                return negative_elbo(
                    test, encode, lambda z: model.decode(torch.from_numpy(z))
                )

        watch = Stopwatch(moments, bound)
        of["optimizer"].register_step_post_hook(watch.step)
        watch.start()
        with contextlib.suppress(TimeIsUp):
            for epoch in itertools.count(1):
                of["train"](epoch)
        parameters = sum(p.numel() for p in model.parameters())
    return watch.record(len(of["train_loader"]), parameters)


def keras(folder: str, file: str, moments: list[float]) -> dict:
    "The Keras.io example up to its `fit`, on the training images only."
    with quietly():
        import keras

        keras.utils.set_random_seed(0)
        train, test = read_images(folder)
        pixels = test.astype("float32") / 255

        def encode(x):
            return of["encoder"].predict_on_batch(x[..., None])[:2]

        def bound():
            return negative_elbo(pixels, encode, of["decoder"].predict_on_batch)

        watch = Stopwatch(moments, bound)

        def watched():  # is called just before `fit`
            on_batch = keras.callbacks.LambdaCallback(on_train_batch_end=watch.step)
            watch.start()
            return {"callbacks": [on_batch]}

        def load_data():
            return (train, None), (test, None)

        of: dict[str, Any] = {"load_data": load_data, "watched": watched}
        with contextlib.suppress(TimeIsUp):
            exec(compile(edited("keras", file), file, "exec"), of)
        parameters = of["encoder"].count_params() + of["decoder"].count_params()
    return watch.record(math.ceil(len(train) / 128), parameters)
