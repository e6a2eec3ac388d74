"""The latent explorer in a browser: its numbers are Keras', and a reader moves it."""

import json
import os
import re
import shutil
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

SITE = Path(__file__).resolve().parent.parent / "nbs" / "_static"
DRAWN = """
const done = arguments[1], began = performance.now(), ready = () => eval(arguments[0]);
const look = () => ready() || performance.now() - began > 90000
  ? done(Boolean(ready())) : setTimeout(look, 30);
look();
"""
NUMBERS = """
const cells = [...document.querySelectorAll("#account [data-key]")];
return Object.fromEntries(cells.map((cell) => [cell.dataset.key, cell.textContent]));
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


def shown(
    browser: webdriver.Chrome, page: Path, width=1400, until=WHOLE, **device
) -> None:
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
    texts = browser.execute_script(NUMBERS)
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
    h = layers.Concatenate()(
        [layers.Conv2D(4, 2, strides=2)(h)] * 1
        + [layers.Conv2D(2, 2, strides=2, activation="tanh")(h)]
    )
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


# What a reader sees and does


@pytest.fixture(scope="module")
def clothes(tmp_path_factory) -> tuple[vae_nb.VAE, np.ndarray, Path]:
    "The pretrained model, forty test images as they are in the page, and the page."
    dataset = vae_nb.load_dataset("fashion_mnist")
    vae, images = vae_nb.load_pretrained().vae, dataset.test_images[:40]
    options: dict = {"labels": dataset.test_labels[:40]}
    options["class_names"] = dataset.class_names
    folder = tmp_path_factory.mktemp("clothes")
    return vae, images, page_of(vae, folder, images=images, **options)


def state(browser: webdriver.Chrome, what: str):
    return browser.execute_script(f"return vae_nb.app.{what}")


def settled(browser: webdriver.Chrome, script: str) -> None:
    "Do something, and wait until the page has found the truth about it."
    browser.execute_script(f"vae_nb.app.truthReady = false; {script}")
    ready = "vae_nb.app.truthReady && vae_nb.app.account.gap !== null"
    assert browser.execute_async_script(DRAWN, ready)


def test_the_numbers_on_the_screen_are_those_of_the_evaluation(browser, clothes):
    vae, images, page = clothes
    shown(browser, page)
    truth, _ = vae_nb.exact_log_likelihood(vae, images[[1, 23]])
    for i, log_px in zip((1, 23), truth):
        browser.find_element(By.ID, f"thumb-{i}").click()
        gap = vae_nb.posterior_kl(vae, images[i])
        numbers = account(browser)
        assert abs(numbers["logPx"] - log_px) < 0.02
        assert abs(numbers["gap"] - gap) < 0.02
        assert abs(numbers["elbo"] - (log_px - gap)) < 0.02
        terms = numbers["reconstruction"] - numbers["kl"]
        assert abs(terms - numbers["elbo"]) < 0.015  # both are rounded
    # found in the page, as for an image of one's own
    own = browser.execute_async_script(
        "vae_nb.account(arguments[0]).then(arguments[1])", images[1].ravel().tolist()
    )
    for key in ("elbo", "logPx", "gap"):
        known = state(browser, f"images.account(1).{key}")
        assert abs(own[key] - known) < 0.02, key


def test_a_mouse_moves_chooses_and_zooms(browser, clothes):
    shown(browser, clothes[2])
    plane = browser.find_element(By.ID, "plane")
    assert state(browser, "decodeTime") < 20
    before = state(browser, "state.z")
    mouse = ActionChains(browser, duration=50)
    mouse.move_to_element_with_offset(plane, -60, 90).click_and_hold()
    mouse.move_by_offset(150, -40).move_by_offset(10, 0).release().perform()
    z = state(browser, "state.z")
    x, y = state(
        browser, "plane.toScreen(vae_nb.app.state.z[0], vae_nb.app.state.z[1])"
    )
    half = plane.size["width"] / 2
    assert z != before and abs(x - half - 100) < 2 and abs(y - half - 50) < 2
    told = browser.find_element(By.ID, "readout").text
    assert f"{z[0]:.2f}".replace("-", "−") in told
    browser.find_element(By.CSS_SELECTOR, "[value=points] + span").click()
    goal = (state(browser, "state.chosen") + 1) % 40
    x, y = state(browser, f"plane.place({goal})")
    mouse = ActionChains(browser, duration=0)
    mouse.move_to_element_with_offset(plane, round(x - half), round(y - half))
    mouse.click().perform()
    a, b = state(browser, f"plane.place({state(browser, 'state.chosen')})")
    assert np.hypot(a - x, b - y) < 3  # that image, or one that lies on it
    reach = state(browser, "plane.view.reach")
    ActionChains(browser).scroll_from_origin(_at(plane), 0, -300).perform()
    assert state(browser, "plane.view.reach") < reach
    browser.find_element(By.ID, "zoom-reset").click()
    assert abs(state(browser, "plane.view.reach") - 3.22) < 0.01
    Select(browser.find_element(By.ID, "strip-class")).select_by_visible_text("Bag")
    browser.find_element(By.ID, "unlikely").click()
    bag = state(browser, "state.chosen")
    of_bags = state(browser, "strip.order.map((i) => vae_nb.app.images.likely(i))")
    assert state(browser, f"images.labels[{bag}]") == 8 and of_bags == sorted(of_bags)
    assert state(browser, f"images.likely({bag})") == of_bags[0]


def _at(element):
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin

    return ScrollOrigin.from_element(element)


def test_keys_reach_and_do_everything(browser, clothes):
    shown(browser, clothes[2])
    body = browser.find_element(By.TAG_NAME, "body")
    reached = []
    for _ in range(40):
        body.send_keys(Keys.TAB)
        reached.append(browser.execute_script("return document.activeElement.id"))
    controls = browser.execute_script(
        "return [...document.querySelectorAll('main button, main select, main canvas"
        "[tabindex], #strip, main input:not([type=file], [type=radio])')]"
        ".filter((e) => e.checkVisibility() && !e.closest('#legend') && !e.disabled)"
        ".map((e) => e.id)"
    )
    assert len(controls) > 20 and set(controls) - set(reached) == set()
    plane, z = browser.find_element(By.ID, "plane"), state(browser, "state.z")
    plane.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_UP, Keys.SHIFT + Keys.ARROW_UP)
    moved = state(browser, "state.z")
    assert moved[0] > z[0] and moved[1] > z[1] + 0.5
    plane.send_keys(Keys.HOME)
    assert state(browser, "state.z") == z
    plane.send_keys(Keys.SHIFT + Keys.ARROW_RIGHT, Keys.NULL, Keys.ENTER)
    assert state(browser, "state.z") == state(browser, "state.q.mean")
    reach = state(browser, "plane.view.reach")
    plane.send_keys("++-")
    assert state(browser, "plane.view.reach") < reach
    browser.find_element(By.CSS_SELECTOR, "[value=pictures]").send_keys(
        Keys.ARROW_RIGHT
    )
    assert state(browser, "state.mode") == "images"
    strip = browser.find_element(By.ID, "strip")
    strip.send_keys(Keys.HOME, Keys.ARROW_RIGHT)
    assert state(browser, "state.chosen") == 1
    assert strip.get_attribute("aria-activedescendant") == "thumb-1"
    legend = browser.find_element(By.CSS_SELECTOR, "#legend button")
    legend.send_keys(Keys.ARROW_RIGHT)
    browser.switch_to.active_element.send_keys(Keys.SPACE)
    assert state(browser, "state.hidden.has(1)") and not state(
        browser, "state.hidden.has(0)"
    )
    pad = browser.find_element(By.ID, "pad")
    pad.send_keys(" ", Keys.ARROW_UP, " ")
    assert state(browser, "state.chosen") is None
    assert "Your own image" in browser.find_element(By.ID, "which").text


def test_fingers_move_and_pinch(browser, clothes):
    shown(browser, clothes[2], width=390, mobile=True)
    plane = browser.find_element(By.ID, "plane")
    browser.execute_script("arguments[0].scrollIntoView()", plane)
    box = plane.rect
    top = browser.execute_script(
        "return arguments[0].getBoundingClientRect().top", plane
    )

    def touch(kind: str, *points) -> None:
        at = [
            {"x": box["x"] + x, "y": top + y, "id": n}
            for n, (x, y) in enumerate(points)
        ]
        order = {"type": f"touch{kind}", "touchPoints": at}
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", order)

    touch("Start", (100, 100))
    for x in (120, 160, 200):
        touch("Move", (x, 120))
    touch("End")
    x, y = state(
        browser, "plane.toScreen(vae_nb.app.state.z[0], vae_nb.app.state.z[1])"
    )
    assert abs(x - 200) < 2 and abs(y - 120) < 2
    reach = state(browser, "plane.view.reach")
    touch("Start", (150, 150), (200, 150))
    touch("Move", (100, 150), (250, 150))
    touch("End")
    assert state(browser, "plane.view.reach") < reach / 2


def test_a_walk_arrives_and_one_draws_an_image(browser, clothes):
    shown(browser, clothes[2])
    Select(browser.find_element(By.ID, "walk-to")).select_by_visible_text(
        "a typical Ankle boot"
    )
    motion = {"name": "prefers-reduced-motion", "value": "reduce"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [motion]})
    browser.find_element(By.ID, "walk-play").click()  # at once, then
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    goal = state(browser, "state.walk.goal")
    assert state(browser, f"images.labels[{goal}]") == 9
    assert state(browser, "state.z") == state(browser, f"images.mean({goal})")
    settled(browser, "document.getElementById('start-from').click()")
    numbers = account(browser)
    known = state(browser, "images.account(vae_nb.told.first)")
    assert state(browser, "state.chosen") is None
    assert all(abs(numbers[key] - known[key]) < 0.02 for key in numbers)
    pad = browser.find_element(By.ID, "pad")
    mouse = ActionChains(browser, duration=20).move_to_element(pad).click_and_hold()
    mouse.move_by_offset(0, 30).move_by_offset(30, 0).release().perform()
    assert state(browser, "pad.values[14 * 28 + 14]") == 1


# For everyone


def test_axe_finds_nothing_serious_and_nothing_is_too_wide(browser, clothes):
    axe = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
    shown(browser, clothes[2])
    browser.execute_script(axe)
    for theme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": theme}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        assert browser.execute_async_script(AXE, {}) == [], theme
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    for width in (360, 390, 800, 2560):
        screen = dict(width=width, height=800, deviceScaleFactor=1, mobile=False)
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width


def test_it_shows_itself_in_a_frame_as_high_as_it_is(browser, clothes, tmp_path):
    vae, images, _ = clothes
    bundle = vae_nb.latent_explorer(vae, images[:4], exact=False)._repr_mimebundle_()
    assert (
        bundle["image/png"].startswith("iVBOR") and "4 images" in bundle["text/plain"]
    )
    page = tmp_path / "notebook.html"
    page.write_text(f"<!doctype html><title>notebook</title>{bundle['text/html']}")
    browser.get(page.as_uri())
    browser.switch_to.frame(0)
    assert browser.execute_async_script(DRAWN, WHOLE)
    inside = browser.execute_script("return document.body.scrollHeight")
    browser.switch_to.default_content()
    frame = browser.find_element(By.TAG_NAME, "iframe")
    assert inside <= frame.size["height"] < inside + 60
    assert complaints(browser) == []


@pytest.mark.parametrize(
    "vae, count, options",
    [
        (lambda: built((8, 8, 1), 1, "bernoulli", DENSE, DENSE), 12, {}),
        (
            lambda: built((8, 8, 1), 2, "bernoulli", DENSE, DENSE),
            1200,
            {"labels": np.arange(1200) % 1000},
        ),
        (lambda: built((8, 8, 1), 2, "bernoulli", DENSE, DENSE), 1, {"labels": None}),
        (lambda: built((8, 6, 3), 5, "gaussian", DENSE, DENSE), 12, {}),
    ],
    ids=[
        "one latent",
        "a thousand classes",
        "one image without a class",
        "five latents",
    ],
)
def test_odd_models_get_a_sensible_page(browser, tmp_path, vae, count, options):
    shown(browser, page_of(vae(), tmp_path, count, exact=False, **options))
    browser.find_element(By.ID, "next").click()
    for mode in ("images", "points"):
        browser.find_element(By.CSS_SELECTOR, f"[value={mode}] + span").click()
    for slider in browser.find_elements(By.CSS_SELECTOR, ".sliders input")[:1]:
        slider.send_keys(Keys.ARROW_RIGHT)
        assert state(browser, f"state.z[{slider.get_attribute('data-latent')}]") != 0
    assert complaints(browser) == []


@pytest.mark.parametrize("beta", [False, True])
def test_the_small_figures_move_and_their_accounts_add_up(browser, tmp_path, beta):
    page = tmp_path / "figure.html"
    page.write_text(vae_nb.BeliefFigure(beta).html(), encoding="utf-8")
    shown(browser, page, width=390, until="window.vae_nb?.numbers")
    for mean, sigma in ((0.3, 0.9), (-1.5, 0.1)):
        found = browser.execute_script(f"return vae_nb.numbers({mean}, {sigma})")
        assert abs(found["elbo"] + found["gap"] - found["logPx"]) < 1e-6
    if beta:
        slider = browser.find_element(By.ID, "beta")
        slider.send_keys(Keys.END)
        assert "draws q to the prior" in browser.find_element(By.ID, "said").text
        assert (
            abs(float(browser.find_element(By.ID, "mean").get_property("value"))) < 0.1
        )
    else:
        best = browser.find_element(By.CSS_SELECTOR, "#buttons button")
        best.click()
        found = account(browser)
        assert found["gap"] < 0.6  # one peak of two: log 2, less what they overlap
    browser.execute_script((files("axe_core_python") / "axe.min.js").read_text("utf-8"))
    assert browser.execute_async_script(AXE, {}) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390


# What is refused


class Odd(keras.layers.Layer):
    def call(self, x):
        return x


def odd_layer(layer) -> vae_nb.VAE:
    vae = built((8, 8, 1), 2, "bernoulli", DENSE, DENSE)
    decoder = keras.Model(vae.decoder.input, layer(vae.decoder.output))
    return vae_nb.VAE(vae.encoder, decoder)


GREY = np.zeros((4, 8, 8, 1), "float32")
REFUSED = {
    "is a Odd, which only Keras can run": (lambda: odd_layer(Odd()), GREY, {}),
    "with activation": (
        lambda: odd_layer(layers.Activation("tanh_shrink")),
        GREY,
        {},
    ),
    "there are no images": (None, GREY[:0], {}),
    "images have shape (4, 8, 7, 1)": (None, GREY[:, :, :7], {}),
    "divide 8-bit images by 255": (None, GREY + 200, {}),
    "labels have shape (3,)": (None, GREY, {"labels": [0, 1, 2]}),
    "give a name for each": (
        None,
        GREY,
        {"labels": [0, 1, 2, 3], "class_names": ["a", "b"]},
    ),
    "expected at least 1 image": (None, GREY, {"most": 0}),
    "not among the images shown": (None, GREY, {"first": 7}),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_the_page_cannot_show_is_refused_in_one_line(words):
    make, images, options = REFUSED[words]
    vae = make() if make else built((8, 8, 1), 2, "bernoulli", DENSE, DENSE)
    with pytest.raises(ValueError, match=re.escape(words)) as error:
        vae_nb.latent_explorer(vae, images, **options)
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
    vae = built((8, 8, 1), 2, "bernoulli", DENSE, DENSE)
    made = vae_nb.latent_explorer(vae, GREY, exact=False)
    now = made.save(tmp_path / "page.html", data="explorer-data.js")
    assert page == now.read_text(encoding="utf-8")  # else run 16_explorer.ipynb again
    told = json.loads(data.partition(" = ")[2].rstrip(";\n"))
    assert told["count"] == 1000 and told["truth"] == "grid"
    whole = tmp_path / "whole.html"
    link = '<script src="explorer-data.js"></script>'
    whole.write_text(page.replace(link, f"<script>{data}</script>"), encoding="utf-8")
    assert whole.stat().st_size < 5e6
    shown(browser, whole, until="window.vae_nb?.app")
    assert browser.execute_script("return vae_nb.timing.firstFrame") < 5000
