"""Child agents: who they are, what they may do, and the tasks that they work on."""
