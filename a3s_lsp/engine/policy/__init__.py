"""What may happen without asking, what never, and who is asked about the rest."""
