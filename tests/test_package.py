"""What a user installs, what the README promises, and training on several devices."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

root = Path(__file__).resolve().parent.parent


def test_the_wheel_holds_the_library_and_nothing_else(tmp_path):
    pip = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
    ]
    subprocess.run([*pip, "--wheel-dir", tmp_path, root], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    modules = {
        f"vae_nb/{p.name}"
        for p in (root / "vae_nb").iterdir()
        if p.suffix in (".py", ".typed")
    }
    models = {
        f"vae_nb/pretrained/{name}/{file}"
        for name in ("fashion_mnist", "fashion_mnist-article")
        for file in ("model.keras", "config.json", "history.csv", "metrics.json")
    }
    assert {n for n in names if ".dist-info/" not in n} == modules | models
    assert sum(zipfile.ZipFile(wheel).getinfo(n).file_size for n in models) < 5_000_000
    assert any(n.endswith("LICENSE") for n in names)

    zipfile.ZipFile(wheel).extractall(
        tmp_path / "installed"
    )  # a pretrained model works from there, with no project around
    code = "import vae_nb; print(vae_nb.__file__); assert vae_nb.load_pretrained().vae.sample(3, seed=0).shape == (3, 28, 28, 1)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "installed",
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith(str(tmp_path / "installed"))


def test_the_python_example_of_the_readme_runs(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", (root / "README.md").read_text(), re.S)
    assert blocks
    code = "\n".join(blocks) + '\nfigure.savefig("manifold.png")\n'
    subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True
    )
    assert (tmp_path / "manifold.png").stat().st_size > 10_000


def test_every_link_of_the_readme_leads_somewhere():
    links = re.findall(
        r"""(?:\]\(|src=")(?!https?:|#)([^)"#]+)""", (root / "README.md").read_text()
    )
    assert (
        len(links) > 10 and [link for link in links if not (root / link).exists()] == []
    )


def test_a_step_on_two_replicas_is_a_step_on_one():
    code = """
import numpy as np, tensorflow as tf, keras
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from vae_nb import VAE, build_decoder, build_encoder
images = np.random.default_rng(0).uniform(size=(64, 28, 28, 1)).astype("float32")

def step():
    vae = VAE(build_encoder(seed=0), build_decoder(seed=0))
    bias = vae.encoder.get_layer("z_log_var").bias
    bias.assign(np.full(2, -40.0))  # no noise to speak of: replicas draw different noise
    vae.compile(keras.optimizers.SGD(1e-3))
    history = vae.fit(images, batch_size=64, epochs=2, shuffle=False, verbose=0).history
    return vae.get_weights(), history

one, h1 = step()
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope(): two, h2 = step()
start = VAE(build_encoder(seed=0), build_decoder(seed=0)).get_weights()
assert max(np.abs(u - v).max() for u, v in zip(one, start)) > 1e-3
for u, v in zip(one, two): np.testing.assert_allclose(u, v, atol=2e-5)
for name in h1: np.testing.assert_allclose(h1[name], h2[name], rtol=1e-4)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
