"""The training kernel: a PyTorch program that the LearnerActor starts and talks to in JSON lines (see `main.py`)."""
