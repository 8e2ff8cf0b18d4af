"""What agents tell each other: record models, their YAML form, their names and signatures."""
