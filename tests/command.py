"""The command, run in this process, which has TensorFlow, or in one of its own."""

import io
import os
import subprocess
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import IO, NamedTuple
from unittest import mock

from vae_nb import cli

PRETRAINED = Path(cli.__file__).parent / "pretrained" / "fashion_mnist"
START = "from vae_nb.cli import main; main()"
UNSEEN = (  # Python does not show them, pytest does
    DeprecationWarning,
    PendingDeprecationWarning,
    ImportWarning,
    ResourceWarning,
)


class Done(NamedTuple):
    "What a command left: its exit status, and what it wrote."

    status: int
    out: str
    err: str


def stream(encoding: str, errors: str) -> io.TextIOWrapper:
    "As Python makes stdout and stderr."
    return io.TextIOWrapper(io.BytesIO(), encoding, errors, write_through=True)


def vae_nb(*arguments, encoding: str = "utf-8", to: IO[str] | None = None) -> Done:
    "The command in this process; with its stdout in a file, if there is one."
    out, err = stream(encoding, "strict"), stream(encoding, "backslashreplace")
    status = 0
    with (
        mock.patch.object(sys, "argv", ["vae_nb", *map(str, arguments)]),
        mock.patch("signal.signal"),
        redirect_stdout(to or out),
        redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        for kind in UNSEEN:
            warnings.simplefilter("ignore", kind)
        # of TensorFlow, where a test asks for eager steps
        warnings.filterwarnings("ignore", "Even though the .tf.config")
        try:
            cli.main()
        except SystemExit as e:
            assert isinstance(e.code, int)
            status = e.code
    written = [text.buffer.getvalue().decode(encoding) for text in (out, err)]  # type: ignore[attr-defined]
    return Done(status, *written)


def process(*arguments, code: str = START, **options) -> subprocess.Popen:
    "The command in a process of its own, which waits for TensorFlow again."
    command = [sys.executable, "-c", code, *map(str, arguments)]
    pipe = subprocess.PIPE
    # should Python itself crash, it says where
    options = {"env": {**os.environ, "PYTHONFAULTHANDLER": "1"}, **options}
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, **options)


def ended(started: subprocess.Popen) -> Done:
    "What a process left, once it has ended."
    out, err = started.communicate(timeout=300)
    return Done(started.returncode, out, err)


def files() -> dict[str, tuple[int, int]]:
    "What lies here, and in the cache, to see whether anything came, went or changed."
    cache = Path(os.environ["VAE_NB_CACHE"])
    half_decoded = [*cache.glob("*.*"), *cache.glob(".*")]
    return {
        str(path): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in (*Path().rglob("*"), *half_decoded)
        if not path.is_dir()
    }


def accepted(*arguments) -> str:
    "What the command says on stderr while it does as it is told."
    done = vae_nb(*arguments)
    assert done.status == 0, done.err
    return done.err


def one_line(done: Done) -> str:
    "What a command that failed said, in one line."
    assert done.status == 2, done.err
    assert done.err.startswith("vae_nb: ") and done.err.count("\n") == 1, done.err
    return done.err


def refused(*arguments, words: str, start: str = "error: ") -> str:
    "The command ends with one line that says so, and leaves everything as it was."
    before = files()
    done = vae_nb(*arguments)
    err = one_line(done)
    assert err.startswith(f"vae_nb: {start}") and words in err, err
    assert len(err) < 600 and "epoch 1" not in done.out and files() == before
    return err
