"""The actor runtime for Python: values, the node's object store."""
