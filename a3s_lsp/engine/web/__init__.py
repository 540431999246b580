"""The web: pages, and what search engines find. Only what the person or the program allows is asked."""
