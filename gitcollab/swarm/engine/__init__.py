"""What a machine that is lent does by itself: choose, run, publish, and again."""
