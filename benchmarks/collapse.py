"""Does the KL fall as beta rises, and does no run collapse? With and without a warm-up.

    python benchmarks/collapse.py           # 96 trainings; about 15 minutes
    python benchmarks/collapse.py --quick   # 2 of one epoch, on digits; writes nothing

The default recipe on 4,000 images of Fashion-MNIST and on digits, with 2 and with 16
latents, beta from 1/2 to 4, three seeds each, with a KL warm-up and without.
The KL is of the test images. Writes benchmarks/results/collapse.json.
"""

import sys
import warnings
from dataclasses import replace
from itertools import product

from harness import provenance, run, timed

from vae_nb import Dataset, active_latents, load_dataset, train

IMAGES = 4_000
BETAS = [0.5, 1.0, 2.0, 4.0]
WARM_UPS = [0.1, 0.0]


def some(name: str) -> Dataset:
    "At most so many of the training images."
    dataset = load_dataset(name)
    return replace(
        dataset,
        train_images=dataset.train_images[:IMAGES],
        train_labels=dataset.train_labels[:IMAGES],
    )


def measure(quick: bool) -> dict:
    origin = provenance("vae_nb", "keras", "tensorflow", "numpy")
    names = ("digits",) if quick else ("fashion_mnist", "digits")
    latents, betas, seeds = [2, 16], BETAS, [0, 1, 2]
    if quick:
        latents, betas, seeds = [2], [1.0], [0]
    settings = product(names, latents, WARM_UPS, seeds, betas)
    datasets, rows = {name: some(name) for name in names}, []
    for name, latent_dim, kl_warmup, seed, beta in settings:
        dataset = datasets[name]
        chosen = dict(latent_dim=latent_dim, kl_warmup=kl_warmup, beta=beta, seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of collapse, which is counted here
            epochs = 1 if quick else None
            trained, clock = timed(train, dataset, epochs=epochs, **chosen)
        rows.append(
            {
                "data": dataset.name,
                **chosen,
                "kl": trained.metrics["kl_loss"],
                "active_latents": len(active_latents(trained.vae, dataset.test_images)),
                "seconds": clock["seconds"],
            }
        )
        print(rows[-1], file=sys.stderr)
    return {
        "what": f"the default recipe on {IMAGES:,} images at most, with a KL warm-up "
        "over a tenth of the steps and without",
        **origin,
        "rows": rows,
    }


if __name__ == "__main__":
    run(measure)
