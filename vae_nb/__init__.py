"""The variational autoencoder you can read, run, check and ship."""

__version__ = "0.1.0"

import lazy_loader

# __init__.pyi says which name is in which module; nbs/export.py writes it. A module is
# imported when a name of it is first used: `import vae_nb` does not wait for TensorFlow.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
