"""Measurements of speed, as ratios within one run, since machines differ. Run: make bench."""
