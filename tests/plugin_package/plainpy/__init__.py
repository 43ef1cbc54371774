"""Kernels as functions of one Python number, and problems as one-line formulas.

A package that somebody else could have written: it uses Warpsmith and Warpsmith does not know it.
"""
