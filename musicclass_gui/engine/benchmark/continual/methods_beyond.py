"""Methods of the continual protocol that need no training of the paper's head or go beyond the paper, and their options."""

from __future__ import annotations

from musicclass_gui.engine.benchmark.protocol import CORRECTED, PUBLISHED, Method, Option

METHODS: tuple[Method, ...] = (
    Method("class-centers", "Class centers (PCC)", "Nearest mean of a class's chunk embeddings, by Euclidean distance; no training."),
    Method("cosine-centers", "Cosine centers", "Nearest mean direction of a class's chunk embeddings."),
    Method("gaussian", "Gaussian", "This program's own head: a mean per class and a shared, shrunk covariance.", paper=False),
    Method("ranpac", "RanPAC", "A fixed random projection and a ridge regression from sums; no order of the classes matters.", paper=False),
    Method("fecam", "FeCAM", "Nearest class by Mahalanobis distance, with each class's own shrunk correlations.", paper=False),
    Method("knn", "Nearest neighbours", "A vote of the nearest training files; all of their mean embeddings are kept.", paper=False),
)

OPTIONS: tuple[Option, ...] = (
    Option(
        "cosine_short_centers",
        "Cosine centers shorter than 1",
        "Published code: centers are means of unit vectors that are not brought to unit length, so tight classes are favoured.",
        "bool",
        False,
        modes={PUBLISHED: True, CORRECTED: False},
    ),
    Option("ranpac_directions", "RanPAC: random directions", "How many random directions the embeddings are projected on.", "int", 2000),
    Option(
        "ranpac_ridge",
        "RanPAC: ridge",
        "The ridge's λ as a share of the mean diagonal of the Gram matrix; never less than 0.001 of it.",
        "float",
        0.001,
    ),
    Option(
        "fecam_shrinkage",
        "FeCAM: shrinkage",
        "How much of the mean variance, and of the mean covariance, is added to each class's covariance.",
        "float",
        1.0,
    ),
    Option("knn_neighbours", "Nearest neighbours: k", "How many of the nearest training files vote.", "int", 5),
)
