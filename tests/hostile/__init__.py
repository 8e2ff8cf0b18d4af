"""What hostile writers try, at every door."""
