"""Plans: whether a prompt needs one, what its steps are, and how they are carried out."""
