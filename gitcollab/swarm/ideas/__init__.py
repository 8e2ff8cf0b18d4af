"""Hypotheses and insights: told, ranked, tested, taken back."""
