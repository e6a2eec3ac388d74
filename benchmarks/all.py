"""Every benchmark, in small, in one process, to see that it works. Writes nothing.

python benchmarks/all.py --quick                # three minutes on two cores
python benchmarks/all.py --quick speed scaling  # these
"""

import argparse
import json
import sys
from importlib import import_module

from harness import timed

SCRIPTS = (
    "article",
    "recipes",
    "tuning",
    "target",
    "collapse",
    "truth",
    "throughput",
    "bound_over_time",
    "speed",
    "scaling",
    "scale",
    "backends",
    "evaluation",
    "likelihoods",
    "oddities",
    "compression",
    "own_images",
    "colour",
    "published",
    "synthesis",
    "workers",
)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", required=True)
    parser.add_argument("scripts", nargs="*", choices=("all", *SCRIPTS), default="all")
    chosen, results = parser.parse_args().scripts, {}
    for name in SCRIPTS if "all" in chosen else chosen:
        print(f"benchmarks/{name}.py --quick", file=sys.stderr)
        results[name], clock = timed(import_module(name).measure, quick=True)
        print(f"benchmarks/{name}.py: {clock['seconds']:.0f} s", file=sys.stderr)
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
