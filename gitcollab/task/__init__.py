"""The fixed part of the research: data, tokenizer, budget and metric.

``train.py`` imports from here and from torch, nothing else; agents change ``train.py`` and never
this package, whose digest is in every result.
"""

from gitcollab.task.batches import training_batches
from gitcollab.task.data import Dataset, load
from gitcollab.task.errors import TaskError
from gitcollab.task.evaluate import evaluate_bpb
from gitcollab.task.settings import Budget, Clock, Settings, load_settings, seed

__all__ = [
    "Budget",
    "Clock",
    "Dataset",
    "Settings",
    "TaskError",
    "evaluate_bpb",
    "load",
    "load_settings",
    "seed",
    "training_batches",
]
