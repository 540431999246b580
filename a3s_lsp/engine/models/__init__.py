"""Language models: which one is asked, and how."""
