"""The actor runtime for Python: hosts of actors and tasks, drivers, values, the node's object store."""
