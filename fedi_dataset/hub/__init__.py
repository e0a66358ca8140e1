"""The Hub: a release pushed to a repository or a bucket, and what withdrew purged from it."""
