"""Continual learning of classes in sessions, as in the ISMIR 2024 paper: class orders, pools of cached embeddings, training, strategies."""
