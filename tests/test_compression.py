"""Compressed files: round trips, the same bytes everywhere, and files gone wrong."""

import hashlib
import os
import struct
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command import PRETRAINED, accepted, refused, vae_nb
from damage import changed, resealed
from pictures import photo, saved
from threadpoolctl import threadpool_limits

import vae_nb as library
from vae_nb.exact import ExactNetwork

pytestmark = pytest.mark.usefixtures("here")
rng = np.random.default_rng(0)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    "Runs on a few noisy pictures, of 12x10: levels in grey, levels in colour."
    place, trained = tmp_path_factory.mktemp("runs"), {}
    soft = rng.uniform(size=(120, 1, 10, 1)) * np.linspace(0, 1, 12).reshape(-1, 1, 1)
    noisy = soft + 0.05 * rng.normal(size=(120, 12, 10, 3))
    images = np.round(255 * noisy.clip(0, 1)).astype("uint8")
    for name, likelihood, channels in (
        ("grey", "mixture_of_logistics", 1),
        ("colour", "discretized_logistic", 3),
    ):
        np.save(place / "x.npy", images[..., :channels])
        dataset = library.load_dataset(place / "x.npy")
        settings = dict(epochs=4, batch_size=16, latent_dim=3, learning_rate=1e-3)
        run = library.train(dataset, likelihood=likelihood, **settings)
        (place / name).mkdir()
        library.save_run(run, place / name)
        trained[name] = replace(run, path=place / name), images[..., :channels]
    return trained


@pytest.mark.parametrize("kind", ["grey", "colour"])
@pytest.mark.parametrize("count", [1, 2, 120])
def test_images_come_back_to_the_last_bit(runs, kind, count):
    run, images = runs[kind]
    data = library.compress(run.vae, images[:count])
    back = library.decompress(run.vae, data)
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, images[:count])
    assert library.compress(run.vae, images[:count] / np.float32(255)) == data


def test_any_pixels_come_back_and_cost_a_bounded_price(runs):
    vae = runs["grey"][0].vae
    noise = rng.integers(0, 256, (40, 12, 10, 1), dtype="uint8")
    data = library.compress(vae, noise)
    np.testing.assert_array_equal(library.decompress(vae, data), noise)
    assert len(data) < 4 * noise.size


def test_black_and_white_images_of_a_model_of_coins():
    vae = library.load_pretrained().vae
    images = np.uint8(255) * (rng.uniform(size=(5, 28, 28, 1)) < 0.3)
    data = library.compress(vae, images)
    np.testing.assert_array_equal(library.decompress(vae, data), images)
    with pytest.raises(ValueError, match="black and white"):
        library.compress(vae, images // 2)


def test_the_length_is_the_bound(runs):
    for run, images in runs.values():
        many = np.concatenate([images] * 4)
        size = 8 * len(library.compress(run.vae, many))
        nats = library.evaluate_elbo(run.vae, many / np.float32(255))["negative_elbo"]
        assert abs(size / (len(many) * nats / np.log(2)) - 1) < 0.01


def digest(vae, images) -> str:
    return hashlib.sha256(library.compress(vae, images)).hexdigest()


def test_threads_and_batches_do_not_change_a_byte(runs, monkeypatch):
    for run, images in runs.values():
        with threadpool_limits(1):
            found = {digest(run.vae, images)}
        with threadpool_limits(2):
            found.add(digest(run.vae, images))
        for at_once in (1, 7):
            call = ExactNetwork.__call__
            with monkeypatch.context() as patch:
                one = lambda self, x, call=call, n=at_once: call(self, x, n)  # noqa: E731
                patch.setattr(ExactNetwork, "__call__", one)
                found.add(digest(run.vae, images))
        assert len(found) == 1


def test_a_run_that_was_saved_reads_its_file_in_another_process(runs):
    run, images = runs["colour"]
    Path("x.vae").write_bytes(library.compress(run.vae, images, model="colour"))
    code = "import sys; from vae_nb.cli import main; main()"
    arguments = ["decompress", "x.vae", str(run.path), "--out", "x.npy"]
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, env=env)
    np.testing.assert_array_equal(np.load("x.npy"), images)


