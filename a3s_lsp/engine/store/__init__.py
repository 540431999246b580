"""Where session logs are kept: SQLite for people, memory for programs that want nothing kept."""
