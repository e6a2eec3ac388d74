"""ONNX files of a model: what they compute is what Keras does, and what is refused."""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from command import accepted, refused, vae_nb
from keras import layers
from models import DENSE, FOUR, Odd, blocks, built, odd_layer, residual

import vae_nb as library

pytestmark = pytest.mark.usefixtures("here")
FASHION = "fashion_mnist"
BACKEND = keras.backend.backend()


class Exported:
    "The files of a model, run by ONNX Runtime."

    def __init__(self, folder: Path):
        self.card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        self.encoder, self.decoder = (
            onnxruntime.InferenceSession(folder / self.card[part]["file"])
            for part in ("encoder", "decoder")
        )

    def encode(self, images: np.ndarray) -> list[np.ndarray]:
        return self.encoder.run(["z_mean", "z_log_var"], {"images": images})

    def decode(self, z: np.ndarray) -> np.ndarray:
        return self.decoder.run(["images"], {"z": z})[0]


def exported(vae: library.VAE, **about) -> Exported:
    library.export_onnx(vae, "model", **about)
    return Exported(Path("model"))


def chain() -> library.VAE:
    "Vectors, by sequential models and activations of all kinds."
    kinds = "elu selu gelu softsign hard_sigmoid relu6 leaky_relu log_sigmoid".split()
    x = h = keras.Input((20,))
    for kind in kinds:
        h = layers.Dense(9, activation=kind)(h)
    mean, log_var = layers.Dense(3)(h), layers.Dense(3)(h)
    encoder = keras.Model(x, [mean, log_var, library.Sampling(0)([mean, log_var])])
    hidden = [layers.Dense(9, activation=kind) for kind in ("exponential", "tanh")]
    last = layers.Dense(40)
    decoder = keras.Sequential([keras.Input((3,)), *hidden, layers.ReLU(), last])
    return library.VAE(encoder, decoder, library.DiscretizedLogistic())


def small(likelihood: str, latents: int, shape=(9, 10, 3)) -> library.VAE:
    decoder = {**FOUR, "shared_scale": likelihood == "gaussian"}
    return built(shape, latents, likelihood, FOUR, decoder)


def pretrained(ending: str) -> library.VAE:
    return library.load_pretrained(f"{FASHION}{ending}").vae


LATENTS = dict(zip(library.LIKELIHOODS, (2, 40, 40, 2, 2, 40)))
MODELS: dict[str, Callable[[], library.VAE]] = {
    "two latents": partial(pretrained, ""),
    "article": partial(pretrained, "-article"),
    "forty latents": partial(pretrained, "-40d"),
    "forty latents, 256 levels": partial(pretrained, "-8bit"),
    **{name: partial(small, name, latents) for name, latents in LATENTS.items()},
    "residual blocks": blocks,
    "other layers": residual,
    "vectors": chain,
}


def by_keras(vae: library.VAE, images: np.ndarray, z: np.ndarray) -> list[np.ndarray]:
    "Codes and mean images, at once."
    posterior = keras.Model(vae.encoder.input, vae.encoder.outputs[:2])
    codes = posterior(images, training=False)
    means = vae.likelihood.mean(vae.decoder(z, training=False))
    return [keras.ops.convert_to_numpy(tensor) for tensor in (*codes, means)]


@pytest.mark.parametrize("name", MODELS)
def test_the_files_compute_what_keras_does(name):
    vae = MODELS[name]()
    rng = np.random.default_rng(1)
    images = rng.uniform(size=(1000, *vae.image_shape)).astype("float32")
    z = 1.5 * rng.standard_normal((1000, vae.latent_dim)).astype("float32")
    model = exported(vae)
    wanted = by_keras(vae, images, z)
    for count in (1000, 1):
        found = [*model.encode(images[:count]), model.decode(z[:count])]
        for one, other in zip(found, wanted):
            other = other[:count]
            assert one.shape == other.shape and one.dtype == np.float32
            near = np.abs(one - other) / np.maximum(1, np.abs(other))
            assert near.max() < 1e-4
    assert found[2].min() >= 0 and found[2].max() <= 1


