"""The processes that touch a device: torch, msgspec and the standard library only.

Empty on purpose: importing `warpsmith.worker.job` must not import torch, since the
host side does so to talk to a worker.
"""
