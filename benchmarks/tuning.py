"""What each choice of the default recipe is worth: changed one at a time, validated.

    python benchmarks/tuning.py           # 22 variants; about 10 minutes
    python benchmarks/tuning.py --quick   # 3, of one epoch, on digits; writes nothing

Each is trained for 4 epochs, but for the last two, on the first 50,000 training images
of Fashion-MNIST and measured on the other 10,000; the test images are not touched.
Writes benchmarks/results/tuning.json.
"""

import sys
from dataclasses import asdict, replace

from harness import provenance, run, timed

from vae_nb import (
    Dataset,
    Recipe,
    build_vae,
    completed,
    load_dataset,
    make_recipe,
    train,
)

# name: the settings that differ; of a network, the arguments that do
VARIANTS: dict[str, dict] = {
    "kept": {},
    "kept, another seed": dict(seed=1),
    "kept, a third seed": dict(seed=2),
    "batches of 128": dict(batch_size=128),
    "batches of 512, rate 8e-3": dict(batch_size=512, learning_rate=8e-3),
    "rate 2e-3": dict(learning_rate=2e-3),
    "rate 1e-2": dict(learning_rate=1e-2),
    "Adam's own memory, beta_2 = 0.999": dict(beta_2=0.999),
    "constant rate 1e-3": dict(schedule="constant", learning_rate=1e-3),
    "RMSprop, constant rate 1e-3": dict(
        optimizer="rmsprop", schedule="constant", learning_rate=1e-3
    ),
    "gradients as long as they are": dict(clipnorm=None),
    "KL warm-up over a tenth": dict(kl_warmup=0.1),
    "relu": dict(encoder=dict(activation="relu"), decoder=dict(activation="relu")),
    "variances without a bound": dict(encoder=dict(bounded=False)),
    "no Fourier features": dict(decoder=dict(fourier_features=0)),
    "64 Fourier features, frequencies half as high": dict(
        decoder=dict(fourier_features=64, fourier_scale=1.0)
    ),
    "an encoder of 256 and 256 units": dict(encoder=dict(hidden=[256, 256])),
    "a decoder of 256 and 512 units": dict(decoder=dict(hidden=[256, 512])),
    "a convolutional encoder": dict(encoder=dict(filters=[16, 32], hidden=[256, 128])),
    "the networks of larger images": dict(
        encoder=dict(filters=[16, 32], hidden=[256, 128]),
        decoder=dict(filters=[32, 16], hidden=[256, 256]),
    ),
    "twenty epochs": dict(epochs=20),
    "forty epochs, as the recipe has": dict(epochs=40),
}
QUICK = ("kept", "constant rate 1e-3", "no Fourier features")


def validation_split(dataset: Dataset) -> Dataset:
    "The last sixth of the training images in place of the test images."
    split = len(dataset.train_images) * 5 // 6
    return replace(
        dataset,
        train_images=dataset.train_images[:split],
        train_labels=dataset.train_labels[:split],
        test_images=dataset.train_images[split:],
        test_labels=dataset.train_labels[split:],
    )


def variant(recipe: Recipe, changes: dict) -> Recipe:
    "The recipe with changes, those of a network merged into its arguments."
    for network in {"encoder", "decoder"} & set(changes):
        arguments = {**getattr(recipe, network), **changes[network]}
        changes = {**changes, network: arguments}
    return replace(recipe, **changes)


def measure(quick: bool) -> dict:
    origin = provenance("vae_nb", "keras", "tensorflow", "numpy")
    dataset = validation_split(load_dataset("digits" if quick else "fashion_mnist"))
    recipe, rows = make_recipe(epochs=1 if quick else 4), []
    recipe = completed(recipe, dataset.image_shape)
    recipes = {name: variant(recipe, change) for name, change in VARIANTS.items()}
    for chosen in recipes.values():
        build_vae(dataset.image_shape, chosen, steps=1)  # fails now or never
    for name in QUICK if quick else VARIANTS:
        trained, clock = timed(train, dataset, recipes[name])
        rows.append(
            {
                "variant": name,
                "change": VARIANTS[name],
                # of all cores, so that other work on the machine counts little
                "processor_seconds": clock["processor_seconds"],
                "parameters": trained.config["parameters"],
                "validation": trained.metrics,
            }
        )
        bound = trained.metrics["negative_elbo"]
        print(f"{name}: validation -ELBO {bound:.2f}", file=sys.stderr)
    settings = asdict(recipe)
    return {
        "what": f"the default recipe, {recipe.epochs} epochs where not said otherwise, "
        f"on {len(dataset.train_images):,} training images, validated on the other "
        f"{len(dataset.test_images):,}; seed 0",
        **origin,
        "settings": {"recipe": settings.pop("name"), **settings},
        "rows": rows,
    }


if __name__ == "__main__":
    run(measure)
