"""What to try of the engine's own: values of constants, from all that the hub's results say."""
