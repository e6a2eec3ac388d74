"""Chromium, or Chrome, without a window: apt-get install chromium chromium-driver."""

import os
import shutil
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

BUSY = 120  # seconds: a busy machine takes its time over a page of equations
FLAGS = """
headless no-sandbox disable-gpu disable-dev-shm-usage disable-quic no-first-run
disable-sync disable-background-networking disable-component-update
window-size=1300,900
"""


def started(profile: Path) -> webdriver.Chrome:
    "A browser that shares nothing, with a log of what it asks the network for."
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
    options.add_argument(f"--user-data-dir={profile}")
    browser = webdriver.Chrome(options=options, service=Service(driver))
    browser.set_script_timeout(BUSY)
    return browser
