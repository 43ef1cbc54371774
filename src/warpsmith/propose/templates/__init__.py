"""Parametric kernels by operator pattern: what a reference computes, read from its trace, as source."""
