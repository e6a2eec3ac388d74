"""How soon the default recipe reaches the article's last loss, beside the time that the article's recipe needs for its 100 epochs.

    python benchmarks/target.py           # 3 rounds; about 6 minutes
    python benchmarks/target.py --quick   # one epoch each on digits; writes nothing

Both are measured in turn on the article's own objective and data (beta = 1/2, all 70,000 images). An epoch of the
article's recipe, compiled before, is timed before and after each training of ours; 100 times their mean is its time.
Ours runs from the call of `train` until it returns, which includes compilation and a measurement on the test images.
Then the trained model is evaluated on all the data. Writes benchmarks/results/target.json. Leave the machine alone
meanwhile.
"""

import argparse
import json
import os
import time
from dataclasses import replace

import numpy as np
from record import provenance, root, write

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
EPOCHS = 3  # of the default recipe


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="one epoch each on digits; writes nothing"
    )
    quick = parser.parse_args().quick
    origin = provenance("vae_nb", "keras", "tensorflow", "numpy")
    from vae_nb import build_vae, evaluate_elbo, load_dataset, recipe_settings, train
    from vae_nb.training import _Batches

    dataset = load_dataset("digits" if quick else "fashion_mnist")
    everything = replace(
        dataset,
        train_images=np.concatenate([dataset.train_images, dataset.test_images]),
        train_labels=np.concatenate([dataset.train_labels, dataset.test_labels]),
    )
    published = np.genfromtxt(
        root / "nbs" / "article_history.csv", delimiter=",", names=True
    )
    article = build_vae(dataset.image_shape, recipe_settings("article"), steps=1)

    def seconds_of(work) -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    def article_epoch(images=everything.train_images):
        article.fit(_Batches(images, 64, seed=0), shuffle=False, verbose=0)

    article_epoch(everything.train_images[:1000])  # compiles
    rounds = []
    for seed in range(1 if quick else 3):
        before = seconds_of(article_epoch)
        start = time.perf_counter()
        run = train(everything, epochs=1 if quick else EPOCHS, beta=0.5, seed=seed)
        seconds = time.perf_counter() - start
        epoch = (before + seconds_of(article_epoch)) / 2
        loss = evaluate_elbo(run.vae, everything.train_images)["objective"]
        rounds.append(
            {
                "seed": seed,
                "article_seconds_an_epoch": epoch,
                "default_seconds": seconds,
                "default_loss": loss,
                "times_faster": 100 * epoch / seconds,
            }
        )
        print(json.dumps(rounds[-1]), flush=True)
    results = {
        "what": f"the default recipe, {EPOCHS} epochs at beta = 1/2 on all images, beside 100 epochs of the article's",
        **origin,
        "target_loss": float(published["loss"][-1]),
        "epochs": run.config["epochs"],
        "median_times_faster": float(np.median([r["times_faster"] for r in rounds])),
        "rounds": rounds,
    }
    if not quick:
        write("target", results)


if __name__ == "__main__":
    main()
