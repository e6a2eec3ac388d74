"""Which detector finds images that do not belong, on Fashion-MNIST and its model.

    python benchmarks/oddities.py          # two minutes
    python benchmarks/oddities.py --quick  # 200 images, digits instead of clothes

Areas under the ROC curve of sets of odd images against all test images: of the score,
of the -ELBO that it comes from, and of an isolation forest and the distance to the
nearest training image, on pixels and on codes. Writes benchmarks/results/oddities.json.
"""

from collections.abc import Callable

import numpy as np
from harness import provenance, run
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from vae_nb import VAE, find_oddities, load_dataset, load_pretrained

SEEDS = (0, 1, 2)
Detectors = dict[str, Callable[[np.ndarray], np.ndarray]]


def odd_sets(some: np.ndarray) -> dict[str, np.ndarray]:
    "Images that do not belong, by name; from some test images, and as large as they."
    rng, shape = np.random.default_rng(0), (len(some) // 4, *some.shape[1:])
    digits = load_dataset("digits")
    levels = np.arange(1, 256).reshape(-1, 1, 1, 1) / 255
    sets = {
        "digits": np.concatenate([digits.train_images, digits.test_images]),
        "upside down": some[:, ::-1],
        "turned by 90°": np.rot90(some, axes=(1, 2)),
        "mirrored": some[:, :, ::-1],
        "black": np.zeros(shape),
        "noise": rng.random(shape),
        "constant grey": np.broadcast_to(levels, (255, *shape[1:])),
        "half as bright": 0.5 * some,
    }
    return {name: np.ascontiguousarray(x, "float32") for name, x in sets.items()}


def detectors(vae: VAE, train: np.ndarray) -> Detectors:
    "The usual ones: functions from images to numbers, high for odd ones, by name."

    def pixels(x):
        return x.reshape(len(x), -1)

    def codes(x):
        return vae.encode(x)[0]

    found: Detectors = {}
    for where, features in {"pixels": pixels, "codes": codes}.items():
        learnt = features(train)
        near = NearestNeighbors(n_neighbors=1).fit(learnt)
        for seed in SEEDS:
            forest = IsolationForest(random_state=seed).fit(learnt)
            found[f"forest, {where}/{seed}"] = _outlyingness(forest, features)
        found[f"nearest, {where}"] = _distance(near, features)
    return found


def _outlyingness(forest: IsolationForest, features: Callable) -> Callable:
    return lambda x: -forest.score_samples(features(x))


def _distance(near: NearestNeighbors, features: Callable) -> Callable:
    return lambda x: near.kneighbors(features(x))[0][:, 0]


def auc(usual: np.ndarray, odd: np.ndarray) -> float:
    truth = np.repeat([0, 1], [len(usual), len(odd)])
    return float(roc_auc_score(truth, np.concatenate([usual, odd])))


def measure(quick: bool) -> dict:
    origin = provenance("vae_nb", "keras", "tensorflow", "numpy", "scikit-learn")
    dataset = load_dataset("digits" if quick else "fashion_mnist")
    few = 200 if quick else None
    train, test = dataset.train_images[:few], dataset.test_images[:few]
    run_of_ours = load_pretrained("fashion_mnist")
    vae = run_of_ours.vae
    areas: dict[str, dict] = {}
    each: dict[str, dict] = {}
    sets = odd_sets(test[:2000])
    usual = find_oddities(vae, test)
    entropy = vae.likelihood.entropy_floor(test)
    ours = {kind: find_oddities(vae, x) for kind, x in sets.items()}
    for name, what in {"score": "score", "−ELBO": "negative_elbo"}.items():
        of_usual = getattr(usual, what)
        each[name] = {k: auc(of_usual, getattr(o, what)) for k, o in ours.items()}
    for name, judge in detectors(vae, train).items():
        of_usual = judge(test)
        each[name] = {kind: auc(of_usual, judge(x)) for kind, x in sets.items()}
    names = list(dict.fromkeys(name.split("/")[0] for name in each))
    for kind in sets:
        areas[kind] = {}
        for name in names:
            values = [
                row[kind] for key, row in each.items() if key.split("/")[0] == name
            ]
            areas[kind][name] = float(np.mean(values))
            if len(values) > 1:
                areas[kind][f"{name}, seeds"] = values
    curve = {"level": (np.arange(1, 256) / 255).tolist()}
    for what in ("score", "negative_elbo"):
        ranked = np.sort(getattr(usual, what))
        below = np.searchsorted(ranked, getattr(ours["constant grey"], what)) / len(
            ranked
        )
        curve[what] = below.tolist()
    return {
        "what": "area under the ROC curve, odd images against test images",
        **origin,
        "model_sha256": run_of_ours.config["sha256"],
        "test_images": len(test),
        "training_images": len(train),
        "odd_images": {kind: len(x) for kind, x in sets.items()},
        "seeds": list(SEEDS),
        "draws": 5,
        "correlation_with_entropy": {
            what: float(np.corrcoef(getattr(usual, what), entropy)[0, 1])
            for what in ("negative_elbo", "score")
        },
        "detectors": names,
        "auc": areas,
        "grey": curve,
    }


if __name__ == "__main__":
    run(measure)
