"""Choi et al. 2017: its tasks, features, folds and grid, each on its own, for `protocols.transfer` to put together."""
