"""Skills: texts that tell an agent how to do something, found when they are needed."""
