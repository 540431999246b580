"""What the model can do: one file per tool, and what all calls share."""
