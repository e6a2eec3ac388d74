"""Pages of the latent explorer in a browser."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import started
from selenium import webdriver

import vae_nb

WAIT = """
const done = arguments[1], began = performance.now(), ready = () => eval(arguments[0]);
const look = () => ready() || performance.now() - began > 90000
  ? done(Boolean(ready())) : setTimeout(look, 30);
look();
"""
STARTED = "window.vae_nb?.app"
WHOLE = "window.vae_nb?.app?.truthReady && vae_nb.app.tilesReady"


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[webdriver.Chrome]:
    browser = started(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.quit()


def shown(
    browser: webdriver.Chrome, page: Path, width=800, until=STARTED, **device
) -> None:
    "Visit a page, wait until it is there; it has asked for nothing and said nothing."
    screen = dict(width=width, height=900, deviceScaleFactor=1, mobile=False)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen | device)
    for kind in ("browser", "performance"):
        browser.get_log(kind)  # forgets what was before
    browser.get(page.as_uri())
    there = wait(browser, until)
    assert complaints(browser) == [] and there
    asked = [json.loads(entry["message"])["message"] for entry in logged(browser)]
    urls = [
        e["params"]["request"]["url"]
        for e in asked
        if e["method"] == "Network.requestWillBeSent"
    ]
    assert {url for url in urls if url != "data:,"} == {page.as_uri()}


def wait(browser: webdriver.Chrome, until: str) -> bool:
    "Whether something in the page becomes true soon."
    return browser.execute_async_script(WAIT, until)


def logged(browser: webdriver.Chrome) -> list[dict]:
    return browser.get_log("performance")


def complaints(browser: webdriver.Chrome) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser")]


def state(browser: webdriver.Chrome, what: str):
    return browser.execute_script(f"return vae_nb.app.{what}")


def page_of(vae, folder: Path, count: int = 12, **options) -> Path:
    "The explorer of a model with random images."
    shape = (count, *vae.image_shape)
    images = np.random.default_rng(0).uniform(size=shape).astype("float32")
    labels = options.pop("labels", np.arange(count) % 3)
    explorer = vae_nb.latent_explorer(vae, images, labels, **options)
    return explorer.save(folder / "page.html")
