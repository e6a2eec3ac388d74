"""What the pages say in words, held against the outputs and results that they show.

The notebooks' own assertions are about what they compute. Here each claim is quoted and
checked for every point of its series, as saved: neither the words nor the figures can
be changed alone. If you say it in other words, look at its check, and quote them here.
"""

import csv
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from vae_nb.recipes import RECIPES

root = Path(__file__).resolve().parent.parent
NUMBER = r"([-−+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?)"


@cache
def cells(page: str) -> list[dict]:
    (path,) = (root / "nbs").glob(f"{page}_*.ipynb")
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def text(output: dict) -> str:
    data = output.get("data", {})
    shown = data.get("text/markdown") or data.get("text/plain") or output.get("text")
    return "".join(shown or "")


def shown(page: str, cell: str) -> str:
    "What a cell shows, as it was saved."
    (found,) = (c for c in cells(page) if c["id"] == cell)
    return "\n".join(map(text, found["outputs"]))


def prose(page: str) -> str:
    "All text of a page, that of its cells' outputs too, on one line."
    parts = []
    for cell in cells(page):
        if cell["cell_type"] == "markdown":
            parts.append("".join(cell["source"]))
        parts += map(text, cell.get("outputs", []))
    return " ".join(" ".join(parts).split())


def numbers(where: str, pattern: str = "#") -> np.ndarray:
    "Every number that stands at # in a pattern, in order; (n, k) if there are k of #."
    found = re.findall(pattern.replace("#", NUMBER), where, re.M)
    if not found:
        raise AssertionError(f"there is no {pattern!r} in {where[:80]!r}")
    return np.array(
        [
            [_number(part) for part in one] if isinstance(one, tuple) else _number(one)
            for one in found
        ]
    )


def _number(written: str) -> float:
    return float(written.replace(",", "").replace("−", "-"))


def table(page: str, cell: str) -> dict[str, list[str]]:
    "The rows of a table by their first entries."
    lines = [line for line in shown(page, cell).splitlines() if line.startswith("|")]
    rows = [[entry.strip() for entry in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:] for row in rows[2:]}


@cache
def result(name: str) -> dict:
    path = root / "benchmarks" / "results" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def column(path: str, name: str) -> np.ndarray:
    with open(root / path, newline="", encoding="utf-8") as f:
        return np.array([float(row[name]) for row in csv.DictReader(f)])


def falls(series) -> bool:
    return bool((np.diff(series) < 0).all())


CLAIMS: list = []


def claim(page: str, words: str) -> Callable:
    "The function below checks these words of a page."

    def add(check: Callable) -> Callable:
        CLAIMS.append(pytest.param(page, words, check, id=f"{page}-{check.__name__}"))
        return check

    return add


@pytest.mark.parametrize("page, words, check", CLAIMS)
def test_a_page_says_what_it_shows(page, words, check):
    assert words in prose(page)
    check()


# 04a and 05: likelihoods, training, runs


@claim("04a", "under each of the first five (the mixture was added later)")
def five_likelihoods():
    rows = table("04a", "table")
    assert len(rows) == 5 and "mixture_of_logistics" not in rows


@claim(
    "04a", "its KL is larger than any other's, and its squared error more than twice"
)
def continuous_bernoulli():
    kl, error = (
        {name: _number(row[i]) for name, row in table("04a", "table").items()}
        for i in (2, 4)
    )
    assert max(kl, key=kl.__getitem__) == "continuous_bernoulli"
    assert max(error, key=error.__getitem__) == "continuous_bernoulli"
    assert error["continuous_bernoulli"] > 2 * error["bernoulli"]


@claim("04a", "their headers counted")
def density_has_no_bits():
    rows = table("04a", "table")
    assert [rows[n][3] for n in ("bernoulli", "gaussian")] == ["—", "—"]


@claim("05", "There are four: the article's, our default, one for the bound")
def four_recipes():
    assert list(RECIPES) == ["article", "default", "binarized", "8bit"]


@claim("05a", "There are four.")
def four_recipes_again():
    assert "Where we are Four recipes" in prose("05a") and len(RECIPES) == 4


@claim("05", "further apart; from the second on they agree within two nats")
def first_epochs():
    theirs, here = numbers(shown("05", "0f9d8d22"), r"article #, here #").T
    apart = np.abs(theirs - here)
    assert len(apart) == 3 and apart[0] > 2 and (apart[1:] < 2).all()
    assert np.allclose(theirs, column("nbs/article_history.csv", "loss")[:3], atol=0.01)


