"""One network under each likelihood: nats, and bits per pixel of discrete outcomes.

    python benchmarks/likelihoods.py           # Fashion-MNIST, ten minutes on two cores
    python benchmarks/likelihoods.py --quick   # 100 digits, one epoch; writes nothing

Beside them the bits of the same images as PNG files. Writes
benchmarks/results/likelihoods.json.
"""

import io
from dataclasses import replace

import numpy as np
from harness import provenance, run
from PIL import Image

from vae_nb import Dataset, bits_per_pixel, load_dataset, train

EXPLAINS = {
    "bernoulli": "grey images as averages of coins",
    "binarized_bernoulli": "black and white images, tossed anew",
    "continuous_bernoulli": "densities on [0, 1]",
    "gaussian": "densities",
    "discretized_logistic": "256 levels",
}
DISCRETE = ("binarized_bernoulli", "discretized_logistic")


def png_bits(images: np.ndarray) -> float:
    "Bits per pixel of the images, each a PNG file as small as the encoder can make it."
    total = 0
    for image in np.round(images[..., 0] * 255).astype("uint8"):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG", optimize=True)
        total += file.getbuffer().nbytes
    return 8 * total / images.size


def trained_with(likelihood: str, dataset: Dataset, **settings) -> dict:
    trained = train(dataset, likelihood=likelihood, **settings)
    bits, images = None, dataset.test_images
    if likelihood in DISCRETE:
        bound = trained.metrics["negative_elbo"]
        bits = float(bits_per_pixel(bound, dataset.image_shape))
    return {
        "likelihood": likelihood,
        "explains": EXPLAINS[likelihood],
        "parameters": trained.config["parameters"],
        **trained.metrics,
        "bits_per_pixel": bits,
        "squared_error": float(
            np.mean((trained.vae.reconstruct(images) - images) ** 2)
        ),
    }


def measure(quick: bool) -> dict:
    origin = provenance("tensorflow", "keras", "numpy", "pillow")
    dataset = load_dataset("digits" if quick else "fashion_mnist")
    if quick:
        dataset = replace(
            dataset,
            train_images=dataset.train_images[:100],
            train_labels=dataset.train_labels[:100],
        )
    settings = dict(epochs=1 if quick else 10, seed=0)
    return {
        **origin,
        "dataset": dataset.name,
        "recipe": "default",
        **settings,
        "png_bits_per_pixel": png_bits(np.asarray(dataset.test_images)),
        "runs": [trained_with(name, dataset, **settings) for name in EXPLAINS],
    }


if __name__ == "__main__":
    run(measure)
