"""What people do with a Keras model, done with a VAE: it works, or says what to do.

The forms of data that work are tried on the page "Data in every form", networks on
"Networks of your own". Here is what must be refused, and callbacks, copies and files.
"""

import warnings
from dataclasses import replace
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import vae_nb as library

SHAPE = (8, 8, 1)
IMAGES = np.random.default_rng(0).uniform(size=(24, *SHAPE)).astype("float32")
LABELS = np.arange(24) % 3
HELD_OUT = np.full((4, *SHAPE), 0.5, "float32")
DATASET = library.Dataset("tiny", IMAGES, LABELS, HELD_OUT, LABELS[:4], ("a", "b"))


@pytest.fixture(scope="module")
def vae():
    few = dict(filters=(4,), seed=0)
    made = library.VAE(
        library.build_encoder(SHAPE, hidden=(8,), **few),
        library.build_decoder(SHAPE, **few),
    )
    made.compile("adam")
    return made


@pytest.fixture(scope="module")
def untraced(vae):
    "A copy that is not traced for every form of data."
    copy = type(vae).from_config(vae.get_config())
    copy.compile("adam", run_eagerly=True)
    return copy


@pytest.fixture(scope="module")
def still(vae):
    "A copy that learns nothing, and its figures."
    copy = type(vae).from_config(vae.get_config())
    return copy, figures(copy, IMAGES)