@claim("05", "below the first")
def behind_the_article():
    ((loss, first),) = numbers(
        shown("05", "0f5523e4"), "epochs: #, below the first # of"
    )
    log = column("nbs/article_history.csv", "loss")
    assert (log[: int(first)] > loss).all() and log[int(first)] <= loss


@claim("05b", "Five finished runs come with the library")
def cards():
    said = re.findall(
        r"^(\S+): .* (\d+) epochs.*\n.* ([\d.]+) nats", shown("05b", "85add7f9"), re.M
    )
    assert len(said) == 5
    for name, epochs, bound in said:
        folder = root / "vae_nb" / "pretrained" / name
        config = json.loads((folder / "config.json").read_text())
        metrics = json.loads((folder / "metrics.json").read_text())
        assert int(epochs) == config["epochs"]
        assert float(bound) == round(metrics["negative_elbo"], 2)


@claim("05c", "stops when it has not fallen for two epochs. The run keeps the weights")
def patience():
    line = shown("05c", "validation-check").splitlines()[-1]
    losses, kept = numbers(line.partition("(")[0]), numbers(line, r"epoch # kept")
    best = np.argmin(losses) + 1
    assert len(losses) == best + 2 < 40 and kept == best


# 07: log p(x)


@claim(
    "07",
    "For half of these images it is more than one standard deviation, for the "
    "pullover with a print on it more than nine.",
)
def where_q_lies():
    away = numbers(shown("07", "posterior-distance"))
    assert 2 * (away > 1).sum() == len(away) == 6
    assert away.argmax() == 2 and away[2] > 9  # one of each class: 2 is the pullover


@claim("07", "For the first image $p(x)$ is about $e^{-270}$")
def first_image():
    assert np.round(numbers(shown("07", "bayes"), r"log p\(x\) = #")) == -270


@claim("07", r"on clothes, too, $\mathrm{IWAE}_k$ rises with $k$")
def bound_rises():
    k, value, below = numbers(
        shown("07", "rising-clothes"), r"k = +#: # nats, # below"
    ).T
    assert list(k) == [1, 10, 100, 1000] and falls(-value) and falls(below)
    assert (below > 0).all()


@claim("07", "what that image loses in the bound")
def three_sources():
    rows = numbers(
        shown("07", "identity-clothes"),
        r"log p\(x\) +# +ELBO +# ± # +difference +# +KL on the grid +#",
    )
    truth, elbo, error, gap, kl = rows.T
    assert len(rows) == 6 and (gap > 0).all()
    assert np.allclose(truth - elbo, gap, atol=0.011)
    assert (np.abs(gap - kl) < 4.5 * error + 0.02).all()


@claim("07", "A thousand draws narrow the gap, but do not close it.")
def draws():
    for column, model in ((1, "fashion_mnist"), (3, "fashion_mnist-article")):
        rows, found = table("07", "measured-table"), result("evaluation")["models"]
        below = [_number(row[column]) for name, row in rows.items() if "IWAE" in name]
        exact = [one["below_exact"]["mean"] for one in found[model]["iwae"].values()]
        assert falls(below) and below[-1] > 1 and np.allclose(below, exact, atol=6e-4)


@claim(
    "07",
    "For half of the images the bound is within a nat of the truth; the quarter "
    "with the widest gaps carries more than half of the mean.",
)
def gaps():
    gap = result("evaluation")["models"]["fashion_mnist"]["gap"]
    quantiles = gap["quantiles_5_25_50_75_95"]
    most = np.dot([0.05, 0.2, 0.25, 0.25], quantiles[:4])  # of the lower three quarters
    assert quantiles[2] < 1 and most < gap["mean"] / 2
    said = numbers(
        shown("07", "measured-check"), r"by # nats on average, by less than #"
    )
    assert np.allclose(said, [[gap["mean"], quantiles[2]]], atol=0.006)


@claim("07a", "The error of the difference is a fraction of those of the two means")
def paired_errors():
    means = numbers(shown("07a", "fair"), r"^(?:default|article's): # ± # nats")
    ((more, error),) = numbers(shown("07a", "fair"), "better by # ± # nats")
    assert np.isclose(means[0, 0] - means[1, 0], more, atol=0.011)
    assert error < means[:, 1].min() / 2 and more > 4 * error


