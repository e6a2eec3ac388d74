"""Does the KL fall as beta rises, and does no run collapse?

    python benchmarks/collapse.py           # 72 trainings; about 15 minutes
    python benchmarks/collapse.py --quick   # 1 of one epoch, on digits; writes nothing

The default recipe on 4,000 images of Fashion-MNIST and on digits, with 2 and with 16
latents, beta from 1/2 to 4, three seeds each; on clothes both with and without a KL
warm-up, which it has with 16 latents and not with 2. The KL is of the test images.
Writes benchmarks/results/collapse.json.
"""

import sys
import warnings
from dataclasses import replace
from itertools import product

from harness import provenance, run, timed

from vae_nb import Dataset, active_latents, load_dataset, train

IMAGES = 4_000
BETAS = [0.5, 1.0, 2.0, 4.0]


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
    kinds = [  # data, latents, KL warm-up; None: the recipe's
        ("fashion_mnist", 2, None),
        ("fashion_mnist", 2, 0.1),
        ("fashion_mnist", 16, None),
        ("fashion_mnist", 16, 0.0),
        ("digits", 2, None),
        ("digits", 16, None),
    ]
    betas, seeds = BETAS, [0, 1, 2]
    if quick:
        kinds, betas, seeds = kinds[4:5], [1.0], [0]
    rows = []
    for (name, latent_dim, kl_warmup), seed, beta in product(kinds, seeds, betas):
        dataset = some(name)
        chosen = dict(latent_dim=latent_dim, kl_warmup=kl_warmup, beta=beta, seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of collapse, which is counted here
            epochs = 1 if quick else None
            trained, clock = timed(train, dataset, epochs=epochs, **chosen)
        rows.append(
            {
                "data": name,
                **chosen,
                "kl_warmup": trained.config["kl_warmup"],
                "kl": trained.metrics["kl_loss"],
                "active_latents": len(active_latents(trained.vae, dataset.test_images)),
                "seconds": clock["seconds"],
            }
        )
        print(rows[-1], file=sys.stderr)
    return {
        "what": f"the default recipe on at most {IMAGES:,} images; nats per image",
        **origin,
        "rows": rows,
    }


if __name__ == "__main__":
    run(measure)
