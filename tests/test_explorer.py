"""The latent explorer in a browser: what a reader sees, and moves."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from explorer_pages import (
    WHOLE,
    browser,
    complaints,
    shown,
    state,
    wait,
)
from models import small
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select
from test_site import AXE

import vae_nb

__all__ = ["browser"]  # a fixture
NUMBERS = """
const cells = [...document.querySelectorAll("#account [data-key]")];
return Object.fromEntries(cells.map((cell) => [cell.dataset.key, cell.textContent]));
"""
RING = "plane.toScreen(vae_nb.app.state.z[0], vae_nb.app.state.z[1])"
FEW = [*range(10), 13, 18, 19, 23, 30, 31, 34]  # of all classes; four of them bags


@pytest.fixture(scope="module")
def clothes(tmp_path_factory) -> tuple[vae_nb.VAE, np.ndarray, Path]:
    "The pretrained model, a few test images as they are in the page, and the page."
    dataset = vae_nb.load_dataset("fashion_mnist")
    vae, images = vae_nb.load_pretrained().vae, dataset.test_images[FEW]
    labels = dataset.test_labels[FEW]
    explorer = vae_nb.latent_explorer(vae, images, labels, dataset.class_names)
    page = tmp_path_factory.mktemp("clothes") / "page.html"
    return vae, images, explorer.save(page)


def account(browser: webdriver.Chrome) -> dict[str, float]:
    "The numbers of the table on the screen."
    texts = browser.execute_script(NUMBERS)
    return {key: float(text.replace("−", "-")) for key, text in texts.items()}


def truth_found(browser: webdriver.Chrome) -> bool:
    "Whether the page soon finds the posterior of what is chosen."
    return wait(browser, "vae_nb.app.truthReady && vae_nb.app.account.gap !== null")


def emulated(browser: webdriver.Chrome, **features: str) -> None:
    "As for a reader who prefers this."
    named = [{"name": name, "value": value} for name, value in features.items()]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": named})


# The numbers and the light


def on_grid(vae: vae_nb.VAE, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    "Mean and width of the true posterior, and KL(q || p(z|x)) in nats."
    axes, log_posterior = vae_nb.posterior_grid(vae, image)
    z = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    area = np.prod([axis[1] - axis[0] for axis in axes])
    p = np.exp(log_posterior.ravel()) * area
    mean = p @ z
    (code,), (log_var,) = vae.encode(image[None])
    log_q = -0.5 * ((z - code) ** 2 / np.exp(log_var) + log_var + np.log(2 * np.pi))
    log_q = log_q.sum(axis=1)
    gap = area * np.exp(log_q) @ (log_q - log_posterior.ravel())
    return mean, np.sqrt(p @ (z - mean) ** 2), gap


LIGHT = """
const {joint, box: {low, high}, n} = vae_nb.app.state.truth;
return [Array.from(joint), low, high, n];
"""


def light(browser: webdriver.Chrome) -> tuple[np.ndarray, np.ndarray]:
    "Mean and width of what shines in the page."
    joint, low, high, n = browser.execute_script(LIGHT)
    p = np.exp(np.array(joint) - max(joint))
    steps = (np.arange(n) + 0.5) / n
    axes = [a + (b - a) * steps for a, b in zip(low, high)]
    z = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    mean = p @ z / p.sum()
    return mean, np.sqrt(p @ (z - mean) ** 2 / p.sum())


def test_the_numbers_and_the_light_are_those_of_the_library(browser, clothes):
    vae, images, page = clothes
    shown(browser, page)
    truth, _ = vae_nb.exact_log_likelihood(vae, images[[1, 11]])
    for i, log_px in zip((1, 11), truth):
        browser.find_element(By.ID, f"thumb-{i}").click()
        assert truth_found(browser)
        mean, width, gap = on_grid(vae, images[i])
        assert np.all(np.abs(light(browser)[0] - mean) < 0.05 * width)
        np.testing.assert_allclose(light(browser)[1], width, rtol=0.05)
        numbers = account(browser)
        assert abs(numbers["logPx"] - log_px) < 0.02
        assert abs(numbers["gap"] - gap) < 0.02
        assert abs(numbers["elbo"] - (log_px - gap)) < 0.02
        terms = numbers["reconstruction"] - numbers["kl"]
        assert abs(terms - numbers["elbo"]) < 0.015  # both are rounded
    assert abs(gap - vae_nb.posterior_kl(vae, images[11])) < 0.005
    # found in the page, as for an image of one's own
    own = browser.execute_async_script(
        "vae_nb.account(arguments[0]).then(arguments[1])", images[1].ravel().tolist()
    )
    for key in ("elbo", "logPx", "gap"):
        known = state(browser, f"images.account(1).{key}")
        assert abs(own[key] - known) < 0.02, key


def test_the_page_offers_its_networks_to_the_console(browser, clothes):
    vae, images, page = clothes
    shown(browser, page)
    dims, shape, decoded, codes = browser.execute_script(
        "const {z_mean, z_log_var} = vae_nb.encode(arguments[0]);"
        "return [vae_nb.latent_dim, vae_nb.image_shape,"
        " [...vae_nb.decode([0.5, -1])], [[...z_mean], [...z_log_var]]]",
        images[3].ravel().tolist(),
    )
    assert (dims, shape) == (2, [28, 28, 1])
    wanted = vae.decode(np.array([[0.5, -1]], "float32"))
    assert np.abs(np.reshape(decoded, wanted.shape) - wanted).max() < 0.5 / 255
    np.testing.assert_allclose(
        codes, np.array(vae.encode(images[3:4]))[:, 0], atol=1e-3
    )


# What a reader does


def test_a_mouse_moves_chooses_and_zooms(browser, clothes):
    shown(browser, clothes[2])
    plane = browser.find_element(By.ID, "plane")
    assert state(browser, "decodeTime") < 20
    before = state(browser, "state.z")
    mouse = ActionChains(browser, duration=0)
    mouse.move_to_element_with_offset(plane, -60, 90).click_and_hold()
    mouse.move_by_offset(150, -40).move_by_offset(10, 0).release().perform()
    z, (x, y) = state(browser, "state.z"), state(browser, RING)
    half = plane.size["width"] / 2
    assert z != before and abs(x - half - 100) < 2 and abs(y - half - 50) < 2
    told = browser.find_element(By.ID, "readout").text
    assert f"{z[0]:.2f}".replace("-", "−") in told
    browser.find_element(By.CSS_SELECTOR, "[value=points] + span").click()
    goal = (state(browser, "state.chosen") + 1) % len(FEW)
    x, y = state(browser, f"plane.place({goal})")
    mouse = ActionChains(browser, duration=0)
    mouse.move_to_element_with_offset(plane, round(x - half), round(y - half))
    mouse.click().perform()
    a, b = state(browser, f"plane.place({state(browser, 'state.chosen')})")
    assert np.hypot(a - x, b - y) < 3  # that image, or one that lies on it
    reach = state(browser, "plane.view.reach")
    at_plane = ScrollOrigin.from_element(plane)
    ActionChains(browser, duration=0).scroll_from_origin(at_plane, 0, -300).perform()
    assert state(browser, "plane.view.reach") < reach
    browser.find_element(By.ID, "zoom-reset").click()
    assert abs(state(browser, "plane.view.reach") - 3.22) < 0.01


def test_the_least_likely_bag_is_found_in_two_steps(browser, clothes):
    shown(browser, clothes[2])
    Select(browser.find_element(By.ID, "strip-class")).select_by_visible_text("Bag")
    browser.find_element(By.ID, "unlikely").click()
    bag = state(browser, "state.chosen")
    of_bags = state(browser, "strip.order.map((i) => vae_nb.app.images.likely(i))")
    assert state(browser, f"images.labels[{bag}]") == 8 and of_bags == sorted(of_bags)
    assert state(browser, f"images.likely({bag})") == of_bags[0] and len(of_bags) == 4
    # or by the legend, where a double click leaves a class alone
    Select(browser.find_element(By.ID, "strip-class")).select_by_value("")
    bags = browser.find_element(
        By.XPATH, "//*[@id='legend']/button[contains(., 'Bag')]"
    )
    ActionChains(browser, duration=0).double_click(bags).perform()
    assert state(
        browser, "strip.order.map((i) => vae_nb.app.images.labels[i])"
    ) == 4 * [8]


def test_keys_reach_and_do_everything(browser, clothes):
    shown(browser, clothes[2])
    browser.execute_script(
        "window.reached = [];"
        "addEventListener('focusin', ({target}) => reached.push(target.id))"
    )
    ActionChains(browser, duration=0).send_keys(45 * Keys.TAB).perform()
    controls = browser.execute_script(
        "return [...document.querySelectorAll('main button, main select, main canvas"
        "[tabindex], #strip, main input:not([type=file], [type=radio])')]"
        ".filter((e) => e.checkVisibility() && !e.closest('#legend') && !e.disabled)"
        ".map((e) => e.id)"
    )
    reached = browser.execute_script("return reached")
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
    pictures = browser.find_element(By.CSS_SELECTOR, "[value=pictures]")
    pictures.send_keys(Keys.ARROW_RIGHT)
    assert state(browser, "state.mode") == "images"
    strip = browser.find_element(By.ID, "strip")
    strip.send_keys(Keys.HOME, Keys.ARROW_RIGHT)
    assert state(browser, "state.chosen") == 1
    assert strip.get_attribute("aria-activedescendant") == "thumb-1"
    legend = browser.find_element(By.CSS_SELECTOR, "#legend button")
    legend.send_keys(Keys.ARROW_RIGHT)
    browser.switch_to.active_element.send_keys(Keys.SPACE)
    hidden = browser.execute_script("return [...vae_nb.app.state.hidden]")
    assert hidden == [1]
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
    x, y = state(browser, RING)
    assert abs(x - 200) < 2 and abs(y - 120) < 2
    reach = state(browser, "plane.view.reach")
    touch("Start", (150, 150), (200, 150))
    touch("Move", (100, 150), (250, 150))
    touch("End")
    assert state(browser, "plane.view.reach") < reach / 2


def test_a_shoe_turns_into_a_boot_and_one_draws_an_image(browser, clothes):
    shown(browser, clothes[2])
    start, end = (browser.find_element(By.ID, f"walk-{end}") for end in ("start", "to"))
    Select(start).select_by_visible_text("a typical Sneaker")
    Select(end).select_by_visible_text("a typical Ankle boot")
    emulated(browser, **{"prefers-reduced-motion": "reduce"})
    browser.find_element(By.ID, "walk-play").click()  # at once, then
    emulated(browser)
    chosen, goal = state(browser, "state.chosen"), state(browser, "state.walk.goal")
    assert state(browser, f"images.labels[{chosen}]") == 7
    assert start.get_property("value") == "7"
    assert state(browser, f"images.labels[{goal}]") == 9
    assert state(browser, "state.z") == state(browser, f"images.mean({goal})")
    # a goal that was clicked stays, whatever is chosen afterwards
    Select(end).select_by_value("click")
    browser.find_element(By.ID, "thumb-2").click()
    for other in (4, 5):
        browser.find_element(By.ID, f"thumb-{other}").click()
        walk = state(browser, "state.walk.goal"), state(browser, "state.chosen")
        assert walk == (2, other)
    known = state(browser, "images.account(5)")
    browser.find_element(By.ID, "start-from").click()
    assert truth_found(browser)
    numbers = account(browser)
    assert state(browser, "state.chosen") is None
    assert all(abs(numbers[key] - known[key]) < 0.02 for key in numbers)
    pad = browser.find_element(By.ID, "pad")
    mouse = ActionChains(browser, duration=0).move_to_element(pad).click_and_hold()
    mouse.move_by_offset(0, 30).move_by_offset(30, 0).release().perform()
    assert state(browser, "pad.values[14 * 28 + 14]") == 1


# For everyone


@pytest.fixture(scope="module")
def axe() -> str:
    return (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")


def test_axe_finds_nothing_serious_and_nothing_is_too_wide(browser, clothes, axe):
    shown(browser, clothes[2], until=WHOLE)
    browser.execute_script(axe)
    for theme in ("light", "dark"):
        emulated(browser, **{"prefers-color-scheme": theme})
        assert browser.execute_async_script(AXE, {}) == [], theme
    emulated(browser)
    for width in (360, 390, 800, 2560):
        screen = dict(width=width, height=800, deviceScaleFactor=1, mobile=False)
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width


def test_it_shows_itself_in_a_frame_as_high_as_it_is(browser, tmp_path):
    four = np.random.default_rng(0).uniform(size=(4, 8, 8, 1)).astype("float32")
    bundle = vae_nb.latent_explorer(small(), four, exact=False)._repr_mimebundle_()
    assert bundle["image/png"].startswith("iVBOR")
    assert "4 images" in bundle["text/plain"]
    page = tmp_path / "notebook.html"
    page.write_text(f"<!doctype html><title>notebook</title>{bundle['text/html']}")
    browser.get(page.as_uri())
    browser.switch_to.frame(0)
    assert wait(browser, WHOLE)
    inside = browser.execute_script("return document.body.scrollHeight")
    browser.switch_to.default_content()
    frame = browser.find_element(By.TAG_NAME, "iframe")
    assert inside <= frame.size["height"] < inside + 60
    assert complaints(browser) == []


@pytest.mark.parametrize("beta", [False, True])
def test_the_small_figures_move_and_their_accounts_add_up(browser, tmp_path, beta, axe):
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
        mean = browser.find_element(By.ID, "mean").get_property("value")
        assert abs(float(mean)) < 0.1
    else:
        browser.find_element(By.CSS_SELECTOR, "#buttons button").click()
        # one peak of two: log 2, less what they overlap
        assert account(browser)["gap"] < 0.6
    browser.execute_script(axe)
    assert browser.execute_async_script(AXE, {}) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
