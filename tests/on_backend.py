"""What tests/test_backends.py starts: all commands on one backend, the others refused.

    KERAS_BACKEND=jax python tests/on_backend.py FOLDER

It works in FOLDER, where results.json then tells what came of it, and prints a line.
Whoever started it answers with folders of other backends by name, whose runs it opens.
tests/made_on/ has the runs and results of JAX and PyTorch, made in this way, for places
where only TensorFlow is installed.
"""

import json
import os
import shutil
import sys
import time
from importlib.abc import MetaPathFinder
from pathlib import Path
from unittest import mock

HERE = os.environ["KERAS_BACKEND"]
BACKENDS = ("tensorflow", "jax", "torch")


class Refuse(MetaPathFinder):
    "As if a package was not installed."

    def __init__(self, *names: str):
        self.names = names

    def find_spec(self, fullname, path=None, target=None):
        name = fullname.partition(".")[0]
        if name in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


# What the results tell of each command: its arguments, and what it makes
COMMANDS: dict[str, tuple[str, str]] = {
    "train": ("train digits --epochs 1 --likelihood discretized_logistic", "run"),
    "resume": ("train digits --resume --out begun", "begun"),
    "evaluate": ("evaluate run --images 8 -k 4", "run/metrics.json"),
    "sample": ("sample run -n 4", "run/samples.png"),
    "score": ("score run few.npz", "run/scores.csv"),
    "encode": ("encode small few.npz", "small/codes.npz"),
    "reconstruct": ("reconstruct run few.npz", "run/reconstructed.png"),
    "explore": ("explore run -n 8", "run/explorer.html"),
    "interpolate": ("interpolate run", "run/between.png"),
    "compress": ("compress run few.npz", "run/images.vae"),
    "decompress": ("decompress run/images.vae run --out back.npz", "back.npz"),
}


def do(line: str, made: str) -> dict:
    "What a command said, how it ended, and whether it made what it should."
    from command import vae_nb

    more = ["--out", made] if line.startswith("train") and "--out" not in line else []
    start = time.process_time()
    done = vae_nb(*line.split(), *more)
    seconds = time.process_time() - start
    made_it = Path(made).exists()
    return {**done._asdict(), "made": made_it, "processor_seconds": round(seconds, 1)}


def few_images() -> None:
    "A file of images, for the commands that take any."
    import numpy as np

    import vae_nb

    digits = vae_nb.load_dataset("digits")
    pixels = np.round(255 * digits.test_images[:40]).astype("uint8")
    np.savez("few.npz", images=pixels, labels=digits.test_labels[:40])


def small_runs() -> None:
    "One of two epochs, and the same, which is stopped after the first."
    import vae_nb
    from vae_nb.training import Shuffle

    digits = vae_nb.load_dataset("digits")
    recipe = vae_nb.Recipe(
        name="small",
        encoder=dict(filters=[4, 8], hidden=[8]),
        decoder=dict(filters=[8, 4], kernel_size=4),
        validation=0.2,
    )
    vae_nb.train(digits, recipe, epochs=2, out="small")
    begin = Shuffle.on_epoch_begin

    def stop(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt
        begin(self, epoch, logs)

    with mock.patch.object(Shuffle, "on_epoch_begin", stop):
        try:
            vae_nb.train(digits, recipe, epochs=2, out="begun")
        except KeyboardInterrupt:
            return
    raise AssertionError("it was not stopped")


# The same weights and the same noise


def losses() -> dict[str, list[float]]:
    "Of models with the same weights and noise, in three steps of the same training."
    found = {}
    for name, shape, rate, settings in (
        ("default", (8, 8, 1), 0.1, {}),
        ("article", (8, 8, 1), 1.0, {"recipe": "article"}),
        ("8bit", (8, 8, 1), 0.01, {"recipe": "8bit"}),
        ("colour", (20, 16, 3), 1e-4, {"latent_dim": 8}),
    ):
        found[name] = three_steps(shape, rate, settings)
    return found


def three_steps(
    shape: tuple[int, int, int], rate: float, settings: dict
) -> list[float]:
    import keras
    import numpy as np

    import vae_nb

    recipe = vae_nb.make_recipe(**settings)
    vae = vae_nb.build_vae(shape, recipe, steps=2)
    rng = np.random.default_rng(0)
    for variable in vae.trainable_variables:
        variable.assign(rng.normal(0, 0.05, variable.shape))
    images = np.round(255 * rng.random((16, *shape))).astype("float32") / 255
    noise = rng.standard_normal((16, recipe.latent_dim)).astype("float32")
    vae.compile(keras.optimizers.SGD(rate))

    def normal(*arguments, **options):
        return keras.ops.convert_to_tensor(noise)

    with mock.patch.object(keras.random, "normal", normal):
        steps = [vae.train_on_batch(images, return_dict=True) for _ in range(3)]
    return [float(step["loss"]) for step in steps]


# Runs made on other backends


def opened(name: str, place: Path) -> dict:
    "What this backend makes of another's runs: codes, and one that it resumes."
    import numpy as np

    shutil.copytree(place / "begun.unfinished", f"{name}.unfinished")
    resumed = do(f"train digits --resume --out {name}", name)
    encoded = do(f"encode {place / 'small'} few.npz --out {name}.npz", f"{name}.npz")
    codes = np.load(f"{name}.npz")["z_mean"] if encoded["made"] else np.zeros((0, 2))
    return {"resume": resumed, "encode": encoded, "codes": codes.tolist()}


def main() -> None:
    import keras
    import numpy as np

    import vae_nb

    assert keras.backend.backend() == HERE
    others = [name for name in BACKENDS if name != HERE]
    with mock.patch.object(vae_nb, "save_pictures", lambda *_: []):
        few_images()
        small_runs()
    shutil.copytree("begun.unfinished", "kept/begun.unfinished")
    results = {"losses": losses(), "commands": {}}
    for name, told in COMMANDS.items():
        results["commands"][name] = do(*told)
    runs = [vae_nb.load_run(name).vae.get_weights() for name in ("small", "begun")]
    results["same_bits"] = all(map(np.array_equal, *runs))
    results["codes"] = np.load("small/codes.npz")["z_mean"].tolist()
    few, back = (np.load(name)["images"] for name in ("few.npz", "back.npz"))
    results["decompressed"] = bool(np.array_equal(few, back))
    shutil.rmtree("begun")
    os.rename("kept/begun.unfinished", "begun.unfinished")  # for other backends
    results["imported"] = [name for name in others if name in sys.modules]
    Path("results.json").write_text(json.dumps(results))
    print("made", flush=True)
    places = json.loads(sys.stdin.readline() or "{}")
    results["opened"] = {name: opened(name, Path(at)) for name, at in places.items()}
    Path("results.json").write_text(json.dumps(results))


if __name__ == "__main__":
    sys.meta_path.insert(0, Refuse(*(name for name in BACKENDS if name != HERE)))
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    os.chdir(sys.argv[1])
    main()
