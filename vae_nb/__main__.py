"""`python -m vae_nb` is the command `vae_nb`."""

from .cli import main

if __name__ == "__main__":
    main()
