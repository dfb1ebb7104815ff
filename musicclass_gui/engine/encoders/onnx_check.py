"""Looking into a stranger's ONNX file before anything runs it: whole, of known operators, modest in size, with no data outside its folder.

It knows no sound and makes no session. Imports onnx, so it is only imported when a model is added or loaded.
"""

from __future__ import annotations

import math
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import onnx
from onnx import external_data_helper, shape_inference

from musicclass_gui.engine.encoders.onnx_recipe import shown
from musicclass_gui.engine.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Iterator

DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
"""Of the operators that ONNX itself defines. Others are a runtime's own, or somebody's code."""

MOST_FILE_BYTES = (1 << 31) - 1  # what protobuf can hold
MOST_DATA_BYTES = 1 << 33
_MOST_ELEMENTS = 1 << 30  # of one tensor, known beforehand
_MOST_NODES = 200_000
_DEEPEST = 16
_SMALL_BYTES = 1 << 12  # such constants may be shapes, which the inference of shapes needs


def read(path: Path) -> onnx.ModelProto:
    """The model without the data that lies in other files, if it can be run safely. Raises EncoderError."""
    model = _parsed(path)
    tensors = list(_tensors(model))
    _require_operators(model, path)
    for tensor in tensors:
        _require_right_size(tensor, path)
    if sum(_external_bytes(tensor, path) for tensor in tensors) > MOST_DATA_BYTES:
        raise EncoderError(f"“{path.name}” has more than 8 GB of data beside it, too much to be loaded.")
    _require_modest(model, path)
    return model


def data_files(path: Path) -> list[str]:
    """The names of the files in the model's folder that have parts of it. Raises EncoderError when one lies elsewhere."""
    external = [tensor for tensor in _tensors(_parsed(path)) if external_data_helper.uses_external_data(tensor)]
    return sorted({_place(tensor, path).name for tensor in external})


def ends(path: Path) -> tuple[list[int], dict[str, list[int]]]:
    """The sizes of the first input's axes, and of every output's, by name; 0 is any size. Raises EncoderError."""
    graph = _parsed(path).graph
    given = {tensor.name for tensor in graph.initializer}
    first = next((_sizes(value) for value in graph.input if value.name not in given), [])
    return first, {value.name: _sizes(value) for value in graph.output}


def _sizes(value: Any) -> list[int]:
    return [one.dim_value for one in value.type.tensor_type.shape.dim]


def _parsed(path: Path) -> onnx.ModelProto:
    try:
        if path.is_symlink():
            raise EncoderError(f"“{path}” is a link; copy the model itself into the folder.")
        if path.stat().st_size > MOST_FILE_BYTES:
            raise EncoderError(f"“{path}” has more than 2 GB, which no ONNX file can have.")
        model = onnx.load_model(path, load_external_data=False)
    except OSError as error:
        raise EncoderError(f"“{path}” cannot be read ({error.strerror or error}).") from error
    except EncoderError:
        raise
    except Exception as error:  # what protobuf raises depends on how it is built
        raise EncoderError(f"“{path}” is not a whole ONNX file; get it again.") from error
    if not model.graph.node:
        raise EncoderError(f"“{path}” is not a whole ONNX file; get it again.")
    return model


def _graphs(model: onnx.ModelProto) -> Iterator[Any]:
    """The graph, the functions, and the graphs inside their nodes."""
    waiting: list[tuple[Any, int]] = [(model.graph, 0), *((function, 0) for function in model.functions)]
    while waiting:
        graph, depth = waiting.pop()
        if depth > _DEEPEST:
            raise EncoderError("The model's loops and branches lie in each other more than 16 deep, so it is not run.")
        yield graph
        for attribute in _attributes(graph):
            waiting += [(inner, depth + 1) for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs)]


def _attributes(graph: Any) -> Iterator[Any]:
    return (attribute for node in graph.node for attribute in node.attribute)