# 08 and 09: which β, and what goes wrong


@claim("08", "with every step of β the KL falls, and the codes draw together")
def kl_falls():
    beta, kl = numbers(shown("08", "f8eac5c0"), "β = #: #").T
    spread = numbers(shown("08", "f8eac5c0").partition("codes:")[2])
    assert len(beta) == len(spread) == 7
    assert falls(-beta) and falls(kl) and falls(spread)


def kls_by_series() -> dict:
    "The KL at each β, by data, latents, warm-up and seed."
    found: dict = {}
    for row in result("collapse")["rows"]:
        key = row["data"], row["latent_dim"], row["kl_warmup"], row["seed"]
        found.setdefault(key, []).append((row["beta"], row["kl"]))
    return {key: [kl for _, kl in sorted(pairs)] for key, pairs in found.items()}


@claim("08", "trainings below not one collapses, with a warm-up or without")
def none_collapses():
    assert all(row["active_latents"] for row in result("collapse")["rows"])


@claim("08", "up to β = 1 the KL of every seed is larger")
def warm_up():
    kls, compared = kls_by_series(), 0
    for key, without in kls.items():
        if key[:3] == ("fashion_mnist", 16, 0.0):
            with_one = kls["fashion_mnist", 16, 0.1, key[3]]
            assert (np.array(with_one[:2]) > without[:2]).all()
            compared += 1
    assert compared == 3


@claim(
    "08",
    "With a warm-up the KL falls with each step of β, in every series. Without one it "
    "rises once: for the clothes with 2 latents, from β = ½ to 1, in one seed of "
    "three.",
)
def one_exception():
    rises = {key: list(np.diff(kl) >= 0) for key, kl in kls_by_series().items()}
    found = {key[:3]: rose for key, rose in rises.items() if any(rose)}
    assert found == {("fashion_mnist", 2, 0.0): [True, False, False]}
    assert len(rises) == 18 and sum(key[2] > 0 for key in rises) == 9


@claim("08", "## Twelve losses")
def sources():
    rows = table("08", "5a17e7a5")
    where = [re.search(r"/blob/[0-9a-f]{40}/.*#L\d+-L\d+\)", name) for name in rows]
    assert len(rows) == 12 and [name for name, at in zip(rows, where) if not at] == [
        "the article"
    ]


@claim(
    "09",
    "- Some of these faults make the loss *better*: a mean for a sum, pixels to "
    "255, test images in training.",
)
def better_losses():
    kl, total = numbers(shown("09", "6b5d5353"), "reconstruction #, KL #")
    assert kl[0] + kl[1] / 16 < total.sum()  # what each prints as its loss
    assert numbers(shown("09", "f7f23fa1"), "to 255: #, #, #, #").min() < 0
    seen, new = numbers(shown("09", "b26625cc"), "ELBO: # if .* # if not")[0]
    assert seen < new


@claim("09", "trained with the same noise for an image in every epoch")
def eighth_exhibit():
    same, new = numbers(shown("09", "frozen-training"), "loss #, with other draws #")
    assert same[1] - same[0] > 2 > abs(new[1] - new[0])


# 10: images of your own


@claim("10", "nearly all weights sat in two dense layers around 256 numbers")
def weights_of_the_first_default():
    first = result("colour")["emoji"]["runs"][0]
    assert 2 * 256 * (16 * 16 * 32) > 0.95 * first["parameters"]


@claim(
    "10",
    "The squared error is smaller for every set. Bits are another matter: for the "
    "photographs at 64×63 the first default needs fewer.",
)
def colour():
    found = result("colour")
    for kind in ("emoji", "photos", "large", "grey"):
        runs = found[kind]["runs"]
        for before, now in zip(runs[::2], runs[1::2]):
            assert now["squared_error"] < before["squared_error"]
            if kind != "grey":
                fewer = now["bits_per_pixel_value"] < before["bits_per_pixel_value"]
                assert fewer == (kind != "photos")


@claim(
    "10",
    "From 8 to 32 latents the error falls with each doubling. 64 need more than "
    "four epochs: after forty, as above, their error is less than a third of this.",
)
def more_latents():
    errors = {n: _number(row[4]) for n, row in table("10", "latents-table").items()}
    assert falls([errors[n] for n in ("8", "16", "32")]) and errors["64"] > errors["32"]
    now = result("colour")["emoji"]["runs"][1]
    assert (now["epochs"], now["latent_dim"]) == (40, 64)
    assert now["squared_error"] < errors["64"] / 3


