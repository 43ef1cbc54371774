"""The engine's own benchmark: problems and candidates as the field has them, written from a seed."""
