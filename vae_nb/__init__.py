"""The variational autoencoder you can read, run, check and ship."""

__version__ = "0.1.0"

import lazy_loader

from ._help import explain_modules

# __init__.pyi, which nbs/export.py writes, says which name is in which module. A module
# is imported when a name of it is first used: `import vae_nb` is quick.
_take, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    try:
        value = _take(name)
    except AttributeError:
        raise AttributeError(f"module 'vae_nb' has no attribute {name!r}") from None
    explain_modules()
    return value
