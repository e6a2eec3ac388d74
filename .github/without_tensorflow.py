"""Print what vae_nb needs on another backend of Keras, for pip.

python -m pip install $(python .github/without_tensorflow.py jax)
python -m pip install --no-deps .
"""

import sys
from configparser import ConfigParser
from pathlib import Path

parser = ConfigParser()
parser.read(Path(__file__).resolve().parent.parent / "settings.ini", encoding="utf-8")
settings, (backend,) = parser["DEFAULT"], sys.argv[1:]
needed = []
for kind in ("", "compress_", "onnx_", f"{backend}_"):
    needed += settings[f"{kind}requirements"].split()
print(*(one for one in needed if not one.startswith("tensorflow>")))
