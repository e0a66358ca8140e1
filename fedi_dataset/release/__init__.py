"""The release: its shards, card and manifest, how it is changed, and how it is checked."""
