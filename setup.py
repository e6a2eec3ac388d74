"""Package metadata, read from settings.ini so that nbdev and pip agree."""

import re
from configparser import ConfigParser
from pathlib import Path

from setuptools import setup

here = Path(__file__).parent
config = ConfigParser()
config.read(here / "settings.ini", encoding="utf-8")
cfg = config["DEFAULT"]


def readme() -> str:
    "README.md with links that work elsewhere, too."
    text = (here / "README.md").read_text(encoding="utf-8")
    for start, kind in ((r"\]\(", "blob"), ('src="', "raw")):
        base = f"{cfg['git_url']}/{kind}/{cfg['branch']}/"
        text = re.sub(rf"({start})(?!https?:|#)", rf"\g<1>{base}", text)
    return text


setup(
    name=cfg["lib_name"],
    version=cfg["version"],
    description=cfg["description"],
    long_description=readme(),
    long_description_content_type="text/markdown",
    author=cfg["author"],
    author_email=cfg["author_email"],
    url=cfg["git_url"],
    license="Apache-2.0",
    license_files=["LICENSE"],
    keywords=cfg["keywords"].split(),
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Education",
        "Intended Audience :: Science/Research",
        "Natural Language :: English",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
    packages=[cfg["lib_path"]],
    package_data={
        cfg["lib_path"]: ["py.typed", "*.pyi", "pretrained/*/*", "explorer_js/*"]
    },
    python_requires=f">={cfg['min_python']}",
    install_requires=cfg["requirements"].split(),
    extras_require={
        name: cfg[f"{name}_requirements"].split()
        for name in ("compress", "onnx", "jax", "torch", "docs", "dev")
    },
    entry_points={"console_scripts": cfg["console_scripts"].split()},
    zip_safe=False,
)
