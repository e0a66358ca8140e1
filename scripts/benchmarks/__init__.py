"""What `python -m scripts.benchmark NAME` measures, a module each."""
