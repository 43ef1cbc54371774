"""The nouns, and the few mechanisms every layer shares.

Nothing here does I/O, imports torch, reads a clock or looks at the environment.
"""
