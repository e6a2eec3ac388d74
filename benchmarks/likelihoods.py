"""One network under each likelihood: nats, and bits a pixel where the outcome is discrete; and the same images as PNG files.

python benchmarks/likelihoods.py           # Fashion-MNIST, about ten minutes on two cores
python benchmarks/likelihoods.py --quick   # digits, one epoch, prints and writes nothing
"""

import argparse
import io
import json

import numpy as np
from PIL import Image
from record import provenance, write

from vae_nb import bits_per_pixel, load_dataset, train
from vae_nb.likelihoods import LIKELIHOODS

EXPLAINS = {
    "bernoulli": "grey images as averages of coins",
    "binarized_bernoulli": "black and white images, tossed anew",
    "continuous_bernoulli": "densities on [0, 1]",
    "gaussian": "densities",
    "discretized_logistic": "256 levels",
}
DISCRETE = ("binarized_bernoulli", "discretized_logistic")


def png_bits(images: np.ndarray) -> float:
    "Bits a pixel of the images, each as a PNG file of its own, as small as the encoder can make it."
    total = 0
    for image in np.round(images[..., 0] * 255).astype("uint8"):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG", optimize=True)
        total += file.getbuffer().nbytes
    return 8 * total / images.size


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("--quick", action="store_true")
quick = parser.parse_args().quick
dataset, epochs, seed = (
    load_dataset("digits" if quick else "fashion_mnist"),
    1 if quick else 10,
    0,
)

record = {
    **provenance("tensorflow", "keras", "numpy", "pillow"),
    "dataset": dataset.name,
    "recipe": "default",
    "epochs": epochs,
    "seed": seed,
    "png_bits_per_pixel": png_bits(dataset.test_images),
    "runs": [],
}
for name in LIKELIHOODS:
    run = train(dataset, epochs=epochs, seed=seed, likelihood=name)
    error = np.mean(
        (run.vae.reconstruct(dataset.test_images) - dataset.test_images) ** 2
    )
    bits = (
        float(bits_per_pixel(run.metrics["negative_elbo"], dataset.image_shape))
        if name in DISCRETE
        else None
    )
    record["runs"].append(
        {
            "likelihood": name,
            "explains": EXPLAINS[name],
            "parameters": run.config["parameters"],
            **run.metrics,
            "bits_per_pixel": bits,
            "squared_error": float(error),
        }
    )
    print(name, run.metrics)
print(json.dumps(record, indent=2))
if not quick:
    write("likelihoods", record)
