"""What the tests share: a folder for each case, and models that are loaded once."""

import functools

import pytest

pytest.register_assert_rewrite("command")


@pytest.fixture
def here(tmp_path, monkeypatch, tmp_path_factory):
    "A case works in a folder of its own, and decodes pictures into another."
    import vae_nb

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAE_NB_CACHE", str(tmp_path_factory.mktemp("cache")))
    # a process has its own; here the cases share it, and need not compile it again
    monkeypatch.setattr(vae_nb, "load_pretrained", pretrained())
    return tmp_path


@functools.cache
def pretrained():
    import vae_nb

    return functools.cache(vae_nb.load_pretrained)


@pytest.fixture
def eager():
    "TensorFlow runs each step as it is: to trace it takes longer than a few images."
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def no_pictures(monkeypatch):
    "Trainings draw no pictures, where these are not the point."
    import vae_nb

    monkeypatch.setattr(vae_nb, "save_pictures", lambda run, dataset, folder: [])
