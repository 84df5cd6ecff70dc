"""The version of this package. It is written here and nowhere else."""

from typing import Final

__version__: Final[str] = "0.1.0"
