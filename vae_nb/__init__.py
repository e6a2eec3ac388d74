"""The variational autoencoder you can read, run, check and ship."""

__version__ = "0.1.0"

from importlib import import_module as _import_module

from ._modidx import d as _index

# Every exported name and its module; a module is imported when a name of it is first used, so
# that `import vae_nb` does not wait for TensorFlow.
_module_of = {path.rsplit(".", 1)[1]: module
              for module, symbols in _index["syms"].items() for path in symbols
              if path.count(".") == 2 and not path.rsplit(".", 1)[1].startswith("_")}
__all__ = sorted(_module_of)


def __getattr__(name):
    if name in _module_of:
        return getattr(_import_module(_module_of[name]), name)
    raise AttributeError(f"module 'vae_nb' has no attribute {name!r}")


def __dir__():
    return [*globals(), *__all__]
