"""Carry out what the pure core decided: build, stage, swap."""
