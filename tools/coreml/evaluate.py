"""Evaluates an ML program operation by operation in f32: the laws of MIL's documentation, in numpy."""
import math

import numpy as np

erf = np.frompyfunc(math.erf, 1, 1)


def gelu(x, mode):
    if mode != "EXACT":
        raise ValueError(f"gelu: mode {mode}")
    return 0.5 * x * (1 + erf(x / math.sqrt(2)).astype(np.float32))


def layer_norm(x, axes, gamma, beta, epsilon):
    axes = tuple(int(a) for a in axes)
    centred = x - x.mean(axis=axes, keepdims=True)
    variance = (centred * centred).mean(axis=axes, keepdims=True)
    return gamma * centred / np.sqrt(variance + epsilon) + beta


def softmax(x, axis):
    powers = np.exp(x - x.max(axis=int(axis), keepdims=True))
    return powers / powers.sum(axis=int(axis), keepdims=True)


def matmul(x, y, transpose_x, transpose_y):
    x = x.swapaxes(-1, -2) if transpose_x else x
    y = y.swapaxes(-1, -2) if transpose_y else y
    return x @ y


def gather(x, indices, axis, batch_dims, validate_indices):
    if batch_dims != 0:
        raise ValueError("gather: batch_dims is not 0")
    return np.take(x, indices, int(axis))


def slice_by_size(x, begin, size):
    return x[tuple(slice(int(b), int(b) + int(n)) for b, n in zip(begin, size))]


LAWS = {
    "add": lambda x, y: x + y,
    "mul": lambda x, y: x * y,
    "tanh": lambda x: np.tanh(x),
    "identity": lambda x: x,
    "linear": lambda x, weight, bias: x @ weight.T + bias,
    "reshape": lambda x, shape: x.reshape([int(n) for n in shape]),
    "squeeze": lambda x, axes: x.squeeze(tuple(int(a) for a in axes)),
    "transpose": lambda x, perm: x.transpose([int(p) for p in perm]),
    "gather": gather,
    "gelu": gelu,
    "layer_norm": layer_norm,
    "matmul": matmul,
    "slice_by_size": slice_by_size,
    "softmax": softmax,
}


def widen(value):
    """f16 to f32; integers and strings as they are."""
    value = np.asarray(value)
    if value.dtype.kind == "U":
        return str(value)
    return value.astype(np.float32) if value.dtype == np.float16 else value


def evaluate(package, inputs: dict) -> dict:
    """The program's outputs. Every result has the shape that the program says."""
    values = {name: widen(value) for name, value in (package.constants | inputs).items()}
    for op in package.operations:
        if op.kind not in LAWS:
            raise ValueError(f"operation {op.kind} has no law here")
        arguments = {
            name: values[of] if isinstance(of, str) else widen(of) for name, of in op.inputs.items()
        }
        result = LAWS[op.kind](**arguments)
        if result.shape != op.shapes[0]:
            raise ValueError(f"{op.outputs[0]}: shape {result.shape}, the program says {op.shapes[0]}")
        values[op.outputs[0]] = result
    return {name: values[name] for name in package.outputs}
