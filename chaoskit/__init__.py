"""chaoskit: proof, under fault, that a system of services keeps the six rules of good communication."""

__version__ = "0.1.0"
__all__ = ["__version__"]
