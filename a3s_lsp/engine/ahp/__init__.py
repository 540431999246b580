"""AHP: supervisors outside of the process, called harnesses, that see every step of a session and may stop it."""
