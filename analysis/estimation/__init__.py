"""From readings to numbers: what readouts say, joined with what may be concluded from it."""
