"""Keras' nets for tests: files with random weights as their publishers wrote them, and what Keras computes with them, in plain numpy.

The numpy part is a second, independent writing of each net, with maps as Keras orders them (time or bands, then channels last).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Layer = dict[str, Array]
    Net = dict[str, Layer]

CHOI_POOLS = ((2, 4), (3, 4), (2, 5), (2, 4), (4, 4))
VGG_POOLS = (((4, 1), 2), ((2, 2), 2), ((2, 2), 2), ((2, 2), 2), ((4, 4), 4))
PARTS = ("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance")


# Files


def write_keras2(path: Path, layers: dict[str, tuple[int, ...]], seed: int = 0, *, suffix: str = "") -> Path:
    """A Keras 2 file: `layers` gives the shape of each kernel, or `(channels,)` for a batch norm."""
    rng = np.random.default_rng(seed)
    with h5py.File(path, "w") as file:
        for layer, shape in layers.items():
            group = file.require_group(f"model_weights/{layer}/{layer}")
            for part, array in (norm_of(rng, shape[0]) if len(shape) == 1 else kernel_of(rng, shape)).items():
                group[f"{part}{suffix}:0"] = array.astype(np.float32)
        file["optimizer_weights/training/SGD/Variable:0"] = np.zeros(3, np.float32)
        file["optimizer_weights/SGD/iterations:0"] = np.int64(7)
    return path


def kernel_of(rng: np.random.Generator, shape: tuple[int, ...]) -> Layer:
    scale = np.sqrt(2 / np.prod(shape[:-1]))
    return {"kernel": rng.normal(0, scale, shape), "bias": rng.normal(0, 0.1, shape[-1])}


def norm_of(rng: np.random.Generator, channels: int) -> Layer:
    return {
        "gamma": rng.uniform(0.5, 1.5, channels),
        "beta": rng.normal(0, 0.2, channels),
        "moving_mean": rng.normal(0, 0.2, channels),
        "moving_variance": rng.uniform(0.5, 2, channels),
    }


def write_musicnn(path: Path, seed: int = 0) -> Path:
    shapes: dict[str, tuple[int, ...]] = {"batch_normalization": (1,)}
    for place, shape in enumerate([(7, 38, 1, 204), (7, 67, 1, 204), (128, 1, 1, 51), (64, 1, 1, 51), (32, 1, 1, 51)]):
        shapes |= {f"conv2d_{place}" if place else "conv2d": shape, f"batch_normalization_{place + 1}": shape[-1:]}
    for place, channels in enumerate([561, 64, 64]):
        shapes |= {f"midend_conv{place + 1}": (7, channels, 1, 64), f"bn_midend_conv{place + 1}": (64,)}
    shapes |= {"bn_flatpool": (1506,), "dense": (1506, 200), "bn_dense": (200,), "dense_1": (200, 50)}
    return write_keras2(path, shapes, seed, suffix="_1")


def write_vgg(path: Path, seed: int = 0) -> Path:
    shapes: dict[str, tuple[int, ...]] = {"bn_input": (1,), "output": (256, 50)}
    for place in range(5):
        shapes |= {f"{place + 1}CNN": (3, 3, 128 if place else 1, 128), f"bn_conv{place + 1}": (128,)}
    return write_keras2(path, shapes, seed, suffix="_1")


def write_choi_keras2(path: Path, seed: int = 0) -> Path:
    shapes: dict[str, tuple[int, ...]] = {"melgram": (4, 1, 1, 3), "dense_1": (32, 50)}
    for place in range(5):
        shapes |= {f"conv2d_{place + 1}": (3, 3, 32 if place else 1, 32), f"batch_normalization_{place + 1}": (32,)}
    return write_keras2(path, shapes, seed)


def write_choi_theano(path: Path, seed: int = 0) -> Path:
    """Keras 1's layout, in which batch norms have no statistics of their own."""
    rng = np.random.default_rng(seed)
    with h5py.File(path, "w") as file:
        for place in range(1, 6):
            arrays = kernel_of(rng, (3, 3, 32 if place > 1 else 1, 32))
            blocks = file.require_group("ConvBNEluDr")
            blocks[f"convolution2d_{place}_W"] = arrays["kernel"].transpose(3, 2, 0, 1).astype(np.float32)
            blocks[f"convolution2d_{place}_b"] = arrays["bias"].astype(np.float32)
            for part, array in {
                "gamma": np.ones(32),
                "beta": np.zeros(32),
                "running_mean": np.zeros(32),
                "running_std": np.ones(32),
            }.items():
                blocks[f"batchnormalization_{place}_{part}"] = array.astype(np.float32)
        file["dense_1/dense_1_W"], file["dense_1/dense_1_b"] = np.zeros((32, 50), np.float32), np.zeros(50, np.float32)
        file["melgram/param_2"] = np.zeros((257, 96), np.float32)
        file.create_group("flatten_1")
    return path


