"""How soon the default recipe is where the article's is after its 100 epochs.

    python benchmarks/target.py           # 3 rounds; about 6 minutes
    python benchmarks/target.py --quick   # one epoch each on digits; writes nothing

Both are measured in turn on the article's own objective and data (beta = 1/2, all
70,000 images). An epoch of the article's recipe, compiled before, is timed before and
after each training of ours; 100 times their mean is its time. Ours runs from the call
of `train` until it returns, which includes compilation and a measurement on the test
images. Then the trained model is evaluated on all the data. Writes
benchmarks/results/target.json. Leave the machine alone meanwhile.
"""

import sys
from dataclasses import replace
from statistics import median

import numpy as np
from article import published_log
from harness import provenance, run, timed

from vae_nb import (
    RECIPES,
    Batches,
    build_vae,
    evaluate_elbo,
    join,
    load_dataset,
    train,
)


def measure(quick: bool) -> dict:
    origin = provenance("vae_nb", "keras", "tensorflow", "numpy")
    seeds, epochs = (1, 1) if quick else (3, 4)
    dataset = load_dataset("digits" if quick else "fashion_mnist")
    images = join(dataset.train_images, dataset.test_images)
    labels = np.concatenate([dataset.train_labels, dataset.test_labels])
    everything = replace(dataset, train_images=images, train_labels=labels)
    article = build_vae(dataset.image_shape, RECIPES["article"], steps=1)

    def article_epoch(images=images):
        article.fit(Batches(images, 64, seed=0), shuffle=False, verbose=0)

    article_epoch(images[:1000])  # compiles
    rounds = []
    for seed in range(seeds):
        _, before = timed(article_epoch)
        trained, ours = timed(train, everything, epochs=epochs, beta=0.5, seed=seed)
        _, after = timed(article_epoch)
        an_epoch = (before["seconds"] + after["seconds"]) / 2
        rounds.append(
            {
                "seed": seed,
                "article_seconds_an_epoch": an_epoch,
                "default_seconds": ours["seconds"],
                "default_loss": evaluate_elbo(trained.vae, images)["objective"],
                "times_faster": 100 * an_epoch / ours["seconds"],
            }
        )
        print(rounds[-1], file=sys.stderr)
    return {
        "what": f"the default recipe, {epochs} epochs at beta = 1/2 on all images, "
        "beside 100 epochs of the article's",
        **origin,
        "target_loss": float(published_log()["loss"][-1]),
        "epochs": epochs,
        "median_times_faster": median(r["times_faster"] for r in rounds),
        "rounds": rounds,
    }


if __name__ == "__main__":
    run(measure)