def figures(vae, *data):
    "What a model makes of images: each of four figures has its own data, or all one."
    ways = (
        *(vae.encode, vae.reconstruct),
        partial(library.evaluate_elbo, vae),
        partial(library.score_images, vae),
    )
    return [way(x) for way, x in zip(ways, data * (4 // len(data)))]


@pytest.fixture
def run(eager):
    few = dict(filters=(4,))
    recipe = library.Recipe(encoder=few, decoder=few, batch_size=12, min_steps=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not learnt to use its latents
        return library.train(DATASET, recipe, epochs=2)


def pipeline(*columns, size=8):
    return tf.data.Dataset.from_tensor_slices(columns).batch(size)


def stream(*batches):
    yield from batches


class Batches(keras.utils.PyDataset):
    def __init__(self, *batches, **options):
        super().__init__(**options)
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, step):
        return self.batches[step]


def said(error, f, *args, **options):
    with pytest.raises(error) as caught:
        f(*args, **options)
    line = str(caught.value)
    assert "\n" not in line and len(line) < 300, line
    return line


# Data that will not do, and what is said of them

NAN = np.where(IMAGES > 0.99, np.nan, IMAGES)
LATE = np.concatenate([IMAGES[:16], -IMAGES[:8]])
NEGATIVE = -np.ones(24)
WRONG = {
    "bytes": (255 * IMAGES).round().astype("uint8"),
    "bytes in tf.data": pipeline((255 * IMAGES).round().astype("uint8")),
    "bytes from a generator": lambda: stream((255 * IMAGES,)),
    "bytes in a PyDataset": Batches((255 * IMAGES, LABELS)),
    "-1 to 1 in tf.data": pipeline(2 * IMAGES - 1, LABELS),
    "below 0 in the last batch": pipeline(LATE),
    "below 0 in the last batch of a PyDataset": Batches((LATE[:16],), (LATE[16:],)),
    "below 0 in the last batch of a generator": lambda: stream((LATE[:8],), (LATE,)),
    "below 0, read by two workers": Batches((LATE,), (LATE,), workers=2),
}
RANGE = "expected [0, 1]"
TRACED = {*list(WRONG)[:4], "below 0 in the last batch"}  # as Keras does by default
REFUSED = [(name, data, RANGE) for name, data in WRONG.items()] + [
    ("NaN", NAN, "NaN"),
    ("NaN in tf.data", pipeline(NAN, LABELS), "NaN"),
    ("a NaN in a PyDataset", Batches(NAN), "NaN"),
    ("no channel", IMAGES[..., 0], "add the channel, images[..., None]"),
    ("channels first", IMAGES.reshape(24, 1, 8, 8), "put the channels last"),
    ("rows", IMAGES.reshape(24, 64), "images.reshape(-1, 8, 8, 1) has it"),
    ("one image", IMAGES[0], "make a batch, image[None]"),
    ("one image after another", pipeline(IMAGES).unbatch(), "add .batch(32)"),
    ("other images in tf.data", pipeline(IMAGES[:, 1:]), "expected (N, 8, 8, 1)"),
    ("words", np.array(["a"] * 4).reshape(4, 1, 1, 1), "shape"),
    ("a number", 3, "expected an array (N, 8, 8, 1)"),
    ("images and labels as one", (IMAGES, LABELS), "images are a tuple"),
    ("dicts", pipeline({"image": IMAGES}), "are a dict"),
    ("none", IMAGES[:0], "no images"),
    ("weights below 0", pipeline(IMAGES, LABELS, NEGATIVE), "negative"),
    ("weights of pixels", pipeline(IMAGES, LABELS, IMAGES), "one for each image"),
    ("weights in a PyDataset", Batches((IMAGES, None, NEGATIVE)), "negative"),
    ("too few weights", Batches((IMAGES, None, np.ones(3))), "one for each image"),
]


@pytest.mark.parametrize(
    "data, words", [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_what_is_out_of_range_is_refused_in_a_line(request, data, words):
    traced = request.node.callspec.id in TRACED
    vae = request.getfixturevalue("vae" if traced else "untraced")
    before = vae.get_weights()
    given = data() if callable(data) else data
    options = dict(verbose=0, batch_size=None)
    assert words in said(ValueError, vae.fit, given, **options)
    if isinstance(data, np.ndarray):  # looked at before a step is made
        for old, new in zip(before, vae.get_weights()):
            np.testing.assert_array_equal(old, new)
    again = data() if callable(data) else data
    assert words in said(ValueError, vae.evaluate, again, **options)


@pytest.mark.parametrize(
    "options, words",
    [
        (dict(sample_weight=NEGATIVE), "negative"),
        (dict(sample_weight=np.ones(3)), "one for each image"),
        (dict(sample_weight=IMAGES), "one for each image"),
        (dict(class_weight={0: 1.0}), "give the labels as y"),
        (dict(class_weight={0: 1.0}, y=LABELS, sample_weight=NEGATIVE), "negative"),
        (dict(y=LABELS[:2]), "24 images, but 2 targets"),
        (dict(batch_size=0), "batch_size is 0, expected at least 1"),
        (dict(sample_weight=["a"] * 24), "sample weights are <U1, expected numbers"),
        (dict(validation_data=255 * HELD_OUT), RANGE),
        (dict(validation_data=(255 * HELD_OUT, None)), RANGE),
        (dict(validation_data=pipeline(255 * HELD_OUT)), RANGE),
        (dict(validation_data=Batches(255 * HELD_OUT)), RANGE),
        (dict(validation_data=(HELD_OUT, None, np.ones(5))), "one for each image"),
        (dict(validation_data=HELD_OUT[:, 1:]), "expected (N, 8, 8, 1)"),
    ],
)
def test_options_of_fit_that_will_not_do_are_refused(vae, options, words):
    assert words in said(ValueError, vae.fit, IMAGES, verbose=0, **options)


def test_a_list_of_sample_weights_is_as_good_as_an_array(vae):
    logs = vae.evaluate(IMAGES, sample_weight=[0.0] * 24, verbose=0, return_dict=True)
    assert logs["loss"] == 0


@pytest.mark.parametrize("likelihood", ["gaussian", library.Bernoulli, None])
def test_a_likelihood_is_an_object(vae, likelihood):
    line = said(ValueError, library.VAE, vae.encoder, vae.decoder, likelihood)
    assert "expected an object, such as Bernoulli()" in line


@pytest.mark.parametrize(
    "dataset, options, words",
    [
        (IMAGES, {}, "the dataset is a ndarray, expected a Dataset: load_dataset"),
        ("digits", {}, "the dataset is a str, expected a Dataset"),
        (DATASET, dict(start="fashion_mnist"), "start is a str, expected a run"),
        (replace(DATASET, train_images=IMAGES[..., 0]), {}, "add the channel"),
    ],
    ids=["an array", "a name", "a name to start from", "no channel"],
)
def test_what_train_cannot_take_is_refused_in_a_line(dataset, options, words):
    assert words in said(ValueError, library.train, dataset, **options)


def test_a_model_that_is_not_compiled_says_what_to_do(vae):
    new = type(vae).from_config(vae.get_config())
    assert "call compile, or go on from a run" in said(ValueError, new.fit, IMAGES)


# Callbacks of Keras, and what people do between two fits


@pytest.mark.usefixtures("eager")
def test_early_stopping_and_a_plateau_work_as_in_keras(vae):
    watch = dict(monitor="val_loss", patience=1, min_delta=1e9)
    stop = keras.callbacks.EarlyStopping(restore_best_weights=True, **watch)
    slower = keras.callbacks.ReduceLROnPlateau(**watch)
    history = vae.fit(
        IMAGES, validation_data=HELD_OUT, epochs=9, verbose=0, callbacks=[stop, slower]
    ).history
    assert len(history["loss"]) == len(history["learning_rate"]) == 2


@pytest.mark.usefixtures("eager")
def test_checkpoints_are_models(vae, tmp_path):
    path = tmp_path / "{epoch}.keras"
    vae.fit(
        IMAGES, epochs=2, verbose=0, callbacks=[keras.callbacks.ModelCheckpoint(path)]
    )
    last = keras.saving.load_model(tmp_path / "2.keras")
    np.testing.assert_array_equal(last.encode(IMAGES)[0], vae.encode(IMAGES)[0])


def test_a_callback_may_change_beta(vae):
    def change(epoch, logs):
        vae.beta = float(epoch)

    anneal = keras.callbacks.LambdaCallback(on_epoch_begin=change)
    history = vae.fit(IMAGES, epochs=3, verbose=0, callbacks=[anneal]).history
    loss, kl = np.array(history["loss"]), np.array(history["kl_loss"])
    weight = (loss - history["reconstruction_loss"]) / kl
    np.testing.assert_allclose(weight, [0, 1, 2], atol=2e-2)
    vae.beta = 1.0


def test_training_goes_on_from_a_run_and_hears_callbacks(run):
    finished = run
    seen = []
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda e, logs: seen.append(e))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        more = library.train(DATASET, start=finished, epochs=1, callbacks=watch)
    assert seen == [0] and len(more.history["loss"]) == 1
    assert more.config["started_from"]["epochs_done"] == 2
    with pytest.raises(ValueError, match="schedule has ended at 0"):
        finished.vae.fit(IMAGES, verbose=0)


@pytest.mark.usefixtures("eager")
def test_trainable_parts_can_be_frozen(vae):
    copy = type(vae).from_config(vae.get_config())
    copy.encoder.trainable = False
    copy.compile("sgd")
    before, decoder = copy.encoder.get_weights(), copy.decoder.get_weights()
    copy.fit(IMAGES, verbose=0)
    for old, new in zip(before, copy.encoder.get_weights()):
        np.testing.assert_array_equal(old, new)
    assert any((o != n).any() for o, n in zip(decoder, copy.decoder.get_weights()))


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    "habit, words",
    [
        (dict(metrics=["mse"]), "metrics of compile: not used"),
        (dict(loss="mse"), "loss of compile: not used"),
        (dict(loss="mse", metrics=["mae"]), "loss and metrics of compile"),
        (dict(weighted_metrics=["mse"]), "weighted_metrics of compile"),
    ],
)
def test_a_loss_and_metrics_for_compile_are_ignored_with_one_warning(vae, habit, words):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        vae.compile("adam", **habit)
        logs = vae.evaluate(IMAGES, verbose=0, return_dict=True)
    ours = [str(w.message) for w in caught if "compile" in str(w.message)]
    assert len(ours) == 1 and words in ours[0]
    assert set(logs) == {"loss", "reconstruction_loss", "kl_loss"}


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("options", [{}, dict(run_eagerly=True)])
def test_a_loaded_model_is_compiled_as_it_was(vae, options, tmp_path):
    vae.compile(keras.optimizers.Adam(0.25), **options)
    vae.fit(IMAGES, verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        vae.save(tmp_path / "x.keras")
        again = keras.saving.load_model(tmp_path / "x.keras")
    assert again.compiled and float(again.optimizer.learning_rate) == 0.25
    for old, new in zip(vae.optimizer.variables, again.optimizer.variables):
        np.testing.assert_array_equal(old, new)
    vae.compile("adam")


# Older formats


@pytest.mark.parametrize("name", ["x.h5", "x.hdf5", "x.tf", "x", "x.weights.h5"])
def test_formats_that_could_not_be_loaded_are_not_saved(vae, name, tmp_path):
    line = said(ValueError, vae.save, tmp_path / name)
    assert "does not end in .keras" in line and not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["x.h5", "x.weights.h5", "x.keras"])
def test_a_file_is_no_run(vae, name, tmp_path):
    (tmp_path / name).write_bytes(b"a model of whatever kind")
    assert "is a file, not a run folder" in said(
        OSError, library.load_run, tmp_path / name
    )


def test_a_saved_model_folder_is_no_run(tmp_path):
    for name in ("saved_model.pb", "fingerprint.pb"):
        (tmp_path / name).write_bytes(b"")
    assert "it has no model.keras" in said(OSError, library.load_run, tmp_path)


def test_weights_can_be_kept_alone(vae, tmp_path):
    vae.save_weights(tmp_path / "x.weights.h5")
    copy = type(vae).from_config(vae.get_config())
    copy.load_weights(tmp_path / "x.weights.h5")
    np.testing.assert_array_equal(copy.encode(IMAGES)[0], vae.encode(IMAGES)[0])


# Figures of data in other forms


@pytest.mark.parametrize(
    "data",
    [
        lambda: pipeline(IMAGES),
        lambda: pipeline(IMAGES, LABELS, size=5),
        lambda: stream((IMAGES[:20],), (IMAGES[20:], LABELS[20:])),
        lambda: stream(IMAGES),
        lambda: Batches(IMAGES[:20], (IMAGES[20:], LABELS[20:])),
        lambda: list(IMAGES),
        lambda: tf.constant(IMAGES),
    ],
    ids=["tf.data", "labels", "generator", "arrays", "PyDataset", "list", "tensor"],
)
def test_figures_are_the_same_in_every_form(still, data):
    vae, expected = still
    codes, images, elbo, scores = figures(vae, *(data() for _ in range(4)))
    np.testing.assert_array_equal(codes, expected[0])
    np.testing.assert_array_equal(images, expected[1])
    assert elbo == expected[2]
    np.testing.assert_array_equal(scores, expected[3])


@pytest.mark.parametrize(
    "data, words",
    [
        (pipeline(IMAGES).repeat(), "no end"),
        (pipeline(255 * IMAGES), RANGE),
        (pipeline(IMAGES).unbatch(), "add .batch(32)"),
        (iter([]), "no images"),
        ({"x": IMAGES}, "images are a dict"),
        ((IMAGES, LABELS), "images are a tuple"),
        ([IMAGES[0], IMAGES[1, 1:]], "shapes (7, 8, 1) and (8, 8, 1), expected"),
    ],
    ids=["endless", "bytes", "unbatched", "empty", "dict", "tuple", "ragged"],
)
def test_encode_refuses_what_it_cannot_read(vae, data, words):
    assert words in said(ValueError, vae.encode, data)


@pytest.mark.usefixtures("eager")
def test_vectors_are_images_too():
    pixels, z = keras.Input((64,)), keras.Input((2,))
    heads = layers.Dense(2)(pixels), layers.Dense(2)(pixels)
    encoder = keras.Model(pixels, [*heads, library.Sampling(seed=0)(heads)])
    made = library.VAE(encoder, keras.Model(z, layers.Dense(64)(z)))
    made.compile("adam")
    rows = IMAGES.reshape(24, 64)
    made.fit(pipeline(rows), verbose=0)
    assert made.sample(2, seed=0).shape == (2, 64)
    assert library.evaluate_elbo(made, rows)["images"] == 24
    line = said(ValueError, made.fit, IMAGES, verbose=0)
    assert "expected (N, 64): images.reshape(-1, 64) has it" in line
