"""What hotgraft costs, measured: `hotgraft bench` runs it from a checkout and from an installed wheel alike."""