def read_keras2(path: Path) -> Net:
    """A file's arrays by layer and part."""
    net: Net = {}

    def take(name: str, item: object) -> None:
        part = next((part for part in PARTS if name.split("/")[-1].startswith(part)), "")
        if isinstance(item, h5py.Dataset) and name.startswith("model_weights/") and part:
            net.setdefault(name.split("/")[1], {})[part] = np.asarray(item, np.float64)

    with h5py.File(path) as file:
        file.visititems(take)
    return net


# What Keras computes


def conv(x: Array, layer: Layer, *, same: bool = True) -> Array:
    """`(height, width, in)` → `(height, width, out)`, correlated with the kernel; "same" puts the odd row and column at the end."""
    high, wide, _, _ = layer["kernel"].shape
    if same:
        x = np.pad(x, (((high - 1) // 2, high // 2), ((wide - 1) // 2, wide // 2), (0, 0)))
    patches = np.lib.stride_tricks.sliding_window_view(x, (high, wide), axis=(0, 1)).transpose(0, 1, 3, 4, 2)
    return np.tensordot(patches, layer["kernel"], 3) + layer["bias"]


def norm(x: Array, layer: Layer) -> Array:
    return (x - layer["moving_mean"]) / np.sqrt(layer["moving_variance"] + 1e-3) * layer["gamma"] + layer["beta"]


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def max_pool(x: Array, size: tuple[int, int], strides: tuple[int, int]) -> Array:
    windows = np.lib.stride_tricks.sliding_window_view(x, size, axis=(0, 1))[:: strides[0], :: strides[1]]
    return windows.max((3, 4))


def musicnn(net: Net, mel: Array) -> Array:
    """`(187, 96)` → `(200,)`."""
    x = norm(mel[:, :, None], net["batch_normalization"])
    front = []
    for place in range(5):
        padded = np.pad(x, ((3, 3), (0, 0), (0, 0))) if place < 2 else x
        found = relu(conv(padded, net[f"conv2d_{place}" if place else "conv2d"], same=place >= 2))
        front.append(norm(found, net[f"batch_normalization_{place + 1}"]).max(1))
    layers = [np.concatenate(front, 1)]
    for place in range(3):
        padded = np.pad(layers[-1], ((3, 3), (0, 0)))[:, :, None]
        found = norm(relu(conv(padded, net[f"midend_conv{place + 1}"], same=False)), net[f"bn_midend_conv{place + 1}"])[:, 0]
        layers.append(found + layers[-1] if place else found)
    every = np.concatenate(layers, 1)
    pooled = norm(np.stack([every.max(0), every.mean(0)], 1).reshape(-1), net["bn_flatpool"])
    return norm(relu(pooled @ net["dense"]["kernel"] + net["dense"]["bias"]), net["bn_dense"])


def vgg(net: Net, mel: Array) -> Array:
    """`(187, 96)` → `(256,)`."""
    x = norm(mel[:, :, None], net["bn_input"])
    for place, (size, stride) in enumerate(VGG_POOLS):
        x = max_pool(norm(relu(conv(x, net[f"{place + 1}CNN"])), net[f"bn_conv{place + 1}"]), size, (stride, stride))
    return x.reshape(-1)


def choi_keras2(net: Net, decibels: Array) -> Array:
    """`(96, frames)` decibels → `(5, 32)`: means of maps before they are pooled."""
    x = ((decibels - decibels.mean()) / (decibels.std() + 1e-10))[:, :, None]
    found = []
    for place, pool in enumerate(CHOI_POOLS):
        x = elu(norm(conv(x, net[f"conv2d_{place + 1}"]), net[f"batch_normalization_{place + 1}"]))
        found.append(x.mean((0, 1)))
        x = max_pool(x, pool, pool)
    return np.stack(found)


def choi_theano(path: Path, statistics: tuple[Array, Array], decibels: Array) -> Array:
    """`(96, frames)` decibels → `(5, 32)`: means of pooled maps, kernels turned round as Theano does."""
    x, found = decibels[:, :, None], []
    with h5py.File(path) as file:
        blocks = {name: np.asarray(array, np.float64) for name, array in file["ConvBNEluDr"].items()}
    for place, pool in enumerate(CHOI_POOLS):
        kernel = blocks[f"convolution2d_{place + 1}_W"][:, :, ::-1, ::-1].transpose(2, 3, 1, 0)
        layer = {part: blocks[f"batchnormalization_{place + 1}_{part}"] for part in ("gamma", "beta")}
        layer |= {"moving_mean": statistics[0][place], "moving_variance": statistics[1][place]}
        x = max_pool(elu(norm(conv(x, {"kernel": kernel, "bias": blocks[f"convolution2d_{place + 1}_b"]}), layer)), pool, pool)
        found.append(x.mean((0, 1)))
    return np.stack(found)


def elu(x: Array) -> Array:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))