def _tensors(model: onnx.ModelProto) -> Iterator[Any]:
    """Everything with numbers in it."""
    for graph in _graphs(model):
        if isinstance(graph, onnx.GraphProto):
            yield from graph.initializer
            for sparse in graph.sparse_initializer:
                yield from (sparse.values, sparse.indices)
        for attribute in _attributes(graph):
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for sparse in (*([attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []), *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)


def _require_operators(model: onnx.ModelProto, path: Path) -> None:
    own = {(function.domain, function.name) for function in model.functions}
    nodes = 0
    for graph in _graphs(model):
        nodes += len(graph.node)
        for node in graph.node:
            if node.domain not in DOMAINS and (node.domain, node.op_type) not in own:
                name = shown(f"{node.domain}.{node.op_type}", 80)
                raise EncoderError(f"“{path.name}” needs the operator “{name}”, which ONNX does not define; export it with ONNX's own.")
    if nodes > _MOST_NODES:
        raise EncoderError(f"“{path.name}” has {nodes:,} operators, more than can be run.")


def _require_right_size(tensor: Any, path: Path) -> None:
    """A tensor has as many bytes as its shape says."""
    if any(size < 0 for size in tensor.dims) or math.prod(tensor.dims) > MOST_DATA_BYTES:
        raise EncoderError(
            f"“{path.name}” says that “{shown(tensor.name)}” is {list(tensor.dims)[:6]} large, so it is damaged; get it again."
        )
    if external_data_helper.uses_external_data(tensor) or not tensor.HasField("raw_data"):
        return
    if len(tensor.raw_data) != _bytes_of(tensor):
        raise EncoderError(f"“{path.name}” has less or more of “{shown(tensor.name)}” than it says, so it is damaged; get it again.")


def _bytes_of(tensor: Any) -> int:
    """What its numbers take; two numbers of four bits share a byte."""
    kind = tensor.data_type
    name = onnx.TensorProto.DataType.Name(kind) if kind in onnx.TensorProto.DataType.values() else ""
    count: int = math.prod(tensor.dims)
    if name.endswith("INT4") or name == "FLOAT4E2M1":
        return (count + 1) // 2
    try:
        return count * int(onnx.helper.tensor_dtype_to_np_dtype(kind).itemsize)
    except (KeyError, TypeError, ValueError) as error:
        raise EncoderError(f"The model has numbers of a kind that is not known here ({name or kind}).") from error


def _external_bytes(tensor: Any, path: Path) -> int:
    """How much of the tensor lies in another file, which is in the folder and has it whole."""
    if not external_data_helper.uses_external_data(tensor):
        return 0
    place, said = _place(tensor, path), {entry.key: entry.value for entry in tensor.external_data}
    try:
        start, length = int(said.get("offset") or 0), int(said.get("length") or _bytes_of(tensor))
    except ValueError as error:
        raise EncoderError(f"“{path.name}” does not say where its data is in “{place.name}”; get both again.") from error
    if length != _bytes_of(tensor) or start < 0 or start + length > place.stat().st_size:
        raise EncoderError(f"“{place.name}” does not have what “{path.name}” says; get both again.")
    return length


def _place(tensor: Any, path: Path) -> Path:
    """The file that has a tensor's data: beside the model, not through a link, and nowhere else."""
    said = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
    inside = PurePosixPath(said.removeprefix("./"))
    place = path.parent / inside
    if "\\" in said or len(inside.parts) != 1 or inside.is_absolute() or ".." in inside.parts or ":" in said or place.is_symlink():
        raise EncoderError(f"“{path.name}” wants to read “{shown(said, 80)}”, which is not a file beside it, so it is not loaded.")
    if not place.is_file():
        raise EncoderError(f"“{path.name}” needs the file “{shown(said, 80)}” beside it, which is missing; copy it there.")
    return place


def _require_modest(model: onnx.ModelProto, path: Path) -> None:
    """No tensor whose shape is known beforehand is enormous. What is wrong with shapes otherwise, the runtime says."""
    known = onnx.ModelProto()
    known.CopyFrom(model)
    for tensor in _tensors(known):
        if len(tensor.raw_data) > _SMALL_BYTES:
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
    try:
        found = shape_inference.infer_shapes(known, data_prop=True).graph
    except Exception as error:
        raise EncoderError(f"“{path.name}” contradicts itself ({_first_line(error)}); export it again.") from error
    for value in (*found.value_info, *found.output, *found.input):
        sizes = [one.dim_value for one in value.type.tensor_type.shape.dim if one.HasField("dim_value")]
        if math.prod(sizes) > _MOST_ELEMENTS or min(sizes, default=0) < 0:
            raise EncoderError(
                f"“{path.name}” would make a tensor of {math.prod(sizes):,} numbers (“{shown(value.name)}”), so it is not run."
            )


def _first_line(error: Exception) -> str:
    return shown(str(error).strip().partition("\n")[0], 160)
