"""`hotgraft dev`: edit, save, see the new result."""
