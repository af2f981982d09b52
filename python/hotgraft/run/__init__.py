"""`hotgraft run`: serve the plugins of a hotgraft.toml."""
