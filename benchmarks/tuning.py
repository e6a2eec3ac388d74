"""What each choice of the default recipe is worth: it is changed one thing at a time and measured on a validation split.

    python benchmarks/tuning.py           # 18 variants, 4 epochs each but for the last two; about 20 minutes
    python benchmarks/tuning.py --quick   # one epoch each on digits; writes nothing

Trains on the first 50,000 training images of Fashion-MNIST and measures on the other 10,000; the test images are not
touched. Writes benchmarks/results/tuning.json.
"""

import argparse
import json
import os
import time
from dataclasses import replace
from functools import partial
from unittest import mock

from record import provenance, write

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

# name: {part of the recipe: what becomes of it}
VARIANTS = {
    "kept": {},
    "kept, another seed": dict(seed=1),
    "kept, a third seed": dict(seed=2),
    "batches of 64, rate 2e-3": dict(batch_size=64, learning_rate=2e-3),
    "batches of 256, rate 5e-3": dict(batch_size=256, learning_rate=5e-3),
    "rate 2e-3": dict(learning_rate=2e-3),
    "rate 1e-2": dict(learning_rate=1e-2),
    "Adam's own memory, beta_2 = 0.999": dict(
        adam=lambda Adam, rate, beta_2: Adam(rate)
    ),
    "constant rate 2e-3": dict(
        adam=lambda Adam, rate, beta_2: Adam(2e-3, beta_2=beta_2)
    ),
    "RMSprop, constant rate 1e-3": dict(optimizer="rmsprop", learning_rate=1e-3),
    "encoder ends in 16 units": dict(encoder=dict(hidden=[16])),
    "no Fourier features": dict(decoder=dict(fourier_features=0)),
    "128 Fourier features": dict(decoder=dict(fourier_features=128)),
    "frequencies twice as high": dict(decoder=dict(fourier_scale=2.0)),
    "no dense layers before the decoder's convolutions": dict(decoder=dict(hidden=[])),
    "the article's convolutions, twice as wide": dict(
        encoder=dict(filters=[32, 64]), decoder=dict(filters=[64, 32])
    ),
    "ten epochs": dict(epochs=10),
    "twenty epochs, as the recipe has": dict(epochs=20),
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="one epoch each on digits; writes nothing"
    )
    quick = parser.parse_args().quick
    origin = provenance("vae_nb", "keras", "tensorflow", "numpy")
    from keras.optimizers import Adam

    from vae_nb import load_dataset, recipe_settings
    from vae_nb.training import _train

    dataset = load_dataset("digits" if quick else "fashion_mnist")
    split = len(dataset.train_images) * 5 // 6
    dataset = replace(
        dataset,
        train_images=dataset.train_images[:split],
        train_labels=dataset.train_labels[:split],
        test_images=dataset.train_images[split:],
        test_labels=dataset.train_labels[split:],
    )
    rows, epochs = [], 1 if quick else 4
    for name, change in VARIANTS.items():
        if quick and "epochs" in change:
            continue
        settings = recipe_settings(epochs=epochs)
        for part, value in change.items():
            settings[part] = (
                settings[part] | value if isinstance(value, dict) else value
            )
        optimizer = partial(settings.pop("adam"), Adam) if "adam" in settings else Adam
        start = (
            time.process_time()
        )  # of all cores, so that other work on the machine counts little
        with mock.patch(
            "keras.optimizers.Adam", optimizer
        ):  # its memory and schedule are no settings of a recipe
            run = _train(dataset, settings)
        rows.append(
            {
                "variant": name,
                "change": {
                    part: value for part, value in change.items() if part != "adam"
                },
                "processor_seconds": time.process_time() - start,
                "parameters": run.config["parameters"],
                "validation": run.metrics,
            }
        )
        print(
            f"{name}: validation -ELBO {run.metrics['negative_elbo']:.2f}", flush=True
        )
    results = {
        "what": f"the default recipe, {epochs} epochs where not said otherwise, on {split:,} training images, "
        f"validated on the other {len(dataset.test_images):,}; seed 0",
        **origin,
        "settings": recipe_settings(epochs=epochs),
        "rows": rows,
    }
    if quick:
        return print(json.dumps(results, indent=2))
    write("tuning", results)


if __name__ == "__main__":
    main()
