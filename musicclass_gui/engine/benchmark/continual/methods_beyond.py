"""Methods of the continual protocol that need no training of the paper's head or go beyond the paper, and their options."""

from __future__ import annotations

from musicclass_gui.engine.benchmark.protocol import CORRECTED, PUBLISHED, Method, Option

METHODS: tuple[Method, ...] = (
    Method("class-centers", "Class centers (PCC)", "Nearest mean of a class's chunk embeddings, by Euclidean distance; no training."),
    Method("cosine-centers", "Cosine centers", "Nearest mean direction of a class's chunk embeddings."),
    Method(
        "l2p",
        "Learning to prompt (L2P)",
        "Prompts are learned inside a HuBERT such as MERT, with a head; slow, as nothing can be kept.",
        families=("hubert",),
    ),
    Method("gaussian", "Gaussian", "This program's own head: a mean per class and a shared, shrunk covariance.", paper=False),
    Method("ranpac", "RanPAC", "A fixed random projection and a ridge regression from sums; no order of the classes matters.", paper=False),
    Method("fecam", "FeCAM", "Nearest class by Mahalanobis distance, with each class's own shrunk correlations.", paper=False),
    Method("knn", "Nearest neighbours", "A vote of the nearest training files; all of their mean embeddings are kept.", paper=False),
    Method(
        "lwf",
        "Learning without forgetting",
        "Fine-tuning of the new classes' outputs that keeps the old ones as the network before gave them.",
        paper=False,
    ),
    Method(
        "der",
        "DER++",
        "Fine-tuning with a small memory of chunks, their true labels (in both modes), and the outputs they had when they were stored.",
        paper=False,
    ),
    Method("joint-seen", "Joint on seen classes", "Trained anew on all classes so far after each session: the upper bound.", paper=False),
)

_CHOSEN = "chosen on validation files of 70 GTZAN tracks and of an instrument collection, with two encoders; no test file was asked"

OPTIONS: tuple[Option, ...] = (
    Option(
        "cosine_short_centers",
        "Cosine centers shorter than 1",
        "Published code: centers are means of unit vectors that are not brought to unit length, so tight classes are favoured.",
        "bool",
        False,
        modes={PUBLISHED: True, CORRECTED: False},
    ),
    Option(
        "l2p_pool",
        "L2P: prompts in the pool",
        "Of which 5 of 5 tokens each are chosen for a chunk. The published numbers come from 10, the later code has 20.",
        "int",
        20,
        modes={PUBLISHED: 10, CORRECTED: 20},
    ),
    Option(
        "l2p_matching",
        "L2P: keys are compared by",
        "The published numbers come from cosine similarity, the later code compares by Euclidean distance.",
        "choice",
        "euclidean",
        ("cosine", "euclidean"),
        {PUBLISHED: "cosine", CORRECTED: "euclidean"},
    ),
    Option(
        "l2p_query",
        "L2P: a chunk is looked up by",
        "The mean over time of which hidden states, without prompts, is compared with the keys.",
        "choice",
        "all layers",
        ("last layer", "all layers"),
        {PUBLISHED: "last layer", CORRECTED: "all layers"},
    ),
    Option(
        "l2p_repelled_keys",
        "L2P: keys are driven away",
        "Published code: similarity to the chosen keys is added to the loss instead of taken from it, which drives them away from chunks.",
        "bool",
        False,
        modes={PUBLISHED: True, CORRECTED: False},
    ),
    Option(
        "l2p_encoder_training",
        "L2P: encoder in training mode",
        "Published code: the frozen encoder keeps dropping out units and layers while prompts are learned.",
        "bool",
        False,
        modes={PUBLISHED: True, CORRECTED: False},
    ),
    Option(
        "l2p_all_outputs",
        "L2P: old outputs in the loss",
        "Published code: the loss is over old classes too, which are then never right; the method leaves them out while it trains.",
        "bool",
        False,
        modes={PUBLISHED: True, CORRECTED: False},
    ),
    Option("l2p_key_weight", "L2P: weight of the keys", "The weight of the key loss beside the cross-entropy.", "float", 0.5),
    Option("l2p_batch_size", "L2P: batch size", "Chunks in a training step of L2P.", "int", 16),
    Option("ranpac_directions", "RanPAC: random directions", "How many random directions the embeddings are projected on.", "int", 2000),
    Option(
        "ranpac_ridge",
        "RanPAC: ridge",
        "The ridge's λ as a share of the mean diagonal of the Gram matrix; never less than 0.001 of it. 0 takes, after each session, that "
        "of 0.001, 0.01 … 10 with the least squared error on the validation files of the classes seen.",
        "float",
        0.0,
    ),
    Option(
        "fecam_shrinkage",
        "FeCAM: shrinkage",
        f"How much of the mean variance, and of the mean covariance, is added to each class's covariance. 10 was {_CHOSEN}.",
        "float",
        10.0,
    ),
    Option(
        "knn_neighbours", "Nearest neighbours: k", "How many of the nearest training files vote; 5 is usual, and was not tuned.", "int", 5
    ),
    Option("lwf_weight", "LwF: weight", "The weight of the distillation beside the cross-entropy; its authors' is 1.", "float", 1.0),
    Option("der_alpha", "DER++: α", f"The weight of the squared difference to stored outputs. 0.5 was {_CHOSEN}.", "float", 0.5),
    Option("der_beta", "DER++: β", f"The weight of the cross-entropy of stored labels. 2 was {_CHOSEN}.", "float", 2.0),
)

LEAST = {"knn_neighbours": 1, "ranpac_directions": 1, "l2p_pool": 5, "l2p_batch_size": 2}
"""The least value of whole numbers that cannot be 0."""
