"""What tests/test_backends.py starts: all commands on one backend, the others refused.

    KERAS_BACKEND=jax python tests/on_backend.py FOLDER

It works in FOLDER: results.json then tells what came of the commands, numbers.json has
losses and codes. When its runs are there it prints `made` and waits for a line: folders
of other backends by name, whose runs it then opens. tests/made_on/ keeps what each
backend left so, for places where it is not installed: `small`, `begun.unfinished` and
`numbers.json`.
"""

import json
import os
import shutil
import sys
import time
from importlib.machinery import PathFinder
from pathlib import Path
from unittest import mock

HERE = os.environ["KERAS_BACKEND"]
BACKENDS = ("tensorflow", "jax", "torch")
OTHERS = [name for name in BACKENDS if name != HERE]


class Without(PathFinder):
    "Finds no other backend, as if it was not installed."

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname.partition(".")[0] in OTHERS:
            return None
        return super().find_spec(fullname, path, target)


# What is done on each backend, and what it makes
COMMANDS = {
    "train": ("train digits --recipe small --out small", "small"),
    "resume": ("train digits --recipe small --out begun --resume", "begun"),
    "evaluate": ("evaluate small --images 8 -k 4 --no-exact", "small/metrics.json"),
    "sample": ("sample small -n 4", "small/samples.png"),
    "score": ("score small few.npz", "small/scores.csv"),
    "encode": ("encode small few.npz --out codes.npz", "codes.npz"),
    "reconstruct": ("reconstruct small few.npz", "small/reconstructed.png"),
    "explore": ("explore small -n 8", "small/explorer.html"),
    "interpolate": ("interpolate small", "small/between.png"),
    "compress": ("compress small few.npz --out few.vae", "few.vae"),
    "decompress": ("decompress few.vae small --out back.npz", "back.npz"),
}


def do(line: str, made: str) -> dict:
    "How a command ended, what it said, and whether it made what it should."
    from command import vae_nb

    start = time.process_time()
    done = vae_nb(*line.split())
    seconds = round(time.process_time() - start, 1)
    there = Path(made).exists()
    return {**done._asdict(), "made": there, "processor_seconds": seconds}


def few_images() -> None:
    "A file of images, for the commands that take any."
    import numpy as np

    import vae_nb

    digits = vae_nb.load_dataset("digits")
    pixels = np.round(255 * digits.test_images[:40]).astype("uint8")
    np.savez("few.npz", images=pixels, labels=digits.test_labels[:40])


def small_recipe():
    "Two short epochs of small networks, and images held out."
    import vae_nb

    return vae_nb.Recipe(
        name="small",
        epochs=2,
        min_steps=0,
        batch_size=64,
        validation=0.2,
        likelihood="discretized_logistic",
        encoder=dict(filters=[4, 8], hidden=[8], activation="silu"),
        decoder=dict(filters=[8, 4], kernel_size=4, activation="silu"),
    )


def stop_a_training() -> None:
    "Leave the unfinished run that `resume` goes on with, after its first epoch."
    from vae_nb.training import Shuffle

    begin = Shuffle.on_epoch_begin

    def stop(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt
        begin(self, epoch, logs)

    with mock.patch.object(Shuffle, "on_epoch_begin", stop):
        stopped = do("train digits --recipe small --out begun", "begun.unfinished")
    assert stopped["status"] == 2 and stopped["made"], stopped


# The same weights and the same noise


def losses() -> dict[str, list[float]]:
    "Of models with the same weights and noise, in three steps of the same training."
    found = {}
    for name, shape, rate, settings in (
        ("default", (8, 8, 1), 0.1, {}),
        ("article", (8, 8, 1), 0.1, {"recipe": "article"}),
        ("8bit", (8, 8, 1), 0.01, {"recipe": "8bit"}),
        ("colour", (20, 16, 3), 1e-3, {"latent_dim": 8}),
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
    for variable in [*vae.encoder.weights, *vae.decoder.weights]:
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
    resumed = do(f"train digits --recipe small --out {name} --resume", name)
    encoded = do(f"encode {place / 'small'} few.npz --out {name}.npz", f"{name}.npz")
    codes = np.load(f"{name}.npz")["z_mean"] if encoded["made"] else np.zeros((0, 2))
    return {"resume": resumed, "encode": encoded, "codes": codes.tolist()}


def main() -> None:
    import keras
    import numpy as np

    import vae_nb

    assert keras.backend.backend() == HERE
    vae_nb.RECIPES["small"] = small_recipe()
    results: dict = {}
    numbers = {"losses": losses()}
    few_images()
    results["commands"] = {"train": do(*COMMANDS["train"])}
    with mock.patch.object(vae_nb, "save_pictures", lambda *_: []):
        stop_a_training()
        shutil.copytree("begun.unfinished", "kept")
        for name, told in COMMANDS.items():
            if name != "train":
                results["commands"][name] = do(*told)
        whole, resumed = (vae_nb.load_run(name).vae for name in ("small", "begun"))
        pairs = zip(whole.get_weights(), resumed.get_weights())
        results["same_bits"] = all(np.array_equal(u, v) for u, v in pairs)
        numbers["codes"] = np.load("codes.npz")["z_mean"].tolist()
        few, back = (np.load(name)["images"] for name in ("few.npz", "back.npz"))
        results["decompressed"] = bool(np.array_equal(few, back))
        results["imported"] = [name for name in OTHERS if name in sys.modules]
        Path("numbers.json").write_text(json.dumps(numbers, indent=1) + "\n")
        os.rename("kept", "begun.unfinished")  # for other backends
        print("made", flush=True)
        places = json.loads(sys.stdin.readline() or "{}")
        results["opened"] = {at: opened(at, Path(places[at])) for at in places}
    Path("results.json").write_text(json.dumps(results))


if __name__ == "__main__":
    sys.meta_path[sys.meta_path.index(PathFinder)] = Without
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    os.chdir(sys.argv[1])
    main()
