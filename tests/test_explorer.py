"""The latent explorer in a real browser: its numbers are Keras', and a reader moves it."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import keras
import numpy as np
import pytest
from command import accepted, refused
from keras import layers
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select
from test_site import AXE, FLAGS

import vae_nb

HERE = Path(vae_nb.__file__).parent / "explorer_js"
SITE = Path(__file__).resolve().parent.parent / "nbs" / "_static"
DRAWN = """
const done = arguments[1], began = performance.now(), ready = () => eval(arguments[0]);
const look = () => ready() || performance.now() - began > 90000
  ? done(Boolean(ready())) : setTimeout(look, 30);
look();
"""
WHOLE = "window.vae_nb?.app?.truthReady && vae_nb.app.tilesReady"


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[webdriver.Chrome]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not (chromium and driver):
        missing = "no Chromium: apt-get install chromium chromium-driver"
        if os.environ.get("VAE_NB_REQUIRE_DATA"):
            pytest.fail(missing)
        pytest.skip(missing)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    logs = {"browser": "ALL", "performance": "ALL"}
    options.set_capability("goog:loggingPrefs", logs)
    for flag in FLAGS.split():
        options.add_argument(f"--{flag}")
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    started = webdriver.Chrome(options=options, service=Service(driver))
    started.set_script_timeout(120)
    yield started
    started.quit()


def shown(browser: webdriver.Chrome, page: Path, width=1400, until=WHOLE, **device) -> None:
    "Visit a page, wait until it is whole; it has asked for nothing and said nothing."
    screen = dict(width=width, height=900, deviceScaleFactor=1, mobile=False)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen | device)
    for kind in ("browser", "performance"):
        browser.get_log(kind)  # forgets what was before
    browser.get(page.as_uri())
    whole = browser.execute_async_script(DRAWN, until)
    assert complaints(browser) == [] and whole
    asked = [json.loads(entry["message"])["message"] for entry in logged(browser)]
    urls = [
        e["params"]["request"]["url"]
        for e in asked
        if e["method"] == "Network.requestWillBeSent"
    ]
    assert {url for url in urls if url != "data:,"} == {page.as_uri()}


def logged(browser: webdriver.Chrome) -> list[dict]:
    return browser.get_log("performance")


def complaints(browser: webdriver.Chrome) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser")]


def account(browser: webdriver.Chrome) -> dict[str, float]:
    "The numbers of the table on the screen."
    texts = browser.execute_script(
        "return Object.fromEntries([...document.querySelectorAll('#account [data-key]')]"
        ".map((cell) => [cell.dataset.key, cell.textContent]))"
    )
    return {key: float(text.replace("−", "-")) for key, text in texts.items()}


def page_of(vae, folder: Path, count: int = 12, name="page", **options) -> Path:
    "The explorer of a model with random images, or some given."
    shape = (count, *vae.image_shape)
    images = options.pop("images", None)
    if images is None:
        images = np.random.default_rng(0).uniform(size=shape).astype("float32")
    labels = options.pop("labels", np.arange(len(images)) % 3)
    explorer = vae_nb.latent_explorer(vae, images, labels, **options)
    return explorer.save(folder / f"{name}.html")


# JavaScript is Keras


def residual() -> vae_nb.VAE:
    "A model of layers that build_encoder and build_decoder do not use."
    x = keras.Input((12, 10, 3))
    h = layers.Conv2D(6, 3, padding="same", use_bias=False)(x)
    h = layers.BatchNormalization()(h)
    h = layers.Activation("gelu")(h)
    side = layers.Conv2D(6, 3, dilation_rate=2, padding="same", activation="elu")(h)
    h = layers.Add()([h, side])
    h = layers.Concatenate()([layers.Conv2D(4, 2, strides=2)(h)] * 1 + [
        layers.Conv2D(2, 2, strides=2, activation="tanh")(h)
    ])
    h = layers.Flatten()(layers.Dropout(0.5)(h))
    mean, log_var = layers.Dense(2)(h), layers.Dense(2)(h)
    encoder = keras.Model(x, [mean, log_var, vae_nb.Sampling(0)([mean, log_var])])
    z = keras.Input((2,))
    h = layers.Reshape((5, 4, 3))(layers.Dense(60, activation="softplus")(z))
    h = layers.UpSampling2D()(h)
    gate = layers.Conv2D(3, 3, padding="same", activation="sigmoid")(h)
    h = layers.ZeroPadding2D(((1, 1), (1, 1)))(layers.Multiply()([h, gate]))
    decoder = keras.Model(z, layers.Conv2D(3, 1)(h))
    norm = encoder.layers[2]
    norm.moving_mean.assign(np.linspace(-0.3, 0.2, 6))
    norm.moving_variance.assign(np.linspace(0.5, 2, 6))
    return vae_nb.VAE(encoder, decoder)


def built(shape, latents, likelihood="bernoulli", encoder=None, decoder=None):
    kind = vae_nb.LIKELIHOODS[likelihood](seed=0)
    per_pixel = {"params_per_pixel": kind.params_per_pixel}
    return vae_nb.VAE(
        vae_nb.build_encoder(shape, latents, seed=0, **(encoder or {})),
        vae_nb.build_decoder(shape, latents, seed=0, **per_pixel, **(decoder or {})),
        kind,
    )


DENSE = dict(filters=(), hidden=(32,), activation="silu")
FOUR = dict(filters=(8, 12), kernel_size=4)
MODELS = {
    "pretrained": lambda: vae_nb.load_pretrained().vae,
    "article": lambda: vae_nb.load_pretrained("fashion_mnist-article").vae,
    "truth": lambda: vae_nb.load_pretrained("fashion_mnist-truth").vae,
    "colour of an odd size": lambda: built(
        (13, 18, 3), 2, "discretized_logistic", FOUR, FOUR
    ),
    "colour, one scale": lambda: built(
        (9, 9, 3), 2, "gaussian", DENSE, DENSE | {"shared_scale": True}
    ),
    "one latent": lambda: built((8, 8, 1), 1, "bernoulli", DENSE, DENSE),
    "three latents": lambda: built(
        (8, 8, 1), 3, "continuous_bernoulli", DENSE, DENSE | {"fourier_features": 8}
    ),
    "forty latents": lambda: built((16, 16, 1), 40, "binarized_bernoulli", FOUR, FOUR),
    "other layers": residual,
}


@pytest.mark.parametrize("name", MODELS)
def test_javascript_is_keras(browser, tmp_path, name):
    vae = MODELS[name]()
    if name in ("pretrained", "article", "truth"):
        images = vae_nb.load_dataset("fashion_mnist").test_images[:12]
        page = page_of(vae, tmp_path, images=images, exact=False)
    else:
        page = page_of(vae, tmp_path, 3, exact=False)
    shown(browser, page, until="window.vae_nb?.app")
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (3, *vae.image_shape)) / 255
    if "binarized" in name:
        x = np.round(x)
    z = rng.standard_normal((5, vae.latent_dim)).astype("float32")
    found = browser.execute_script(
        "return [vae_nb.latent_dim, vae_nb.image_shape,"
        " arguments[0].map((z) => [...vae_nb.decode(z)]),"
        " arguments[1].map((x) => vae_nb.encode(x))"
        ".map(({z_mean, z_log_var}) => [[...z_mean], [...z_log_var]])]",
        z.tolist(),
        x.reshape(3, -1).tolist(),
    )
    assert found[:2] == [vae.latent_dim, list(vae.image_shape)]
    decoded = np.reshape(found[2], (5, *vae.image_shape))
    assert np.abs(decoded - vae.decode(z)).max() < 0.5 / 255
    codes = np.swapaxes(found[3], 0, 1)
    np.testing.assert_allclose(codes, vae.encode(x.astype("float32")), atol=1e-3)
