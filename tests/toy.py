"""A task that runs at once: the metric is a plain function of two constants and the seed."""

from __future__ import annotations

TASK = """\
schema: 1
name: toy
metric: {name: score, direction: minimize}
run: [python, train.py]
editable: [train.py]
program: train.py
budget: {seconds: 5}
timeout_seconds: 20
plausible: {min: 0.0, max_step: 5.0}
sigma: 0.002
"""

# The best RATE is 0.3. WIDTH does not matter; NOISE times the seed's last digit is added.
PROGRAM = """\
import os

RATE = 0.1   # what matters
WIDTH = 8    # what does not
NOISE = 0.0  # spread between seeds

seed = int(os.environ["GITCOLLAB_SEED"])
print("step 1 | loss: 2.5")
print("---")
print(f"score: {1 + (RATE - 0.3) ** 2 + NOISE * (seed % 10):.6f}")
print("num_steps: 1")
"""
