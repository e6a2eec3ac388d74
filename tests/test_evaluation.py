"""The evaluation card where it is easily wrong."""

import warnings

import numpy as np

from vae_nb import Dataset, build_vae, evaluate, make_recipe


def test_the_card_of_tossed_pixels_is_of_the_same_tosses_throughout():
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(30, 8, 8, 1)).astype("float32")
    labels = np.arange(30) % 2
    dataset = Dataset("grey", images, labels, images, labels, ("a", "b"))
    tossed, density = (
        build_vae((8, 8, 1), make_recipe(likelihood=name, latent_dim=1), 10)
        for name in ("binarized_bernoulli", "gaussian")
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they were never trained
        card = evaluate(tossed, dataset, images=30, k=50)
        of_density = evaluate(density, dataset, images=2, k=2)
    assert card["pixels"] == "black and white" and card["entropy_floor"] == 0
    assert not any("no code length" in note for note in card["notes"])
    exact, iwae = card["negative_exact"], card["negative_iwae"]
    assert exact < iwae + 0.1 < card["negative_elbo"] + 0.2
    # of the same pixels: an untrained q is near the prior, and p(x|z) near p(x)
    assert abs(card["negative_elbo"] - exact) < 3
    assert of_density["bits_a_pixel"] is None
    assert "density" in " ".join(of_density["notes"])
    assert "bits" not in str(of_density).replace("no bits", "")
