"""How soon the default recipe reaches the article's last loss, beside the time that the article's recipe needs for its 100 epochs.

    python benchmarks/target.py           # 3 rounds; about 6 minutes
    python benchmarks/target.py --quick   # one epoch each on digits; writes nothing

Both are measured in turn on the article's own objective and data (beta = 1/2, all 70,000 images): the article's seconds
an epoch (its second, without compilation) times 100, and ours from the call of `train` until it returns, which includes
compilation and a measurement on the test images. Then the trained model is evaluated on all the data. Writes
benchmarks/results/target.json. Leave the machine alone meanwhile.
"""

import argparse
import json
import os
import time
from dataclasses import replace

import numpy as np
from record import provenance, root, write

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
EPOCHS = 4  # of the default recipe


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one epoch each on digits; writes nothing")
    quick = parser.parse_args().quick
    from vae_nb import evaluate_elbo, load_dataset, train

    dataset = load_dataset("digits" if quick else "fashion_mnist")
    everything = replace(dataset, train_images=np.concatenate([dataset.train_images, dataset.test_images]),
                         train_labels=np.concatenate([dataset.train_labels, dataset.test_labels]))
    published = np.genfromtxt(root / "nbs" / "article_history.csv", delimiter=",", names=True)
    rounds = []
    for seed in range(1 if quick else 3):
        times = []
        for epochs in (1, 2):  # the difference is an epoch without start and end
            start = time.perf_counter()
            train(dataset, "article", epochs=epochs, seed=seed)
            times.append(time.perf_counter() - start)
        start = time.perf_counter()
        run = train(everything, epochs=1 if quick else EPOCHS, beta=0.5, seed=seed)
        seconds = time.perf_counter() - start
        loss = evaluate_elbo(run.vae, everything.train_images)["objective"]
        rounds.append({"seed": seed, "article_seconds_an_epoch": times[1] - times[0], "default_seconds": seconds, "default_loss": loss,
                       "times_faster": 100 * (times[1] - times[0]) / seconds})
        print(json.dumps(rounds[-1]), flush=True)
    results = {"what": f"the default recipe, {EPOCHS} epochs at beta = 1/2 on all images, beside 100 epochs of the article's",
               **provenance("vae_nb", "keras", "tensorflow", "numpy"), "target_loss": float(published["loss"][-1]), "epochs": run.config["epochs"],
               "median_times_faster": float(np.median([r["times_faster"] for r in rounds])), "rounds": rounds}
    if not quick:
        write("target", results)


if __name__ == "__main__":
    main()
