"""Races with positive controls: what breaks when its guard is off, and holds when it is on."""
