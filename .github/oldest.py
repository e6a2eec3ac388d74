"""Print the oldest versions that settings.ini allows, as constraints for pip.

python .github/oldest.py > oldest.txt
make test VENV=.venv-oldest CONSTRAINTS=oldest.txt
"""

from configparser import ConfigParser
from pathlib import Path

settings = ConfigParser()
settings.read(Path(__file__).resolve().parent.parent / "settings.ini", encoding="utf-8")
for requirement in settings["DEFAULT"]["requirements"].split():
    name, _, versions = requirement.partition(">=")
    print(f"{name}=={versions.split(',')[0]}")
