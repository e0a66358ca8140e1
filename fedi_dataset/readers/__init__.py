"""Readers of exports: one a platform, each giving posts as :mod:`fedi_dataset.posts` words them."""