@pytest.mark.parametrize("format", sorted({*library.FORMATS} - {"onnx"}))
@pytest.mark.skipif(BACKEND != "tensorflow", reason="Keras writes them there")
def test_formats_of_keras_compute_the_same(format):
    vae = small("mixture_of_logistics", 3, (8, 8, 1))
    card = library.export_model(vae, "model", format, ["a"], "mine")
    assert (card["format"], card["model"], card["class_names"]) == (
        format,
        "mine",
        ["a"],
    )
    assert max(card["largest_difference_from_keras"].values()) < 1e-4
    assert "tensorflow" in card["versions"]
    for part in ("encoder", "decoder"):
        assert Path("model", card[part]["file"]).exists()
    for file, digest in card["sha256"].items():
        assert hashlib.sha256(Path("model", file).read_bytes()).hexdigest() == digest


@pytest.fixture
def half_precision() -> Iterator[library.VAE]:
    keras.config.set_dtype_policy("mixed_float16")
    yield built((8, 8, 1), 2, "bernoulli", DENSE, DENSE)
    keras.config.set_dtype_policy("float32")


def test_what_keras_computes_in_half_precision_is_whole_in_the_file(half_precision):
    model = exported(half_precision)
    assert 1e-5 < max(model.card["largest_difference_from_keras"].values()) < 0.01
    assert {i.type for i in model.decoder.get_outputs()} == {"tensor(float)"}


@pytest.mark.skipif(BACKEND != "tensorflow", reason="Keras writes them there")
def test_litert_knows_no_half_precision(half_precision):
    with pytest.raises(ValueError, match="LiteRT cannot run it"):
        library.export_model(half_precision, "other", "litert")
    assert list(Path().iterdir()) == []


def test_params_far_out_have_the_same_mean():
    "The formulas where numbers are large, and where branches meet."
    rng = np.random.default_rng(0)
    for likelihood, kind in library.LIKELIHOODS.items():
        per_pixel = kind(seed=0).params_per_pixel
        z = keras.Input((per_pixel,))
        params = layers.Reshape((1, 1, per_pixel))(z)
        images = keras.Input((1, 1, 1))
        code = layers.Dense(per_pixel)(layers.Flatten()(images))
        encoder = keras.Model(images, [code, code, library.Sampling(0)([code, code])])
        vae = library.VAE(encoder, keras.Model(z, params), kind(seed=0))
        library.export_onnx(vae, likelihood)
        sizes = 10.0 ** rng.uniform(-3, 1.5, (500, 1))
        far = (sizes * rng.standard_normal((500, per_pixel))).astype("float32")
        if per_pixel > 1:  # of a scale above e^4, differences are lost in rounding
            far = far.clip(-6, 6)
        found = Exported(Path(likelihood)).decode(far)
        np.testing.assert_allclose(
            found, kind(seed=0).mean(vae.decoder(far)), atol=1e-4
        )


def test_the_encoder_draws_nothing_and_leaves_the_noise_where_it_was():
    vae = small("bernoulli", 2, (8, 8, 1))
    states = [v for v in vae.variables if v.name == "seed_generator_state"]
    before = [keras.ops.convert_to_numpy(state) for state in states]
    model = exported(vae)
    for state, value in zip(states, before):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(state), value)
    kinds = {n.op_type for n in onnx.load("model/encoder.onnx").graph.node}
    assert not [kind for kind in kinds if "Random" in kind]
    x = np.full((1, 8, 8, 1), 0.5, "float32")
    for one, other in zip(model.encode(x), model.encode(x)):
        np.testing.assert_array_equal(one, other)


