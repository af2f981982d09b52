"""Pure decisions: no I/O, no clock, no threads, never the extension module."""
