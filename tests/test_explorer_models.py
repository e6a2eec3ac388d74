"""The explorer's scripts compute as Keras does; odd models get a page or a line."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from command import accepted, refused
from explorer_pages import WHOLE, browser, complaints, page_of, shown, state
from keras import layers
from models import (
    DENSE,
    FOUR,
    Odd,
    blocks,
    built,
    namesakes,
    odd_layer,
    residual,
    small,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import vae_nb

__all__ = ["browser"]  # a fixture
GREY = np.zeros((4, 8, 8, 1), "float32")
SITE = Path(__file__).resolve().parent.parent / "nbs" / "_static"


# JavaScript is Keras


ONE_SCALE = DENSE | {"shared_scale": True}
FEATURES = DENSE | {"fourier_features": 8}
MODELS = {
    "article": lambda: vae_nb.load_pretrained("fashion_mnist-article").vae,
    "truth": lambda: vae_nb.load_pretrained("fashion_mnist-truth").vae,
    "40 latents": lambda: vae_nb.load_pretrained("fashion_mnist-40d").vae,
    "8 bits": lambda: vae_nb.load_pretrained("fashion_mnist-8bit").vae,
    "odd size": lambda: built((13, 18, 3), 2, "discretized_logistic", FOUR, FOUR),
    "one scale": lambda: built((9, 9, 3), 2, "gaussian", DENSE, ONE_SCALE),
    "one latent": lambda: small(1),
    "three": lambda: built((8, 8, 1), 3, "continuous_bernoulli", DENSE, FEATURES),
    "forty, tossed": lambda: built((16, 16, 1), 40, "binarized_bernoulli", FOUR, FOUR),
    "colour mixed": lambda: built((7, 6, 3), 3, "mixture_of_logistics"),
    "residual blocks": blocks,
    "other layers": residual,
    "one name": namesakes,
}
COMPUTED = """
const [told, codes, pictures, done] = arguments;
const code = ({mean, sigma}) => [[...mean], [...sigma].map((s) => 2 * Math.log(s))];
load(told).then(({model}) => done({
  decoded: codes.map((z) => [...model.decode(z)]),
  codes: pictures.map((x) => code(model.encode(x))),
  logProb: codes.map((z) => model.logProb(pictures[0], z)),
}), (error) => done(String(error)));
"""


@pytest.fixture(scope="module")
def computing(browser, tmp_path_factory):
    "A page whose scripts take other models, too."
    whole = vae_nb.latent_explorer(small(), GREY, exact=False).html()
    began = "window.vae_nb = {};"
    assert whole.count(began) == 1
    page = tmp_path_factory.mktemp("scripts") / "page.html"
    page.write_text(whole.replace(began, f"{began} window.load = load;"), "utf-8")
    shown(browser, page)
    return page


@pytest.mark.parametrize("name", MODELS)
def test_javascript_is_keras(browser, computing, name):
    if browser.current_url != computing.as_uri():
        browser.get(computing.as_uri())
    vae, rng = MODELS[name](), np.random.default_rng(1)
    x = rng.integers(0, 256, (3, *vae.image_shape)).astype("float32") / 255
    if "tossed" in name or name == "40 latents":
        x = np.round(x)
    z = rng.standard_normal((5, vae.latent_dim)).astype("float32")
    told = vae_nb.latent_explorer(vae, x, exact=False).payload
    found = browser.execute_async_script(
        COMPUTED, told, z.tolist(), x.reshape(3, -1).tolist()
    )
    assert isinstance(found, dict), found
    decoded = np.reshape(found["decoded"], (5, *vae.image_shape))
    assert np.abs(decoded - vae.decode(z)).max() < 0.5 / 255
    codes = np.swapaxes(found["codes"], 0, 1)
    np.testing.assert_allclose(codes, vae.encode(x), atol=1e-3)
    log_prob = vae.likelihood.log_prob(np.repeat(x[:1], 5, axis=0), vae.decoder(z))
    np.testing.assert_allclose(found["logProb"], log_prob, 2e-4, 0.01)


# Odd models


@pytest.mark.parametrize(
    "vae, count, options",
    [
        (lambda: small(1), 12, {}),
        (lambda: small(2), 1200, {"labels": np.arange(1200) % 1000}),
        (lambda: small(2), 1, {"labels": None}),
        (lambda: built((8, 6, 3), 5, "gaussian"), 12, {}),
    ],
    ids=[
        "one latent",
        "a thousand classes",
        "one image without a class",
        "five latents",
    ],
)
def test_odd_models_get_a_sensible_page(browser, tmp_path, vae, count, options):
    page = page_of(vae(), tmp_path, count, exact=False, **options)
    shown(browser, page, width=390, until=WHOLE)
    browser.find_element(By.ID, "next").click()
    for mode in ("images", "points"):
        browser.find_element(By.CSS_SELECTOR, f"[value={mode}] + span").click()
    for slider in browser.find_elements(By.CSS_SELECTOR, ".sliders input")[:1]:
        slider.send_keys(Keys.ARROW_RIGHT)
        assert state(browser, f"state.z[{slider.get_attribute('data-latent')}]") != 0
    assert complaints(browser) == []


# What is refused


class Unknown(vae_nb.Bernoulli):
    "A likelihood that the page has never heard of."


FEW_NAMES = {"labels": [0, 1, 2, 3], "class_names": ["a", "b"]}
REFUSED = {
    "is a Odd, which only Keras can run": (lambda: odd_layer(Odd()), GREY, {}),
    "with activation": (
        lambda: odd_layer(layers.Activation("tanh_shrink")),
        GREY,
        {},
    ),
    "is a Unknown, which the page does not know": (
        lambda: vae_nb.VAE(small().encoder, small().decoder, Unknown()),
        GREY,
        {},
    ),
    "has 3 latents": (lambda: small(3), GREY, {"exact": True}),
    "there are no images": (small, GREY[:0], {}),
    "images have shape (4, 8, 7, 1)": (small, GREY[:, :, :7], {}),
    "divide 8-bit images by 255": (small, GREY + 200, {}),
    "labels have shape (3,)": (small, GREY, {"labels": [0, 1, 2]}),
    "give a name for each": (small, GREY, FEW_NAMES),
    "expected at least 1 image": (small, GREY, {"most": 0}),
    "not among the images shown": (small, GREY, {"first": 7}),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_the_page_cannot_show_is_refused_in_one_line(words):
    make, images, options = REFUSED[words]
    with pytest.raises(ValueError, match=re.escape(words)) as error:
        vae_nb.latent_explorer(make(), images, **options)
    assert "\n" not in str(error.value)


def test_the_command_writes_a_page_or_says_why_not(here):
    accepted("explore", "fashion_mnist", "-n", "4", "--out", "page.html")
    page = Path("page.html").read_text(encoding="utf-8")
    assert "<title>The latent explorer: fashion_mnist</title>" in page
    refused("explore", "--out", "nowhere/page.html", words="there is no folder nowhere")
    refused("explore", "--out", "page.png", words="does not end in .html")
    refused("explore", "elsewhere", "--out", "new.html", words="elsewhere")


# What is kept in the repository


def test_the_page_of_the_site_is_of_the_default_model_and_up_to_date(browser, tmp_path):
    page = (SITE / "explorer.html").read_text(encoding="utf-8")
    data = (SITE / "explorer-data.js").read_text(encoding="utf-8")
    made = vae_nb.latent_explorer(small(), GREY, exact=False)
    now = made.save(tmp_path / "page.html", data="explorer-data.js")
    assert page == now.read_text(encoding="utf-8")  # else run 16_explorer.ipynb again
    told = json.loads(data.partition(" = ")[2].rstrip(";\n"))
    assert told["count"] == 1000 and told["truth"] == "grid"
    whole = tmp_path / "whole.html"
    link = '<script src="explorer-data.js"></script>'
    whole.write_text(page.replace(link, f"<script>{data}</script>"), encoding="utf-8")
    assert whole.stat().st_size < 5e6
    shown(browser, whole)
    assert browser.execute_script("return vae_nb.timing.firstFrame") < 3000