def test_the_card_says_what_the_files_are():
    vae = small("gaussian", 2)
    card = exported(vae, class_names=["a", "b"], name="mine").card
    assert (card["model"], card["class_names"]) == ("mine", ["a", "b"])
    assert (card["likelihood"], card["latent_dim"]) == ("Gaussian", 2)
    assert card["image_shape"] == [9, 10, 3]
    assert card["decoder"]["inputs"]["z"] == {"shape": ["batch", 2], "range": None}
    pixels = {"shape": ["batch", 9, 10, 3], "range": [0, 1]}
    assert card["encoder"]["inputs"]["images"] == pixels
    assert card["decoder"]["outputs"]["images"] == pixels
    differences = card["largest_difference_from_keras"]
    assert set(differences) == {"z_mean", "z_log_var", "images"}
    assert max(differences.values()) < 1e-4
    for part in ("encoder", "decoder"):
        file = card[part]["file"]
        content = Path("model", file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == card["sha256"][file]
    assert {"vae_nb", "keras", "numpy", "onnx", "onnxruntime"} < set(card["versions"])
    again = library.export_onnx(vae, "again")
    assert again["weights_sha256"] == card["weights_sha256"]
    assert again["sha256"] == card["sha256"]
    weight = vae.decoder.weights[-1]
    weight.assign(weight + 0.5)
    other = library.export_onnx(vae, "other")
    assert other["weights_sha256"] != card["weights_sha256"]


MAKE = """
import json, sys
import keras
from vae_nb import VAE, export_onnx
vae = keras.saving.load_model("model.keras")
print(json.dumps(export_onnx(vae, sys.argv[1])))
"""


@pytest.mark.parametrize("backend", sorted({"tensorflow", "jax", "torch"} - {BACKEND}))
def test_another_backend_writes_the_same_bytes(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    vae = built((8, 8, 1), 2, "mixture_of_logistics", DENSE, DENSE)
    vae.save("model.keras")
    here = library.export_onnx(vae, "here")
    done = subprocess.run(
        [sys.executable, "-c", MAKE, "there"],
        env={**os.environ, "KERAS_BACKEND": backend},
        check=True,
        capture_output=True,
        text=True,
    )
    there = json.loads(done.stdout)
    assert (here["backend"], there["backend"]) == (BACKEND, backend)
    assert here["sha256"] == there["sha256"]
    assert here["weights_sha256"] == there["weights_sha256"]


# What is refused


class Mine(library.Bernoulli):
    pass


def own_likelihood() -> library.VAE:
    vae = small("bernoulli", 2)
    return library.VAE(vae.encoder, vae.decoder, Mine())


REFUSED = {
    "is a Odd, which only Keras can run": lambda: odd_layer(Odd()),
    "the likelihood is a Mine": own_likelihood,
    "with activation": lambda: odd_layer(layers.Activation("tanh_shrink")),
    "is an operation and no layer": lambda: odd_layer(keras.ops.negative),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_exported_is_refused_in_a_line(words):
    with pytest.raises(ValueError, match=words) as error:
        library.export_onnx(REFUSED[words](), "model")
    assert "\n" not in str(error.value) and list(Path().iterdir()) == []


def test_numbers_that_are_not_keras_are_refused():
    vae = small("bernoulli", 2, (8, 8, 1))
    encode = vae.encode
    for wrong, words in ((0.001, "by 0.001, more than"), (np.nan, "by nan, more than")):
        given = lambda x, wrong=wrong: [code + wrong for code in encode(x)]  # noqa: E731
        object.__setattr__(vae, "encode", given)
        with pytest.raises(ValueError, match="z_mean of encoder") as error:
            library.export_onnx(vae, "model")
        assert words in str(error.value) and "\n" not in str(error.value)
    assert list(Path().iterdir()) == []


def test_the_command_writes_the_folder_or_says_why_not():
    out = vae_nb("export", FASHION, "--out", "model").out
    assert "encoder.onnx, decoder.onnx and card.json are in model: " in out
    model = Exported(Path("model"))
    assert model.card["class_names"][9] == "Ankle boot"
    assert model.card["model"] == "fashion_mnist"
    refused("export", FASHION, "--out", "model", words="model exists already")
    Path("file").write_text("mine")
    refused("export", FASHION, "--out", "file", words="file exists already")
    refused("export", FASHION, "--out", "no/model", words="no folder no")
    refused("export", FASHION, "--out", ".", words=". is the folder that you are in")
    refused(
        "export", FASHION, "--format", "gguf", words="choose onnx or tf_saved_model"
    )
    refused("export", "nowhere", "--out", "new", words="there is no run folder nowhere")
    refused("export", "/proc", "--out", "new", words="/proc is not a run folder")
    refused("export", FASHION, "--out", "/proc/new", words="cannot write /proc")
    Path("empty").mkdir()
    accepted("export", FASHION, "--out", "empty")
    assert len(list(Path("empty").iterdir())) == 3


def test_a_write_that_fails_leaves_nothing(monkeypatch):
    copy = shutil.copytree

    def full(made, new):
        copy(made, new)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copytree", full)
    words = "cannot write model (No space left on device)"
    refused("export", FASHION, "--out", "model", words=words)


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_without_the_packages_it_says_what_to_install(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    words = "pip install 'vae_nb[onnx]'"
    refused("export", FASHION, "--out", "model", words=words)


def test_without_its_data_there_are_no_class_names(monkeypatch):
    monkeypatch.setattr(library, "kept_densities", lambda run: None)

    def gone(*arguments):
        raise OSError("it is gone")

    monkeypatch.setattr(library, "load_dataset", gone)
    said = accepted("export", FASHION, "--out", "model")
    assert "note: no class names, as the data of fashion_mnist cannot be had" in said
    assert Exported(Path("model")).card["class_names"] == []
