"""The `agent.acl` language, the settings that it describes, and what a model name stands for."""
