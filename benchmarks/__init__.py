"""Measurements: what is fast, compared with what, in one run. They print ratios and never assert times."""
