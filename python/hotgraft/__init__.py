"""Replace native plugins inside a running process: calls keep flowing, state stays."""
