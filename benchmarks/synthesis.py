"""What images made by class are worth, from two latents and from forty.

    python benchmarks/synthesis.py          # about ten minutes
    python benchmarks/synthesis.py --quick  # in small, on digits; writes nothing

Densities are fitted to the codes of Fashion-MNIST's training images, class by class.
The bound that they gain over the prior is on test images. Two classifiers, logistic
regression of 100 steps and a small convolutional network of 2,000, learn from made
images or from real ones, and are tested on all real test images. Distances are
Euclidean, between pixels in [0, 1], to the nearest of all training images. Writes
benchmarks/results/synthesis.json and pictures beside it: synthesis.2.jpg and
synthesis.40.jpg, real images, draws of each class and draws from the prior;
synthesis.nearest.jpg, draws above the training images nearest to them.
"""

import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from harness import RESULTS, provenance, run, timed
from matplotlib.figure import Figure
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors

from vae_nb import (
    PATHS,
    ClassDensities,
    Dataset,
    Images,
    Run,
    class_densities,
    code_path,
    codes_of,
    fit_density,
    load_dataset,
    load_pretrained,
    plot_images,
    synthesize,
)

MODELS = {"2": "fashion_mnist", "40": "fashion_mnist-40d"}


class Sizes(NamedTuple):
    train: tuple[int, ...]  # images that a classifier learns from
    both: int  # of these, for reconstructions and for draws from the prior
    steps: int  # of the network
    near: int  # images of each class whose neighbours are looked for
    pairs: int  # between which one goes


FULL = Sizes((500, 2_000, 10_000, 60_000), 10_000, 2_000, 200, 500)
QUICK = Sizes((100,), 50, 5, 3, 5)


class Made(NamedTuple):
    "A model, and densities of its codes."

    run: Run
    densities: ClassDensities


# What the densities gain


def drawn_codes(run: Run, images: Images, seed: int = 0) -> tuple:
    "z_mean and z_log_var, and a draw for each image."
    z_mean, z_log_var = codes_of(run.vae, images)
    noise = np.random.default_rng(seed).standard_normal(z_mean.shape)
    return z_mean, z_log_var, z_mean + np.exp(0.5 * z_log_var) * noise


def gains(made: Made, dataset: Dataset) -> dict:
    "By how many nats per test image the bound rises, (1), and what centres would do."
    run, densities = made
    z_mean, _, z = drawn_codes(run, dataset.test_images)
    log_prior = norm.logpdf(z).sum(1)
    joint = densities.log_joint(z)
    labels = dataset.test_labels
    own = joint[np.arange(len(z)), labels] - np.log(densities.shares[labels])
    centres = centre_density(run, dataset)
    chosen = labels == len(dataset.class_names) - 1
    last = densities.densities[-1]
    assert last
    return {
        "all_classes": mean(np.logaddexp.reduce(joint, axis=1) - log_prior),
        "class_known": mean(own - log_prior),
        "last_class": mean((last.log_density(z) - log_prior)[chosen]),
        "last_class_from_centres": mean((centres.log_density(z) - log_prior)[chosen]),
        "length_of_draws": float(np.linalg.norm(z, axis=1).mean()),
        "length_of_centres": float(np.linalg.norm(z_mean, axis=1).mean()),
        "components": [len(d.weights) for d in densities.densities if d],
        "bayes_rule_right": float((joint.argmax(1) == labels).mean()),
    }


def centre_density(run: Run, dataset: Dataset):
    "A density of the last class fitted to the centres of the posteriors alone."
    chosen = dataset.train_labels == len(dataset.class_names) - 1
    z_mean, z_log_var = codes_of(run.vae, dataset.train_images[chosen][:6_000])
    return fit_density(z_mean, np.full_like(z_log_var, -40))


def mean(values: np.ndarray) -> dict:
    "Mean over images and its standard error."
    error = values.std(ddof=1) / np.sqrt(len(values))
    return {"mean": float(values.mean()), "se": float(error)}


# Trained on made images, tested on real ones


