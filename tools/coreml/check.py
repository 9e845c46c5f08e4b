"""What can be known of a package without a Mac. check() returns one sentence for each fault."""
import collections

import numpy as np
from coremltools import proto

from evaluate import evaluate
from graph import const_name, inputs, outputs
from package import Package
from weights import Weights

MULTI_ARRAY = proto.FeatureTypes_pb2.ArrayFeatureType
TYPES = {np.int32: MULTI_ARRAY.INT32, np.float16: MULTI_ARRAY.FLOAT16}


def operations(weights: Weights) -> dict:
    """How often each operation must stand in the program."""
    layers = int(weights.facts["layers"])
    ends = 0 if weights.is_block else 1  # embeddings and pooler
    return {
        "gather": 2 * ends,
        "layer_norm": ends + 2 * layers,
        "linear": 6 * layers + ends,
        "matmul": 2 * layers,
        "softmax": layers,
        "gelu": layers,
        "tanh": ends,
    }


def fault_of_operations(package: Package, weights: Weights):
    found = collections.Counter(op.kind for op in package.operations)
    for kind, count in operations(weights).items():
        if found[kind] != count:
            yield f"{found[kind]} operations {kind}, expected {count}"
    for op in package.operations:
        if op.types[0] != np.float16:
            yield f"{op.outputs[0]} is {np.dtype(op.types[0])}, expected f16"


def fault_of_features(package: Package, weights: Weights):
    wanted = {
        name: (shape, TYPES[kind]) for name, (shape, kind) in (inputs(weights) | outputs(weights)).items()
    }
    features = [*package.description.input, *package.description.output]
    found = {
        f.name: (tuple(f.type.multiArrayType.shape), f.type.multiArrayType.dataType) for f in features
    }
    if found != wanted:
        yield f"inputs and outputs {found}, expected {wanted}"


def fault_of_weights(package: Package, weights: Weights):
    """Matrices bit for bit, as make_bert wrote them; vectors as f16 rounds them."""
    for name, tensor in weights.tensors.items():
        if name.startswith("wattline."):
            continue
        if name == "embeddings.position_embeddings.weight":
            tensor = tensor[: weights.tokens][np.newaxis]
        found = package.constants.get(const_name(name))
        want = tensor.astype(np.float16)
        if found is None or found.dtype != np.float16 or found.shape != want.shape:
            yield f"{name}: no f16 constant of the shape {want.shape}"
        elif not np.array_equal(found.view(np.uint16), want.view(np.uint16)):
            yield f"{name}: other bits than make_bert's"


def relative_rms(got, want) -> float:
    return float(np.sqrt(np.mean((got - want) ** 2) / np.mean(want**2)))


def error_of_answer(package: Package, weights: Weights) -> float:
    """Of the program, evaluated in f32, against the double-precision reference of kernels/."""
    given = {
        name: weights.tensors[f"wattline.{name}"][np.newaxis].astype(kind)
        for name, (_, kind) in inputs(weights).items()
    }
    found = evaluate(package, given)
    rows = [found[name].reshape(-1, weights.model_dim) for name in outputs(weights)]
    got = np.concatenate(rows)
    return relative_rms(got.astype(np.float64), weights.tensors["wattline.answer"])


def check(package: Package, weights: Weights) -> list[str]:
    faults = [
        *fault_of_operations(package, weights),
        *fault_of_features(package, weights),
        *fault_of_weights(package, weights),
    ]
    if not faults:
        # Biases and norms are rounded to f16, and so the bound is that of f16.
        error, bound = error_of_answer(package, weights), weights.number("tolerance_f16")
        if not error <= bound:
            faults.append(f"rms error {error:.2g} of the answer's rms, tolerance {bound:.2g}")
    return faults
