"""The variational autoencoder you can read, run, check and ship."""

__version__ = "0.1.0"

from importlib import import_module

from ._modidx import d as _index

# Every exported name and its module, from nbdev's index. A module is imported when a name of it is first
# used, so that `import vae_nb` does not wait for TensorFlow. The command line is for the shell alone.
_module_of = {
    path.rpartition(".")[2]: module
    for module, paths in _index["syms"].items() if module != "vae_nb.cli"
    for path in paths if path.rpartition(".")[0] == module and not path.rpartition(".")[2].startswith("_")
}
__all__ = sorted(_module_of)


def __getattr__(name):
    if name in _module_of:
        return getattr(import_module(_module_of[name]), name)
    raise AttributeError(f"module 'vae_nb' has no attribute {name!r}")


def __dir__():
    return [*globals(), *__all__]
