"""Rules by which others make training examples of threads, beside ours, and what each does to a tree."""