@claim("10", "bits per pixel value (discretized_logistic)")
def bits_of_colour():
    said = numbers(prose("10"), "# nats per image, # bits per pixel value")[0]
    run = result("own_images")["colour"]
    bits = run["negative_elbo"] / np.log(2) / np.prod(run["image_shape"])
    assert np.allclose(said, [run["negative_elbo"], bits], atol=0.06)


# 80 to 82: measured


@claim(
    "80", "Losses and reconstructions agree within half a nat from the second epoch on."
)
def the_article_again():
    for name in ("loss", "reconstruction_loss"):
        ours = column("benchmarks/results/article_history.csv", name)
        apart = ours - column("nbs/article_history.csv", name)
        assert len(apart) == 100 and np.abs(apart[1:]).max() < 0.5


@claim("80", "it ends a tenth of a nat above the article's")
def kl_of_the_article():
    ours = column("benchmarks/results/article_history.csv", "kl_loss")[-1] / 2
    above = ours - column("nbs/article_history.csv", "kl_loss")[-1]
    assert 0.05 < above < 0.15


@claim("80", "Three epochs at a later commit gave the same losses within 0.2 nats")
def at_a_later_commit():
    later = result("recipes")["article"]["history"]["loss"]
    ours = column("benchmarks/results/article_history.csv", "loss")
    assert len(later) == 3 and np.allclose(later, ours[:3], atol=0.2, rtol=0)


@claim("81", "The three seeds of the kept recipe lie within three quarters of a nat")
def seeds():
    rows = table("81", "8b0c854d")
    kept = [_number(row[0]) for name, row in rows.items() if name.startswith("kept")]
    assert len(kept) == 3 and np.ptp(kept) < 0.75


@claim("81", "The largest loss comes from a decoder without Fourier features.")
def largest_loss():
    loss = {name: _number(row[0]) for name, row in table("81", "8b0c854d").items()}
    assert max(loss, key=loss.__getitem__) == "no Fourier features"


@claim("81", "batches of 128 gain a little and take a quarter more time")
def smaller_batches():
    _, more, time, _ = map(_number, table("81", "8b0c854d")["batches of 128"])
    assert -1 < more < -0.75 and 1.2 < time < 1.3


@claim(
    "81",
    "From twenty epochs to forty it is half a nat, no more than between two seeds.",
)
def forty_epochs():
    rows = table("81", "8b0c854d")
    twenty = _number(rows["twenty epochs"][0])
    forty = _number(rows["forty epochs, as the recipe has"][0])
    assert 0.4 < twenty - forty < 0.6
    assert twenty - forty < _number(rows["kept, a third seed"][1])


@claim("81", "lies more than three of these above the goal")
def paired():
    n, more, error = numbers(shown("81", "paired"), "# images: # ± # nats").T
    assert list(n) == [10_000, 200] and (more - 3 * error > 3).all()


@claim("81", "One goal is missed: without a warm-up, a step of β goes")
def goals():
    missed = [row[2] for row in table("81", "before").values() if "missed" in row[2]]
    assert missed == ["all: missed"]


@claim(
    "82",
    "Ours is ahead at every one of these moments, and after its shortest training "
    "further than any of the others after its longest.",
)
def ahead():
    ours, *others = (
        np.array([_number(entry) for entry in row[:5]])
        for row in table("82", "instead-table").values()
    )
    assert len(others) == 4 and (ours < np.min(others, axis=0)).all()
    assert ours[0] < np.min([other[-1] for other in others])


# The page that GitHub shows


def test_readme_has_the_figures_of_the_results():
    readme = (root / "README.md").read_text(encoding="utf-8")
    default, target = result("recipes")["default"], result("target")
    ((minutes, gigabytes, bound),) = numbers(
        readme, r"epochs in # minutes .* # GB of memory .* \*\*#\*\* nats"
    )
    assert minutes == round(default["seconds"] / 60, 1)
    assert gigabytes == round(default["peak_memory_mb"] / 1000, 1)
    assert bound == round(default["test"]["negative_elbo"], 2)
    faster = numbers(readme, r"median \*\*#\*\*")[0]
    assert faster == round(target["median_times_faster"])