def of_each_class(made: Made, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    "n made images, as many of each class, and their labels."
    run, densities = made
    names = densities.class_names
    images, labels = [], []
    for c, name in enumerate(names):
        each = synthesize(run.vae, densities, n // len(names), name, seed + c)
        images.append(each[0])
        labels.append(each[1])
    return np.concatenate(images), np.concatenate(labels)


def of_prior(made: Made, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    "n draws from the prior, and the classes that Bayes' rule gives them."
    run, densities = made
    z = np.random.default_rng(seed).standard_normal((n, run.vae.latent_dim))
    return run.vae.decode(z), densities.log_joint(z).argmax(1)


def network(images: np.ndarray, labels: np.ndarray, classes: int, steps: int):
    "A small convolutional network, after so many steps of 64 images."
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input(images.shape[1:]),
            layers.Conv2D(16, 5, strides=2, activation="relu"),
            layers.Conv2D(32, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(classes),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    rate = keras.optimizers.schedules.CosineDecay(1e-3, steps)
    model.compile(keras.optimizers.Adam(rate), loss)
    rows = np.random.default_rng(0).integers(len(images), size=(steps, 64))
    for chosen in rows:
        model.train_on_batch(images[chosen], labels[chosen])
    return model


def accuracies(
    images: np.ndarray, labels: np.ndarray, dataset: Dataset, steps: int
) -> dict:
    "Shares of the real test images that both classifiers get right."
    test, truth = np.asarray(dataset.test_images), dataset.test_labels
    flat, flat_test = images.reshape(len(images), -1), test.reshape(len(test), -1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 100 steps are meant
        linear = LogisticRegression(max_iter=100, C=0.1).fit(flat, labels)
    model = network(images, labels, len(dataset.class_names), steps)
    found = model.predict(test, batch_size=500, verbose=0).argmax(1)
    return {
        "images": len(images),
        "logistic_regression": float(linear.score(flat_test, truth)),
        "network": float((found == truth).mean()),
    }


def learnt_from(made: dict[str, Made], dataset: Dataset, sizes: Sizes) -> list[dict]:
    "Accuracies by where the images come from, and by their number."
    table = []
    for source, images, labels in sources(made, dataset, sizes):
        row = {"from": source, **accuracies(images, labels, dataset, sizes.steps)}
        print(row, file=sys.stderr)
        table.append(row)
    return table


def sources(made: dict[str, Made], dataset: Dataset, sizes: Sizes) -> Iterator[tuple]:
    "Where images come from, the images, and their labels."
    order = np.random.default_rng(0).permutation(len(dataset.train_images))
    for n in sizes.train:
        some = order[:n]
        yield "real", dataset.train_images[some], dataset.train_labels[some]
        for latents, one in made.items():
            yield f"codes, {latents}", *of_each_class(one, n, seed=100)
    some = order[: sizes.both]
    for latents, one in made.items():
        again = one.run.vae.reconstruct(dataset.train_images[some])
        yield f"reconstructions, {latents}", again, dataset.train_labels[some]
        yield f"prior, {latents}", *of_prior(one, sizes.both, seed=0)


# Whether they repeat training images


class Neighbours:
    "The training images, to look for the nearest."

    def __init__(self, images: Images):
        flat = np.asarray(images).reshape(len(images), -1)
        self.found = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(flat)

    def of(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        "Distance to the nearest of them, and its number."
        distances, rows = self.found.kneighbors(images.reshape(len(images), -1))
        return distances[:, 0], rows[:, 0]


def summary(distances: np.ndarray, labels: np.ndarray, class_names) -> dict:
    "Quantiles over all, and the median of each class."
    medians = {}
    for c, name in enumerate(class_names):
        medians[name] = float(np.median(distances[labels == c]))
    quantiles = np.quantile(distances, [0.01, 0.05, 0.25, 0.5, 0.75, 0.95])
    return {
        "quantiles_1_5_25_50_75_95": quantiles.tolist(),
        "smallest": float(distances.min()),
        "medians": medians,
    }


def first_of_each(images: Images, labels: np.ndarray, n: int) -> tuple:
    "The first n images of each class, and their labels."
    rows = np.concatenate([np.flatnonzero(labels == c)[:n] for c in np.unique(labels)])
    return images[rows], labels[rows]


def distances(made: dict[str, Made], dataset: Dataset, n: int) -> dict:
    "From images of each kind to the nearest training image."
    names, neighbours = dataset.class_names, Neighbours(dataset.train_images)
    held_out, labels = first_of_each(dataset.test_images, dataset.test_labels, n)
    learnt, learnt_labels = first_of_each(dataset.train_images, dataset.train_labels, n)
    real = neighbours.of(held_out)[0]
    found = {"test images": summary(real, labels, names)}
    for latents, one in made.items():
        seen = neighbours.of(one.run.vae.reconstruct(held_out))[0]
        copies = one.run.vae.reconstruct(learnt)
        record = {
            "reconstructed test images": summary(seen, labels, names),
            "reconstructed training images": summary(
                neighbours.of(copies)[0], learnt_labels, names
            ),
        }
        drawn, drawn_labels = of_each_class(one, n * len(names), seed=200)
        near = neighbours.of(drawn)[0]
        record["draws"] = summary(near, drawn_labels, names)
        low = float(np.quantile(seen, 0.01))
        record["draws"]["nearer_than_1_percent_of_reconstructed"] = float(
            (near < low).mean()
        )
        found[latents] = record
    return found


# Between two images


def halfway(made: Made, dataset: Dataset, n: int) -> dict:
    "Where the middle of either path lies, between test images of different classes."
    run, densities = made
    z_mean, _, z = drawn_codes(run, dataset.test_images)
    rng = np.random.default_rng(0)
    pairs = rng.permutation(len(z_mean))[: 2 * n].reshape(n, 2)
    differ = dataset.test_labels[pairs[:, 0]] != dataset.test_labels[pairs[:, 1]]
    found = {}
    for kind, codes in (("centres", z_mean), ("draws", z)):
        for path in PATHS:
            middle = []
            for a, b in pairs[differ]:
                middle.append(code_path(codes[a], codes[b], 3, path)[1])
            joint = densities.log_joint(np.array(middle))
            log_density = np.logaddexp.reduce(joint, axis=1)
            found[f"{kind}, {path}"] = {
                "length": float(np.linalg.norm(middle, axis=1).mean()),
                "log_density": float(np.median(log_density)),
            }
        ends = np.logaddexp.reduce(densities.log_joint(codes[pairs[:, 0]]), axis=1)
        found[f"{kind}, ends"] = {
            "length": float(np.linalg.norm(codes, axis=1).mean()),
            "log_density": float(np.median(ends)),
        }
    return found


# Pictures


def by_class(made: Made, dataset: Dataset, columns: int) -> Figure:
    """A row for each class: real images, draws of the class, draws of the prior.

    Which class a draw from the prior is of, Bayes' rule says.
    """
    run, densities = made
    names = densities.class_names
    z = np.random.default_rng(0).standard_normal((200 * len(names), run.vae.latent_dim))
    belongs = densities.log_joint(z).argmax(1)
    white = np.ones((1, *dataset.image_shape), "float32")
    rows = []
    for c, name in enumerate(names):
        real = dataset.test_images[np.flatnonzero(dataset.test_labels == c)[:columns]]
        drawn, _ = synthesize(run.vae, densities, columns, name, seed=c)
        few = z[belongs == c][:columns]
        decoded = run.vae.decode(few) if len(few) else white[:0]
        missing = white.repeat(columns - len(decoded), axis=0)
        rows += [real, white, drawn, white, decoded, missing]
    heads = (
        "real images",
        "drawn where codes of the class lie",
        "drawn from the prior",
    )
    figure = plot_images(np.concatenate(rows), 3 * columns + 2)
    return told(figure, dataset, names, heads, columns + 1)


def with_neighbours(made: Made, dataset: Dataset, rounds: int) -> Figure:
    "A draw of each class, and below it the training image that is nearest to it."
    classes, neighbours = len(dataset.class_names), Neighbours(dataset.train_images)
    rows = []
    for seed in range(rounds):
        drawn, _ = of_each_class(made, classes, seed=300 + 20 * seed)
        rows += [drawn, dataset.train_images[neighbours.of(drawn)[1]]]
    figure = plot_images(np.concatenate(rows), classes)
    return told(figure, dataset, ("drawn", "nearest") * rounds, (), 1)


def told(
    figure: Figure, dataset: Dataset, names: Sequence[str], heads: Sequence[str], step
) -> Figure:
    "The picture with a name beside each row, and a head above each block of columns."
    height, width, _ = dataset.image_shape
    (ax,) = figure.axes
    for row, name in enumerate(names):
        middle = (row + 0.5) * height
        ax.text(-6, middle, name, ha="right", va="center", fontsize=8)
    for block, head in enumerate(heads):
        middle = (block * step + (step - 1) / 2) * width
        ax.text(middle, -6, head, ha="center", va="bottom", fontsize=8)
    return figure


def draw(made: dict[str, Made], dataset: Dataset, folder: Path) -> None:
    kind: dict[str, Any] = dict(dpi=200, bbox_inches="tight")
    kind["pil_kwargs"] = {"quality": 85}
    for latents, one in made.items():
        figure = by_class(one, dataset, 8)
        figure.savefig(folder / f"synthesis.{latents}.jpg", **kind)
    last = list(made.values())[-1]
    figure = with_neighbours(last, dataset, 2)
    figure.savefig(folder / "synthesis.nearest.jpg", **kind)


def measure(quick: bool) -> dict:
    origin = provenance("vae_nb", "keras", "tensorflow", "numpy", "scikit-learn")
    sizes = QUICK if quick else FULL
    dataset = load_dataset("digits" if quick else "fashion_mnist")
    made, densities = {}, {}
    for latents, name in list(MODELS.items())[: 1 if quick else None]:
        loaded = replace(load_pretrained(name), path=None)  # fitted anew
        fitted, clock = timed(class_densities, loaded, dataset)
        made[latents] = Made(loaded, fitted)
        gained = gains(made[latents], dataset)
        between = halfway(made[latents], dataset, sizes.pairs)
        densities[latents] = {
            "model": name,
            **gained,
            **clock,
            "halfway": between,
        }
        print(densities[latents], file=sys.stderr)
    if not quick:
        draw(made, dataset, RESULTS)
    return {
        "what": "images drawn by class from densities of the codes of Fashion-MNIST's "
        "training images: gains in nats per test image, accuracies on real test "
        "images, distances to the nearest training image",
        **origin,
        "densities": densities,
        "learnt_from": learnt_from(made, dataset, sizes),
        "distances": distances(made, dataset, sizes.near),
    }


if __name__ == "__main__":
    run(measure)