NAMES = (
    "кошки/серая.png",
    "кошки/2/猫 10.png",
    "כלבים/a.jpg",
    "כלבים/a.png",
    os.fsdecode(b"not \xff utf-8/1.png"),
    os.fsdecode(b"not \xff utf-8/2.png"),
)


def folder_of_many() -> None:
    "Pictures of other sizes and colours, with names in other scripts."
    for i, name in enumerate(NAMES):
        path = Path("photos", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = "JPEG" if name.endswith("jpg") else "PNG"
        path.write_bytes(saved(photo("RGB", (10 + 7 * i, 12 + i)), kind))


def test_a_folder_comes_back_with_its_names(runs):
    run, _ = runs["grey"]
    folder_of_many()
    accepted("compress", run.path, "photos", "--out", "photos.vae")
    accepted("decompress", "photos.vae", run.path, "--out", "back")
    taken = library.load_images("photos", (12, 10), channels=1)
    assert sorted(taken.names) == sorted(NAMES)
    back = library.load_images("back", channels=1)
    wanted = dict(zip(taken.names, np.asarray(taken.images)))
    for name, image in zip(back.names, np.asarray(back.images)):
        name = name if name in wanted else name.removesuffix(".png")
        np.testing.assert_array_equal(image, wanted.pop(name))
    assert not wanted
    accepted("decompress", "photos.vae", run.path, "--out", "back.npz")
    with np.load("back.npz") as arrays:
        assert list(arrays["names"]) == taken.names
        kept = arrays["class_names"][arrays["labels"]]
        assert list(kept) == [taken.class_names[label] for label in taken.labels]


def test_names_that_count_on_take_no_room(runs):
    run, images = runs["grey"]
    names = [f"test/{i:03}" for i in range(120)]
    named = library.compress(run.vae, images, names=names)
    assert len(named) < len(library.compress(run.vae, images)) + 20
    assert library.read_compressed(run.vae, named).names == names


def test_a_hundred_damaged_files_are_refused(runs):
    run, images = runs["grey"]
    data = library.compress(run.vae, images[:9], names=[str(i) for i in range(9)])
    for seed in range(100):
        wrong = changed(data, seed)
        for damaged in (wrong, resealed(wrong)):
            if damaged == data:
                continue
            try:
                back = library.decompress(run.vae, damaged)
            except ValueError as e:
                assert "\n" not in str(e) and len(str(e)) < 300
            else:  # only a name or a model's name was changed
                assert damaged != wrong
                np.testing.assert_array_equal(back, images[:9])


HEAD = struct.Struct("<8sH32sI3HII")
FIELDS = "magic version sha256 images height width channels classes about".split()


def altered(data: bytes, **fields) -> bytes:
    "The same file with other numbers in its head."
    head = dict(zip(FIELDS, HEAD.unpack_from(data))) | fields
    return resealed(HEAD.pack(*head.values()) + data[HEAD.size :])


def bomb(data: bytes) -> bytes:
    "Names that unpack to 256 MB."
    about = zlib.compress(bytes(2**28), 9)
    long = altered(data, about=len(about), images=10**6)
    return resealed(long[: HEAD.size] + about + bytes(8) + b"....")


HOSTILE = {
    "a picture": (lambda data: saved(photo()), "not written by vae_nb compress"),
    "nothing": (lambda data: b"", "not written by vae_nb compress"),
    "its beginning": (lambda data: data[:30], "cut short"),
    "cut": (lambda data: data[:-9], "damaged or cut short"),
    "longer": (lambda data: data + b"more", "damaged or cut short"),
    "another version": (lambda data: altered(data, version=9), "newer vae_nb"),
    "no images": (lambda data: altered(data, images=0), "makes no sense"),
    "too many": (lambda data: altered(data, images=2**32 - 1), "makes no sense"),
    "more than it has": (lambda data: altered(data, images=10**7), "names are not"),
    "other sides": (lambda data: altered(data, height=10, width=12), "no sense"),
    "a long about": (lambda data: altered(data, about=2**32 - 4), "makes no sense"),
    "a model of others": (
        lambda data: altered(data, sha256=bytes(32)),
        "made with another model",
    ),
    "a bomb": (bomb, "names are not those of its images"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_in_a_line(runs, kind):
    run, images = runs["grey"]
    data = library.compress(run.vae, images[:9], names=[str(i) for i in range(9)])
    make, words = HOSTILE[kind]
    Path("x.vae").write_bytes(make(data))
    refused("decompress", "x.vae", run.path, "--out", "back", words=words)


def test_more_images_than_the_stack_holds_are_refused(runs):
    run, images = runs["grey"]
    data = altered(library.compress(run.vae, images[:9]), images=10**7)
    with pytest.raises(ValueError, match="other images than it says"):
        library.decompress(run.vae, data)


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a/../../x", "..", "a/\0b"])
def test_names_do_not_lead_out_of_the_folder(runs, name):
    run, images = runs["grey"]
    if "\0" in name:
        with pytest.raises(ValueError, match="zero byte"):
            library.compress(run.vae, images[:1], names=[name])
        return
    Path("x.vae").write_bytes(library.compress(run.vae, images[:1], names=[name]))
    refused("decompress", "x.vae", run.path, "--out", "back", words="not in a folder")


@pytest.mark.parametrize("names", [["a", "a"], ["a.png", "a.png/b"]])
def test_names_that_cannot_all_be_files_are_refused(runs, names):
    run, images = runs["grey"]
    Path("x.vae").write_bytes(library.compress(run.vae, images[:2], names=names))
    words = "write them to a .npz file"
    refused("decompress", "x.vae", run.path, "--out", "back", words=words)


def test_the_wrong_model_is_named_and_refused(runs):
    (grey, images), (colour, _) = runs.values()
    data = library.compress(grey.vae, images[:3], model="a run of mine")
    Path("x.vae").write_bytes(data)
    words = "another model (a run of mine)"
    refused("decompress", "x.vae", colour.path, "--out", "back", words=words)
    refused("decompress", "x.vae", "--out", "back", words="a run called 'a run of mi")
    refused("decompress", "x.vae", grey.path, "--out", "no/x", words="no folder no")
    refused("decompress", "nothing.vae", words="there is no file nothing.vae")
    np.save("x.npy", images[..., 0])
    refused("compress", PRETRAINED, "x.npy", "--out", "y.vae", words="black and white")
    refused("compress", grey.path, "x.npy", "--out", "y.zip", words="end in .vae")


@pytest.mark.parametrize(
    "kept, words",
    [
        (dict(names=["a"]), "1 names for 3 images"),
        (dict(names=["a", "", "b"]), "an empty name"),
        (dict(labels=[0, 1]), "2 labels for 3 images"),
        (dict(labels=[0, 0, 0]), "not all numbers below 0"),
        (dict(labels=[0, 2, 0], class_names=["a", "b"]), "not all numbers below 2"),
        (dict(labels=[0, -1, 0], class_names=["a", "b"]), "not all numbers below 2"),
    ],
)
def test_names_and_labels_must_be_those_of_the_images(runs, kept, words):
    run, images = runs["grey"]
    with pytest.raises(ValueError, match=words):
        library.compress(run.vae, images[:3], **kept)


def test_a_model_without_probabilities_cannot_compress():
    vae = library.VAE(
        library.build_encoder((8, 8, 1)),
        library.build_decoder((8, 8, 1), params_per_pixel=2),
        library.Gaussian(),
    )
    with pytest.raises(ValueError, match="Gaussian gives no probabilities"):
        library.compress(vae, np.zeros((1, 8, 8, 1)))


def test_without_constriction_it_says_what_to_install(runs, monkeypatch):
    monkeypatch.setitem(sys.modules, "constriction", None)
    run, images = runs["grey"]
    np.save("x.npy", images)
    words = "pip install 'vae_nb[compress]'"
    refused("compress", run.path, "x.npy", "--out", "x.vae", words=words)


def test_the_head_is_as_documented(runs):
    run, images = runs["grey"]
    data = library.compress(run.vae, images[:3])
    head = HEAD.unpack_from(data)
    assert head[0] == b"\x89VAE\r\n\x1a\n" and head[3:7] == (3, 12, 10, 1)
    assert vae_nb("compress", "--help").out.count(".vae")
